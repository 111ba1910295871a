//! The connection string of the sources platform, whose keys are those of its ODBC driver (Progress DataDirect, "Connection
//! option descriptions"; quoting by MS-ODBCSTR, section 2.1.2), read as the libpq keywords that mean the same.

pub mod string;

use super::failure::{InputFailure, Malformed, Misread};
use super::form::Reading;
use super::keywords;
use super::manner::Manner;
use crate::target::{Oddity, WeakSetting};

/// Keys in lower case and without blanks, and the libpq keyword that each stands for.
const KEYS: &[(&str, &str)] = &[
    ("server", "host"),
    ("servername", "host"),
    ("host", "host"),
    ("hostname", "host"),
    ("port", "port"),
    ("portnumber", "port"),
    ("database", "dbname"),
    ("db", "dbname"),
    ("uid", "user"),
    ("user", "user"),
    ("userid", "user"),
    ("username", "user"),
    ("logonid", "user"),
    ("pwd", "password"),
    ("password", "password"),
    ("logintimeout", "connect_timeout"),
    ("lt", "connect_timeout"),
    ("applicationname", "application_name"),
];

/// Keys that say how the connection is encrypted.
const ENCRYPTION_KEYS: &[(&str, &str)] = &[
    ("encryptionmethod", ENCRYPTION_METHOD),
    ("em", ENCRYPTION_METHOD),
    ("validateservercertificate", VALIDATE),
    ("vsc", VALIDATE),
    ("hostnameincertificate", CERTIFICATE_NAME),
    ("hnic", CERTIFICATE_NAME),
];

const ENCRYPTION_METHOD: &str = "EncryptionMethod";
const VALIDATE: &str = "ValidateServerCertificate";
const CERTIFICATE_NAME: &str = "HostNameInCertificate";

/// Keys that change nothing about whether a connection can be made.
const HARMLESS: &[&str] = &["driver", "dsn", "description", "connecttimeout", "timeout", "pooling", "commandtimeout"];

/// The keys of the platform's tutorials, as they should be written.
const SPELLINGS: [&str; 9] =
    ["Server", "Database", "Port", "UID", "PWD", "Password", ENCRYPTION_METHOD, VALIDATE, CERTIFICATE_NAME];

/// Whether the text is such a string: a semicolon separates what libpq would separate by blanks, and it begins with a key
/// that libpq does not know, or another key follows the first value.
pub fn is_one(text: &str) -> bool {
    let Some((key, after)) = text.split_once('=') else {
        return false;
    };
    let Some((value, next)) = after.split_once(';').filter(|_| what(key.trim()).is_some()) else {
        return false;
    };
    let another = next.split_once('=').is_some_and(|(key, _)| what(key.trim()).is_some());
    keywords::find(key.trim()).is_none() || (another && !value.trim().contains([' ', '\'']))
}

/// The keyword that a key stands for; of those for encryption the key itself.
pub fn what(key: &str) -> Option<&'static str> {
    let bare = bare(key);
    KEYS.iter().chain(ENCRYPTION_KEYS).find(|(known, _)| *known == bare).map(|(_, keyword)| *keyword)
}

/// A key that the driver knows nothing of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ignored {
    /// A slip for this one.
    Slip(&'static str),
    /// One of other products.
    Foreign,
    /// Whatever it is, it may be a piece of a password with a semicolon.
    Unknown,
}

/// What a key is that the driver drops.
pub fn ignored(key: &str) -> Ignored {
    let bare = bare(key);
    if keywords::find(&bare).is_some() || bare == "ssl" || bare == "trustservercertificate" {
        return Ignored::Foreign;
    }
    // Not one that a value has run into.
    let near = SPELLINGS.iter().filter(|right| right.len().abs_diff(bare.len()) <= 2);
    let scored = near.map(|right| (strsim::jaro_winkler(&bare, &right.to_ascii_lowercase()), *right));
    let nearest = scored.filter(|(score, _)| *score > 0.9).max_by(|one, other| one.0.total_cmp(&other.0));
    nearest.map_or(Ignored::Unknown, |(_, right)| Ignored::Slip(right))
}

