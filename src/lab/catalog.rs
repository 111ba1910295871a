//! The faults by name: every file of `tests/scenarios/` that has an endpoint, and a client that needs no more than a
//! connection string to meet it. The tests play the same files, and more of their clients.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::answers::Answers;
use super::dial::{Client, knows};
use super::scenario::{Engine, Scenario};

/// Name and text of every file.
const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/scenarios.rs"));

/// One fault that the lab can play.
pub struct Fault {
    /// The name of its file.
    pub name: &'static str,
    /// What is wrong, in a sentence.
    pub about: String,
    /// The code of the finding that is to end a check; without one it comes to a session.
    pub cause: Option<String>,
    /// The codes of all other findings.
    pub others: Vec<String>,
    /// The client that meets it.
    pub client: Client,
    endpoint: Scenario,
    answers: Answers,
}

/// A file that is not as it has to be.
#[derive(Debug, thiserror::Error)]
#[error("the scenario `{name}` cannot be read: {source}")]
pub struct CatalogError {
    name: &'static str,
    source: toml::de::Error,
}

/// What the lab wants of a file; the rest is for the tests.
#[derive(Deserialize)]
struct File {
    about: String,
    fault: Option<Scenario>,
    #[serde(default)]
    answers: Answers,
    #[serde(rename = "check")]
    checks: Vec<Check>,
}

#[derive(Deserialize)]
struct Check {
    #[serde(flatten)]
    client: Client,
    #[serde(default)]
    expect: Expect,
    /// A time limit of the test, which is nothing that a client of the lab has to know.
    #[serde(rename = "timeout_ms")]
    _timeout: Option<IgnoredAny>,
    /// What no connection string can say: arguments, variables, files.
    #[serde(flatten)]
    demands: BTreeMap<String, toml::Value>,
}

#[derive(Default, Deserialize)]
struct Expect {
    cause: Option<String>,
    #[serde(default)]
    others: Vec<String>,
}

/// Every fault, in the order of the stages and of the names.
pub fn faults() -> Result<Vec<Fault>, CatalogError> {
    let mut faults = Vec::new();
    for (name, text) in FILES {
        faults.extend(read(name, text).map_err(|source| CatalogError { name, source })?);
    }
    faults.sort_by_key(|fault| (fault.rank(), fault.name));
    Ok(faults)
}

/// None where there is nothing to serve.
fn read(name: &'static str, text: &str) -> Result<Option<Fault>, toml::de::Error> {
    let File { about, fault, answers, checks } = toml::from_str(text)?;
    let Some(endpoint) = fault else {
        return Ok(None);
    };
    let plain = |check: &Check| check.demands.is_empty() && check.client.keywords.values().all(|value| knows(value));
    let Some(Check { client, expect: Expect { cause, others }, .. }) = checks.into_iter().find(plain) else {
        return Ok(None);
    };
    let fault = Fault { name, about, cause, others, client, endpoint, answers };
    // Where the input is at fault, the endpoint is not, and other files have what else it shows.
    Ok(Some(fault).filter(|fault| fault.stage() != Some("input") && !name.starts_with("input-")))
}

impl Fault {
    /// The stage that finds it; none when there is nothing to find.
    pub fn stage(&self) -> Option<&str> {
        self.code().and_then(|code| code.split('-').next())
    }

    /// The first code that a check is to give.
    pub fn code(&self) -> Option<&str> {
        self.cause.as_ref().or(self.others.first()).map(String::as_str)
    }

    /// The product that the endpoint plays, whose questions those of [`Self::scenario`] are to be.
    pub fn engine(&self) -> Engine {
        self.endpoint.engine
    }

    /// The endpoint. `questions` are the statements of an inspection by name, which it answers as the file says, or as a
    /// sound server does; where the file has one fail, whatever else is asked fails alike.
    pub fn scenario(&self, questions: &[(&str, &str)]) -> Scenario {
        let mut scenario = self.endpoint.clone();
        scenario.session.queries.extend(self.answers.to(questions, self.engine()));
        if scenario.session.otherwise.is_none() {
            scenario.session.otherwise = self.answers.failure(questions);
        }
        scenario
    }

    /// Sound ones first, then the stages in their order.
    fn rank(&self) -> Option<usize> {
        const STAGES: [&str; 6] = ["resolve", "connect", "tls", "login", "session", "privileges"];
        STAGES.iter().position(|stage| self.stage() == Some(stage))
    }
}
