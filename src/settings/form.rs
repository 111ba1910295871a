//! Which form a TARGET has, and the reader of each.

use super::failure::{Malformed, Misread};
use super::jdbc::{self, Driver};
use super::keyvalue;
use super::manner::Manner;
use super::platform;
use super::uri::{self, Pairs};
use crate::target::{Engine, Oddity};

/// What a string says.
#[derive(Debug, Default)]
pub struct Reading {
    /// In libpq's keywords.
    pub pairs: Pairs,
    /// And what libpq has no keyword for.
    pub manner: Manner,
}

/// The forms. A prefix is the length in bytes of what the string begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A URI by libpq's rules.
    Uri {
        /// `postgresql://` and its like.
        prefix: usize,
        /// What the scheme says.
        scheme: Scheme,
    },
    /// A JDBC URL.
    Jdbc {
        /// `jdbc:postgresql:` and its like.
        prefix: usize,
        /// Whose.
        driver: Driver,
    },
    /// The platform's semicolons.
    Platform,
    /// libpq's `keyword=value`.
    KeyValue,
    /// The URL of another product.
    Foreign {
        /// Its scheme.
        prefix: usize,
        /// Which.
        product: &'static str,
        /// It is one for servers that speak PostgreSQL's protocol, and like a URI but for the scheme.
        kin: bool,
    },
    /// None of them.
    Unknown,
}

/// What the scheme of a URI says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// libpq would read it.
    Libpq,
    /// It names a driver.
    Driver,
    /// `redshift`, with or without a driver.
    Redshift,
}

/// Schemes of servers that speak PostgreSQL's protocol, as frameworks write them.
const KIN: [(&str, &str); 9] = [
    ("cockroachdb", "a CockroachDB URL"),
    ("cockroach", "a CockroachDB URL"),
    ("crdb", "a CockroachDB URL"),
    ("yugabytedb", "a YugabyteDB URL"),
    ("postgis", "a URL for PostGIS"),
    ("timescale", "a URL for TimescaleDB"),
    ("timescaledb", "a URL for TimescaleDB"),
    ("pgsql", "a URL with a short name for PostgreSQL"),
    ("psql", "a URL with a short name for PostgreSQL"),
];

/// Schemes of others.
const OTHERS: [(&str, &str); 11] = [
    ("mysql", "a MySQL URL"),
    ("mariadb", "a MariaDB URL"),
    ("sqlserver", "a SQL Server URL"),
    ("mssql", "a SQL Server URL"),
    ("oracle", "an Oracle URL"),
    ("mongodb", "a MongoDB URL"),
    ("redis", "a Redis URL"),
    ("snowflake", "a Snowflake URL"),
    ("prisma", "a URL of Prisma's own service"),
    ("http", "a web address"),
    ("https", "a web address"),
];

impl Form {
    /// The form of a text.
    pub fn of(text: &str) -> Self {
        if let Some(rest) = uri::strip_scheme(text) {
            return Self::Uri { prefix: text.len() - rest.len(), scheme: Scheme::Libpq };
        }
        for (prefix, driver) in Driver::PREFIXES {
            if text.starts_with(prefix) {
                return Self::Jdbc { prefix: prefix.len(), driver };
            }
        }
        if text.starts_with("jdbc:") {
            let named = text.split("://").next().unwrap_or_default().trim_start_matches("jdbc:");
            let product = product(named).map_or("the JDBC URL of another product", |(product, _)| product);
            return Self::Foreign { prefix: "jdbc:".len(), product, kin: false };
        }
        if let Some(form) = Self::by_scheme(text) {
            return form;
        }
        match text.contains('=') {
            true if platform::is_one(text) => Self::Platform,
            true => Self::KeyValue,
            false => Self::Unknown,
        }
    }

    fn by_scheme(text: &str) -> Option<Self> {
        let (scheme, _) = text.split_once("://")?;
        let word = |c: char| c.is_ascii_alphanumeric() || "+.-_".contains(c);
        if !scheme.starts_with(|c: char| c.is_ascii_alphabetic()) || !scheme.chars().all(word) {
            return None;
        }
        let prefix = scheme.len() + "://".len();
        let lower = scheme.to_ascii_lowercase();
        let dialect = lower.split('+').next().unwrap_or_default();
        let scheme = match dialect {
            "postgresql" | "postgres" if lower == scheme && lower != dialect => Scheme::Driver,
            "postgresql" | "postgres" => {
                let product = "a URI whose scheme is not in lower case";
                return Some(Self::Foreign { prefix, product, kin: true });
            }
            "redshift" => Scheme::Redshift,
            _ => {
                let (product, kin) = product(dialect).unwrap_or(("a URL of another product", false));
                return Some(Self::Foreign { prefix, product, kin });
            }
        };
        Some(Self::Uri { prefix, scheme })
    }