/// Whether a key says nothing about whether a connection can be made.
pub fn is_harmless(key: &str) -> bool {
    HARMLESS.contains(&bare(key).as_str())
}

/// In lower case and without blanks, as keys are compared.
fn bare(key: &str) -> String {
    key.chars().filter(|c| *c != ' ').collect::<String>().to_ascii_lowercase()
}

/// One `key=value` of the string, as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item<'a> {
    /// Without the blanks around it.
    pub key: &'a str,
    /// Without the blanks and the braces or quotes around it.
    pub value: &'a str,
    /// The character that closes the value where it stands in braces or quotes.
    pub closed_by: Option<char>,
}

impl Item<'_> {
    fn text(&self) -> String {
        let template = ["SERVER", "DATABASE", "PORT", "USERNAME", "PASSWORD"].contains(&self.value);
        match self.closed_by {
            // The tutorials print `Server={SERVER}`: a template that was not filled, not a value in braces.
            Some('}') if template => format!("{{{}}}", self.value),
            Some(close) => self.value.replace(&format!("{close}{close}"), &close.to_string()),
            None => self.value.to_owned(),
        }
    }
}

/// Takes the first item off a string that is not empty.
pub fn item(text: &str) -> Result<(Item<'_>, &str), Misread<'_>> {
    let text = text.trim_start_matches(|c: char| c == ';' || c.is_whitespace());
    let piece = text.split(';').next().unwrap_or(text);
    let Some((key, _)) = piece.split_once('=') else {
        return Err(Malformed::PieceWithoutEquals.at(text));
    };
    let after = text.get(key.len() + 1..).unwrap_or_default();
    let key = key.trim();
    if key.is_empty() || !key.chars().all(|c| c.is_ascii_alphanumeric() || c == ' ' || c == '_') {
        return Err(Malformed::PieceWithoutEquals.at(text));
    }
    let (value, closed_by, rest) = value(after)?;
    Ok((Item { key, value, closed_by }, rest.trim_start_matches(|c: char| c == ';' || c.is_whitespace())))
}

fn value(text: &str) -> Result<(&str, Option<char>, &str), Misread<'_>> {
    let start = text.trim_start();
    let quoted = start.strip_prefix(['"', '\'']).and_then(|inside| {
        let quote = start.chars().next()?;
        let (value, rest) = closed(inside, quote)?;
        Some((value, Some(quote), rest))
    });
    if let Some(quoted) = quoted {
        return Ok(quoted);
    }
    if let Some(inside) = start.strip_prefix('{') {
        let (value, rest) = closed(inside, '}').ok_or_else(|| Malformed::BraceOpen.at(start))?;
        return Ok((value, Some('}'), rest));
    }
    let (value, rest) = text.split_at(text.find(';').unwrap_or(text.len()));
    Ok((value.trim(), None, rest))
}

/// What stands before the closing character, which is doubled where it is meant itself; then only blanks may follow until
/// the semicolon.
fn closed(inside: &str, close: char) -> Option<(&str, &str)> {
    let mut from = 0;
    loop {
        let at = from + inside.get(from..)?.find(close)?;
        let after = inside.get(at + close.len_utf8()..)?;
        if after.starts_with(close) {
            from = at + 2 * close.len_utf8();
            continue;
        }
        let rest = after.trim_start();
        return (rest.is_empty() || rest.starts_with(';')).then_some((inside.get(..at)?, rest));
    }
}

