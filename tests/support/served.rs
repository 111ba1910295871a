//! `pgpreflight lab serve` as a user runs it, for as long as a test needs it.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// Longer than any number of endpoints takes to start; reached only when the program hangs.
const BOUND: Duration = Duration::from_secs(60);

/// The running program and what it serves.
pub struct Served {
    pub program: Child,
    pub endpoints: Vec<Endpoint>,
}

/// One endpoint of the line that `--format json` prints.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    pub fault: String,
    pub about: String,
    pub stage: Option<String>,
    pub cause: Option<String>,
    pub others: Vec<String>,
    pub host: String,
    pub port: u16,
    pub user: String,
    pub password: Option<String>,
    pub dbname: String,
    pub sslrootcert: String,
    pub keywords: BTreeMap<String, String>,
    pub uri: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    schema: u32,
    endpoints: Vec<Endpoint>,
}

impl Served {
    /// Starts the program with these arguments after `lab serve --format json`, and waits until everything listens.
    pub async fn start(mut command: Command) -> Self {
        let mut program = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(program.stdout.take().unwrap()).lines();
        let line = timeout(BOUND, lines.next_line()).await.unwrap().unwrap().unwrap();
        let line: Line = serde_json::from_str(&line).unwrap();
        assert_eq!(line.schema, 1);
        Self { program, endpoints: line.endpoints }
    }
    /// Ends the program with a signal; gives its exit code.
    pub async fn end(mut self, signal: Signal) -> Option<i32> {
        let pid = Pid::from_raw(i32::try_from(self.program.id().unwrap()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
        timeout(BOUND, self.program.wait()).await.unwrap().unwrap().code()
    }
}
