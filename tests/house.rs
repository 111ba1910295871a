//! What holds the house together and no compiler checks: the arrows between modules, the list of codes and their pages,
//! the size of files, and libpq's keywords.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends at the first surprise")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use pgpreflight::diagnose::code::Code;
use pgpreflight::settings::keywords::KEYWORDS;

/// Which modules each module may name. What stands for `a::b` may be named, the rest of `a` may not.
const ARROWS: &[(&str, &[&str])] = &[
    ("main", &["cli", "commands", "error", "render::layout"]),
    ("lib", &["diagnose::modes", "probe", "report", "settings::modes", "target"]),
    ("cli", &["settings::keywords"]),
    (
        "commands",
        &[
            "Wanted",
            "check",
            "cli",
            "diagnose::code",
            "diagnose::finding",
            "diagnose::registration",
            "diagnose::register",
            "dialect",
            "error",
            "lab",
            "registry",
            "render",
            "report",
            "settings",
            "target",
        ],
    ),
    (
        "render",
        &[
            "report",
            "diagnose::code",
            "diagnose::finding",
            "diagnose::modes",
            "probe::Watch",
            "probe::trace",
            "registry::api",
            "target",
        ],
    ),
    (
        "report",
        &[
            "diagnose",
            "probe::trace",
            "probe::certificate",
            "registry::registration",
            "settings::InputFailure",
            "settings::modes",
            "target",
        ],
    ),
    (
        "diagnose",
        &[
            "probe::trace",
            "probe::certificate",
            "dialect",
            "registry::api::Action",
            "registry::registration",
            "registry::service",
            "registry::store::Difference",
            "settings::InputFailure",
            "settings::Malformed",
            "settings::NotRegistrable",
            "settings::Pointer",
            "settings::modes",
            "target",
            "wire::message::ServerError",
        ],
    ),
    ("probe", &["dialect", "target", "wire"]),
    ("settings", &["target"]),
    (
        "registry",
        &[
            "Wanted",
            "check",
            "dialect",
            "open",
            "probe::Session",
            "probe::Watch",
            "probe::trace::Stage",
            "probe::trace::Trace",
            "report",
            "settings",
            "target",
            "wire::connection",
            "wire::message::ServerError",
            "wire::screen::Screen",
        ],
    ),
    ("wire", &[]),
    ("lab", &[]),
    ("dialect", &[]),
    ("target", &[]),
    ("error", &[]),
];

/// Names that say nothing of what is in a module.
const EMPTY_NAMES: [&str; 5] = ["utils", "util", "common", "helpers", "types"];

const LONGEST_FILE: usize = 500;

const STAGES: [&str; 8] = ["input", "resolve", "connect", "tls", "login", "session", "privileges", "register"];

/// The options of libpq 18.4, as `PQconndefaults` gives them (`fe-connect.c`, `PQconninfoOptions`).
const LIBPQ_18: [&str; 50] = [
    "service",
    "user",
    "password",
    "passfile",
    "channel_binding",
    "connect_timeout",
    "dbname",
    "host",
    "hostaddr",
    "port",
    "client_encoding",
    "options",
    "application_name",
    "fallback_application_name",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_count",
    "tcp_user_timeout",
    "sslmode",
    "sslnegotiation",
    "sslcompression",
    "sslcert",
    "sslkey",
    "sslcertmode",
    "sslpassword",
    "sslrootcert",
    "sslcrl",
    "sslcrldir",
    "sslsni",
    "requirepeer",
    "require_auth",
    "min_protocol_version",
    "max_protocol_version",
    "ssl_min_protocol_version",
    "ssl_max_protocol_version",
    "gssencmode",
    "krbsrvname",
    "gsslib",
    "gssdelegation",
    "replication",
    "target_session_attrs",
    "load_balance_hosts",
    "scram_client_key",
    "scram_server_key",
    "oauth_issuer",
    "oauth_client_id",
    "oauth_client_secret",
    "oauth_scope",
    "sslkeylogfile",
];

