//! What the binary answered: exit code and report, held to its schema and searched for secrets when it is read.

use std::process::Output;
use std::sync::OnceLock;

use pgpreflight::report::JSON_SCHEMA;
use serde_json::Value;

use crate::client::{PASSWORD, WRONG};

/// One run of `pgpreflight check --format json`.
#[derive(Debug)]
pub struct Answer {
    /// The report, schema 1.
    pub report: Value,
    /// The exit code of the process.
    pub exit: i32,
    asked: String,
}

impl Answer {
    /// # Panics
    /// When the output is no report, contradicts the exit code, does not fit the schema, or shows a secret.
    pub fn read(output: &Output, asked: &str) -> Self {
        let stdout = String::from_utf8_lossy(&output.stdout);
        let stderr = String::from_utf8_lossy(&output.stderr);
        for secret in [PASSWORD, WRONG] {
            assert!(!stdout.contains(secret) && !stderr.contains(secret), "{asked}: a password is shown");
        }
        let exit = output.status.code().unwrap_or_else(|| panic!("{asked}: killed\n{stderr}"));
        let report: Value =
            serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{asked}: {exit}: {error}\n{stdout}{stderr}"));
        assert_eq!(report["exit_code"], exit, "{asked}: {report:#}");
        if let Err(error) = schema().validate(&report) {
            panic!("{asked}: {error} at {}\n{report:#}", error.instance_path());
        }
        Self { report, exit, asked: asked.to_owned() }
    }

    /// What was asked.
    pub fn asked(&self) -> &str {
        &self.asked
    }

    /// The code of the finding that ended the walk.
    pub fn cause(&self) -> Option<&str> {
        self.report["cause"].as_str()
    }

    /// Whether the login went well.
    pub fn connects(&self) -> bool {
        self.stage("login")["status"] == "passed"
    }

    /// A fact of a stage; null when it is not there.
    pub fn fact(&self, stage: &str, name: &str) -> &Value {
        &self.stage(stage)["facts"][name]
    }

    fn stage(&self, name: &str) -> &Value {
        let stages = self.report["stages"].as_array().expect("a list");
        stages.iter().find(|stage| stage["stage"] == name).unwrap_or_else(|| panic!("no stage {name}: {self}"))
    }

    /// A finding by its code.
    pub fn finding(&self, code: &str) -> Option<&Value> {
        self.findings().iter().find(|finding| finding["code"] == code)
    }

    fn findings(&self) -> &[Value] {
        self.report["findings"].as_array().expect("a list")
    }

    /// The one cause is this, it is the only error, and the process ended with this code.
    #[track_caller]
    pub fn fails_with(&self, code: &str, exit: i32) {
        assert_eq!((self.cause(), self.exit), (Some(code), exit), "{self}");
        let errors = self.findings().iter().filter(|finding| finding["severity"] == "error").count();
        assert_eq!((errors, &self.findings()[0]["code"]), (1, &Value::from(code)), "{self}");
        assert!(!self.findings()[0]["fixes"].as_array().expect("a list").is_empty(), "nothing to do is said: {self}");
        assert_eq!(self.report["verdict"], "not-ready", "{self}");
    }

    /// Nothing stands in the way, and this is remarked on.
    #[track_caller]
    pub fn remarks(&self, code: &str) {
        assert_eq!((self.cause(), self.exit), (None, 0), "{self}");
        assert!(self.finding(code).is_some(), "{code} is not remarked on: {self}");
    }

    /// Nothing stands in the way.
    #[track_caller]
    pub fn passes(&self) {
        assert_eq!((self.cause(), self.exit), (None, 0), "{self}");
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}\n{:#}", self.asked, self.report)
    }
}

fn schema() -> &'static jsonschema::Validator {
    static SCHEMA: OnceLock<jsonschema::Validator> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        let schema = serde_json::from_str(JSON_SCHEMA).expect("the schema is JSON");
        jsonschema::validator_for(&schema).expect("the schema is one")
    })
}
