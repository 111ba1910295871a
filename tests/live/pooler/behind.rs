//! What is printed where the trouble is behind the pooler, or in its own rules: done as it is printed, the next check
//! passes.

use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use super::fixed::{line, on_the_console, reload};
use super::{DATABASE, stored, through};
use crate::client::PASSWORD;
use crate::cluster::{client, free_port, is_running, poll};
use crate::fixes::Fixes;
use crate::pgbouncer::PgBouncer;
use crate::server::{LIMIT, Server, on_oldest_and_newest};

/// PgBouncer waits for 15 s after a login of its own has failed, unless it is told to try again.
fn try_again(server: &Server, pooler: &PgBouncer, fixes: &Fixes) {
    for command in ["KILL ", "RESUME "] {
        on_the_console(server, pooler, line(fixes, command));
    }
}

#[test]
fn a_database_is_made_behind_a_pooler() {
    on_oldest_and_newest(|major| {
        let server = Server::start(major, &[]);
        let secret = stored(&server, "app");
        let databases = ["alias = host=127.0.0.1 port={port} dbname='Not There'", "* = host=127.0.0.1 port={port}"];
        let users = [("app", secret.as_str()), ("admin", PASSWORD)];
        let pooler = PgBouncer::start(&server.cluster, &databases, &[], &users);
        for (dbname, behind) in [("alias", "Not There"), ("Neither \"There\"", "Neither \"There\"")] {
            let settings = through(&pooler, "app").set("dbname", dbname);
            let answer = server.check(&settings);
            answer.fails_with("login-pooler-database-unknown", 13);
            let fixes = Fixes::of(&answer);
            server.cluster.sql(line(&fixes, "CREATE DATABASE"));
            try_again(&server, &pooler, &fixes);
            server.check(&settings).passes();
            let name = behind.replace('\'', "''");
            assert_eq!(server.cluster.sql(&format!("select count(*) from pg_database where datname = '{name}'")), "1");
        }
    });
}

#[test]
fn the_line_of_a_database_is_corrected() {
    on_oldest_and_newest(|major| {
        let server = Server::start(major, &[]);
        let secret = stored(&server, "app");
        let databases = ["alias = host=127.0.0.1 port={port} dbname=misspelt"];
        let users = [("app", secret.as_str()), ("admin", PASSWORD)];
        let pooler = PgBouncer::start(&server.cluster, &databases, &[], &users);
        let settings = through(&pooler, "app").with("dbname=alias");
        let answer = server.check(&settings);
        answer.fails_with("login-pooler-database-unknown", 13);
        let fixes = Fixes::of(&answer);
        pooler.change(&format!("alias = host=127.0.0.1 port={} dbname=postgres", server.cluster.port()));
        reload(&server, &pooler, &fixes);
        try_again(&server, &pooler, &fixes);
        server.check(&settings).passes();
    });
}

/// A name that PgBouncer's file cannot have: the line for all names is printed.
#[test]
fn a_database_with_an_odd_name_is_added() {
    on_oldest_and_newest(|major| {
        let server = Server::start(major, &[]);
        let secret = stored(&server, "app");
        server.cluster.sql("create database \"Odd Name\"");
        let users = [("app", secret.as_str()), ("admin", PASSWORD)];
        let pooler = PgBouncer::start(&server.cluster, &[], &[], &users);
        let settings = through(&pooler, "app").set("dbname", "Odd Name");
        let answer = server.check(&settings);
        answer.fails_with("login-pooler-database-unknown", 13);
        let fixes = Fixes::of(&answer);
        let database = line(&fixes, "* = ").replace("DATABASE_HOST", "127.0.0.1");
        pooler.add("[databases]", &database.replace("port=5432", &format!("port={}", server.cluster.port())));
        reload(&server, &pooler, &fixes);
        server.check(&settings).passes();
    });
}

/// The console shows where the pooler looks; the database is started there.
#[test]
fn the_database_behind_a_pooler_is_started() {
    on_oldest_and_newest(|major| {
        let mut server = Server::start(major, &[]);
        let secret = stored(&server, "app");
        let users = [("app", secret.as_str()), ("admin", PASSWORD)];
        let pooler = PgBouncer::start(&server.cluster, &[DATABASE], &["query_wait_timeout = 2"], &users);
        let settings = through(&pooler, "app");
        let pid = server.cluster.pid();
        kill_process(Pid::from_raw(i32::try_from(pid).expect("a pid")).expect("a pid"), Signal::INT)
            .expect("our server");
        poll(LIMIT, || (!is_running(pid)).then_some(())).expect("the server ends");
        let answer = server.check(&settings);
        answer.fails_with("login-pooler-backend-down", 13);
        let fixes = Fixes::of(&answer);
        assert!(answer.to_string().contains("server: start that database"), "{answer}");
        let place = format!("postgres|127.0.0.1|{}|postgres|", server.cluster.port());
        let shown = ["SHOW DATABASES;", "SHOW SERVERS;", "SHOW POOLS;"]
            .map(|command| on_the_console(&server, &pooler, line(&fixes, command)));
        assert!(shown[0].contains(&place) && shown[2].contains("postgres|app|"), "{shown:?}");
        server.cluster.restart();
        try_again(&server, &pooler, &fixes);
        server.check(&settings).passes();
    });
}

