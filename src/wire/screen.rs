//! Text from the other side, made safe to show: no secret in any usual encoding, no control characters, bounded length.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// What stands where a secret stood.
pub const BLANK: &str = "********";

/// The longest text kept from a server, in characters.
const LONGEST: usize = 1000;

/// Knows the secrets of a run, and takes them out of everything that a server says.
#[derive(Clone, Default)]
pub struct Screen {
    /// Lower-case spellings of the secrets, longest first.
    spellings: Vec<String>,
}

impl Screen {
    /// A screen against these secrets, in any letter case, and as percent-encoding, base64 and hexadecimal.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut spellings: Vec<String> =
            secrets.into_iter().filter(|secret| !secret.is_empty()).flat_map(spellings_of).collect();
        spellings.sort_by_key(|spelling| std::cmp::Reverse(spelling.len()));
        spellings.dedup();
        Self { spellings }
    }

    /// The text as it may be shown.
    pub fn text(&self, bytes: &[u8]) -> String {
        let text = self.blank(&String::from_utf8_lossy(bytes));
        let mut shown: String = text.chars().take(LONGEST).flat_map(visible).collect();
        if text.chars().nth(LONGEST).is_some() {
            shown.push('…');
        }
        shown
    }

    /// Blanks every spelling of every secret; compares by ASCII letter case only, so that offsets stay valid.
    fn blank(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for spelling in &self.spellings {
            let mut from = 0;
            while let Some(found) = text.get(from..).and_then(|rest| rest.to_ascii_lowercase().find(spelling.as_str()))
            {
                let start = from + found;
                text.replace_range(start..start + spelling.len(), BLANK);
                from = start + BLANK.len();
            }
        }
        text
    }
}

fn spellings_of(secret: &str) -> Vec<String> {
    let bytes = secret.as_bytes();
    let mut all = vec![
        secret.to_owned(),
        utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string(),
        secret.escape_default().to_string(),
        secret.replace('\'', "''"),
        secret.replace('\\', "\\\\"),
        hex(bytes),
        BASE64_STANDARD_NO_PAD.encode(bytes),
        BASE64_URL_SAFE_NO_PAD.encode(bytes),
    ];
    for spelling in &mut all {
        spelling.make_ascii_lowercase();
    }
    all
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
