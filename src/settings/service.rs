//! Service files: one named section of `key=value` lines (manual, section 32.17; libpq, `fe-connect.c`,
//! `parseServiceInfo`). No blanks around `=`, quotes are part of the value, the first of two equal keys wins.

use std::path::{Path, PathBuf};

use super::failure::InputFailure;
use super::keywords;
use super::{LookUp, uri::Pairs};

/// Where the installations look that people have: Debian's, then the place of a build from source.
const SYSTEM_DIRECTORIES: [&str; 2] = ["/etc/postgresql-common", "/usr/local/pgsql/etc"];

/// The values of a service. `PGSERVICEFILE` (else `~/.pg_service.conf`) comes before the system's file.
pub fn read(service: &str, look_up: &LookUp) -> Result<Pairs, InputFailure> {
    let mut looked_at = Vec::new();
    for (path, must_exist) in files(look_up) {
        let Ok(text) = std::fs::read_to_string(&path) else {
            if must_exist {
                return Err(InputFailure::ServiceNotFound { service: service.to_owned(), files: vec![path] });
            }
            continue;
        };
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
    let own = match (look_up("PGSERVICEFILE"), look_up("HOME")) {
        (Some(named), _) => Some((PathBuf::from(named), true)),
        (None, Some(home)) => Some((Path::new(&home).join(".pg_service.conf"), false)),
        (None, None) => None,
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
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
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
