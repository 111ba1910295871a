//! What of a TARGET may be shown. Everything that could be a piece of a password is blanked, whether or not the string can
//! be read; a part is shown only where its place and its letters are those of a harmless one.

mod items;
mod url;

use std::ops::Range;

use super::form::{self, Form};
use super::keywords::{self, Use};
use super::platform;
pub use url::is_tellable;

/// What stands for everything that is blanked, however long it is.
pub const BLANK: &str = "***";

/// A part of the string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Where it is, in bytes.
    pub range: Range<usize>,
    /// The keyword whose value it is.
    pub keyword: Option<&'static str>,
    /// Whether it may be shown.
    pub shown: bool,
}

/// The parts of a string, without gaps.
#[derive(Debug)]
pub struct Outline<'a> {
    text: &'a str,
    pieces: Vec<Piece>,
}

impl<'a> Outline<'a> {
    /// Of a string of any form.
    pub fn of(text: &'a str) -> Self {
        let mut outline = Self { text, pieces: Vec::new() };
        let form = Form::of(text);
        match form {
            Form::Uri { prefix, .. } | Form::Foreign { prefix, kin: true, .. } => {
                outline.scheme(prefix);
                outline.url(false);
            }
            Form::Jdbc { prefix, driver } => {
                outline.show(prefix);
                outline.jdbc(driver);
            }
            Form::Platform => outline.items(platform::item),
            Form::KeyValue => outline.items(items::of_libpq),
            Form::Foreign { prefix, .. } => {
                outline.scheme(prefix);
                outline.hide_rest();
            }
            // A URI without its scheme; a word alone may be a password.
            Form::Unknown if text.contains('@') => outline.url(true),
            Form::Unknown => outline.hide_rest(),
        }
        outline
    }

    /// The parts.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// The string with everything blanked that is not to be shown, and the column of a byte of it, counted from 0 in
    /// characters.
    pub fn render(&self, place: usize) -> (String, usize) {
        let (mut shown, mut column, mut blanked) = (String::new(), None, false);
        for piece in self.pieces.iter().filter(|piece| !piece.range.is_empty()) {
            let text = self.text.get(piece.range.clone()).unwrap_or_default();
            let here = piece.range.contains(&place);
            if !piece.shown && !blanked {
                shown.push_str(BLANK);
            }
            blanked = !piece.shown;
            if !piece.shown {
                column = column.or_else(|| here.then(|| shown.len() - BLANK.len()));
                continue;
            }
            for (at, c) in text.char_indices() {
                if here && piece.range.start + at >= place {
                    column = column.or(Some(shown.len()));
                }
                shown.extend(visible(c));
            }
        }
        // Only ASCII is ever shown.
        let end = shown.len();
        (shown, column.unwrap_or(end))
    }

    /// What no piece holds yet.
    fn rest(&self) -> &'a str {
        self.text.get(self.at()..).unwrap_or_default()
    }

    fn at(&self) -> usize {
        self.pieces.last().map_or(0, |piece| piece.range.end)
    }

    /// What a URL begins with, in so many bytes.
    fn scheme(&mut self, length: usize) {
        let shown = self.text.get(..length).is_some_and(form::is_tellable_scheme);
        self.push(length, None, shown);
    }

    /// The next bytes are shown.
    fn show(&mut self, length: usize) {
        self.push(length, None, true);
    }

    fn hide_rest(&mut self) {
        self.push(self.rest().len(), None, false);
    }

    fn push(&mut self, length: usize, keyword: Option<&'static str>, shown: bool) {
        let start = self.at();
        let end = (start + length).min(self.text.len());
        let ascii = self.text.get(start..end).is_some_and(str::is_ascii);
        self.pieces.push(Piece { range: start..end, keyword, shown: shown && ascii });
    }

    /// A value: shown where it has the letters of its keyword.
    fn value(&mut self, length: usize, keyword: &'static str) {
        let value = self.rest().get(..length).unwrap_or_default();
        self.push(length, Some(keyword), is_harmless(keyword, value));
    }
}

