//! What to write instead of a string that cannot be used. The string itself is edited, and then blanked like any other.

use std::ops::Range;

use crate::settings::failure::{InputFailure, Malformed};
use crate::settings::form::Form;
use crate::settings::outline::{Outline, Piece};

/// The string with the fault mended, if there is one way to mend it and it can be read then.
pub fn corrected(failure: &InputFailure, text: &str, place: usize) -> Option<String> {
    let outline = Outline::of(text);
    let piece = outline.pieces().iter().find(|piece| piece.range.contains(&place));
    let edited = match (failure, piece) {
        (InputFailure::Malformed(malformed), _) => mend(*malformed, text, place),
        // Where the user ends and the password begins, nobody but the user knows.
        (InputFailure::ReservedCharacter(':'), _) => None,
        (InputFailure::ReservedCharacter(_), _) => encode_password(text, outline.pieces()),
        (InputFailure::ParameterUnknown { name: Some(name), meant, .. }, Some(piece))
            if piece.shown && text.get(piece.range.clone()) == Some(name) =>
        {
            match meant {
                Some(meant) => replace(text, piece.range.clone(), meant),
                None => leave_out(text, piece.range.clone()),
            }
        }
        (InputFailure::ValueInvalid { .. }, Some(piece)) => {
            replace(text, piece.range.clone(), failure.probable_value()?)
        }
        (InputFailure::PortInvalid { .. }, Some(piece)) => replace(text, piece.range.clone(), "5432"),
        (InputFailure::HostHasPort { parts: Some((host, port)) }, Some(piece)) => {
            split_port(text, piece.range.clone(), host, port)
        }
        (InputFailure::HostHasScheme { .. }, Some(piece)) if piece.shown => {
            let host = text.get(piece.range.clone())?;
            let bare = host.split_once("://").map_or(host, |(_, rest)| rest);
            replace(text, piece.range.clone(), bare.split(['/', ':']).next()?)
        }
        _ => None,
    }?;
    Form::of(&edited).parse(&edited).ok()?;
    Some(Outline::of(&edited).render(0).0)
}

fn mend(malformed: Malformed, text: &str, place: usize) -> Option<String> {
    match malformed {
        Malformed::NoKnownForm if text.contains('@') => Some(format!("postgresql://{text}")),
        Malformed::OtherForm(_) => match Form::of(text) {
            Form::Foreign { prefix, kin: true, .. } => replace(text, 0..prefix, "postgresql://"),
            _ => None,
        },
        Malformed::JdbcUser => jdbc_user(text),
        Malformed::EqualsMissing => enclose(text, place, ('\'', "\\'", '\''), char::is_whitespace),
        Malformed::PieceWithoutEquals => enclose(text, place, ('{', "}}", '}'), |c| c == ';'),
        Malformed::QuoteOpen => Some(format!("{text}'")),
        Malformed::BraceOpen => {
            let inside = text.get(place + 1..)?;
            Some(format!("{}{{{}}}", text.get(..place)?, inside.replace('}', "}}")))
        }
        Malformed::BracketOpen => {
            let address = text.get(place..)?.find(|c: char| !(c.is_ascii_hexdigit() || ":.%".contains(c)));
            let end = address.map_or(text.len(), |length| place + length);
            replace(text, end..end, "]")
        }
        Malformed::BlankInside => replace(text, place..place + 1, "%20"),
        Malformed::SecondEquals => replace(text, place..place + 1, "%3D"),
        Malformed::NoKnownForm
        | Malformed::ClusterOnly
        | Malformed::PercentInvalid
        | Malformed::PercentZero
        | Malformed::BracketEmpty
        | Malformed::AfterBracket
        | Malformed::ParameterWithoutValue => None,
    }
}

fn replace(text: &str, range: Range<usize>, with: &str) -> Option<String> {
    Some([text.get(..range.start)?, with, text.get(range.end..)?].concat())
}

