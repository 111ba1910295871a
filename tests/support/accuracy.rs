//! Plays for the table of accuracy: psql and `pg_isready` are asked the same in the same moment, and all of it becomes a
//! line of the file that `PGPREFLIGHT_ACCURACY` names. Without the variable nothing is asked.

use std::fs::File;
use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use self::installed::{client, libpq};
use self::row::Row;

#[expect(dead_code, clippy::expect_used, reason = "it also provides servers, and ends at the first surprise")]
#[path = "installed.rs"]
mod installed;
#[path = "row.rs"]
mod row;

/// Seconds that psql and `pg_isready` wait for a connection, and again where that was not enough: the machine may be busy.
const PATIENCE: [&str; 2] = ["2", "10"];

/// The exit code of `pg_isready` when nobody has answered.
const NO_RESPONSE: i32 = 2;

/// Seconds that either may run.
const RUN: &str = "20";

/// How much longer than its time-out a check may take, in milliseconds.
const GRACE: f64 = 250.0;

/// The share of the time-out that a check has left when it waited for all of it.
const WAITED: f64 = 0.8;

/// What stands for a password in the tests, in whole or in part.
const SECRETS: [&str; 8] =
    ["Zq7kWx9JvR2m", "won@derland", "wonderland", "derland", "100%sure", "%su", "Kx7#marker right", "Qz3#marker wrong"];

/// The same settings for the other clients.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// Run before them, with its arguments.
    pub wrapper: Vec<String>,
    /// libpq's connection string; empty is none.
    pub conninfo: String,
    /// Further arguments that both know.
    pub arguments: Vec<String>,
    /// Their environment.
    pub environment: Vec<(String, String)>,
}

/// A play, without what was said in it.
#[derive(Clone, Debug)]
pub struct Play {
    /// What is wrong, or odd, in words.
    pub fault: String,
    /// A scenario's name, or the server.
    pub source: String,
    /// Which of its checks, or the server's major.
    pub variant: Option<u32>,
    /// Nothing is wrong.
    pub healthy: bool,
    /// The codes that are to be given, the cause first.
    pub expected: Vec<String>,
    /// `--timeout`, in milliseconds.
    pub timeout: f64,
}

/// Asks the other clients, and writes the row.
pub fn record(play: Play, report: &Value, asked: &Asked) {
    let Some(path) = std::env::var_os("PGPREFLIGHT_ACCURACY") else {
        return;
    };
    let elapsed = report["elapsed_ms"].as_f64().unwrap();
    let given = given(report, &play.expected);
    let row = Row {
        given,
        time: time(elapsed, play.timeout).to_owned(),
        psql: psql(asked),
        pg_isready: pg_isready(asked),
        fault: play.fault,
        source: play.source,
        variant: play.variant,
        healthy: play.healthy,
        expected: play.expected.join(", "),
    };
    let line = serde_json::to_string(&row).unwrap() + "\n";
    let mut file = File::options().append(true).create(true).open(path).unwrap();
    file.write_all(line.as_bytes()).unwrap();
}

/// All codes, in the order of what is expected.
fn given(report: &Value, expected: &[String]) -> String {
    let findings = report["findings"].as_array().unwrap();
    let mut given: Vec<&str> = findings.iter().map(|finding| finding["code"].as_str().unwrap()).collect();
    given.sort_by_key(|code| expected.iter().position(|known| known == code).unwrap_or(usize::MAX));
    given.join(", ")
}

fn time(elapsed: f64, timeout: f64) -> &'static str {
    match elapsed {
        _ if elapsed < timeout * WAITED => "at once",
        _ if elapsed < timeout + GRACE => "at the deadline",
        _ => "late",
    }
}

fn psql(asked: &Asked) -> String {
    let ask = |seconds| run("psql", &["-XAtwc", "select 1", "-d"], (asked, seconds));
    let first = ask(PATIENCE[0]);
    let late = String::from_utf8_lossy(&first.stderr).contains("timeout expired");
    let output = if late { ask(PATIENCE[1]) } else { first };
    if output.status.success() {
        return "connects".to_owned();
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.lines().find(|line| !line.starts_with("WARNING")).unwrap_or("says nothing, and waits");
    screened(said)
}

fn pg_isready(asked: &Asked) -> String {
    let ask = |seconds| run("pg_isready", &["-t", seconds, "-d"], (asked, seconds));
    let first = ask(PATIENCE[0]);
    let output = if first.status.code() == Some(NO_RESPONSE) { ask(PATIENCE[1]) } else { first };
    let said = String::from_utf8_lossy(if output.stdout.is_empty() { &output.stderr } else { &output.stdout });
    let said = said.lines().next().unwrap_or("says nothing, and waits");
    let said = said.strip_prefix("pg_isready: error: ").unwrap_or(said);
    screened(said)
}

fn run(program: &str, arguments: &[&str], (asked, patience): (&Asked, &str)) -> Output {
    let wrapper = asked.wrapper.first().map_or("/usr/bin/timeout", String::as_str);
    let mut command = Command::new(wrapper);
    if !asked.wrapper.is_empty() {
        command.args(&asked.wrapper[1..]).arg("/usr/bin/timeout");
    }
    command.arg(RUN).arg(client(program)).args(arguments).arg(&asked.conninfo).args(&asked.arguments);
    command.env_clear().env("LC_ALL", "C").env("HOME", "/nonexistent").env("LD_LIBRARY_PATH", libpq(18));
    command.env("PGCONNECT_TIMEOUT", patience).envs(asked.environment.iter().map(|(name, value)| (name, value)));
    command.stdin(Stdio::null()).output().unwrap()
}

/// Without secrets, and without what differs from run to run: ports and temporary files.
fn screened(said: &str) -> String {
    let mut text: String = said.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    for secret in SECRETS {
        text = text.replace(secret, "***");
    }
    for before in ["port ", "PGSQL.", "127.0.0.1:", "localhost:"] {
        text = without_numbers(&text, before);
    }
    let temporary = format!("{}/", std::env::temp_dir().display());
    let mut pieces = text.split(&temporary);
    let first = pieces.next().unwrap_or_default().to_owned();
    let text = pieces.fold(first, |text, piece| {
        let rest = piece.trim_start_matches(|c: char| c.is_alphanumeric() || ".-_".contains(c));
        format!("{text}/tmp/…{rest}")
    });
    text.trim().to_owned()
}

fn without_numbers(text: &str, before: &str) -> String {
    let mut pieces = text.split(before);
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |text, piece| {
        let rest = piece.trim_start_matches(|c: char| c.is_ascii_digit());
        let digits = piece.len() - rest.len();
        let number = if digits >= 4 { "…" } else { &piece[..digits] };
        format!("{text}{before}{number}{rest}")
    })
}
