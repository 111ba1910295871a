//! The password file: `host:port:database:user:password`, the first line that fits wins (manual, section 32.16; libpq,
//! `fe-connect.c`, `passwordFromFile`).

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::{LookUp, home};
use crate::target::Secret;

/// What a connection is looked up by, in the order of the fields.
pub struct Key<'a> {
    /// `host`, else `hostaddr`; `localhost` for the default socket.
    pub host: &'a str,
    /// The port as text.
    pub port: &'a str,
    /// The database.
    pub database: &'a str,
    /// The role.
    pub user: &'a str,
}

/// What came of looking.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    /// A line fits.
    Password(Secret),
    /// There is no file, or no line fits.
    Nothing,
    /// Others can read the file, or it is no plain file, so libpq does not.
    Ignored,
}

/// The file: the one that is named, else `~/.pgpass`.
pub fn path(named: Option<&str>, look_up: &LookUp) -> Option<PathBuf> {
    named.map(PathBuf::from).or_else(|| Some(home::directory(look_up)?.join(".pgpass")))
}

/// Looks a connection up.
pub fn look(path: &Path, key: &Key<'_>) -> Found {
    let Ok(metadata) = std::fs::metadata(path) else {
        return Found::Nothing;
    };
    if !metadata.is_file() || metadata.permissions().mode() & 0o077 != 0 {
        return Found::Ignored;
    }
    let text = std::fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines = text.split('\n').map(|line| line.trim_end_matches('\r')).filter(|line| !line.starts_with('#'));
    let found = lines.into_iter().find_map(|line| password(line, key));
    // An empty password is as good as none.
    found
        .filter(|password| !password.is_empty())
        .map_or(Found::Nothing, |password| Found::Password(Secret::new(password)))
}

fn password(line: &str, key: &Key<'_>) -> Option<String> {
    let fields = [key.host, key.port, key.database, key.user];
    fields.into_iter().try_fold(line, after_field).map(last_field)
}

/// The rest of the line after its first field, if that is `*` or this text. A colon need not be escaped where the text has
/// one in that very place.
fn after_field<'a>(line: &'a str, text: &str) -> Option<&'a str> {
    if let Some(rest) = line.strip_prefix("*:") {
        return Some(rest);
    }
    let mut wanted = text.chars();
    let mut chars = line.char_indices();
    while let Some((index, c)) = chars.next() {
        let expected = wanted.next();
        match (c, expected) {
            (':', None) => return line.get(index + 1..),
            ('\\', Some(_)) if chars.next().map(|(_, escaped)| escaped) == expected => {}
            (c, Some(expected)) if c == expected && c != '\\' => {}
            _ => return None,
        }
    }
    None
}

/// The field without its escapes, up to the next colon.
fn last_field(line: &str) -> String {
    let mut value = String::new();
    let mut chars = line.chars();
    while let Some(c) = chars.next().filter(|c| *c != ':') {
        // A backslash at the very end escapes nothing.
        value.push(if c == '\\' { chars.next().unwrap_or(c) } else { c });
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Key<'_> = Key { host: "db", port: "5432", database: "orders", user: "a:b" };

    #[test]
    fn lines_are_matched_as_libpq_matches_them() {
        let rows = [
            (r"db:5432:orders:a\:b:secret", Some("secret")),
            ("*:*:*:*:secret", Some("secret")),
            (r"*:*:*:a\:b:se\:cr\\et", Some(r"se:cr\et")),
            ("*:*:*:*:se:cret", Some("se")),
            (r"*:*:*:*:secret\", Some(r"secret\")),
            ("db:5432:orders:a:b:secret", Some("secret")),
            (r"d\b:5432:orders:a\:b:secret", Some("secret")),
            (r"d\:*:*:*:secret", None),
            ("d*:*:*:*:secret", None),
            ("DB:*:*:*:secret", None),
            ("db:5433:*:*:secret", None),
            ("db:5432:orders", None),
            ("", None),
        ];
        for (line, expected) in rows {
            assert_eq!(password(line, &KEY).as_deref(), expected, "{line}");
        }
    }

    #[test]
    fn a_file_that_others_can_read_is_ignored() {
        let Ok(file) = tempfile::NamedTempFile::new() else {
            return assert!(tempfile::NamedTempFile::new().is_ok());
        };
        let written = std::fs::write(file.path(), "# comment\n*:*:*:other:no\n*:*:*:*:first\n*:*:*:*:second\n");
        assert!(written.is_ok());
        assert_eq!(look(file.path(), &KEY), Found::Password(Secret::new("first".to_owned())));
        assert!(std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o640)).is_ok());
        assert_eq!(look(file.path(), &KEY), Found::Ignored);
        assert_eq!(look(Path::new("/nonexistent/pgpass"), &KEY), Found::Nothing);
    }
}
