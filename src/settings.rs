//! Settings → Target. Every source (flags, TARGET, environment, defaults) becomes values of the same libpq keywords,
//! laid over each other in libpq's order of precedence; then one [`Target`] is made of what is on top.

mod failure;
mod jdbc;
mod keyvalue;
pub mod keywords;
mod passfile;
mod service;
mod target;
mod uri;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

pub use self::failure::{InputFailure, Malformed};
use self::keywords::KEYWORDS;
use crate::target::{Oddity, Secret, Target};

/// Everything that can say what to dial.
#[derive(Default)]
pub struct Sources<'a> {
    /// TARGET: a URI or a keyword/value string.
    pub target: Option<Secret>,
    /// Keywords given as flags.
    pub flags: Vec<(&'static str, String)>,
    /// A password that did not come from TARGET or the environment, and where it came from.
    pub password: Option<(Secret, &'static str)>,
    /// `--timeout`
    pub timeout: Option<Duration>,
    /// `--connect-timeout`
    pub connect_timeout: Option<Duration>,
    /// Looks an environment variable up.
    pub environment: Option<&'a LookUp>,
}

/// Name of an environment variable to its value.
pub type LookUp = dyn Fn(&str) -> Option<String>;

/// One value with its source.
#[derive(Debug)]
struct Value {
    text: String,
    source: String,
}

/// Keyword to value.
type Values = BTreeMap<&'static str, Value>;

/// Reads all sources. Looks at files that are named, dials nothing.
pub fn read(sources: &Sources<'_>) -> Result<Target, InputFailure> {
    let began = Instant::now();
    let mut values = Values::new();
    let mut oddities = Vec::new();
    let mut given = uri::Pairs::new();
    if let Some(text) = &sources.target {
        let (text, padded) = trim(text.expose());
        if padded {
            oddities.push(Oddity::Padded);
        }
        given = read_target(text, &mut oddities)?;
    }
    read_environment(sources, &mut values);
    if let Some(service) = service_named(sources, &given)
        && let Some(look_up) = sources.environment
    {
        lay_over(&mut values, service::read(&service, look_up)?, |_| "service".to_owned());
    }
    lay_over(&mut values, given, |_| "target".to_owned());
    lay_over(&mut values, sources.flags.iter().cloned(), |keyword| format!("--{keyword}"));
    if let Some((password, source)) = &sources.password {
        lay_over(&mut values, [("password", password.expose().to_owned())], |_| (*source).to_owned());
    }
    target::assemble(&values, sources, oddities, began)
}

fn lay_over(
    values: &mut Values,
    pairs: impl IntoIterator<Item = (&'static str, String)>,
    source: impl Fn(&str) -> String,
) {
    for (keyword, text) in pairs {
        values.insert(keyword, Value { text, source: source(keyword) });
    }
}

/// The service that a flag, TARGET or the environment names.
fn service_named(sources: &Sources<'_>, given: &uri::Pairs) -> Option<String> {
    let last = |pairs: &[(&'static str, String)]| {
        pairs.iter().rfind(|(keyword, _)| *keyword == "service").map(|(_, service)| service.clone())
    };
    let from_environment = || sources.environment?("PGSERVICE");
    let named = last(&sources.flags).or_else(|| last(given)).or_else(from_environment);
    named.filter(|service| !service.is_empty())
}

fn read_environment(sources: &Sources<'_>, values: &mut Values) {
    let Some(look_up) = sources.environment else {
        return;
    };
    for keyword in KEYWORDS {
        // A variable that is set, but empty, counts as set.
        if let Some((variable, text)) = keyword.variable.and_then(|name| Some((name, look_up(name)?))) {
            values.insert(keyword.name, Value { text, source: variable.to_owned() });
        }
    }
}

fn read_target(text: &str, oddities: &mut Vec<Oddity>) -> Result<uri::Pairs, InputFailure> {
    if let Some(rest) = uri::strip_scheme(text) {
        return uri::parse(rest);
    }
    if let Some(rest) = text.strip_prefix("jdbc:postgresql:") {
        oddities.push(Oddity::OtherForm("a JDBC URL"));
        return jdbc::parse(rest, oddities);
    }
    if let Some(rest) = driver_uri(text) {
        oddities.push(Oddity::OtherForm("a URL with the name of a driver"));
        return uri::parse(rest);
    }
    for (prefix, form) in [("jdbc:", "a JDBC URL"), ("redshift", "a Redshift URL"), ("@", "the name of a file")] {
        if text.starts_with(prefix) {
            return Err(InputFailure::Malformed(Malformed::OtherForm(form)));
        }
    }
    if !text.contains('=') {
        return Err(InputFailure::Malformed(Malformed::NoKnownForm));
    }
    keyvalue::parse(text)
}

/// What follows `postgresql+psycopg2://` and its like, as SQLAlchemy writes them.
fn driver_uri(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_once("://")?;
    let (dialect, driver) = scheme.split_once('+')?;
    let known = matches!(dialect, "postgresql" | "postgres") && driver.chars().all(|c| c.is_ascii_alphanumeric());
    known.then_some(rest)
}

/// Takes blanks, line ends and one pair of quotes from around the text, as env files and secret stores leave them.
fn trim(text: &str) -> (&str, bool) {
    let bare = text.trim();
    let unquoted = ['"', '\'']
        .iter()
        .find_map(|quote| bare.strip_prefix(*quote)?.strip_suffix(*quote))
        // A keyword/value string may well begin and end with a quote of its own only if it is quoted as a whole.
        .map_or(bare, str::trim);
    (unquoted, unquoted.len() != text.len())
}
