//! The form of a file in `tests/scenarios/`: one fault, and what clients of these and those settings are to be told.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use pgpreflight::dialect::{POSTGRESQL, REDSHIFT};
use pgpreflight::lab::Scenario;
use pgpreflight::lab::answers::Answers;
use pgpreflight::lab::scenario::{Authentication, Engine};
use serde::Deserialize;

/// One file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// What is wrong, in a sentence.
    pub about: String,
    /// The endpoint; without it nothing is dialled.
    pub fault: Option<Scenario>,
    /// Its answers to the inspection, where they are not those of a sound server.
    #[serde(default)]
    pub answers: Answers,
    /// Who dials, and what is to come of it.
    #[serde(rename = "check")]
    pub checks: Vec<Check>,
}

/// One run of the program, and what is to come of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// libpq keywords, given as a keyword/value string. `{port}`, `{root}`, `{certificate}`, `{directory}` and
    /// `{cargo}` stand for what only a run knows. In the directory are the password files `pgpass` and `pgpass.open`
    /// (readable by all), `pg_service.conf` with the service `orders` (`sslmode=verify-full`), and the files of
    /// `client_files.rs`, of which `{passphrase}` opens the locked one.
    #[serde(default)]
    pub client: BTreeMap<String, String>,
    /// Other arguments, in place of `client` when `target` is false.
    #[serde(default)]
    pub arguments: Vec<String>,
    /// A keyword/value string is given at all.
    #[serde(default = "yes")]
    pub target: bool,
    /// Environment variables.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Files in `{directory}`, by name.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    /// PGPASSWORD; empty is none.
    #[serde(default = "password")]
    pub password: String,
    /// `--timeout`, in milliseconds.
    #[serde(default = "timeout_ms")]
    pub timeout_ms: u64,
    /// What is in `{directory}`.
    pub socket: Option<Socket>,
    /// How many files the program may have open (`RLIMIT_NOFILE`).
    pub open_files: Option<u32>,
    /// What is to come of it; where nothing is said, it is ready and there is nothing to remark.
    #[serde(default)]
    pub expect: Expect,
}

/// A Unix socket file of port 5432.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Socket {
    /// Its server is gone.
    Stale,
    /// A server listens, and nobody may connect.
    Denied,
}

/// What is to come of a run. Verdict, failed stage and exit code follow from the codes.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Expect {
    /// The finding that ends the walk.
    pub cause: Option<String>,
    /// `certain`, `likely` or `possible`: how sure the cause is.
    pub confidence: Option<String>,
    /// All other findings, in any order.
    pub others: Vec<String>,
    /// `stage.fact` to the value it has.
    pub facts: BTreeMap<String, toml::Value>,
    /// Operands of the first finding and their values.
    pub evidence: BTreeMap<String, toml::Value>,
    /// Stands in a fix of the first finding.
    pub fix: Option<String>,
    /// Stands in the summary or a reason of the first finding.
    pub says: Option<String>,
    /// Passwords, hashes and proofs that reached the server.
    pub credentials: Option<u64>,
    /// TCP connections that reached the server.
    pub connections: Option<u64>,
    /// Nothing but the settings is read, and these are the parameters in force.
    pub dry_run: Option<BTreeMap<String, String>>,
    /// Rows of the table of modes (`--all-modes`): the outcome, `encrypted` where it is, how far it is verified if at
    /// all, and the cause. Where nothing is said, there is no table.
    pub modes: BTreeMap<String, String>,
    /// The exit code, where it does not follow from the cause (`--strict`).
    pub exit_code: Option<i64>,
    /// The whole time allowed is used up, and not 250 ms more. All other runs end long before.
    pub waits: bool,
}

/// A check as the table of accuracy has it.
pub struct Fault {
    /// What is wrong, in a sentence without its full stop.
    pub words: String,
    /// Which check of its file, from 1.
    pub check: u32,
    /// Nothing is wrong.
    pub healthy: bool,
    /// The codes that are expected.
    pub expected: Vec<String>,
}

impl File {
    /// All files, by name.
    pub fn all() -> Vec<(String, Self)> {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
        let mut paths: Vec<PathBuf> =
            std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
        paths.sort();
        paths.iter().map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), Self::read(path))).collect()
    }

    /// What the table of accuracy has of a check, unless nothing is played in it.
    pub fn fault(&self, name: &str, index: usize) -> Option<Fault> {
        let expect = &self.checks[index].expect;
        let sound = name.starts_with("sound") || name.starts_with("modes-sound");
        let expected: Vec<String> = expect.cause.iter().chain(&expect.others).cloned().collect();
        (expect.dry_run.is_none()).then(|| Fault {
            words: self.about.trim_end_matches('.').to_owned(),
            check: u32::try_from(index).unwrap() + 1,
            healthy: expected.is_empty() || (sound && expect.cause.is_none()),
            expected,
        })
    }

    fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap();
        toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The same fault of an Amazon Redshift.
    pub fn redshift(&self) -> Option<Scenario> {
        let mut scenario = self.fault.clone()?;
        scenario.engine = Engine::Redshift;
        scenario.session.parameters.retain(|(name, _)| name != "server_version");
        if scenario.authentication == Authentication::ScramSha256 {
            scenario.authentication = Authentication::Md5;
        }
        Some(self.answering(scenario))
    }

    /// The endpoint with its answers to the inspection.
    pub fn scenario(&self) -> Option<Scenario> {
        self.fault.clone().map(|scenario| self.answering(scenario))
    }

    fn answering(&self, mut scenario: Scenario) -> Scenario {
        let dialect = match scenario.engine {
            Engine::Postgresql => &POSTGRESQL,
            Engine::Redshift => &REDSHIFT,
        };
        scenario.session.queries.extend(self.answers.to(&dialect.questions(), scenario.engine));
        scenario
    }
}

fn yes() -> bool {
    true
}

fn password() -> String {
    "wonderland".to_owned()
}

fn timeout_ms() -> u64 {
    10_000
}
