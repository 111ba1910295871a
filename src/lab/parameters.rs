//! The run-time parameters of a session: those a server reports in `ParameterStatus`, and a few that drivers ask for.

use super::redshift;
use super::scenario::{Engine, Scenario};
use super::startup::Startup;

/// Parameters that are not reported, with the values of PostgreSQL 18.4.
const UNREPORTED: [(&str, &str); 5] = [
    ("transaction_isolation", "read committed"),
    ("max_identifier_length", "63"),
    ("statement_timeout", "0"),
    ("lock_timeout", "0"),
    ("extra_float_digits", "1"),
];

/// All parameters of a session.
pub(super) struct Parameters(Vec<Parameter>);

struct Parameter {
    name: String,
    value: String,
    /// What RESET goes back to.
    first: String,
    reported: bool,
}

impl Parameters {
    /// Those of the scenario, with what the client's startup packet sets.
    pub(super) fn new(scenario: &Scenario, startup: &Startup) -> Self {
        let session = &scenario.session;
        let parameter =
            |(name, value): (String, String), reported| Parameter { name, first: value.clone(), value, reported };
        let sound = match scenario.engine {
            Engine::Postgresql => sound(&startup.user),
            Engine::Redshift => redshift::parameters(&startup.user, redshift::answers(startup)),
        };
        let reported = session.reported(sound).into_iter().map(|pair| parameter(pair, true));
        let mut all: Vec<_> = reported.collect();
        let others = UNREPORTED.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        all.extend(others.map(|pair| parameter(pair, false)));
        let mut parameters = Self(all);
        for (name, value) in &startup.settings {
            // What the scenario says of itself stands, so that an odd client encoding can be played.
            if parameters.find(name).is_some() && !session.parameters.iter().any(|(fixed, _)| fixed == name) {
                parameters.assign(name, Some(value));
            }
        }
        for parameter in &mut parameters.0 {
            parameter.first.clone_from(&parameter.value);
        }
        parameters
    }

    /// What a server reports, in its order.
    pub(super) fn reported(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().filter(|parameter| parameter.reported).map(|parameter| (&*parameter.name, &*parameter.value))
    }

    /// The name as the server writes it, and the value.
    pub(super) fn find(&self, name: &str) -> Option<(&str, &str)> {
        if name == "transaction_read_only" {
            // Of a transaction it says what it says of sessions, and on a standby always `on`.
            let standby = self.value("in_hot_standby").filter(|value| *value == "on");
            let value = standby.or_else(|| self.value("default_transaction_read_only"))?;
            return Some(("transaction_read_only", value));
        }
        let found = self.0.iter().find(|parameter| parameter.name.eq_ignore_ascii_case(name))?;
        Some((&found.name, &found.value))
    }

    /// The value.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.find(name).map(|(_, value)| value)
    }

    /// Sets a value, or the first one again; gives what is to be reported.
    pub(super) fn assign(&mut self, name: &str, value: Option<&str>) -> Option<(String, String)> {
        let Some(at) = self.0.iter().position(|parameter| parameter.name.eq_ignore_ascii_case(name)) else {
            let value = value?.to_owned();
            self.0.push(Parameter { name: name.to_owned(), first: String::new(), value, reported: false });
            return None;
        };
        let parameter = self.0.get_mut(at)?;
        let value = value.map_or_else(|| parameter.first.clone(), |value| as_shown(&parameter.name, value));
        let changed = parameter.value != value;
        parameter.value = value;
        (changed && parameter.reported).then(|| (parameter.name.clone(), parameter.value.clone()))
    }
}

/// The `ParameterStatus` messages for this role, in order. The names and values are those of PostgreSQL 18.4.
fn sound(user: &str) -> Vec<(String, String)> {
    [
        ("in_hot_standby", "off"),
        ("integer_datetimes", "on"),
        ("TimeZone", "Etc/UTC"),
        ("IntervalStyle", "postgres"),
        ("search_path", "\"$user\", public"),
        ("is_superuser", "off"),
        ("application_name", ""),
        ("default_transaction_read_only", "off"),
        ("scram_iterations", "4096"),
        ("DateStyle", "ISO, MDY"),
        ("standard_conforming_strings", "on"),
        ("session_authorization", user),
        ("client_encoding", "UTF8"),
        ("server_version", "18.4"),
        ("server_encoding", "UTF8"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

/// A value as the server shows it.
fn as_shown(name: &str, value: &str) -> String {
    match name {
        "client_encoding" => {
            let encoding = value.to_uppercase().replace(['-', '_'], "");
            if encoding == "UNICODE" { "UTF8".to_owned() } else { encoding }
        }
        "DateStyle" | "datestyle" if !value.contains(',') => format!("{value}, MDY"),
        _ => value.to_owned(),
    }
}