/// Everything in the password of a URI that is no letter or digit, by its code.
fn encode_password(text: &str, pieces: &[Piece]) -> Option<String> {
    let Form::Uri { .. } = Form::of(text) else {
        return None;
    };
    let piece = pieces.iter().find(|piece| piece.keyword == Some("password"))?;
    let one = |byte: u8| match byte {
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    let encoded: String = text.get(piece.range.clone())?.bytes().map(one).collect();
    replace(text, piece.range.clone(), &encoded)
}

/// A parameter of a URI or an item of a string, with the separator that is left over.
fn leave_out(text: &str, name: Range<usize>) -> Option<String> {
    let (before, after) = (text.get(..name.start)?, text.get(name.start..)?);
    let separator = before.chars().next_back().unwrap_or(' ');
    let separator = if matches!(separator, '?' | '&') { '&' } else { separator };
    let rest = after.split_once(separator).map(|(_, rest)| rest);
    Some(match rest {
        Some(rest) => [before, rest].concat(),
        None => before.trim_end_matches(['?', '&', ';', ' ']).to_owned(),
    })
}

/// `host=db:5433` in the form's own way of giving a port.
fn split_port(text: &str, range: Range<usize>, host: &str, port: &str) -> Option<String> {
    let quote = if text.get(..range.start)?.ends_with('\'') { "'" } else { "" };
    let with = match Form::of(text) {
        Form::KeyValue => format!("{host}{quote} port={quote}{port}"),
        Form::Platform => format!("{host};Port={port}"),
        Form::Uri { .. } => format!("{host}&port={port}"),
        Form::Jdbc { .. } | Form::Foreign { .. } | Form::Unknown => return None,
    };
    replace(text, range, &with)
}

/// The value before the place, and what follows it up to the next key that is known, between quotes or braces.
fn enclose(
    text: &str,
    place: usize,
    (open, doubled, close): (char, &str, char),
    separates: fn(char) -> bool,
) -> Option<String> {
    let before = text.get(..place)?.trim_end_matches(separates);
    let start = before.rfind('=')? + 1;
    let blanks = text.get(start..)?.len() - text.get(start..)?.trim_start().len();
    let start = start + blanks;
    let end = next_key(text, place, separates).unwrap_or(text.len());
    let value = text.get(start..end)?.trim_end_matches(separates);
    if value.starts_with(['\'', '{', '"']) {
        return None;
    }
    let value = if close == '\'' { value.replace('\\', "\\\\") } else { value.to_owned() };
    let gap = text.get(start..end)?.len() - text.get(start..end)?.trim_end_matches(separates).len();
    let enclosed = format!("{open}{}{close}", value.replace(close, doubled));
    replace(text, start..end - gap, &enclosed)
}

/// Where the next item begins whose key is known.
fn next_key(text: &str, place: usize, separates: fn(char) -> bool) -> Option<usize> {
    let rest = text.get(place..)?;
    let starts = rest.char_indices().filter(|(_, c)| separates(*c)).map(|(at, c)| at + c.len_utf8());
    starts.map(|at| place + at).find(|at| {
        let key = text.get(*at..).and_then(|rest| rest.split_once('=')).map(|(key, _)| key.trim());
        key.is_some_and(|key| {
            crate::settings::keywords::find(key).is_some() || crate::settings::platform::what(key).is_some()
        })
    })
}

/// `jdbc:postgresql://user:password@host/db` with the user among the properties.
fn jdbc_user(text: &str) -> Option<String> {
    let Form::Jdbc { prefix, .. } = Form::of(text) else {
        return None;
    };
    let (scheme, rest) = text.split_at_checked(prefix)?;
    let (credentials, place) = rest.strip_prefix("//")?.rsplit_once('@')?;
    let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
    let separator = if place.contains('?') { '&' } else { '?' };
    let slash = if place.contains('/') { "" } else { "/" };
    let encoded = |text: &str| text.replace('%', "%25").replace('&', "%26").replace('+', "%2B").replace(' ', "%20");
    let password = if password.is_empty() { String::new() } else { format!("&password={}", encoded(password)) };
    Some(format!("{scheme}//{place}{slash}{separator}user={}{password}", encoded(user)))
}