/// Reads a whole string.
pub fn parse(text: &str) -> Result<Reading, Misread<'_>> {
    let mut reading = Reading::default();
    let mut encryption = EncryptionKeys::default();
    let mut rest = text.trim_start_matches(|c: char| c == ';' || c.is_whitespace());
    while !rest.is_empty() {
        let (item, after) = item(rest)?;
        rest = after;
        match what(item.key) {
            Some(ENCRYPTION_METHOD) => encryption.method = Some(item),
            Some(VALIDATE) => encryption.validate = Some(item),
            Some(CERTIFICATE_NAME) => encryption.name = Some(item),
            Some(keyword) => reading.pairs.push((keyword, item.text())),
            None => remark(item.key, &mut reading.manner),
        }
    }
    let host = reading.pairs.iter().rfind(|(keyword, _)| *keyword == "host").map(|(_, host)| host.clone());
    let mode = encryption.settle(host.as_deref().unwrap_or_default(), &mut reading.manner)?;
    reading.pairs.push(("sslmode", mode.to_owned()));
    Ok(reading)
}

fn remark(key: &str, manner: &mut Manner) {
    match ignored(key) {
        Ignored::Slip(meant) => manner.odd(Oddity::KeyIgnored(key.to_owned(), Some(meant))),
        Ignored::Foreign => manner.odd(Oddity::KeyIgnored(key.to_owned(), None)),
        Ignored::Unknown if is_harmless(key) => {}
        Ignored::Unknown => manner.odd(Oddity::DriverSetting),
    }
}

#[derive(Default)]
struct EncryptionKeys<'a> {
    method: Option<Item<'a>>,
    validate: Option<Item<'a>>,
    name: Option<Item<'a>>,
}

impl<'a> EncryptionKeys<'a> {
    /// The sslmode, and what libpq has no word for. The driver's defaults are no encryption and no validation.
    fn settle(&self, host: &str, manner: &mut Manner) -> Result<&'static str, Misread<'a>> {
        let method = choice(self.method, ENCRYPTION_METHOD, &["0", "1", "6"])?;
        let validated = choice(self.validate, VALIDATE, &["0", "1"])? == "1";
        manner.own_roots = true;
        let checked = method == "1" && validated;
        if self.name.is_some() && !checked {
            manner.odd(Oddity::KeyIgnored(CERTIFICATE_NAME.to_owned(), None));
        }
        if validated && method != "1" {
            manner.odd(Oddity::KeyIgnored(VALIDATE.to_owned(), None));
        }
        let name = self.name.map(|item| item.text()).filter(|name| checked && !name.is_empty());
        if let Some(name) = name {
            // This stands for the host itself.
            let own = name.eq_ignore_ascii_case("#SERVERNAME#") || name == host;
            manner.certificate_name = (!own).then_some(name);
            return Ok("verify-full");
        }
        Ok(match method {
            "1" if checked => {
                manner.odd(Oddity::Weak(WeakSetting::NameUnchecked));
                "verify-ca"
            }
            "1" => "require",
            "6" => {
                manner.plain_only_on_refusal = true;
                manner.odd(Oddity::Weak(WeakSetting::PlainIfNotOffered));
                "prefer"
            }
            _ => "disable",
        })
    }
}

