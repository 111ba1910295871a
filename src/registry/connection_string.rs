//! The settings in a platform connection string (`Server=db;Port=5432;UID=u;Password=p`), apart from its password.
//!
//! Only as much as it takes to say whether two strings differ in more than the password.

use std::collections::BTreeMap;

/// Keys whose value is a secret.
const SECRET_KEYS: [&str; 2] = ["password", "pwd"];

/// Keys whose value may be shown; any other may hold what we do not know to be a secret.
const OPEN_KEYS: [&str; 7] =
    ["server", "database", "port", "uid", "encryptionmethod", "validateservercertificate", "hostnameincertificate"];

/// Whether a value of this key (in lower case) may be shown.
pub(super) fn is_open(key: &str) -> bool {
    OPEN_KEYS.contains(&key)
}

/// Every setting but the password, keys in lower case. `None` when the string is not of this form.
pub(super) fn settings(string: &str) -> Option<BTreeMap<String, String>> {
    let mut settings = BTreeMap::new();
    let mut rest = string.trim();
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=')?;
        let (value, after) = value(after)?;
        let key = key.trim().to_ascii_lowercase();
        if key.is_empty() || key.contains(';') {
            return None;
        }
        if !SECRET_KEYS.contains(&key.as_str()) {
            settings.insert(key, value);
        }
        rest = after.trim_start_matches(|c: char| c == ';' || c.is_whitespace());
    }
    Some(settings)
}

/// A value up to its semicolon. In braces, as ODBC has it, it may hold one, and a closing brace when doubled.
fn value(text: &str) -> Option<(String, &str)> {
    let Some(braced) = text.trim_start().strip_prefix('{') else {
        let (value, rest) = text.split_once(';').unwrap_or((text, ""));
        return Some((value.trim().to_owned(), rest));
    };
    let (mut value, mut rest) = (String::new(), braced);
    loop {
        let (part, after) = rest.split_once('}')?;
        value.push_str(part);
        match after.strip_prefix('}') {
            Some(after) => rest = after,
            None => {
                return (after.trim_start().is_empty() || after.trim_start().starts_with(';'))
                    .then_some((value, after));
            }
        }
        value.push('}');
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test says by panicking what did not hold")]
mod tests {
    use super::*;

    fn listed(string: &str) -> Option<String> {
        let listed = |(key, value)| format!("{key}={value}");
        settings(string).map(|settings| settings.into_iter().map(listed).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn the_password_is_left_out_whatever_it_holds() {
        for password in ["Password=hunter2", "PWD = hunter2 ", "Password={hunt;er}}2}", "password="] {
            let string = format!("Server=db;Port=5432;{password};UID=ingest;");
            assert_eq!(listed(&string).unwrap(), "port=5432 server=db uid=ingest");
        }
    }

    #[test]
    fn the_string_of_the_tutorial_is_read() {
        let string = "Server=db;Database=d;Port=5432;UID=u;Password=p;EncryptionMethod=1;ValidateServerCertificate=1";
        assert_eq!(
            listed(string).unwrap(),
            "database=d encryptionmethod=1 port=5432 server=db uid=u validateservercertificate=1"
        );
    }

    #[test]
    fn what_is_not_of_this_form_is_not_guessed_at() {
        for string in [
            "hunter2",
            "Server=db;hunter2",
            "Server=db;hunter2;UID=u",
            "Password={hunter2",
            "Password={hunt}er2",
            "=hunter2",
        ] {
            assert_eq!(listed(string), None, "{string}");
        }
    }
}
