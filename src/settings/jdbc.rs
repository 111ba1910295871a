//! JDBC URLs of PostgreSQL's driver (pgJDBC's documentation, "Connecting to the Database"), read as the libpq keywords
//! that mean the same.

use super::failure::{InputFailure, Malformed};
use super::keywords;
use super::uri::{self, Pairs};
use crate::target::Oddity;

/// Properties of the driver that have a libpq keyword.
const PROPERTIES: &[(&str, &str)] = &[
    ("user", "user"),
    ("password", "password"),
    ("sslmode", "sslmode"),
    ("sslrootcert", "sslrootcert"),
    ("sslcert", "sslcert"),
    ("sslkey", "sslkey"),
    ("sslpassword", "sslpassword"),
    ("sslNegotiation", "sslnegotiation"),
    ("channelBinding", "channel_binding"),
    ("connectTimeout", "connect_timeout"),
    ("ApplicationName", "application_name"),
    ("options", "options"),
    ("replication", "replication"),
    ("gssEncMode", "gssencmode"),
    ("kerberosServerName", "krbsrvname"),
];

/// Reads what follows `jdbc:postgresql:`.
///
/// The driver never uses a Unix socket: without a host it dials `localhost`.
pub fn parse(rest: &str, oddities: &mut Vec<Oddity>) -> Result<Pairs, InputFailure> {
    let (place, properties) = rest.split_once('?').unwrap_or((rest, ""));
    // `jdbc:postgresql:orders` and `jdbc:postgresql:/` name no host.
    let (hosts, database) = match place.strip_prefix("//") {
        Some(place) => place.split_once('/').unwrap_or((place, "")),
        None => ("", place.trim_start_matches('/')),
    };
    let mut pairs = uri::hosts(hosts)?;
    uri::store(&mut pairs, "dbname", database)?;
    if !pairs.iter().any(|(keyword, _)| *keyword == "host") {
        pairs.push(("host", "localhost".to_owned()));
    }
    for property in properties.split('&').filter(|property| !property.is_empty()) {
        read_property(property, &mut pairs, oddities)?;
    }
    Ok(pairs)
}

fn read_property(property: &str, pairs: &mut Pairs, oddities: &mut Vec<Oddity>) -> Result<(), InputFailure> {
    let (name, value) = property.split_once('=').unwrap_or((property, ""));
    // The driver decodes with java.net.URLDecoder, to which `+` is a blank.
    let value = uri::decode(&value.replace('+', "%20"))?;
    if name == "ssl" {
        // Without sslmode, ssl=true is verify-full to the driver.
        let given = pairs.iter().any(|(keyword, _)| *keyword == "sslmode");
        if !given && (value.is_empty() || value == "true") {
            pairs.push(("sslmode", "verify-full".to_owned()));
        }
        return Ok(());
    }
    match PROPERTIES.iter().find(|(known, _)| *known == name) {
        Some((_, keyword)) => pairs.push((keyword, value)),
        // Its name may be the rest of a password with an unescaped `&`.
        // The driver's own, and without a bearing on whether a connection can be made.
        None if keywords::product_of(name).is_some() => {}
        None if name.contains('@') => return Err(InputFailure::Malformed(Malformed::ParameterWithoutValue)),
        None => oddities.push(Oddity::DriverSetting),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The URL, what it means, and how many settings are left out with a word.
    type Row<'a> = (&'a str, &'a [(&'a str, &'a str)], usize);

    #[test]
    fn urls_are_read_as_the_driver_means_them() {
        let rows: &[Row<'_>] = &[
            ("//db.test:5433/orders", &[("host", "db.test"), ("port", "5433"), ("dbname", "orders")], 0),
            ("//[::1]/orders", &[("host", "::1"), ("dbname", "orders")], 0),
            ("orders", &[("dbname", "orders"), ("host", "localhost")], 0),
            ("/", &[("host", "localhost")], 0),
            (
                "//db/orders?user=a&password=p%26q+r&ssl=true&ApplicationName=x&prepareThreshold=0&noSuchProperty=1",
                &[
                    ("host", "db"),
                    ("dbname", "orders"),
                    ("user", "a"),
                    ("password", "p&q r"),
                    ("sslmode", "verify-full"),
                    ("application_name", "x"),
                ],
                1,
            ),
            ("//db/?sslmode=require&ssl=true", &[("host", "db"), ("sslmode", "require")], 0),
        ];
        for (rest, expected, ignored) in rows {
            let mut oddities = Vec::new();
            let expected: Pairs = expected.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
            assert_eq!(parse(rest, &mut oddities), Ok(expected), "{rest}");
            assert_eq!(oddities.len(), *ignored, "{rest}");
        }
    }
}
