//! A fault, or a server with which nothing is wrong, as the table of accuracy has it: exactly these codes are given.

use std::path::PathBuf;

use pgpreflight::diagnose::code::{Code, Severity};

use crate::accuracy::{self, Asked};
use crate::answer::Answer;
use crate::client::{Settings, check_with};
use crate::server::Server;

/// The oldest major that is maintained: of a session on an older one that is said, too.
const MAINTAINED: u32 = 15;

/// One check that is to be made.
pub struct Play {
    fault: String,
    source: String,
    major: u32,
    home: PathBuf,
    settings: Settings,
    flags: Vec<String>,
    milliseconds: u32,
}

impl Play {
    /// Of a server of this major, from this home.
    pub fn new(fault: &str, major: u32, home: PathBuf, settings: &Settings) -> Self {
        let (fault, source, settings) = (fault.to_owned(), "PostgreSQL".to_owned(), settings.clone());
        Self { fault, source, major, home, settings, flags: Vec::new(), milliseconds: 10_000 }
    }

    /// Not the server itself is asked.
    pub fn of(self, source: &str) -> Self {
        Self { source: source.to_owned(), ..self }
    }

    /// With another `--timeout`.
    pub fn within(self, milliseconds: u32) -> Self {
        Self { milliseconds, ..self }
    }

    /// With a further flag.
    pub fn flag(mut self, flag: &str) -> Self {
        self.flags.push(flag.to_owned());
        self
    }

    /// These codes are given and no other, the cause first.
    #[track_caller]
    pub fn gives(self, codes: &[&str]) -> Answer {
        self.check(codes, false)
    }

    /// Nothing is wrong, and no more than this is remarked on.
    #[track_caller]
    pub fn passes_with(self, codes: &[&str]) -> Answer {
        let answer = self.check(codes, true);
        answer.passes();
        answer
    }

    #[track_caller]
    fn check(self, codes: &[&str], healthy: bool) -> Answer {
        let timeout = format!("{}ms", self.milliseconds);
        let flags: Vec<&str> =
            ["--timeout", &timeout].into_iter().chain(self.flags.iter().map(String::as_str)).collect();
        let answer = check_with(&self.home, &self.settings, &flags);
        let cause = codes.first().filter(|code| is_error(code));
        let mut expected: Vec<String> = codes.iter().map(|code| (*code).to_owned()).collect();
        if self.major < MAINTAINED && cause.is_none_or(|cause| cause.starts_with("privileges-")) {
            expected.push("session-version-unsupported".to_owned());
        }
        let environment = self.settings.environment();
        let environment = environment.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        let asked =
            Asked { conninfo: self.settings.conninfo(), environment: environment.collect(), ..Asked::default() };
        let play = accuracy::Play {
            fault: self.fault,
            source: self.source,
            variant: Some(self.major),
            healthy,
            expected: expected.clone(),
            timeout: self.milliseconds.into(),
        };
        accuracy::record(play, &answer.report, &asked);
        match cause {
            Some(cause) => answer.fails_with(cause, exit_code(cause)),
            None => answer.passes(),
        }
        let findings = answer.report["findings"].as_array().expect("a list");
        let mut given: Vec<&str> = findings.iter().filter_map(|finding| finding["code"].as_str()).collect();
        given.sort_unstable();
        expected.sort_unstable();
        assert_eq!(given, expected, "{answer}");
        answer
    }
}

impl Server {
    /// A fault that it has for these settings, or that they have with it.
    pub fn play(&self, fault: &str, settings: &Settings) -> Play {
        Play::new(fault, self.major, self.home(), settings)
    }
}

fn is_error(code: &str) -> bool {
    Code::parse(code).unwrap_or_else(|| panic!("{code} is no code")).severity() == Severity::Error
}

fn exit_code(code: &str) -> i32 {
    let stages = ["resolve", "connect", "tls", "login", "session", "privileges"];
    let stage = code.split('-').next().expect("a word");
    stages.iter().position(|known| *known == stage).map_or(4, |at| 10 + i32::try_from(at).expect("small"))
}
