//! JDBC URLs of PostgreSQL's driver (pgJDBC's documentation, "Connecting to the Database") and of Amazon Redshift's (AWS,
//! "Building the connection URL"), read as the libpq keywords that mean the same.

mod properties;

use self::properties::{POSTGRESQL, REDSHIFT, is_harmless};
use super::failure::{Malformed, Misread};
use super::form::Reading;
use super::uri;
use crate::target::{Engine, Oddity};

/// Whose URL it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Driver {
    /// `jdbc:postgresql:`
    Postgresql,
    /// `jdbc:redshift:`
    Redshift,
    /// `jdbc:redshift:iam:`: the driver fetches a user and a password from AWS.
    RedshiftIam,
}

impl Driver {
    /// What the URL begins with. The longer prefix stands first.
    pub const PREFIXES: [(&'static str, Self); 3] = [
        ("jdbc:postgresql:", Self::Postgresql),
        ("jdbc:redshift:iam:", Self::RedshiftIam),
        ("jdbc:redshift:", Self::Redshift),
    ];

    /// What the form is called.
    pub fn form(self) -> &'static str {
        match self {
            Self::Postgresql => "a JDBC URL",
            Self::Redshift => "a JDBC URL of Amazon Redshift",
            Self::RedshiftIam => "a JDBC URL of Amazon Redshift for a user and password that AWS has to make first",
        }
    }

    fn is_redshift(self) -> bool {
        self != Self::Postgresql
    }

    /// What stands between host and properties, and between properties.
    pub fn split(self, rest: &str) -> (&str, &str, &'static [char]) {
        let (place, properties) = rest.split_once('?').unwrap_or((rest, ""));
        match place.split_once(';') {
            Some((place, properties)) if self.is_redshift() && properties.len() < rest.len() && !rest.contains('?') => {
                (place, properties, &['&', ';'])
            }
            _ if self.is_redshift() => (place, properties, &['&', ';']),
            _ => (place, properties, &['&']),
        }
    }

    /// The keyword that a property stands for. Redshift's driver does not look at letter case.
    pub fn keyword(self, name: &str) -> Option<&'static str> {
        let (table, same): (_, fn(&str, &str) -> bool) = match self {
            Self::Postgresql => (POSTGRESQL, |one, other| one == other),
            Self::Redshift | Self::RedshiftIam => (REDSHIFT, str::eq_ignore_ascii_case),
        };
        table.iter().find(|(known, _)| same(known, name)).map(|(_, keyword)| *keyword)
    }
}

/// Reads what follows the prefix.
///
/// The drivers never use a Unix socket: without a host they dial `localhost`.
pub fn parse(rest: &str, driver: Driver) -> Result<Reading, Misread<'_>> {
    let (place, properties, separators) = driver.split(rest);
    // `jdbc:postgresql:orders` and `jdbc:postgresql:/` name no host.
    let (hosts, database) = match place.strip_prefix("//") {
        Some(place) => place.split_once('/').unwrap_or((place, "")),
        None => ("", place.trim_start_matches('/')),
    };
    if let Some(at) = hosts.find('@') {
        return Err(Malformed::JdbcUser.at(hosts.get(at..).unwrap_or(hosts)));
    }
    if let (Driver::RedshiftIam, Some((_, region))) = (driver, hosts.split_once(':'))
        && !region.starts_with(|c: char| c.is_ascii_digit())
    {
        return Err(Malformed::ClusterOnly.at(region));
    }
    let mut reading = Reading { pairs: uri::hosts(hosts)?, ..Reading::default() };
    uri::store(&mut reading.pairs, "dbname", database)?;
    let mut switches = Switches::default();
    for property in properties.split(separators).filter(|property| !property.is_empty()) {
        read_property(property, driver, &mut reading, &mut switches)?;
    }
    if !reading.pairs.iter().any(|(keyword, _)| *keyword == "host") {
        reading.pairs.push(("host", "localhost".to_owned()));
    }
    switches.settle(driver, &mut reading);
    Ok(reading)
}