/// A character in ASCII that is seen.
fn visible(c: char) -> impl Iterator<Item = char> {
    // A quote needs no escape here.
    let escaped = c != ' ' && !c.is_ascii_graphic();
    let (plain, escape) = if escaped { (None, Some(c.escape_default())) } else { (Some(c), None) };
    plain.into_iter().chain(escape.into_iter().flatten())
}

/// Whether a value has only letters that a harmless one of its keyword has.
pub fn is_harmless(keyword: &str, value: &str) -> bool {
    let all = |more: &str| value.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c));
    let short_number = |text: &str| text.len() <= 5 && text.bytes().all(|byte| byte.is_ascii_digit());
    if keywords::find(keyword).is_some_and(|known| known.use_made == Use::Secret) {
        return false;
    }
    match keyword {
        "host" => is_host(value),
        "port" => value.split(',').all(short_number),
        "hostaddr" => value.contains(['.', ':']) && value.chars().all(|c| c.is_ascii_hexdigit() || ".:,".contains(c)),
        // Names are seldom written in capitals, and passwords seldom without: next to a lost separator it tells them apart.
        "user" | "dbname" | "service" => value.len() <= 63 && all("_.-") && !has_capitals(value),
        "sslrootcert" | "sslcert" | "sslkey" | "sslcrl" | "sslcrldir" | "passfile" => {
            let is_path = ["/", "./", "../", "~/"].iter().any(|start| value.starts_with(start));
            value == "system" || (is_path && all("/._-~"))
        }
        "HostNameInCertificate" => is_host(value) && value.contains('.'),
        _ => short_number(value) || is_word(value),
    }
}

/// A name, an address, a directory, or one of these with a scheme or a port that does not belong there.
fn is_host(value: &str) -> bool {
    let (scheme, rest) = value.split_once("://").unwrap_or(("", value));
    if has_capitals(value) {
        return false;
    }
    let named = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    let one = |host: &str| {
        let host = host.split('/').next().unwrap_or_default();
        let (name, port) = host.rsplit_once(':').unwrap_or((host, ""));
        let address = host.contains(':') && host.chars().all(|c| c.is_ascii_hexdigit() || ":.%[]".contains(c));
        let number = port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit());
        (address && host.matches(':').count() > 1) || (named(name) && number)
    };
    let path = rest.chars().all(|c| c.is_ascii_alphanumeric() || "./_-:,%[]".contains(c));
    named(scheme) && path && (rest.starts_with('/') || rest.split(',').all(one))
}

fn has_capitals(value: &str) -> bool {
    value.chars().any(|c| c.is_ascii_uppercase())
}

