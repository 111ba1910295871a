//! What is printed for a pooler, done as it is printed: the next check passes.

use super::{DATABASE, stored, through};
use crate::client::PASSWORD;
use crate::fixes::Fixes;
use crate::pgbouncer::PgBouncer;
use crate::server::{Server, on_all_majors};
use crate::session::Session;

/// Runs a command on PgBouncer's console, and returns what it shows.
pub fn on_the_console(server: &Server, pooler: &PgBouncer, command: &str) -> String {
    let admin = through(pooler, "admin").with("dbname=pgbouncer");
    let output = server.cluster.psql(command, &admin.conninfo(), &admin.environment());
    assert!(output.status.success(), "{command}{}{}", String::from_utf8_lossy(&output.stderr), pooler.log());
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Reloads as it is printed.
pub fn reload(server: &Server, pooler: &PgBouncer, fixes: &Fixes) {
    on_the_console(server, pooler, line(fixes, "RELOAD;"));
}

/// The line for the server that begins so.
pub fn line<'a>(fixes: &'a Fixes, beginning: &str) -> &'a str {
    fixes.server_lines().into_iter().find(|line| line.starts_with(beginning)).expect("a line")
}

#[test]
fn a_user_a_database_and_a_parameter_are_added() {
    on_all_majors(|major| {
        let server = Server::start(major, &[]);
        stored(&server, "It's App");
        let pooler = PgBouncer::start(&server.cluster, &[], &["pool_mode = session"], &[("admin", PASSWORD)]);
        let settings = through(&pooler, "It's App");

        // Which of the two is missing does not show before the password is right.
        let answer = server.check(&settings);
        answer.fails_with("login-pooler-user-unknown", 13);
        let fixes = Fixes::of(&answer);
        pooler.add_user(&server.cluster.sql(line(&fixes, "SELECT ")));
        reload(&server, &pooler, &fixes);

        let answer = server.check(&settings);
        answer.fails_with("login-pooler-database-unknown", 13);
        let fixes = Fixes::of(&answer);
        let database = line(&fixes, "postgres = ").replace("DATABASE_HOST", "127.0.0.1");
        pooler.add("[databases]", &database.replace("port=5432", &format!("port={}", server.cluster.port())));
        reload(&server, &pooler, &fixes);
        server.check(&settings).passes();

        let settings = settings.set("options", "-c search_path=public");
        let answer = server.check(&settings);
        answer.fails_with("login-pooler-parameter", 13);
        let fixes = Fixes::of(&answer);
        pooler.add("[pgbouncer]", line(&fixes, "ignore_startup_parameters"));
        reload(&server, &pooler, &fixes);
        server.check(&settings).passes();
    });
}

#[test]
fn more_clients_are_allowed() {
    on_all_majors(|major| {
        let server = Server::start(major, &[]);
        let secret = stored(&server, "app");
        let users = [("app", secret.as_str()), ("admin", PASSWORD)];
        // PgBouncer lets administrators in when it is full.
        let pooler = PgBouncer::start(&server.cluster, &[DATABASE], &["max_client_conn = 1"], &users);
        let settings = through(&pooler, "app");
        let held = Session::open(&settings);
        let answer =
            server.play("The pooler has all its clients", &settings).of("PgBouncer").gives(&["login-pooler-full"]);
        let fixes = Fixes::of(&answer);
        pooler.change(line(&fixes, "max_client_conn"));
        reload(&server, &pooler, &fixes);
        server.check(&settings).passes();
        drop(held);
    });
}