/// Properties that mean something together only.
#[derive(Default)]
struct Switches {
    /// `ssl`
    ssl: Option<bool>,
    /// The end of the name of the class in `sslfactory`.
    factory: String,
}

fn read_property<'a>(
    property: &'a str,
    driver: Driver,
    reading: &mut Reading,
    switches: &mut Switches,
) -> Result<(), Misread<'a>> {
    let (name, raw) = property.split_once('=').unwrap_or((property, ""));
    // The drivers decode with java.net.URLDecoder, to which `+` is a blank.
    let value = uri::decode(&raw.replace('+', "%20")).map_err(|misread| misread.failure.at(raw))?;
    match (name.to_ascii_lowercase().as_str(), driver.keyword(name)) {
        ("ssl", _) => switches.ssl = Some(value.is_empty() || value.eq_ignore_ascii_case("true")),
        ("sslfactory", _) => value.rsplit('.').next().unwrap_or_default().clone_into(&mut switches.factory),
        ("dbuser", Some(keyword)) => reading.pairs.push((keyword, iam_user(&value))),
        (_, Some("target_session_attrs")) => {
            reading.pairs.push(("target_session_attrs", session_attrs(&value).to_owned()));
        }
        (_, Some("load_balance_hosts")) => {
            reading.pairs.push(("load_balance_hosts", if value == "true" { "random" } else { "disable" }.to_owned()));
        }
        (_, Some(keyword)) => reading.pairs.push((keyword, value)),
        // The driver's own, and without a bearing on whether a connection can be made.
        _ if is_harmless(name) => {}
        // Its name may be the rest of a password with an unescaped `&`.
        _ if name.contains('@') => return Err(Malformed::ParameterWithoutValue.at(property)),
        _ => reading.manner.odd(Oddity::DriverSetting),
    }
    Ok(())
}

impl Switches {
    /// `ssl` counts where there is no sslmode: pgJDBC's `SslMode.of`, and Redshift's, to which `ssl` is true unless it is
    /// said to be false.
    fn settle(self, driver: Driver, reading: &mut Reading) {
        let given = reading.pairs.iter().any(|(keyword, _)| *keyword == "sslmode");
        let (mode, engine) = match (driver, self.ssl) {
            (Driver::Postgresql, Some(true)) => (Some("verify-full"), None),
            (Driver::Postgresql, _) => (None, None),
            (Driver::RedshiftIam, Some(false)) => (Some("prefer"), Some(Engine::Redshift)),
            (Driver::Redshift, Some(false)) => (Some("allow"), Some(Engine::Redshift)),
            (Driver::Redshift | Driver::RedshiftIam, _) => (Some("verify-ca"), Some(Engine::Redshift)),
        };
        // This class looks at no certificate; without a trusted issuer a name says nothing.
        let blind = self.factory == "NonValidatingFactory";
        let mode = if blind && mode.is_some() { Some("require") } else { mode };
        if let Some(mode) = mode.filter(|_| !given) {
            reading.pairs.push(("sslmode", mode.to_owned()));
        }
        reading.manner.engine = engine;
        reading.manner.own_roots = driver.is_redshift() || self.factory == "DefaultJavaSSLFactory";
    }
}

/// The user that GetClusterCredentials makes of a DbUser.
fn iam_user(name: &str) -> String {
    if name.starts_with("IAM:") || name.starts_with("IAMA:") { name.to_owned() } else { format!("IAM:{name}") }
}

