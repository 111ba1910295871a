//! Questions that are not answered: the printed query shows for whom the session waits, the printed statement ends that,
//! and where something else ended the session the log tells.

use std::thread;

use rustix::process::{Pid, Signal, kill_process};

use super::Fixes;
use crate::answer::Answer;
use crate::client::{Settings, check_with};
use crate::cluster::poll;
use crate::server::{LIMIT, Server, on_all_majors, servers};
use crate::session::Session;

const CODE: &str = "privileges-no-reply";

/// A database in which somebody holds a catalogue that the check looks into.
struct Locked {
    role: &'static str,
    settings: Settings,
    holder: Session,
}

impl Locked {
    fn new(server: &Server, role: &'static str, database: &str) -> Self {
        server.cluster.sql(&format!("create database \"{database}\""));
        let settings = server.role(role, "by_scram").set("dbname", database);
        let administrator = server.settings("postgres").without("hostaddr").set("host", server.socket());
        let mut holder = Session::open(&administrator.with("sslmode=disable").set("dbname", database));
        holder.ask("begin; lock table pg_default_acl in access exclusive mode;");
        Self { role, settings, holder }
    }

    /// The check, and what is done to its session as soon as that waits.
    fn disturbed(&self, server: &Server, disturb: impl FnOnce(&str)) -> Answer {
        let waiting = format!("from pg_stat_activity where usename = '{}' and wait_event_type = 'Lock'", self.role);
        thread::scope(|scope| {
            let checking = scope.spawn(|| server.check(&self.settings));
            let waits = || Some(server.cluster.sql(&format!("select pid {waiting}"))).filter(|pid| !pid.is_empty());
            disturb(&poll(LIMIT, waits).expect("the check waits"));
            checking.join().expect("the check ends")
        })
    }
}

#[test]
fn a_lock_of_another_session_is_found_and_ended() {
    for server in servers() {
        let mut locked = Locked::new(server, "It's Patient", "locked");
        let holder = locked.holder.ask("select pg_backend_pid();");
        let answer = check_with(&server.home(), &locked.settings, &["--timeout", "2s"]);
        answer.fails_with(CODE, 15);
        let fixes = Fixes::of(&answer);
        // Nobody has told the session that its client has gone.
        let shown = server.cluster.sql(&fixes.statements("SELECT pid").join("\n"));
        assert!(shown.ends_with(&format!("|Lock|relation|{{{holder}}}")), "{shown}");
        fixes.run("SELECT pg_terminate_backend", server, "postgres");
        locked.holder.await_end();
        server.check(&locked.settings).passes();
    }
}

#[test]
fn a_session_that_was_ended() {
    for server in servers() {
        let locked = Locked::new(server, "cut_short", "locked_too");
        let end = |pid: &str| drop(server.cluster.sql(&format!("select pg_terminate_backend({pid})")));
        let answer = locked.disturbed(server, end);
        answer.fails_with(CODE, 15);
        assert!(answer.to_string().contains("read its log: it tells what ended the session"), "{answer}");
        server.cluster.wait_log(|line| line.contains("terminating connection due to administrator command"));
        drop(locked.holder);
        server.check(&locked.settings).passes();
    }
}

#[test]
fn a_session_whose_process_was_killed() {
    on_all_majors(|major| {
        let server = Server::start(major, &[]);
        let locked = Locked::new(&server, "unlucky", "locked");
        let answer = locked.disturbed(&server, |pid| {
            let pid = Pid::from_raw(pid.parse().expect("a pid")).expect("a pid");
            kill_process(pid, Signal::KILL).expect("our server's");
        });
        answer.fails_with(CODE, 15);
        assert!(answer.to_string().contains("read its log: the process may have been ended"), "{answer}");
        server.cluster.wait_log(|line| line.contains("was terminated by signal 9"));
        server.cluster.wait_log(|line| line.contains("all server processes terminated; reinitializing"));
    });
}

/// The printed query shows who has set it.
#[test]
fn a_setting_that_gives_up() {
    for server in servers() {
        let locked = Locked::new(server, "Impatient", "locked_three");
        server.cluster.sql("alter role \"Impatient\" set lock_timeout = '100ms'"); // shorter ones are remarked on
        let answer = server.check(&locked.settings);
        answer.fails_with(CODE, 15);
        let shown = server.cluster.sql(&Fixes::of(&answer).statements("SELECT setrole").join("\n"));
        assert!(shown.lines().any(|row| row == "\"Impatient\"|0|{lock_timeout=100ms}"), "{shown}");
        server.cluster.sql("alter role \"Impatient\" reset lock_timeout");
        drop(locked.holder);
        server.check(&locked.settings).passes();
    }
}
