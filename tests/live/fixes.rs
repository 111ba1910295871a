//! Applies what the report prints, as it is printed.

mod certificates;
mod client_certificates;
mod client_side;
mod connect;
mod listeners;
mod passwords;
mod questions;
mod read_only;
mod renewals;
mod rules;
mod services;
mod session;
mod settings;
mod statements;
mod states;
mod tls;

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::answer::Answer;
use crate::client::{PASSWORD, Settings};
use crate::cluster::{as_server_user, client, poll};
use crate::server::{LIMIT, Server};

/// One thing to do, taken apart from its printed form: `side: what`, then the lines, each indented by four blanks.
pub struct Fix {
    side: String,
    what: String,
    lines: Vec<String>,
}

/// What is to be done about the cause, or about one finding.
pub struct Fixes(Vec<Fix>);

impl Fixes {
    /// The fixes of the cause.
    pub fn of(answer: &Answer) -> Self {
        Self::of_finding(answer, answer.cause().expect("a cause"))
    }

    /// The fixes of a finding.
    pub fn of_finding(answer: &Answer, code: &str) -> Self {
        let finding = answer.finding(code).unwrap_or_else(|| panic!("{code} is not there: {answer}"));
        let fixes = finding["fixes"].as_array().expect("a list");
        Self(fixes.iter().map(|fix| Fix::parse(fix.as_str().expect("text"))).collect())
    }

    /// The lines that are for the server.
    pub fn server_lines(&self) -> Vec<&str> {
        self.lines_of("server")
    }

    /// A fix for the server is told in these words, without a line.
    fn says(&self, words: &str) {
        let said = self.0.iter().any(|fix| fix.side == "server" && fix.what.contains(words) && fix.lines.is_empty());
        assert!(said, "no fix says {words}");
    }

    fn lines_of(&self, side: &str) -> Vec<&str> {
        let fixes = self.0.iter().filter(|fix| fix.side == side);
        fixes.flat_map(|fix| fix.lines.iter().map(String::as_str)).collect()
    }

    /// The lines of the first server fix in which one begins so.
    fn statements(&self, beginning: &str) -> &[String] {
        let begins = |fix: &&Fix| fix.lines.iter().any(|line| line.starts_with(beginning));
        let fix = self.0.iter().filter(|fix| fix.side == "server").find(begins);
        &fix.unwrap_or_else(|| panic!("no fix says {beginning}")).lines
    }

    /// Runs statements as the superuser in a database, as somebody who types them into psql would.
    fn run(&self, beginning: &str, server: &Server, database: &str) {
        let lines = self.statements(beginning);
        let passwords = lines.iter().any(|line| line.starts_with("\\password"));
        assert!(!passwords, "to be typed: {lines:?}");
        server.cluster.sql(&format!("\\connect {database}\n{}", lines.join("\n")));
    }

    /// The same, where psql asks for a password twice: without a terminal it reads it from where it reads statements.
    fn type_in(&self, beginning: &str, server: &Server, database: &str) {
        let mut typed = Vec::new();
        for line in self.statements(beginning) {
            typed.push(line.as_str());
            if line.starts_with("\\password") {
                typed.extend([PASSWORD; 2]);
            }
        }
        let typed = typed.join("\n") + "\n";
        let socket = server.socket();
        let mut psql = Command::new("/usr/bin/setsid");
        psql.args(["--wait", "/usr/bin/timeout", "60"]).arg(client("psql")).args(["-XAtq", "-v", "ON_ERROR_STOP=1"]);
        psql.args(["-h", &socket, "-p", &server.cluster.port().to_string(), "-U", "postgres", "-d", database]);
        psql.env_clear().env("LC_ALL", "C").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut psql = psql.spawn().expect("psql runs");
        psql.stdin.take().expect("piped").write_all(typed.as_bytes()).expect("psql listens");
        let output = psql.wait_with_output().expect("psql ends");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// The same, and to the server is done what the printed commands do to Debian's service.
    fn run_and_restart(&self, beginning: &str, server: &mut Server) {
        for line in self.statements(beginning) {
            match line.as_str() {
                "sudo systemctl restart postgresql" => server.cluster.restart(),
                "sudo systemctl start postgresql" => server.cluster.start_again("ready"),
                statement => drop(server.cluster.sql(statement)),
            }
        }
    }

    /// Puts the printed line into `pg_hba.conf`, where the words say, and reloads by the printed statement.
    fn apply_rule(&self, server: &Server) {
        let is_rule = |line: &&String| line.starts_with("host") || line.starts_with("local");
        let fix = self.0.iter().find(|fix| fix.lines.iter().any(|line| is_rule(&line))).expect("a rule");
        assert_eq!(fix.side, "server");
        let rule = fix.lines.iter().find(is_rule).expect("a rule");
        let _editing = server.editing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let file = server.cluster.sql("show hba_file");
        let rules = fs::read_to_string(&file).expect("the file is there");
        let above = fix.what.contains("above");
        let rules = if above { format!("{rule}\n{rules}") } else { format!("{rules}{rule}\n") };
        fs::write(file, rules).expect("the file is writable");
        reload(server, &self.statements("SELECT pg_reload_conf()").join("\n"));
    }

    /// The settings with the lines of the client's fix that mentions a keyword.
    fn change(&self, keyword: &str, settings: &Settings) -> Settings {
        let lines = self.lines_of("client");
        let line = lines.iter().find(|line| line.contains(&format!("{keyword}="))).expect("a line for the client");
        settings.clone().with(line)
    }
}

impl Fix {
    fn parse(printed: &str) -> Self {
        let mut lines = printed.lines();
        let (side, what) = lines.next().and_then(|line| line.split_once(": ")).expect("side and words");
        let lines = lines.map(|line| line.strip_prefix("    ").expect("an indented line").to_owned()).collect();
        Self { side: side.to_owned(), what: what.to_owned(), lines }
    }
}

/// Runs a printed command in the directory of the server's files, as the server's user, and returns what it prints.
fn in_data_directory(server: &Server, command: &str) -> String {
    let mut shell = as_server_user("/bin/sh");
    let output = shell.args(["-ec", command]).current_dir(data(server)).output().expect("sh runs");
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The directory of the server's files.
fn data(server: &Server) -> PathBuf {
    server.cluster.socket_dir().join("data")
}

/// Runs the statements that reload, and waits until what is in the files is in force.
fn reload(server: &Server, statements: &str) {
    let before = server.cluster.sql("select pg_conf_load_time()");
    server.cluster.sql(statements);
    let loaded = || (server.cluster.sql("select pg_conf_load_time()") != before).then_some(());
    poll(LIMIT, loaded).expect("the server reads its files");
}
