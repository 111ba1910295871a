//! Text from the other side, made safe to show: no secret in any usual encoding, no control characters, bounded length.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};

/// What stands where a secret stood.
pub const BLANK: &str = "********";

/// The longest text kept from a server, in characters.
const LONGEST: usize = 1000;

/// The longest value kept of an answer, in characters.
const LONGEST_VALUE: usize = 65_536;

/// A secret shorter than this stands in many a word by chance: it is taken out of messages where it is a word of its
/// own, and left in what is read by machines, such as numbers and SQLSTATEs.
const SHORTEST: usize = 4;

/// A piece of Base64 shorter than this is no secret's alone.
const TELLING: usize = 8;

/// Knows the secrets of a run, and takes them out of everything that a server says.
#[derive(Clone, Default)]
pub struct Screen {
    spellings: Vec<Spelling>,
    /// Those of secrets that are shorter than [`SHORTEST`].
    words: Vec<Spelling>,
}

/// A secret in parts, each with every form it may have in a text, in lower case. The first spelling of a secret has a
/// part for each character, so that a text may escape some of them and others not; the others are of one part.
type Spelling = Vec<Vec<String>>;

impl Screen {
    /// A screen against these secrets: in any letter case, percent-encoded, escaped as in JSON, SQL, HTML or Rust, as
    /// Base64 and as hexadecimal digits.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let secrets = secrets.into_iter().filter(|secret| !secret.is_empty());
        let (short, long): (Vec<&str>, Vec<&str>) = secrets.partition(|secret| secret.chars().count() < SHORTEST);
        let spellings = |secrets: Vec<&str>| secrets.into_iter().flat_map(spellings_of).collect();
        Self { spellings: spellings(long), words: spellings(short) }
    }

    /// A text as it may be shown: a message or a name.
    pub fn text(&self, bytes: &[u8]) -> String {
        self.shown(bytes, LONGEST, &self.words)
    }

    /// A text that is read by machines: a SQLSTATE, a routine, the value of a parameter.
    pub fn token(&self, bytes: &[u8]) -> String {
        self.shown(bytes, LONGEST, &[])
    }

    /// A value of an answer, which may be a long list.
    pub fn value(&self, bytes: &[u8]) -> String {
        self.shown(bytes, LONGEST_VALUE, &[])
    }

    /// However long the text is, no more of it is looked at than is shown.
    fn shown(&self, bytes: &[u8], longest: usize, words: &[Spelling]) -> String {
        let text = String::from_utf8_lossy(bytes);
        let mut rest = text.as_ref();
        let (mut shown, mut length, mut within) = (String::new(), 0, false);
        while let Some(c) = rest.chars().next() {
            if length >= longest {
                shown.push('…');
                break;
            }
            let word = words.iter().filter(|_| !within).filter_map(|spelling| found_word(spelling, rest));
            let secret = self.spellings.iter().filter_map(|spelling| found(spelling, rest)).chain(word).max();
            within = c.is_alphanumeric();
            if secret.is_some() {
                shown.push_str(BLANK);
                length += BLANK.len();
            } else {
                shown.extend(visible(c));
                length += 1;
            }
            rest = rest.get(secret.unwrap_or(c.len_utf8())..).unwrap_or_default();
        }
        shown
    }
}

/// As [`found`], where the secret ends with its word.
fn found_word(spelling: &Spelling, text: &str) -> Option<usize> {
    let ends = |length: &usize| !text.get(*length..).is_some_and(|rest| rest.starts_with(char::is_alphanumeric));
    found(spelling, text).filter(ends)
}