#[test]
fn modules_point_down_only() {
    let arrows: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    let mut wrong = Vec::new();
    for path in sources() {
        let module = module_of(&path);
        let allowed =
            arrows.get(module.as_str()).unwrap_or_else(|| panic!("{module} has no arrows: {}", path.display()));
        // A module's tests may play any server and read any settings.
        let is_test = path.file_name().unwrap() == "tests.rs";
        for named in named_modules(&std::fs::read_to_string(&path).unwrap()) {
            let own = named == module || named.starts_with(&format!("{module}::"));
            let fine = allowed.iter().any(|arrow| named == *arrow || named.starts_with(&format!("{arrow}::")));
            if !own && !fine && !(is_test && (named.starts_with("lab") || named.starts_with("settings"))) {
                wrong.push(format!("{} names {named}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn paths_to_modules_are_found_in_every_form() {
    let source = "use crate::a::b;\nuse crate::{c::{self, D}, e};\nlet x = crate::f::g::H;\n/// see [`crate::i`]\nuse super::j;\nuse pgpreflight::k::l;";
    let found = named_modules(source);
    assert_eq!(found, ["a::b", "c::self", "c::D", "e", "f::g::H", "k::l"].map(str::to_owned).to_vec());
}

#[test]
fn files_are_short_and_modules_have_names_and_say_what_they_are() {
    for path in sources() {
        let text = std::fs::read_to_string(&path).unwrap();
        let lines = text.lines().count();
        assert!(lines <= LONGEST_FILE, "{} has {lines} lines", path.display());
        let name = path.file_stem().unwrap().to_str().unwrap();
        assert!(!EMPTY_NAMES.contains(&name), "{}", path.display());
        let opening = text.lines().take_while(|line| line.starts_with("//!")).count();
        assert!(opening > 0 || name == "tests", "{} does not say what it is", path.display());
    }
}

#[test]
fn codes_are_named_for_their_stage_and_each_has_a_page() {
    let mut names = BTreeSet::new();
    for code in Code::ALL {
        let name = code.as_str();
        assert!(names.insert(name), "{name} is there twice");
        let (stage, what) = name.split_once('-').unwrap_or((name, ""));
        assert!(STAGES.contains(&stage), "{name} begins with no stage");
        assert_eq!(code.stage().as_str(), stage, "{name}");
        let kebab = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        assert!(what.split('-').all(kebab), "{name} is not kebab-case");
        assert_eq!(Code::parse(name), Some(*code));
        let page = code.page();
        assert_eq!(page.lines().next(), Some(format!("# {name}").as_str()));
        assert!(page.contains("## How to fix"), "{name}");
        assert!(code.meaning().len() > 20, "{name}: {:?}", code.meaning());
        assert!(page.lines().all(|line| line.chars().count() <= 80), "{name} has a line of more than 80 columns");
    }
    let pages = std::fs::read_dir(root().join("src/diagnose/pages")).unwrap();
    let pages: BTreeSet<String> =
        pages.map(|page| page.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned()).collect();
    assert_eq!(pages, names.iter().map(|name| (*name).to_owned()).collect());
}

#[test]
fn pages_speak_of_codes_that_exist() {
    let mut unknown = Vec::new();
    for code in Code::ALL {
        for word in code.page().split(|c: char| !(c.is_ascii_alphanumeric() || "-_".contains(c))) {
            let stage = word.split_once('-').map(|(stage, _)| stage);
            // A word that begins like a code is one.
            if stage.is_some_and(|stage| STAGES.contains(&stage)) && Code::parse(word).is_none() {
                unknown.push(format!("{} speaks of {word}", code.as_str()));
            }
        }
    }
    assert!(unknown.is_empty(), "\n{}\n", unknown.join("\n"));
}

#[test]
fn the_keywords_are_those_of_libpq_18() {
    let ours: Vec<&str> = KEYWORDS.iter().map(|keyword| keyword.name).collect();
    assert_eq!(ours, LIBPQ_18);
}

/// Every path that begins at the crate, once for each name of a list in braces.
fn named_modules(source: &str) -> Vec<String> {
    let code: String =
        source.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let mut found = Vec::new();
    for start in ["crate::", "pgpreflight::"] {
        for (at, _) in code.match_indices(start) {
            let preceded = code.get(..at).and_then(|before| before.chars().next_back());
            if !preceded.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                expand("", code.get(at + start.len()..).unwrap(), &mut found);
            }
        }
    }
    found
}

/// Reads one path, or a list of them in braces, and gives what follows.
fn expand<'a>(prefix: &str, text: &'a str, found: &mut Vec<String>) -> &'a str {
    let text = text.trim_start();
    if let Some(list) = text.strip_prefix('{') {
        let mut rest = list;
        loop {
            rest = expand(prefix, rest, found).trim_start();
            match rest.strip_prefix(',') {
                Some(next) if !next.trim_start().starts_with('}') => rest = next,
                Some(next) => rest = next.trim_start(),
                None => return rest.strip_prefix('}').unwrap_or(rest),
            }
            if let Some(after) = rest.strip_prefix('}') {
                return after;
            }
        }
    }
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let path = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}::{name}") };
    if let Some(rest) = rest.strip_prefix("::") {
        return expand(&path, rest, found);
    }
    found.push(path);
    rest
}

/// The top-level module a file belongs to.
fn module_of(path: &Path) -> String {
    let inside = path.strip_prefix(root().join("src")).unwrap();
    let first = inside.components().next().unwrap().as_os_str().to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

fn sources() -> Vec<PathBuf> {
    let mut directories = vec![root().join("src")];
    let mut files = Vec::new();
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    assert!(files.len() > 30, "{files:?}");
    files
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