#[test]
fn the_address_of_the_database_behind_a_pooler_is_corrected() {
    on_oldest_and_newest(|major| {
        let server = Server::start(major, &[]);
        let secret = stored(&server, "app");
        let users = [("app", secret.as_str()), ("admin", PASSWORD)];
        let closed = format!("postgres = host=127.0.0.1 port={}", free_port());
        let pooler = PgBouncer::start(&server.cluster, &[&closed], &["query_wait_timeout = 2"], &users);
        let settings = through(&pooler, "app");
        let answer = server.check(&settings);
        answer.fails_with("login-pooler-backend-down", 13);
        pooler.change(&format!("postgres = host=127.0.0.1 port={}", server.cluster.port()));
        on_the_console(&server, &pooler, "RELOAD;"); // which is part of correcting it
        try_again(&server, &pooler, &Fixes::of(&answer));
        server.check(&settings).passes();
    });
}

/// The printed command shows that the database lets the user in; it is the pooler's own user that it refuses.
#[test]
fn the_login_of_a_pooler_is_mended() {
    on_oldest_and_newest(|major| {
        let server = Server::start(major, &[]);
        let secret = stored(&server, "app");
        let place = format!("postgres = host=127.0.0.1 port={}", server.cluster.port());
        let users = [("app", secret.as_str()), ("admin", PASSWORD)];
        for (own, code) in [("user=unknown password=wrong", "28P01"), ("user=ruleless password=any", "28000")] {
            let pooler = PgBouncer::start(&server.cluster, &[&format!("{place} {own}")], &[], &users);
            let settings = through(&pooler, "app");
            let answer = server.check(&settings);
            answer.fails_with("login-pooler-backend-down", 13);
            assert!(answer.to_string().contains("mend the pooler's own login"), "{code}: {answer}");
            let fixes = Fixes::of(&answer);
            let command = line(&fixes, "psql ").replace("DATABASE_HOST", "127.0.0.1");
            let mut shell = Command::new("/bin/sh");
            shell.args(["-c", &format!("{command} -XAtwc 'select current_user'")]).env_clear().stdin(Stdio::null());
            shell.env("PATH", client("psql").parent().expect("a directory"));
            shell.env("PGPORT", server.cluster.port().to_string()).env("PGPASSWORD", PASSWORD);
            let output = shell.output().expect("sh runs");
            assert_eq!(String::from_utf8_lossy(&output.stdout), "app\n", "{command}: {output:?}");
            pooler.change(&format!("{place} user=app password='{PASSWORD}'"));
            reload(&server, &pooler, &fixes);
            try_again(&server, &pooler, &fixes);
            server.check(&settings).passes();
        }
    });
}

#[test]
fn a_rule_of_a_pooler_is_put_above_the_others() {
    on_oldest_and_newest(|major| {
        let server = Server::start(major, &[]);
        let secret = stored(&server, "app");
        let rules = server.cluster.socket_dir().join("rules_of_a_pooler.conf");
        let before = "host all app 127.0.0.1/32 reject\nhost all all 127.0.0.1/32 scram-sha-256\n";
        std::fs::write(&rules, before).expect("a file");
        let hba = format!("auth_hba_file = {}", rules.display());
        let users = [("app", secret.as_str()), ("admin", PASSWORD)];
        let pooler = PgBouncer::start(&server.cluster, &[DATABASE], &["auth_type = hba", &hba], &users);
        let settings = through(&pooler, "app");
        let answer = server.check(&settings);
        answer.fails_with("login-hba-reject", 13);
        let fixes = Fixes::of(&answer);
        std::fs::write(&rules, format!("{}\n{before}", line(&fixes, "host "))).expect("a file");
        reload(&server, &pooler, &fixes);
        server.check(&settings).passes();
    });
}

/// With `auth_query` it is the database that has to know the user.
#[test]
fn a_user_is_made_for_the_query_of_a_pooler() {
    on_oldest_and_newest(|major| {
        let server = Server::start(major, &[]);
        server.cluster.sql("set password_encryption = 'scram-sha-256'; create role asker login superuser password 'asked' in role by_scram");
        let query = "SELECT rolname, rolpassword FROM pg_authid WHERE rolname = $1";
        let settings = ["auth_user = asker", &format!("auth_query = {query}")];
        let pooler = PgBouncer::start(&server.cluster, &[DATABASE], &settings, &[("asker", "asked")]);
        let settings = through(&pooler, "newcomer");
        let answer = server.check(&settings);
        answer.fails_with("login-pooler-user-unknown", 13);
        assert!(answer.to_string().contains("with auth_query instead of a list, see whether it finds this user"));
        let finds = || server.cluster.sql(&query.replace("$1", "'newcomer'"));
        assert_eq!(finds(), "");
        stored(&server, "newcomer");
        assert_ne!(finds(), "");
        server.check(&settings).passes();
    });
}
