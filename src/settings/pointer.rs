//! Points into a TARGET that cannot be used: the string with every part blanked that may be secret, the place, and the
//! string as it should be.

mod edit;

use self::edit::corrected;
use super::failure::{InputFailure, Misread};
use super::outline::{BLANK, Outline};

/// A place in a string that may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pointer {
    /// The string, everything that may be secret as `***`; nothing but visible ASCII.
    pub shown: String,
    /// The column of the place in it, counted from 0.
    pub column: usize,
    /// How many columns the place has, 1 or more.
    pub width: usize,
    /// What to write instead, in the same manner; None where that is not known.
    pub corrected: Option<String>,
}

impl Misread<'_> {
    /// The failure, pointing into the string that it is of.
    pub fn within(self, text: &str) -> InputFailure {
        let place = self.at.as_ptr().addr().saturating_sub(text.as_ptr().addr());
        point(self.failure, text, place.min(text.len()))
    }
}

/// Points at the value of a keyword, if the string has one.
pub fn at_value(failure: InputFailure, text: &str, keyword: &str) -> InputFailure {
    let outline = Outline::of(text);
    match outline.pieces().iter().rfind(|piece| piece.keyword == Some(keyword)) {
        Some(piece) => point(failure, text, piece.range.start),
        None => failure,
    }
}

fn point(failure: InputFailure, text: &str, place: usize) -> InputFailure {
    let outline = Outline::of(text);
    let piece = outline.pieces().iter().find(|piece| piece.range.contains(&place));
    let (shown, column) = outline.render(place);
    let width = match piece {
        Some(piece) if !piece.shown => BLANK.len(),
        Some(piece) => piece.range.end - place,
        None => 1,
    };
    let corrected = corrected(&failure, text, place);
    let width = width.min(shown.len().saturating_sub(column)).max(1);
    InputFailure::Pointed { failure: Box::new(failure), pointer: Pointer { shown, column, width, corrected } }
}
