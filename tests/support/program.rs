//! The real program, run without the settings of whoever runs the test.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::time::timeout;

/// Longer than any run takes; reached only when the program hangs.
const BOUND: Duration = Duration::from_secs(60);

/// What a run left behind.
#[derive(Debug)]
pub struct Run {
    /// The exit code; None after a signal.
    pub code: Option<i32>,
    /// All of standard output.
    pub stdout: String,
    /// All of standard error.
    pub stderr: String,
}

/// `pgpreflight` with these arguments, an empty environment and no standard input.
pub fn program<A: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pgpreflight"));
    command.env_clear().env("HOME", "/proc/nonexistent").env("RUST_BACKTRACE", "1").args(arguments);
    command.kill_on_drop(true);
    command
}

/// Runs to the end; `input` goes to standard input.
pub async fn run(mut command: Command, input: &[u8]) -> Run {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?} cannot be started: {error}"));
    if let Some(mut stdin) = child.stdin.take() {
        // A program that has ended without reading it does not want it.
        drop(stdin.write_all(input).await);
    }
    let ended = timeout(BOUND, child.wait_with_output()).await;
    let output = ended.unwrap_or_else(|_| panic!("{command:?} hangs")).unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Run { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}
