//! The platform's connection string, written: from a target, and one that is there already with its secrets masked or
//! with the password that it lacks.

use super::{item, what};
use crate::target::{Secret, SslMode, Target};

/// What stands for a secret: the placeholder of the platform's own samples.
const MASK: &str = "xxxx";

/// The string that means this target, in the order of the platform's tutorials.
pub fn of(target: &Target) -> Secret {
    let password = target.password.as_ref().map(Secret::expose).unwrap_or_default();
    let port = target.endpoint.port().to_string();
    let mut text = String::new();
    for (key, value) in [
        ("Server", target.endpoint.host()),
        ("Database", &target.database),
        ("Port", &port),
        ("UID", &target.user),
        ("Password", password),
    ] {
        push(&mut text, key, value);
    }
    let (method, validate) = encryption(target.tls.mode);
    push(&mut text, super::ENCRYPTION_METHOD, method);
    push(&mut text, super::VALIDATE, validate);
    if target.tls.mode == SslMode::VerifyFull {
        push(&mut text, super::CERTIFICATE_NAME, target.certificate_name());
    }
    Secret::new(text)
}

/// `EncryptionMethod` and `ValidateServerCertificate`. `allow` has no counterpart; 6 is encrypted where that can be had.
pub fn encryption(mode: SslMode) -> (&'static str, &'static str) {
    match mode {
        SslMode::Disable => ("0", "0"),
        SslMode::Allow | SslMode::Prefer => ("6", "0"),
        SslMode::Require => ("1", "0"),
        SslMode::VerifyCa | SslMode::VerifyFull => ("1", "1"),
    }
}

/// The same string with a password at its end, which it has none of.
pub fn with_password(text: &str, password: &Secret) -> Secret {
    let mut text = text.trim_end().to_owned();
    if !text.is_empty() && !text.ends_with(';') {
        text.push(';');
    }
    push(&mut text, "Password", password.expose());
    Secret::new(text)
}

/// Whether it has a password that is not empty.
pub fn has_password(text: &str) -> bool {
    super::parse(text).is_ok_and(|reading| {
        reading.pairs.iter().rfind(|(keyword, _)| *keyword == "password").is_some_and(|(_, value)| !value.is_empty())
    })
}

/// The string as it may be shown: of every known key the value that is in force, and nothing of any other, which may be
/// a piece of a password with a semicolon. None of what cannot be read.
pub fn masked(text: &str) -> Option<String> {
    let mut known: Vec<(&str, String, &'static str)> = Vec::new();
    let mut rest = text.trim_start_matches(|c: char| c == ';' || c.is_whitespace());
    while !rest.is_empty() {
        let (item, after) = item(rest).ok()?;
        rest = after;
        let Some(keyword) = what(item.key) else { continue };
        known.retain(|(_, _, earlier)| *earlier != keyword);
        known.push((item.key, item.text(), keyword));
    }
    let mut shown = String::new();
    for (key, value, keyword) in known {
        push(&mut shown, key, if keyword == "password" { MASK } else { &value });
    }
    Some(shown)
}

fn push(text: &mut String, key: &str, value: &str) {
    let value = quoted(value);
    text.extend([key, "=", &value, ";"]);
}

/// In braces where it would end early, lose a blank, or be taken for a quoted one.
fn quoted(value: &str) -> String {
    let plain = value.trim() == value && !value.contains([';', '{', '}', '"', '\'']);
    if plain { value.to_owned() } else { format!("{{{}}}", value.replace('}', "}}")) }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test says by panicking what did not hold")]
mod tests {
    use super::*;
    use crate::settings::{self, Sources};

    fn target(string: &str) -> Target {
        settings::read(&Sources { target: Some(Secret::new(string.to_owned())), ..Sources::default() }).unwrap()
    }

    fn summary(target: &Target) -> String {
        let Target { endpoint, database, user, password, tls, .. } = target;
        let password = password.as_ref().map(Secret::expose).unwrap_or_default();
        format!("{}:{} {database:?} {user:?} {password:?} {}", endpoint.host(), endpoint.port(), tls.mode)
    }

    #[test]
    fn a_string_that_is_written_is_read_as_the_same() {
        let passwords = [
            "wonderland",
            "won;der",
            "won}der",
            "{wonder",
            " wonder ",
            "'won'",
            "\"",
            "won=der",
            "{PASSWORD}",
            "wön;}}d",
        ];
        for (password, mode) in passwords.iter().flat_map(|one| SslMode::ALL.map(|mode| (one, mode))) {
            let escaped = password.replace('\\', "\\\\").replace('\'', "\\'");
            let keywords = format!(
                "host=db.test port=5433 dbname='or;ders' user='a b' password='{escaped}' sslmode={mode} sslrootcert={}",
                if mode == SslMode::VerifyFull { "system" } else { "''" }
            );
            let Ok(meant) = settings::read(&Sources { target: Some(Secret::new(keywords)), ..Sources::default() })
            else {
                assert_eq!(mode, SslMode::VerifyCa, "libpq wants a root file");
                continue;
            };
            let read = target(of(&meant).expose());
            let expected = if mode == SslMode::Allow { "prefer".to_owned() } else { mode.to_string() };
            assert_eq!(summary(&read), summary(&meant).replace(&format!(" {mode}"), &format!(" {expected}")));
        }
    }

    #[test]
    fn the_order_is_that_of_the_tutorials() {
        let written = of(&target("postgresql://alice:wonder;land@db.test:5433/orders?sslmode=require"));
        assert_eq!(
            written.expose(),
            "Server=db.test;Database=orders;Port=5433;UID=alice;Password={wonder;land};EncryptionMethod=1;\
             ValidateServerCertificate=0;"
        );
    }

    #[test]
    fn a_password_is_added_where_there_is_none() {
        let added = |text: &str| with_password(text, &Secret::new("won;der".to_owned())).expose().to_owned();
        assert_eq!(added("Server=db;UID=a"), "Server=db;UID=a;Password={won;der};");
        assert_eq!(added("Server=db;UID=a; "), "Server=db;UID=a;Password={won;der};");
        assert!(
            has_password("Server=db;PWD=x") && !has_password("Server=db;PWD=;UID=a") && !has_password("Server=db;")
        );
    }

    #[test]
    fn only_what_is_known_to_be_no_secret_is_shown() {
        let rows = [
            ("Server=db;PWD=wonder;UID=alice", "Server=db;PWD=xxxx;UID=alice;"),
            ("Server=db;PWD={won;der};land=x;EM=1;", "Server=db;PWD=xxxx;EM=1;"),
            ("Server=won;Password=won;Server=db;", "Password=xxxx;Server=db;"),
        ];
        for (text, shown) in rows {
            assert_eq!(masked(text).as_deref(), Some(shown), "{text}");
        }
        assert_eq!(masked("Server=db;wonderland"), None);
    }
}
