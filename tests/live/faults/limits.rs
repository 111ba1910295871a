//! Servers with all their connections in use.

use crate::client::Settings;
use crate::fixes::Fixes;
use crate::server::{Server, on_all_majors, role};
use crate::session::Session;

/// A server with its few connections in use.
struct Full {
    server: Server,
    administrator: Session,
    held: Vec<Session>,
    guest: Settings,
}

impl Full {
    fn start(major: u32, settings: &[(&str, &str)], held: usize) -> Self {
        // Up to 11 the connections of standbys count as well.
        let settings: Vec<(&str, &str)> = settings.iter().copied().chain([("max_wal_senders", "0")]).collect();
        let server = Server::start_empty(major, &settings);
        let socket = server.socket();
        let mut administrator =
            Session::open(&server.settings("postgres").without("hostaddr").set("host", socket).with("sslmode=disable"));
        administrator.ask(&format!("create role by_scram; {}", role("guest", "by_scram")));
        let guest = server.settings("guest");
        let held = (0..held).map(|_| Session::open(&guest)).collect();
        Self { server, administrator, held, guest }
    }

    /// Ends the idle sessions by the statement that was printed; then the check passes.
    fn ends_by_the_printed_statement(mut self, (fault, code): (&str, &str)) {
        let answer = self.server.play(fault, &self.guest).gives(&[code]);
        let fixes = Fixes::of(&answer);
        let ends =
            fixes.server_lines().into_iter().find(|line| line.contains("pg_terminate_backend")).expect("a statement");
        self.administrator.ask(ends);
        self.held.iter().for_each(Session::await_end);
        self.server.check(&self.guest).passes();
    }

    /// Allows more by the statement that was printed, and restarts: then as many sessions leave room for the check.
    fn allows_more_by_the_printed_statement(mut self, code: &str) {
        let answer = self.server.check(&self.guest);
        answer.fails_with(code, 13);
        let fixes = Fixes::of(&answer);
        let lines = fixes.server_lines();
        let more =
            lines.iter().position(|line| line.contains("ALTER SYSTEM SET max_connections")).expect("a statement");
        assert_eq!(lines.get(more + 1), Some(&"sudo systemctl restart postgresql"));
        self.administrator.ask(lines[more]);
        self.server.cluster.restart();
        self.held = self.held.iter().map(|_| Session::open(&self.guest)).collect();
        self.server.check(&self.guest).passes();
    }
}

#[test]
fn no_connection_is_left() {
    let settings = [("max_connections", "5"), ("superuser_reserved_connections", "0")];
    let fault = ("No connection is left", "login-server-full");
    on_all_majors(|major| Full::start(major, &settings, 4).ends_by_the_printed_statement(fault));
    on_all_majors(|major| Full::start(major, &settings, 4).allows_more_by_the_printed_statement("login-server-full"));
}

#[test]
fn only_reserved_connections_are_left() {
    let settings = [("max_connections", "6"), ("superuser_reserved_connections", "2")];
    let fault = ("Only reserved connections are left", "login-reserved-slots");
    on_all_majors(|major| Full::start(major, &settings, 3).ends_by_the_printed_statement(fault));
    on_all_majors(|major| {
        Full::start(major, &settings, 3).allows_more_by_the_printed_statement("login-reserved-slots");
    });
}

#[test]
fn connections_reserved_for_a_privilege_are_left() {
    let settings = [("max_connections", "7"), ("superuser_reserved_connections", "2"), ("reserved_connections", "1")];
    on_all_majors(|major| {
        if major >= 16 {
            let fault = ("Only connections reserved for a privilege are left", "login-reserved-slots");
            Full::start(major, &settings, 3).ends_by_the_printed_statement(fault);
        }
    });
}

#[test]
fn connections_run_short() {
    let settings = [("max_connections", "9"), ("superuser_reserved_connections", "2")];
    on_all_majors(|major| {
        let full = Full::start(major, &settings, 3);
        let play = full.server.play("Connections run short", &full.guest);
        let answer = play.gives(&["session-nearly-full", "privileges-no-tables"]);
        let used = answer.fact("session", "connections");
        assert_eq!(*used, serde_json::json!({ "used": 5, "limit": 9, "reserved": 2 }), "{answer}");
    });
}