/// How many bytes of the text are this secret, if it begins with it; the most where it can be read in several ways.
fn found(spelling: &Spelling, text: &str) -> Option<usize> {
    // Nearly every place in a text is ruled out by its first character.
    if !spelling.first()?.iter().any(|form| begins(text, form).is_some()) {
        return None;
    }
    let mut ends = vec![0];
    for forms in spelling {
        let mut next: Vec<usize> = Vec::new();
        for end in ends {
            let rest = text.get(end..).unwrap_or_default();
            next.extend(forms.iter().filter_map(|form| Some(end + begins(rest, form)?)));
        }
        next.sort_unstable();
        next.dedup();
        ends = next;
    }
    ends.last().copied()
}

/// How many bytes of the text are this form, in whatever letter case, if it begins with it.
fn begins(text: &str, form: &str) -> Option<usize> {
    let mut wanted = form.chars();
    for (at, c) in text.char_indices() {
        if wanted.as_str().is_empty() {
            return Some(at);
        }
        if !c.to_lowercase().all(|lower| wanted.next() == Some(lower)) {
            return None;
        }
    }
    wanted.as_str().is_empty().then_some(text.len())
}

fn spellings_of(secret: &str) -> Vec<Spelling> {
    let mut spellings: Vec<Spelling> = vec![secret.chars().map(forms_of).collect()];
    let wholes = base64(secret.as_bytes()).into_iter().chain([hex(secret.as_bytes())]);
    spellings.extend(wholes.map(|whole| vec![vec![whole.to_lowercase()]]));
    spellings
}

/// Every form that one character may have.
fn forms_of(c: char) -> Vec<String> {
    let (mut utf8, mut utf16) = ([0; 4], [0; 2]);
    let utf8 = c.encode_utf8(&mut utf8).as_bytes();
    let utf16 = c.encode_utf16(&mut utf16);
    let mut forms = vec![
        c.to_string(),
        c.to_uppercase().collect(),
        utf8.iter().map(|byte| format!("%{byte:02x}")).collect::<Vec<_>>().concat(),
        utf8.iter().map(|byte| format!("\\x{byte:02x}")).collect::<Vec<_>>().concat(),
        utf16.iter().map(|unit| format!("\\u{unit:04x}")).collect::<Vec<_>>().concat(),
        c.escape_unicode().collect(),
        c.escape_default().collect(),
        format!("&#{};", u32::from(c)),
        format!("&#x{:x};", u32::from(c)),
    ];
    let named = match c {
        ' ' => Some("+"),
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '"' => Some("&quot;"),
        _ => None,
    };
    forms.extend(named.map(str::to_owned));
    if c.is_ascii_punctuation() {
        forms.extend([format!("\\{c}"), format!("{c}{c}")]);
    }
    if !c.is_ascii() {
        // From a server that does not speak UTF-8.
        forms.push(char::REPLACEMENT_CHARACTER.to_string());
    }
    for form in &mut forms {
        *form = form.to_lowercase();
    }
    forms.sort_unstable();
    forms.dedup();
    forms
}

/// Base64 of the secret alone, and what it always has of it, whatever stands before and behind, as in `user:password`.
fn base64(secret: &[u8]) -> Vec<String> {
    let mut forms = vec![BASE64_STANDARD_NO_PAD.encode(secret), BASE64_URL_SAFE_NO_PAD.encode(secret)];
    for before in [&[] as &[u8], &[0], &[0, 0]] {
        let bytes = [before, secret].concat();
        // A character holds six bits; one that other bytes have a share in is not the secret's.
        let own = (before.len() * 8).div_ceil(6)..bytes.len() * 8 / 6;
        let encoded = [BASE64_STANDARD_NO_PAD.encode(&bytes), BASE64_URL_SAFE_NO_PAD.encode(&bytes)];
        let pieces = encoded.iter().filter_map(|text| text.get(own.clone()));
        forms.extend(pieces.filter(|piece| piece.len() >= TELLING).map(str::to_owned));
    }
    forms.sort_unstable();
    forms.dedup();
    forms
}

/// Two lower-case digits a byte.
pub fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

