//! The two clients: the real binary and the real psql, told the same settings.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::answer::Answer;
use crate::cluster::{Cluster, LIMIT, client, libpq};

/// The right password of every role. It must never be seen in any output.
pub const PASSWORD: &str = "Kx7#marker right";

/// A wrong password, which must not be seen either.
pub const WRONG: &str = "Qz3#marker wrong";

/// libpq keywords, and the password apart from them.
#[derive(Clone, Debug)]
pub struct Settings {
    keywords: Vec<(String, String)>,
    password: Option<&'static str>,
}

impl Settings {
    /// `user` and `postgres`, with the right password, at a server on this machine that is named as its certificate is.
    pub fn new(port: u16, user: &str) -> Self {
        let settings = Self { keywords: Vec::new(), password: Some(PASSWORD) };
        settings
            .with("host=localhost hostaddr=127.0.0.1 dbname=postgres")
            .set("port", port.to_string())
            .set("user", user)
    }

    /// Sets one keyword, which may have been set before.
    pub fn set(mut self, keyword: &str, value: impl Into<String>) -> Self {
        self.keywords.retain(|(name, _)| name != keyword);
        self.keywords.push((keyword.to_owned(), value.into()));
        self
    }

    /// Sets keywords as a line such as `sslmode=require sslrootcert=/a/b` has them.
    pub fn with(self, line: &str) -> Self {
        line.split_whitespace().fold(self, |settings, word| {
            let (keyword, value) = word.split_once('=').unwrap_or_else(|| panic!("{word:?} is no setting"));
            settings.set(keyword, value)
        })
    }

    /// Takes a keyword away.
    pub fn without(mut self, keyword: &str) -> Self {
        self.keywords.retain(|(name, _)| name != keyword);
        self
    }

    /// Another password, or none.
    pub fn password(self, password: Option<&'static str>) -> Self {
        Self { password, ..self }
    }

    /// As libpq's keyword/value string.
    pub fn conninfo(&self) -> String {
        let quote = |value: &str| value.replace('\\', "\\\\").replace('\'', "\\'");
        let words = self.keywords.iter().map(|(keyword, value)| format!("{keyword}='{}'", quote(value)));
        words.collect::<Vec<String>>().join(" ")
    }

    pub fn environment(&self) -> Vec<(&'static str, &'static str)> {
        self.password.map(|password| ("PGPASSWORD", password)).into_iter().collect()
    }
}

/// Runs `pgpreflight check`.
pub fn check(home: &Path, settings: &Settings) -> Answer {
    check_with(home, settings, &["--timeout", "10s"])
}

/// Runs `pgpreflight check` with further flags, in a clean environment.
pub fn check_with(home: &Path, settings: &Settings, flags: &[&str]) -> Answer {
    check_string(home, &settings.conninfo(), &settings.environment(), flags)
}

/// As before, in an environment with these variables.
pub fn check_in(home: &Path, settings: &Settings, flags: &[&str], env: &[(&str, &str)]) -> Answer {
    let environment = [settings.environment().as_slice(), env].concat();
    check_string(home, &settings.conninfo(), &environment, flags)
}

/// Runs `pgpreflight check` on a string, in an environment of only this.
pub fn check_string(home: &Path, conninfo: &str, environment: &[(&str, &str)], flags: &[&str]) -> Answer {
    let mut command = Command::new("/usr/bin/timeout");
    command.args(["60", env!("CARGO_BIN_EXE_pgpreflight"), "check", "--format", "json"]).args(flags);
    command.arg(conninfo).stdin(Stdio::null()).env_clear().env("HOME", home).env("LC_ALL", "C");
    let output = command.envs(environment.iter().copied()).output().expect("the binary runs");
    Answer::read(&output, conninfo)
}

/// What `pgpreflight check` tells people.
pub fn told(home: &Path, settings: &Settings, flags: &[&str], env: &[(&str, &str)]) -> String {
    let mut command = Command::new("/usr/bin/timeout");
    command.args(["60", env!("CARGO_BIN_EXE_pgpreflight"), "check"]).args(flags).arg(settings.conninfo());
    command.stdin(Stdio::null()).env_clear().env("HOME", home).env("LC_ALL", "C").envs(env.iter().copied());
    let output = command.envs(settings.environment()).output().expect("the binary runs");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// What psql made of the same settings.
#[derive(Debug, PartialEq, Eq)]
pub struct Psql {
    /// Whether it came to a session.
    pub connects: bool,
    /// Whether the server says that the session is encrypted.
    pub encrypted: bool,
    /// What it said otherwise.
    pub said: String,
}

/// Runs a statement by psql on the client library of this major, with nothing of this machine's user.
pub fn psql_on(major: u32, home: &Path, statement: &str, settings: &Settings) -> Output {
    let mut psql = Command::new("/usr/bin/timeout");
    psql.arg(LIMIT.as_secs().to_string()).arg(client("psql")).args(["-XAtwc", statement, &settings.conninfo()]);
    psql.env_clear().env("LC_ALL", "C").env("HOME", home).env("LD_LIBRARY_PATH", libpq(major));
    psql.envs(settings.environment()).stdin(Stdio::null()).output().expect("psql runs")
}

/// Runs psql.
pub fn psql(cluster: &Cluster, settings: &Settings) -> Psql {
    psql_string(cluster, &settings.conninfo(), &settings.environment())
}

/// Runs psql on libpq 18.
pub fn psql_18(cluster: &Cluster, settings: &Settings, env: &[(&str, &str)]) -> Psql {
    let libraries = libpq(18).display().to_string();
    let environment = [settings.environment().as_slice(), env, &[("LD_LIBRARY_PATH", libraries.as_str())]].concat();
    psql_string(cluster, &settings.conninfo(), &environment)
}

/// Runs psql on a string.
pub fn psql_string(cluster: &Cluster, conninfo: &str, environment: &[(&str, &str)]) -> Psql {
    let question = "select ssl from pg_stat_ssl where pid = pg_backend_pid()";
    let output = cluster.psql(question, conninfo, environment);
    let answer = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let connects = output.status.success();
    assert!(!connects || ["t", "f"].contains(&answer.as_str()), "psql answers {answer:?}: {said}");
    Psql { connects, encrypted: answer == "t", said }
}