/// pgJDBC's `targetServerType`. Its primary is a server that takes writes.
fn session_attrs(kind: &str) -> &'static str {
    match kind {
        "primary" | "master" => "read-write",
        "secondary" | "slave" => "read-only",
        "preferSecondary" | "preferSlave" => "prefer-standby",
        _ => "any",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The URL, what it means, and how many settings are left out with a word.
    type Row<'a> = (&'a str, &'a [(&'static str, &'a str)], usize);

    fn check(driver: Driver, rows: &[Row<'_>]) {
        for (rest, expected, ignored) in rows {
            let expected: uri::Pairs = expected.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
            let read = parse(rest, driver);
            assert_eq!(read.as_ref().map(|reading| &reading.pairs), Ok(&expected), "{rest}");
            assert_eq!(read.map(|reading| reading.manner.oddities.len()), Ok(*ignored), "{rest}");
        }
    }

    #[test]
    fn urls_are_read_as_the_driver_means_them() {
        let rows: &[Row<'_>] = &[
            ("//db.test:5433/orders", &[("host", "db.test"), ("port", "5433"), ("dbname", "orders")], 0),
            ("//[::1]/orders", &[("host", "::1"), ("dbname", "orders")], 0),
            ("orders", &[("dbname", "orders"), ("host", "localhost")], 0),
            ("/", &[("host", "localhost")], 0),
            ("///orders?PGHOST=h&PGPORT=7", &[("dbname", "orders"), ("host", "h"), ("port", "7")], 0),
            (
                "//db/orders?user=a&password=p%26q+r&ssl=true&ApplicationName=x&prepareThreshold=0&noSuchProperty=1",
                &[
                    ("host", "db"),
                    ("dbname", "orders"),
                    ("user", "a"),
                    ("password", "p&q r"),
                    ("application_name", "x"),
                    ("sslmode", "verify-full"),
                ],
                1,
            ),
            ("//db/?sslmode=require&ssl=true", &[("host", "db"), ("sslmode", "require")], 0),
            (
                "//db/?ssl=true&sslfactory=org.postgresql.ssl.NonValidatingFactory",
                &[("host", "db"), ("sslmode", "require")],
                0,
            ),
            (
                "//a:1,b:2/o?targetServerType=primary&loadBalanceHosts=true",
                &[
                    ("host", "a,b"),
                    ("port", "1,2"),
                    ("dbname", "o"),
                    ("target_session_attrs", "read-write"),
                    ("load_balance_hosts", "random"),
                ],
                0,
            ),
        ];
        check(Driver::Postgresql, rows);
    }

    #[test]
    fn redshift_has_a_driver_of_its_own() {
        let rows: &[Row<'_>] = &[
            (
                "//c.test:5439/dev;UID=a;PWD=p%3Bq;loginTimeout=3",
                &[
                    ("host", "c.test"),
                    ("port", "5439"),
                    ("dbname", "dev"),
                    ("user", "a"),
                    ("password", "p;q"),
                    ("sslmode", "verify-ca"),
                ],
                0,
            ),
            ("//c.test/dev?ssl=false", &[("host", "c.test"), ("dbname", "dev"), ("sslmode", "allow")], 0),
            (
                "//c.test/dev?SSLMode=verify-full",
                &[("host", "c.test"), ("dbname", "dev"), ("sslmode", "verify-full")],
                0,
            ),
        ];
        check(Driver::Redshift, rows);
        let iam: &[Row<'_>] = &[(
            "//c.test:5439/dev?DbUser=ingest",
            &[
                ("host", "c.test"),
                ("port", "5439"),
                ("dbname", "dev"),
                ("user", "IAM:ingest"),
                ("sslmode", "verify-ca"),
            ],
            0,
        )];
        check(Driver::RedshiftIam, iam);
    }

    #[test]
    fn an_error_points_at_its_place() {
        let rows = [
            (Driver::Postgresql, "//alice:secret@db/orders", Malformed::JdbcUser, "@db"),
            (Driver::RedshiftIam, "//cluster:us-west-2/dev", Malformed::ClusterOnly, "us-west-2"),
            (Driver::Postgresql, "//db/orders?password=p%&x=1", Malformed::PercentInvalid, "p%"),
            (Driver::Postgresql, "//db/orders?password=p&q@r", Malformed::ParameterWithoutValue, "q@r"),
        ];
        for (driver, rest, malformed, place) in rows {
            assert_eq!(parse(rest, driver).err(), Some(malformed.at(place)), "{rest}");
        }
    }
}
