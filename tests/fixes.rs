//! Every fix that is printed for the side of the server stands in `tests/fixes.toml`, with the test that applies it as it
//! is printed, or with the reason why no test can. By file and by the words before its lines, as the source has them.
//! Those for Amazon Redshift (`redshift*`) are not in it: no cluster is to be had that could be mended.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Rows by file below `src/diagnose`: the words, and what is done about them.
type Table = BTreeMap<String, BTreeMap<String, String>>;

/// How a reason begins, in place of a test.
const NONE: &str = "none: ";

#[test]
fn every_fix_for_the_server_is_applied_by_a_test_or_says_why_it_cannot_be() {
    let table = table();
    let printed = printed();
    let rows: BTreeSet<(&str, &str)> =
        table.iter().flat_map(|(file, rows)| rows.keys().map(|words| (file.as_str(), words.as_str()))).collect();
    let untried: Vec<_> = printed.iter().filter(|(file, words)| !rows.contains(&(file.as_str(), words))).collect();
    assert!(untried.is_empty(), "not in tests/fixes.toml: {untried:#?}");
    // Words that reach a fix by a variable are not found in its place, but they are somewhere.
    let all: String = sources().into_iter().map(|(_, source)| source).collect();
    let gone: Vec<_> = rows.iter().filter(|(_, words)| !all.contains(&quoted(words))).collect();
    assert!(gone.is_empty(), "printed no more: {gone:#?}");
}

#[test]
fn the_tests_that_are_named_are_there() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let table = table();
    let named = table.values().flat_map(BTreeMap::values).filter(|applied| !applied.starts_with(NONE));
    let missing: Vec<&String> = named
        .filter(|applied| {
            let (file, function) = applied.split_once("::").unwrap_or((applied, ""));
            let text = std::fs::read_to_string(tests.join(file)).unwrap_or_default();
            function.is_empty() || !text.contains(&format!("fn {function}("))
        })
        .collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

fn table() -> Table {
    toml::from_str(include_str!("fixes.toml")).unwrap()
}

/// File and words of every fix of the source.
fn printed() -> Vec<(String, String)> {
    let sources = sources();
    let all: String = sources.iter().map(|(_, source)| source.as_str()).collect();
    let mut printed = Vec::new();
    for (file, source) in sources.iter().filter(|(file, _)| !file.starts_with("redshift")) {
        for (at, beginning) in source.match_indices("Side::Server,") {
            let rest = source.get(at + beginning.len()..).unwrap().trim_start();
            let rest = rest.strip_prefix("format!(").map_or(rest, str::trim_start);
            let constant = rest.split_once(',').and_then(|(name, _)| constant(&all, name));
            if let Some(words) = constant.or(rest.strip_prefix('"')) {
                printed.push((file.clone(), unquoted(words)));
            }
        }
    }
    assert!(printed.len() > 100, "{printed:#?}");
    printed
}

/// What follows the opening quote of a constant.
fn constant<'s>(source: &'s str, name: &str) -> Option<&'s str> {
    source.split_once(&format!("const {name}: &str = \"")).map(|(_, words)| words)
}

/// The source with every text on one line, as the compiler joins those that a backslash parts.
fn unfolded(source: &str) -> String {
    let mut parts = source.split("\\\n");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |joined, part| joined + part.trim_start())
}

/// Up to the closing quote.
fn unquoted(text: &str) -> String {
    let mut words = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next().filter(|character| *character != '"') {
        words.extend(if character == '\\' { characters.next() } else { Some(character) });
    }
    words
}

/// As it stands in the source.
fn quoted(words: &str) -> String {
    format!("\"{}\"", words.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Every file below `src/diagnose` by its name there.
fn sources() -> Vec<(String, String)> {
    let diagnose = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/diagnose");
    let named = |file: PathBuf| {
        let name = file.strip_prefix(&diagnose).unwrap().to_str().unwrap().to_owned();
        (name, unfolded(&std::fs::read_to_string(&file).unwrap()))
    };
    files(&diagnose).into_iter().map(named).collect()
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}
