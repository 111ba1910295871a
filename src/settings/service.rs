//! Service files: one named section of `key=value` lines (manual, section 32.17; libpq, `fe-connect.c`,
//! `parseServiceInfo`). No blanks around `=`, quotes are part of the value, the first of two equal keys wins.

use std::path::PathBuf;

use super::failure::InputFailure;
use super::keyvalue::is_space;
use super::{LookUp, home, keywords, uri::Pairs};

/// Where the installations look that people have: Debian's, then the place of a build from source.
const SYSTEM_DIRECTORIES: [&str; 2] = ["/etc/postgresql-common", "/usr/local/pgsql/etc"];

/// A line may not be longer, in bytes, its end included (`fgets` with a buffer of 1024).
const LONGEST_LINE: usize = 1022;

/// The values of a service. `PGSERVICEFILE` (else `~/.pg_service.conf`) comes before the system's file.
pub fn read(service: &str, environment: Option<&LookUp>) -> Result<Pairs, InputFailure> {
    let mut looked_at = Vec::new();
    for (path, must_exist) in environment.map(files).unwrap_or_default() {
        let Ok(bytes) = std::fs::read(&path) else {
            // One that is there, and cannot be read, is refused like one that has to be there.
            if must_exist || path.exists() {
                return Err(InputFailure::ServiceNotFound { service: service.to_owned(), files: vec![path] });
            }
            continue;
        };
        let text = String::from_utf8_lossy(&bytes);
        if let Some(pairs) =
            section(&text, service).map_err(|line| InputFailure::ServiceFile { path: path.clone(), line })?
        {
            return Ok(pairs);
        }
        looked_at.push(path);
    }
    Err(InputFailure::ServiceNotFound { service: service.to_owned(), files: looked_at })
}

/// Each file that may be there, and whether its absence is an error.
fn files(look_up: &LookUp) -> Vec<(PathBuf, bool)> {
    let own = match look_up("PGSERVICEFILE") {
        Some(named) => Some((PathBuf::from(named), true)),
        None => home::directory(look_up).map(|home| (home.join(".pg_service.conf"), false)),
    };
    let system = match look_up("PGSYSCONFDIR") {
        Some(directory) => vec![PathBuf::from(directory)],
        None => SYSTEM_DIRECTORIES.map(PathBuf::from).to_vec(),
    };
    let system = system.into_iter().map(|directory| (directory.join("pg_service.conf"), false));
    own.into_iter().chain(system).collect()
}

/// The values of the first section of that name; the number of the line that cannot be read, counted from 1.
fn section(text: &str, service: &str) -> Result<Option<Pairs>, usize> {
    let mut found: Option<Pairs> = None;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        if line.len() > LONGEST_LINE {
            return Err(index + 1);
        }
        let line = line.trim_matches(is_space);
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(name) = line.strip_prefix('[') {
            if found.is_some() {
                break;
            }
            // What comes after the bracket does not count.
            if name.strip_prefix(service).is_some_and(|rest| rest.starts_with(']')) {
                found = Some(Pairs::new());
            }
            continue;
        }
        let Some(pairs) = &mut found else {
            continue;
        };
        let keyword = line.split_once('=').and_then(|(name, value)| Some((keywords::find(name)?, value)));
        // A service within a service is refused, as in libpq.
        let (keyword, value) = keyword.filter(|(keyword, _)| keyword.name != "service").ok_or(index + 1)?;
        if !pairs.iter().any(|(known, _)| *known == keyword.name) {
            pairs.push((keyword.name, value.to_owned()));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_read_as_libpq_reads_them() {
        let text = "# ours\n[other]\nhost=no\n\n [orders] # ours\nhost=db1\nhost=db2\nuser='x'\n[orders]\nport=1\n";
        let expected: Pairs = vec![("host", "db1".to_owned()), ("user", "'x'".to_owned())];
        assert_eq!(section(text, "orders"), Ok(Some(expected)));
        assert_eq!(section(text, "missing"), Ok(None));
        for broken in ["[s]\nhost = db", "[s]\nhost", "[s]\nservice=other", "[s]\nuzer=x"] {
            assert_eq!(section(broken, "s"), Err(2), "{broken}");
        }
    }
}
