//! Servers that are there and take no sessions: stopped, frozen, starting, standing by, shutting down.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};

use crate::client::Settings;
use crate::fixes::Fixes;
use crate::play::Play;
use crate::server::{Server, on_all_majors};
use crate::session::Session;

#[test]
fn stopped() {
    on_all_majors(|major| {
        let server = Server::start(major, &[]);
        let settings = Settings::new(server.cluster.port(), "nobody");
        let home = tempfile::tempdir().expect("a directory");
        drop(server);
        for mode in ["disable", "prefer", "verify-full"] {
            let settings =
                settings.clone().with(&format!("sslmode={mode} sslrootcert=/etc/ssl/certs/ca-certificates.crt"));
            let fault = format!("The server was stopped, sslmode={mode}");
            Play::new(&fault, major, home.path().to_owned(), &settings).gives(&["connect-refused"]);
        }
    });
}

/// A postmaster that does not move: the kernel takes connections, and nobody reads them.
pub struct Frozen(Pid);

impl Frozen {
    pub fn new(server: &Server) -> Self {
        Self(signal(server, Signal::STOP))
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        let _ = kill_process(self.0, Signal::CONT);
    }
}

fn signal(server: &Server, signal: Signal) -> Pid {
    let pid = i32::try_from(server.cluster.pid()).ok().and_then(Pid::from_raw).expect("a pid");
    kill_process(pid, signal).expect("our server");
    pid
}

#[test]
fn frozen() {
    on_all_majors(|major| {
        let server = Server::start(major, &[]);
        let settings = server.role("patient", "by_scram");
        server.check(&settings).passes();
        let frozen = Frozen::new(&server);
        let play = |mode: &str| {
            let settings = settings.clone().set("sslmode", mode);
            server.play(&format!("The postmaster is frozen, sslmode={mode}"), &settings).within(500)
        };
        for mode in ["prefer", "require", "verify-full"] {
            play(mode).gives(&["tls-no-reply"]);
        }
        play("disable").gives(&["login-no-reply"]);
        drop(frozen);
        server.check(&settings).passes();
    });
}

/// Makes a standby of a server, with further lines of `recovery.conf` (≤ 11) or settings, and starts it again.
pub fn restart_as_standby(server: &mut Server, settings: &[(&str, &str)], state: &str) {
    let data = server.cluster.socket_dir().join("data");
    if server.major < 12 {
        let lines = settings.iter().map(|(name, value)| format!("('{name} = ''{value}''')"));
        let lines: Vec<String> = std::iter::once("('standby_mode = on')".to_owned()).chain(lines).collect();
        let file = data.join("recovery.conf");
        server.cluster.sql(&format!("copy (values {}) to '{}'", lines.join(", "), file.display()));
    } else {
        for (name, value) in settings {
            server.cluster.sql(&format!("alter system set {name} = '{value}'"));
        }
        let file = data.join("standby.signal");
        server.cluster.sql(&format!("copy (select where false) to '{}'", file.display()));
    }
    server.cluster.restart_into(state);
}

#[test]
fn starting_up() {
    on_all_majors(|major| {
        let mut server = Server::start(major, &[]);
        let settings = server.role("early", "by_scram");
        // A restore that does not end keeps the server where it is.
        restart_as_standby(&mut server, &[("restore_command", "sleep 60")], "starting");
        for mode in ["disable", "prefer", "verify-full"] {
            let settings = settings.clone().set("sslmode", mode);
            let answer =
                server.play(&format!("The server starts up, sslmode={mode}"), &settings).gives(&["login-starting-up"]);
            assert_eq!(answer.fact("login", "sqlstate"), "57P03", "{answer}");
        }
    });
}

#[test]
fn a_standby_without_sessions() {
    on_all_majors(|major| {
        let mut server = Server::start(major, &[("hot_standby", "off")]);
        let settings = server.role("reader", "by_scram");
        restart_as_standby(&mut server, &[], "standby");
        let play = server.play("A standby takes no sessions", &settings);
        let answer = play.gives(&[if major < 14 { "login-starting-up" } else { "login-standby-closed" }]);
        let fixes = Fixes::of(&answer);
        let line = fixes.server_lines().into_iter().find(|line| line.starts_with("hot_standby")).expect("a setting");
        let file = server.cluster.socket_dir().join("data/postgresql.conf");
        let settings_then = fs::read_to_string(&file).expect("the file is there");
        fs::write(&file, format!("{settings_then}{line}\n")).expect("the file is writable");
        server.cluster.restart();
        server.check(&settings).remarks("session-standby");
    });
}

#[test]
fn a_standby_with_sessions() {
    on_all_majors(|major| {
        let mut server = Server::start(major, &[]);
        let settings = server.role("reader", "by_scram");
        restart_as_standby(&mut server, &[], "ready");
        let answer = server.play("A standby", &settings).gives(&["session-standby", "privileges-no-tables"]);
        assert_eq!(answer.fact("session", "role"), "standby", "{answer}");
        assert_eq!(answer.fact("session", "read_only"), true, "{answer}");
        assert!(answer.finding("session-read-only").is_none(), "one cause, one finding: {answer}");
        let wanted = settings.clone().with("target_session_attrs=standby");
        server.play("A standby, and one is wanted", &wanted).passes_with(&["session-standby", "privileges-no-tables"]);
        let primary = settings.with("target_session_attrs=primary");
        server.play("A standby, and a primary is wanted", &primary).gives(&["session-wrong-role"]);
    });
}

#[test]
fn shutting_down() {
    on_all_majors(|major| {
        let server = Server::start(major, &[]);
        let settings = server.role("late", "by_scram");
        let held = Session::open(&settings);
        // A smart shutdown waits for the sessions to end.
        signal(&server, Signal::TERM);
        server.cluster.wait_log(|line| line.contains("received smart shutdown request"));
        for mode in ["disable", "verify-full"] {
            let settings = settings.clone().set("sslmode", mode);
            let fault = format!("The server shuts down, sslmode={mode}");
            server.play(&fault, &settings).gives(&["login-shutting-down"]);
        }
        drop(held);
    });
}
