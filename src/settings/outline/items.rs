//! The parts of strings that are made of `key=value`: libpq's, and the platform's.

use super::Outline;
use super::url::{is_secret, is_tellable};
use crate::settings::failure::{Malformed, Misread};
use crate::settings::keywords;
use crate::settings::platform::{self, Ignored, Item};

/// Takes an item off the string.
pub type Take = for<'a> fn(&'a str) -> Result<(Item<'a>, &'a str), Misread<'a>>;

impl Outline<'_> {
    /// Every item in turn, until one cannot be read or its key is not known: from there on anything may be a password.
    pub(super) fn items(&mut self, take: Take) {
        while !self.rest().is_empty() {
            let text = self.rest();
            let Ok((item, after)) = take(text) else {
                return self.broken(text);
            };
            let key = Key::of(item.key);
            if key == Key::Unknown {
                return self.hide_rest();
            }
            self.key(&item);
            let behind = text.len() - after.len();
            self.item_value(&item, key.keyword());
            // The quote that closes it, blanks and separators.
            let left = behind.saturating_sub(text.len() - self.rest().len());
            if is_secret(key.keyword()) && !is_clean(after, take) {
                return self.hide_rest();
            }
            self.show(left);
        }
    }

    /// The key, `=`, blanks, and the quote that opens the value.
    fn key(&mut self, item: &Item<'_>) {
        self.show(item.value.as_ptr().addr() - self.rest().as_ptr().addr());
    }

    fn item_value(&mut self, item: &Item<'_>, keyword: Option<&'static str>) {
        match keyword {
            Some(keyword) => self.value(item.value.len(), keyword),
            // `ValidationServerCertificate=1`
            None => self.push(item.value.len(), None, item.value == "0" || item.value == "1"),
        }
    }

    /// An item that cannot be read: its key is shown where it is one, and the quote that is never closed.
    fn broken(&mut self, text: &str) {
        let (key, value) = text.split_once('=').unwrap_or(("", text));
        let bare = key.trim_matches([' ', ';', '\n', '\t', '\r']);
        if !bare.is_empty() && Key::of(bare) != Key::Unknown {
            let blanks = value.len() - value.trim_start().len();
            self.show(key.len() + 1 + blanks + usize::from(value.trim_start().starts_with('\'')));
        }
        self.hide_rest();
    }
}

/// What a key is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Key {
    /// One that stands for a keyword.
    Of(&'static str),
    /// Another that may be told.
    Other,
    /// It may be a piece of a password.
    Unknown,
}

impl Key {
    fn of(key: &str) -> Self {
        let known = keywords::find(key).map(|keyword| keyword.name).or_else(|| platform::what(key));
        if let Some(keyword) = known {
            return Self::Of(keyword);
        }
        if is_tellable(key) {
            return keywords::nearest(key).map_or(Self::Other, Self::Of);
        }
        let told = platform::ignored(key) != Ignored::Unknown || platform::is_harmless(key);
        if told { Self::Other } else { Self::Unknown }
    }

    fn keyword(self) -> Option<&'static str> {
        match self {
            Self::Of(keyword) => Some(keyword),
            Self::Other | Self::Unknown => None,
        }
    }
}

/// Whether everything that is left can be read, with keys that are known.
fn is_clean(text: &str, take: Take) -> bool {
    let mut rest = text;
    while !rest.is_empty() {
        match take(rest) {
            Ok((item, after)) if Key::of(item.key) != Key::Unknown => rest = after,
            _ => return false,
        }
    }
    true
}

/// An item of libpq's strings. The value is as written, with its backslashes.
pub fn of_libpq(text: &str) -> Result<(Item<'_>, &str), Misread<'_>> {
    let start = text.trim_ascii_start();
    let end = start.find(|c: char| c == '=' || c.is_ascii_whitespace()).unwrap_or(start.len());
    let (key, after) = start.split_at(end);
    let Some(after) = after.trim_ascii_start().strip_prefix('=') else {
        return Err(Malformed::EqualsMissing.at(start));
    };
    let after = after.trim_ascii_start();
    let (inside, quoted) = after.strip_prefix('\'').map_or((after, false), |inside| (inside, true));
    let mut escaped = false;
    let end = inside.find(|c: char| {
        let ends = !escaped && if quoted { c == '\'' } else { c.is_ascii_whitespace() };
        escaped = !escaped && c == '\\';
        ends
    });
    if quoted && end.is_none() {
        return Err(Malformed::QuoteOpen.at(after));
    }
    let (value, rest) = inside.split_at(end.unwrap_or(inside.len()));
    let rest = rest.strip_prefix('\'').filter(|_| quoted).unwrap_or(rest);
    Ok((Item { key, value, closed_by: quoted.then_some('\'') }, rest.trim_ascii_start()))
}