/// A control character as its escape; bidirectional overrides too, since they reorder what a terminal shows.
fn visible(c: char) -> impl Iterator<Item = char> {
    let hidden =
        c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let escaped = hidden.then(|| c.escape_default());
    let plain = (!hidden).then_some(c);
    escaped.into_iter().flatten().chain(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_blanked_in_every_spelling() {
        let screen = Screen::new(["Hunter/2'x"]);
        for echoed in [
            "Hunter/2'x",
            "HUNTER/2'X",
            "Hunter%2F2%27x",
            "Hunter%2f2%27x",
            "Hunter/2''x",
            "48756e7465722f322778",
            "48756E7465722F322778",
            "SHVudGVyLzIneA",
        ] {
            let shown = screen.text(format!("denied: <{echoed}>, and again {echoed}").as_bytes());
            assert_eq!(shown, format!("denied: <{BLANK}>, and again {BLANK}"), "{echoed}");
        }
    }

    #[test]
    fn a_secret_is_blanked_however_its_characters_are_escaped() {
        let screen = Screen::new(["pä's \\\"<x>-é"]);
        for echoed in [
            "pä's \\\"<x>-é",
            "PÄ'S \\\"<X>-É",
            "p%C3%A4's+\\\"<x>-%c3%a9",
            "pä''s \\\\\\\"<x>-é",
            "p\\u00e4's \\\\\\\"<x>-\\u00e9",
            "p\\u{e4}\\'s \\\\\\\"<x>-\\u{e9}",
            "p&#228;&#39;s \\&quot;&lt;x&gt;-&#xe9;",
        ] {
            assert_eq!(screen.text(format!("<{echoed}>").as_bytes()), format!("<{BLANK}>"), "{echoed}");
        }
        assert_eq!(screen.text(b"<p\xe4's \\\"<x>-\xe9>"), format!("<{BLANK}>")); // Latin-1
    }

    #[test]
    fn a_secret_within_base64_is_blanked() {
        let screen = Screen::new(["Hunter/2'x"]);
        for before in ["", "a:", "alice:"] {
            let shown = screen.text(BASE64_STANDARD_NO_PAD.encode(format!("{before}Hunter/2'x@")).as_bytes());
            assert!(shown.contains(BLANK) && shown.len() <= BLANK.len() + 12, "{shown}");
        }
    }

    #[test]
    fn a_short_secret_is_blanked_where_it_is_a_word() {
        let screen = Screen::new(["x1"]);
        assert_eq!(
            screen.text(b"XX100: the password 'X1' of x12 is not x1"),
            format!("XX100: the password '{BLANK}' of x12 is not {BLANK}")
        );
        assert_eq!(screen.token(b"x1"), "x1");
        assert_eq!(screen.value(b"x1"), "x1");
    }

    #[test]
    fn what_only_begins_like_a_secret_is_read_again() {
        assert_eq!(Screen::new(["aaab"]).text(b"aaaab"), format!("a{BLANK}"));
        // Each quote may be one of the secret's, or half of a doubled one: that must not take for ever.
        let quotes = Screen::new(["'".repeat(50).as_str()]).text("'".repeat(500).as_bytes());
        assert_eq!(quotes, BLANK.repeat(5));
    }

    #[test]
    fn terminal_escapes_and_broken_text_cannot_do_harm() {
        let screen = Screen::default();
        assert_eq!(screen.text(b"\x1b[2Jgone\r\n"), "\\u{1b}[2Jgone\\r\\n");
        assert_eq!(screen.text("a\u{202e}b".as_bytes()), "a\\u{202e}b");
        assert_eq!(screen.text(b"\xff\xfe"), "\u{fffd}\u{fffd}");
        assert_eq!(screen.text("Rôle »x«".as_bytes()), "Rôle »x«");
    }

    #[test]
    fn endless_text_is_cut() {
        assert_eq!(Screen::default().text(&[b'x'; 5000]).chars().count(), LONGEST + 1);
    }
}