/// Close to one of the few words that keywords with a fixed set of values take, here or in another product.
fn is_word(value: &str) -> bool {
    const WORDS: [&str; 36] = [
        "disable",
        "disabled",
        "allow",
        "prefer",
        "require",
        "required",
        "verify-ca",
        "verify-full",
        "verify_identity",
        "no-verify",
        "postgres",
        "direct",
        "TLSv1",
        "TLSv1.1",
        "TLSv1.2",
        "TLSv1.3",
        "true",
        "false",
        "yes",
        "no",
        "on",
        "off",
        "none",
        "any",
        "read-write",
        "read-only",
        "primary",
        "standby",
        "prefer-standby",
        "random",
        "scram-sha-256",
        "md5",
        "latest",
        "UTF8",
        "database",
        "enabled",
    ];
    value.is_ascii()
        && WORDS.iter().any(|word| strsim::jaro_winkler(&value.to_ascii_lowercase(), &word.to_ascii_lowercase()) > 0.85)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_password_is_blanked() {
        let rows = [
            (
                "postgresql://alice:secret@db.test:5432/orders?sslmode=require",
                "postgresql://alice:***@db.test:5432/orders?sslmode=require",
            ),
            ("postgresql://alice:se@cret@db.test/orders", "postgresql://alice:***@db.test/orders"),
            ("postgresql://alice:se@cret/orders", "postgresql://alice:***@***/orders"),
            ("postgresql://alice:s@e@cret/orders", "postgresql://alice:***@***"),
            ("postgresql://alice:secret/orders", "postgresql://alice:***"),
            ("postgresql://alice:se/cr@et:x@db.test", "postgresql://alice:***@db.test"),
            ("postgresql://alice@[::1]:5432/orders", "postgresql://alice@[::1]:5432/orders"),
            ("postgresql://alice:x@[::1/orders", "postgresql://alice:***@[::1/orders"),
            ("postgresql://db/orders?password=secret&sslmode=none", "postgresql://db/orders?password=***&sslmode=none"),
            ("postgresql://db/orders?password=sec&ret=1&sslmode=x", "postgresql://db/orders?password=***"),
            ("postgresql://db/orders?sslmode=secret", "postgresql://db/orders?sslmode=***"),
            ("postgresql://db/orders?schema=secret&sslmode=allow", "postgresql://db/orders?schema=***&sslmode=allow"),
            ("postgresql://db/orders?secret", "postgresql://db/orders?***"),
            ("postgresql://al ice@db/x", "postgresql://***@***/x"),
            ("mysql://alice:secret@db/x", "mysql://***"),
            ("mysqll://alice:secret@db/x", "mysqll://***"),
            ("PostgreSQL://db/x", "PostgreSQL://db/x"),
            ("postgresql+psycopg2://db/x", "postgresql+psycopg2://db/x"),
            ("postgresql+Secret://db/x", "***db/x"),
            ("secret://x", "***"),
            ("cockroachdb://alice:secret@db/x", "cockroachdb://alice:***@***/x"),
            ("jdbc:postgresql://alice:secret@db/x", "jdbc:postgresql://alice:***@***/x"),
            (
                "jdbc:postgresql://db:5432/x?user=a&password=b&ssl=true",
                "jdbc:postgresql://db:5432/x?user=a&password=***&ssl=true",
            ),
            ("jdbc:postgresql://db/x?password=b&c@d", "jdbc:postgresql://***@***"),
            ("jdbc:redshift://db/x;UID=a;PWD=b;ssl=true", "jdbc:redshift://db/x;UID=a;PWD=***;ssl=true"),
            ("host=db.test password=with space", "host=db.test password=***"),
            ("host=db.test password=p port=1", "host=db.test password=*** port=1"),
            ("host=db.test password='open port=1", "host=db.test password='***"),
            ("host=db.test password='it''s' x", "host=db.test password='***"),
            ("host='db.test' user=a", "host='db.test' user=a"),
            ("host=db.test pasword=x dbname=orders", "host=db.test pasword=*** dbname=orders"),
            ("host=db.test secret", "host=db.test ***"),
            ("sslrootcert=~/root.crt secret", "sslrootcert=~/root.crt ***"),
            ("sslrootcert=~secret x", "sslrootcert=*** ***"),
            ("host=alice:secret@db", "host=***"),
            ("user=alicepassword=secret host=db", "user=*** host=db"),
            ("dbname=postgresql://a:b@db", "dbname=***"),
            ("Server=db.test;PWD=a;UID=b", "Server=db.test;PWD=***;UID=b"),
            ("Server=db.test;PWD=a;b;UID=c", "Server=db.test;PWD=***"),
            ("Server=db.test;PWD={a;b;UID=c", "Server=db.test;PWD=***"),
            ("Server=db.test;PWD={a;b};EncryptionMethod=2", "Server=db.test;PWD={***};EncryptionMethod=2"),
            ("Server=db;Foo=bar;UID=c", "Server=db;***"),
            ("Server=db;ValidationServerCertificate=1;UID=c", "Server=db;ValidationServerCertificate=1;UID=c"),
            ("alice:secret@db.test/x", "alice:***@db.test/x"),
            ("alice:secret@db/x", "alice:***@***"),
            ("secret", "***"),
            ("\u{e9}", "***"),
            ("host=db.test\nport=1", "host=db.test\\nport=1"),
        ];
        for (text, expected) in rows {
            let outline = Outline::of(text);
            let lengths: usize = outline.pieces().iter().map(|piece| piece.range.len()).sum();
            assert_eq!(lengths, text.len(), "{text}: {outline:?}");
            assert_eq!(outline.render(0).0, expected);
        }
    }
}
