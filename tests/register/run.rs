//! One run of `register` as a test looks at it.

use std::ffi::OsStr;

use pgpreflight::lab::Lab;
use serde_json::Value;

use crate::program::{self, program};

/// The password of every database here, which nobody is to see.
pub const PASSWORD: &str = "wonderland";
/// The token of every platform here, likewise.
pub const TOKEN: &str = "marker-token-4711";
/// And the secret of a client.
pub const CLIENT_SECRET: &str = "marker-secret-0815";

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    /// The report.
    pub report: Value,
    /// The exit code.
    pub code: Option<i32>,
    /// All output.
    pub text: String,
}

impl Outcome {
    /// A fact of stage register.
    pub fn fact(&self, name: &str) -> &Value {
        &self.stage()["facts"][name]
    }

    /// Stage register.
    pub fn stage(&self) -> &Value {
        let stages = self.report["stages"].as_array().unwrap();
        let last = stages.last().unwrap();
        assert_eq!(last["stage"], "register", "{self:?}");
        last
    }

    /// The codes of all findings of stage register.
    pub fn codes(&self) -> Vec<&str> {
        let findings = self.report["findings"].as_array().unwrap();
        findings.iter().filter(|one| one["stage"] == "register").map(|one| one["code"].as_str().unwrap()).collect()
    }

    /// A finding.
    pub fn finding(&self, code: &str) -> &Value {
        let findings = self.report["findings"].as_array().unwrap();
        findings.iter().find(|one| one["code"] == code).unwrap_or_else(|| panic!("no {code} in {self:?}"))
    }
}

/// A lab's server as TARGET. By its address, so that what is registered is what was dialled.
pub fn target(lab: &Lab) -> String {
    format!("host=127.0.0.1 port={} dbname=orders user=alice sslmode=require", lab.address().port())
}

/// `register` with these arguments, as JSON; the password comes from the environment.
pub async fn register<A: AsRef<OsStr>>(arguments: &[A]) -> Outcome {
    with(arguments, &[]).await
}

/// The same with further variables.
pub async fn with<A: AsRef<OsStr>>(arguments: &[A], environment: &[(&str, &str)]) -> Outcome {
    let mut all = vec![OsStr::new("register")];
    all.extend(arguments.iter().map(AsRef::as_ref));
    if !all.contains(&OsStr::new("--format=human")) {
        all.push(OsStr::new("--format=json"));
    }
    let mut command = program(all);
    command.env("PGPASSWORD", PASSWORD).envs(environment.iter().copied());
    let run = program::run(command, b"").await;
    let text = format!("{}{}", run.stdout, run.stderr);
    for secret in [PASSWORD, TOKEN, CLIENT_SECRET] {
        assert!(!text.contains(secret), "{secret} is shown: {text}");
    }
    let report: Value = serde_json::from_str(&run.stdout).unwrap_or_default();
    if report.is_object() {
        let schema = serde_json::from_str(pgpreflight::report::JSON_SCHEMA).unwrap();
        let errors: Vec<String> =
            jsonschema::validator_for(&schema).unwrap().iter_errors(&report).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?} in {text}");
        assert_eq!(run.code.map(i64::from), report["exit_code"].as_i64(), "{text}");
    }
    Outcome { report, code: run.code, text }
}
