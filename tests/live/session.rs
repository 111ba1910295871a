//! A psql session that is held open, as an application holds its connections.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::client::Settings;
use crate::cluster::{client, is_running, poll};
use crate::server::LIMIT;

const END: &str = "-- end of answer --";

/// One session, ended by drop.
pub struct Session {
    psql: Child,
    rows: BufReader<ChildStdout>,
    backend: u32,
}

impl Session {
    /// Opens it; when this returns the server has it.
    pub fn open(settings: &Settings) -> Self {
        let mut psql = Command::new("/usr/bin/timeout");
        psql.arg(LIMIT.as_secs().to_string()).arg(client("psql"));
        psql.args(["-XAtq", "-v", "ON_ERROR_STOP=1", &settings.conninfo()]).env_clear().env("LC_ALL", "C");
        psql.envs(settings.environment()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut psql = psql.spawn().expect("psql runs");
        let rows = BufReader::new(psql.stdout.take().expect("piped"));
        let mut session = Self { psql, rows, backend: 0 };
        session.backend = session.ask("select pg_backend_pid();").parse().expect("a pid");
        session
    }

    /// Runs statements, and returns the rows.
    pub fn ask(&mut self, statements: &str) -> String {
        let input = self.psql.stdin.as_mut().expect("piped");
        writeln!(input, "{statements}\n\\echo {END}").expect("psql listens");
        let mut answer = String::new();
        while !answer.ends_with(&format!("{END}\n")) {
            assert!(self.rows.read_line(&mut answer).expect("text") > 0, "psql has ended: {statements}: {answer}");
        }
        answer.trim_end().trim_end_matches(END).trim_end().to_owned()
    }

    /// Waits until the server's process for this session has gone.
    pub fn await_end(&self) {
        poll(LIMIT, || (!is_running(self.backend)).then_some(())).expect("the session ends");
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        drop(self.psql.stdin.take()); // psql ends with its input
        let _ = self.psql.wait();
    }
}