    /// Reads a text of this form.
    pub fn parse(self, text: &str) -> Result<Reading, Misread<'_>> {
        let rest = |prefix: usize| text.get(prefix..).unwrap_or_default();
        match self {
            Self::Uri { prefix, scheme } => read_uri(rest(prefix), scheme),
            Self::Jdbc { prefix, driver } => {
                let mut reading = jdbc::parse(rest(prefix), driver)?;
                reading.manner.odd(Oddity::OtherForm(driver.form()));
                Ok(reading)
            }
            Self::Platform => platform::parse(text),
            Self::KeyValue => Ok(Reading { pairs: keyvalue::parse(text)?, ..Reading::default() }),
            Self::Foreign { product, .. } => Err(Malformed::OtherForm(product).at(text)),
            Self::Unknown => Err(Malformed::NoKnownForm.at(text)),
        }
    }
}

/// Whether a scheme, with or without its `://`, may be shown: it is a known one, or close to it. Anything else in its
/// place may be a password. The name of a driver is in small letters.
pub fn is_tellable_scheme(prefix: &str) -> bool {
    let scheme = prefix.trim_end_matches("://");
    let (dialect, driver) = scheme.split_once('+').unwrap_or((scheme, ""));
    let dialect = dialect.to_ascii_lowercase();
    let known = ["postgresql", "postgres", "redshift", "jdbc:"].into_iter();
    let mut known = known.chain(KIN.iter().chain(&OTHERS).map(|(scheme, _)| *scheme));
    let small = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    driver.len() <= LONGEST_DRIVER
        && driver.bytes().all(small)
        && known.any(|known| known == dialect || strsim::jaro_winkler(known, &dialect) > 0.9)
}

/// `redshift_connector` has 18 letters.
const LONGEST_DRIVER: usize = 20;

fn product(scheme: &str) -> Option<(&'static str, bool)> {
    let find =
        |table: &[(&str, &'static str)]| table.iter().find(|(known, _)| *known == scheme).map(|(_, product)| *product);
    find(&KIN).map(|product| (product, true)).or_else(|| find(&OTHERS).map(|product| (product, false)))
}

fn read_uri(rest: &str, scheme: Scheme) -> Result<Reading, Misread<'_>> {
    let mut reading = Reading { pairs: uri::parse(rest)?, ..Reading::default() };
    let form = match scheme {
        Scheme::Libpq => None,
        Scheme::Driver => Some("a URL with the name of a driver"),
        Scheme::Redshift => {
            reading.manner.engine = Some(Engine::Redshift);
            Some("a URL for Amazon Redshift")
        }
    };
    if let Some(form) = form {
        reading.manner.odd(Oddity::OtherForm(form));
    }
    let cuts = not_portable(rest);
    if !cuts.is_empty() {
        reading.manner.odd(Oddity::NotPortable(cuts));
    }
    Ok(reading)
}

/// The characters in user and password that libpq takes as they are, and parsers by the URL standard do not: `#` and `?`
/// end the authority there, and a second `:` is refused by some.
fn not_portable(rest: &str) -> String {
    let (before, after) = rest.split_at(rest.find(['@', '/']).unwrap_or(rest.len()));
    if !after.starts_with('@') {
        return String::new();
    }
    let (user, password) = before.split_once(':').unwrap_or((before, ""));
    let found = |c: &char| (*c != ':' && user.contains(*c)) || password.contains(*c);
    ['#', '?', ':'].iter().filter(|c| found(c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_known_by_how_it_begins() {
        let uri = |prefix, scheme| Form::Uri { prefix, scheme };
        let jdbc = |prefix, driver| Form::Jdbc { prefix, driver };
        let foreign = |prefix, product, kin| Form::Foreign { prefix, product, kin };
        let rows = [
            ("postgres://db", uri(11, Scheme::Libpq)),
            ("postgresql://db", uri(13, Scheme::Libpq)),
            ("PostgreSQL://db", foreign(13, "a URI whose scheme is not in lower case", true)),
            ("postgresql+psycopg2://db", uri(22, Scheme::Driver)),
            ("redshift://db", uri(11, Scheme::Redshift)),
            ("redshift+redshift_connector://db", uri(30, Scheme::Redshift)),
            ("jdbc:postgresql:orders", jdbc(16, Driver::Postgresql)),
            ("jdbc:redshift:iam://c:r/d", jdbc(18, Driver::RedshiftIam)),
            ("jdbc:redshift://c/d", jdbc(14, Driver::Redshift)),
            ("jdbc:mysql://db", foreign(5, "a MySQL URL", false)),
            ("cockroachdb://db", foreign(14, "a CockroachDB URL", true)),
            ("ftp://db", foreign(6, "a URL of another product", false)),
            ("Server=db;UID=a", Form::Platform),
            ("host=https://db", Form::KeyValue),
            ("password=a://b host=db", Form::KeyValue),
            ("orders", Form::Unknown),
            ("a b://c", Form::Unknown),
        ];
        for (text, form) in rows {
            assert_eq!(Form::of(text), form, "{text}");
        }
    }

    #[test]
    fn what_other_parsers_cut_at_is_found() {
        let rows = [
            ("alice:p#w?x@db", "#?"),
            ("alice:a:b@db", ":"),
            ("al#ice@db", "#"),
            ("alice:secret@db/x?application_name=a#b", ""),
            ("db:5432/x#y", ""),
        ];
        for (rest, expected) in rows {
            assert_eq!(not_portable(rest), expected, "{rest}");
        }
    }
}