/// One of a few digits; the first is the default.
fn choice<'a>(
    item: Option<Item<'a>>,
    key: &'static str,
    allowed: &'static [&'static str],
) -> Result<&'static str, Misread<'a>> {
    let default = allowed.first().copied().unwrap_or_default();
    let Some(item) = item else {
        return Ok(default);
    };
    let found = allowed.iter().find(|word| **word == item.value).copied();
    let list = if allowed.len() == 3 { "0, 1, 6" } else { "0, 1" };
    let invalid =
        || InputFailure::ValueInvalid { keyword: key, value: None, allowed: list, source: "target".to_owned() };
    found.ok_or_else(|| invalid().at(item.value))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The string, what it means, and what is odd about it.
    type Row<'a> = (&'a str, &'a [(&'static str, &'a str)], &'a [Oddity]);

    #[test]
    fn strings_are_read_as_the_driver_means_them() {
        let validation = Oddity::KeyIgnored("ValidationServerCertificate".to_owned(), Some(VALIDATE));
        let sslmode = Oddity::KeyIgnored("sslmode".to_owned(), None);
        let rows: &[Row<'_>] = &[
            (
                "Server=db.test;Database=orders;Port=5432;UID=alice;Password=secret;",
                &[
                    ("host", "db.test"),
                    ("dbname", "orders"),
                    ("port", "5432"),
                    ("user", "alice"),
                    ("password", "secret"),
                    ("sslmode", "disable"),
                ],
                &[],
            ),
            (
                " pwd = {a;b}}c} ; SERVER = db ;; em=6",
                &[("password", "a;b}c"), ("host", "db"), ("sslmode", "prefer")],
                &[Oddity::Weak(WeakSetting::PlainIfNotOffered)],
            ),
            ("UID=a=b;PWD='it''s; so'", &[("user", "a=b"), ("password", "it's; so"), ("sslmode", "disable")], &[]),
            ("UID='a;PWD=\"b", &[("user", "'a"), ("password", "\"b"), ("sslmode", "disable")], &[]),
            ("Server={SERVER};Port={PORT}", &[("host", "{SERVER}"), ("port", "{PORT}"), ("sslmode", "disable")], &[]),
            ("EncryptionMethod=1;UID=a", &[("user", "a"), ("sslmode", "require")], &[]),
            (
                "EncryptionMethod=1;ValidateServerCertificate=1;UID=a",
                &[("user", "a"), ("sslmode", "verify-ca")],
                &[Oddity::Weak(WeakSetting::NameUnchecked)],
            ),
            (
                "EncryptionMethod=1;ValidateServerCertificate=1;HostNameInCertificate=db.test;UID=a",
                &[("user", "a"), ("sslmode", "verify-full")],
                &[],
            ),
            (
                "EncryptionMethod=1;ValidationServerCertificate=1;UID=a;sslmode=verify-full",
                &[("user", "a"), ("sslmode", "require")],
                &[validation, sslmode],
            ),
            (
                "UID=a;Something=1;Driver={DataDirect}",
                &[("user", "a"), ("sslmode", "disable")],
                &[Oddity::DriverSetting],
            ),
        ];
        for (text, expected, odd) in rows {
            assert!(is_one(text), "{text}");
            let reading = parse(text);
            let expected = expected.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
            assert_eq!(reading.as_ref().map(|reading| &reading.pairs), Ok(&expected), "{text}");
            assert_eq!(reading.map(|reading| reading.manner.oddities), Ok(odd.to_vec()), "{text}");
        }
    }

    #[test]
    fn the_name_in_the_certificate_may_be_another() {
        let name = |name: &str| {
            let text = format!("Server=db.test;EM=1;VSC=1;HNIC={name}");
            parse(&text).ok().and_then(|reading| reading.manner.certificate_name)
        };
        assert_eq!(name("other.test"), Some("other.test".to_owned()));
        assert_eq!(name("#SERVERNAME#"), None);
        assert_eq!(name("db.test"), None);
    }

    #[test]
    fn what_is_of_another_form_is_left_to_it() {
        let keyvalue =
            ["host=db port=5432", "password=a;b host=db", "user=a;b", "host='a;port=1' user=b", "dbname=orders"];
        for text in
            keyvalue.into_iter().chain(["postgresql://a:b;UID=c@db", "orders", "password=x;y=z", "Host=db", "UID=a"])
        {
            assert!(!is_one(text), "{text}");
        }
        for text in ["host=db.test;port=5432;user=a", "Server=db;", "UID=a;", "Port=5432;Server=db"] {
            assert!(is_one(text), "{text}");
        }
    }

    #[test]
    fn an_error_points_at_its_place() {
        let rows = [
            ("PWD=ab;cd;UID=a", "cd;UID=a"),
            ("PWD=ab;c@d=e;UID=a", "c@d=e;UID=a"),
            ("UID=a;PWD={ab;c", "{ab;c"),
            ("UID=a;PWD={ab}c;Port=1", "{ab}c;Port=1"),
            ("EncryptionMethod=2;UID=a", "2"),
            ("EncryptionMethod=1;ValidateServerCertificate=true", "true"),
        ];
        for (text, place) in rows {
            assert_eq!(parse(text).err().map(|misread| misread.at), Some(place), "{text}");
        }
    }
}
