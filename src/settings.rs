//! Settings → Target. Every source (flags, TARGET, environment, defaults) becomes values of the same libpq keywords,
//! laid over each other in libpq's order of precedence; then one [`Target`] is made of what is on top.

mod failure;
mod form;
mod home;
mod jdbc;
mod keyvalue;
pub mod keywords;
mod lint;
mod manner;
pub mod modes;
mod outline;
mod passfile;
mod payload;
mod platform;
mod pointer;
mod service;
mod target;
mod uri;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jiff::Timestamp;

pub use self::failure::{InputFailure, Malformed, NotRegistrable};
use self::form::{Form, Reading};
use self::keywords::KEYWORDS;
use self::manner::{REDSHIFT_PORT, engine_of_host};
use self::payload::Described;
pub use self::payload::{LONGEST, Payload};
pub use self::platform::string;
pub use self::pointer::Pointer;
use crate::target::{Engine, Oddity, Secret, Target};

/// Everything that can say what to dial.
#[derive(Clone, Default)]
pub struct Sources<'a> {
    /// TARGET: a string of any form.
    pub target: Option<Secret>,
    /// The file that TARGET names.
    pub payload: Option<Payload>,
    /// `--engine`
    pub engine: Option<Engine>,
    /// Keywords given as flags.
    pub flags: Vec<(&'static str, String)>,
    /// A password that did not come from TARGET or the environment, and where it came from.
    pub password: Option<(Secret, &'static str)>,
    /// The user it is of, where whoever made it said so.
    pub user: Option<String>,
    /// Until when it is good, where whoever made it said so.
    pub password_until: Option<Timestamp>,
    /// A token of an identity provider, and where it came from.
    pub token: Option<(Secret, &'static str)>,
    /// What Redshift is told of that provider in the startup packet.
    pub identity_provider: Vec<(&'static str, String)>,
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

/// The form of what was given, where the platform has the same.
#[derive(Clone, Debug)]
pub enum Given {
    /// A whole body of `POST /connections`.
    Body(Payload),
    /// The platform's connection string.
    String(Secret),
    /// Any other, or none.
    Other,
}

impl Given {
    /// What TARGET is.
    pub fn of(sources: &Sources<'_>) -> Self {
        let string = || {
            let (text, _) = trim(sources.target.as_ref()?.expose());
            (Form::of(text) == Form::Platform).then(|| Self::String(Secret::new(text.to_owned())))
        };
        sources.payload.clone().map(Self::Body).or_else(string).unwrap_or(Self::Other)
    }
}

/// Reads all sources. Looks at files that are named, dials nothing.
pub fn read(sources: &Sources<'_>) -> Result<Target, InputFailure> {
    let began = Instant::now();
    let mut values = Values::new();
    let described = sources.payload.as_ref().map(payload::read).transpose()?;
    let (text, Reading { pairs: given, mut manner }) = read_target(sources, described)?;
    read_environment(sources, &mut values);
    if let Some(service) = service_named(sources, &given) {
        lay_over(&mut values, service::read(&service, sources.environment)?, |_| "service".to_owned());
    }
    lay_over(&mut values, given, |_| "target".to_owned());
    lay_over(&mut values, sources.flags.iter().cloned(), |keyword| format!("--{keyword}"));
    if let Some((password, source)) = &sources.password {
        lay_over(&mut values, [("password", password.expose().to_owned())], |_| (*source).to_owned());
        // Credentials that were made are of one user, whoever else was named.
        lay_over(&mut values, sources.user.iter().map(|user| ("user", user.clone())), |_| (*source).to_owned());
    }
    if sources.flags.iter().any(|(keyword, _)| *keyword == "sslmode") {
        manner.forget_tls();
    }
    manner.engine = sources.engine.or(manner.engine).or_else(|| engine_of_host(&values.get("host")?.text));
    if manner.engine == Some(Engine::Redshift) {
        redshift_port(&mut values);
    }
    if manner.engine == Some(Engine::Redshift) && is_cut_user(&values, text.as_ref()) {
        return Err(point(InputFailure::ReservedCharacter(':'), &values, text.as_ref()));
    }
    manner.oddities.extend(lint::of_values(&values));
    let pointed = |failure| point(failure, &values, text.as_ref());
    target::assemble(&values, sources, &manner, began).map_err(pointed)
}

/// The string that says what to dial, and what it says.
fn read_target(sources: &Sources<'_>, described: Option<Described>) -> Result<(Option<Secret>, Reading), InputFailure> {
    let given = match described {
        Some(Described::Basic(reading)) => return Ok((None, reading)),
        Some(Described::String(string)) => Some(string),
        None => sources.target.clone(),
    };
    let Some(given) = given else {
        return Ok((None, Reading::default()));
    };
    let (text, padded) = trim(given.expose());
    let form = if sources.payload.is_some() { Form::Platform } else { Form::of(text) };
    let mut reading = form.parse(text).map_err(|misread| misread.within(text))?;
    if padded {
        reading.manner.oddities.insert(0, Oddity::Padded);
    }
    Ok((Some(Secret::new(text.to_owned())), reading))
}

/// Points at the value in TARGET that will not do, if it came from there.
fn point(failure: InputFailure, values: &Values, text: Option<&Secret>) -> InputFailure {
    let keyword = failure.keyword().filter(|keyword| values.get(keyword).is_some_and(|value| value.source == "target"));
    match (keyword, text) {
        (Some(keyword), Some(text)) => pointer::at_value(failure, text.expose(), keyword),
        _ => failure,
    }
}

/// A user of temporary credentials is `IAM:NAME`. In a URI the colon ends the user, and the name becomes the password.
fn is_cut_user(values: &Values, text: Option<&Secret>) -> bool {
    let user = values.get("user").filter(|user| user.source == "target" && values.contains_key("password"));
    let cut = user.is_some_and(|user| ["IAM", "IAMA", "IAMR"].contains(&user.text.as_str()));
    let uri = |text: &Secret| text.expose().split_once("://").is_some_and(|(scheme, _)| !scheme.starts_with("jdbc:"));
    cut && text.is_some_and(uri)
}

/// Where no port is given, Redshift's is meant.
fn redshift_port(values: &mut Values) {
    match values.get_mut("port").filter(|port| !port.text.is_empty()) {
        None => drop(values.insert("port", Value { text: REDSHIFT_PORT.to_owned(), source: "default".to_owned() })),
        Some(port) if port.text.contains(',') => {
            let port_or = |text: &str| if text.is_empty() { REDSHIFT_PORT } else { text }.to_owned();
            port.text = port.text.split(',').map(port_or).collect::<Vec<_>>().join(",");
        }
        Some(_) => {}
    }
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

/// The service that a flag, TARGET or the environment names. An empty name is one too, and there is no such service.
fn service_named(sources: &Sources<'_>, given: &uri::Pairs) -> Option<String> {
    let last = |pairs: &[(&'static str, String)]| {
        pairs.iter().rfind(|(keyword, _)| *keyword == "service").map(|(_, service)| service.clone())
    };
    let from_environment = || sources.environment?("PGSERVICE");
    last(&sources.flags).or_else(|| last(given)).or_else(from_environment)
}

fn read_environment(sources: &Sources<'_>, values: &mut Values) {
    let Some(look_up) = sources.environment else {
        return;
    };
    // The way to say sslmode=require before PostgreSQL 7.4; PGSSLMODE is stronger.
    if look_up("PGREQUIRESSL").is_some_and(|text| text.starts_with('1')) {
        values.insert("sslmode", Value { text: "require".to_owned(), source: "PGREQUIRESSL".to_owned() });
    }
    for keyword in KEYWORDS {
        // A variable that is set, but empty, counts as set.
        if let Some((variable, text)) = keyword.variable.and_then(|name| Some((name, look_up(name)?))) {
            values.insert(keyword.name, Value { text, source: variable.to_owned() });
        }
    }
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
