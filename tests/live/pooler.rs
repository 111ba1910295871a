//! PgBouncer between: what it refuses itself, what the database behind it refuses, and what a session through it shows.

mod fixed;

use crate::answer::Answer;
use crate::client::{PASSWORD, Settings, WRONG, check_with};
use crate::pgbouncer::PgBouncer;
use crate::server::{Server, on_all_majors, role};

/// A role of the database, with what is stored for its password.
fn stored(server: &Server, name: &str) -> String {
    server.cluster.sql(&role(name, "by_scram"));
    let name = name.replace('\'', "''");
    server.cluster.sql(&format!("select rolpassword from pg_authid where rolname = '{name}'"))
}

/// Through the pooler, without TLS.
fn through(pooler: &PgBouncer, user: &str) -> Settings {
    Settings::new(pooler.port(), user).with("sslmode=disable")
}

fn check(server: &Server, settings: &Settings) -> Answer {
    server.check(settings)
}

/// The usual line, and poolers for the user `app`.
const DATABASE: &str = "postgres = host=127.0.0.1 port={port}";

#[test]
fn a_session_through_a_pooler() {
    on_all_majors(|major| {
        let server = Server::start(major, &[]);
        let secret = stored(&server, "app");
        for mode in ["session", "transaction"] {
            let pooler =
                PgBouncer::start(&server.cluster, &[DATABASE], &[&format!("pool_mode = {mode}")], &[("app", &secret)]);
            let answer = check(&server, &through(&pooler, "app"));
            answer.remarks("session-pooler");
            assert_eq!(answer.fact("session", "round_trips"), 5, "{answer}");
            let signs = answer.finding("session-pooler").unwrap()["evidence"]["signs"].as_array().unwrap().len();
            assert!(signs >= 2, "{answer}");
        }
        // The database itself is none.
        assert!(check(&server, &server.settings("app")).finding("session-pooler").is_none());
    });
}

#[test]
fn what_a_pooler_refuses() {
    on_all_majors(|major| {
        let server = Server::start(major, &[]);
        let secret = stored(&server, "app");
        let databases = [DATABASE, "gone = host=127.0.0.1 port={port} dbname=not_there"];
        let pooler = PgBouncer::start(&server.cluster, &databases, &["server_login_retry = 1"], &[("app", &secret)]);
        let app = through(&pooler, "app");
        for (settings, code) in [
            (app.clone().password(Some(WRONG)), "login-pooler-user-unknown"),
            (through(&pooler, "nobody"), "login-pooler-user-unknown"),
            (app.clone().with("dbname=nowhere"), "login-pooler-database-unknown"),
            (app.clone().with("dbname=gone"), "login-pooler-database-unknown"),
            (app.clone().set("options", "-c search_path=public"), "login-pooler-parameter"),
        ] {
            let answer = check(&server, &settings);
            answer.fails_with(code, 13);
            assert_eq!(answer.fact("login", "routine"), &serde_json::Value::Null, "{answer}");
        }
    });
}

#[test]
fn the_database_behind_a_pooler_is_not_there() {
    on_all_majors(|major| {
        let server = Server::start(major, &[]);
        let secret = stored(&server, "app");
        let closed = crate::cluster::free_port();
        let databases = [
            &format!("postgres = host=127.0.0.1 port={closed}"),
            "refused = host=127.0.0.1 port={port} dbname=postgres user=unknown password=wrong",
        ];
        let pooler = PgBouncer::start(&server.cluster, &databases, &["query_wait_timeout = 2"], &[("app", &secret)]);
        let app = through(&pooler, "app");
        let answer = check(&server, &app);
        answer.fails_with("login-pooler-backend-down", 13);
        assert!(answer.to_string().contains("are right there"), "{answer}");
        let answer = check(&server, &app.clone().with("dbname=refused"));
        answer.fails_with("login-pooler-backend-down", 13);
        assert!(answer.to_string().contains("refuses its login"), "{answer}");
    });
}

/// As PgBouncer has it by default: clients wait for two minutes.
#[test]
fn a_pooler_waits_in_silence() {
    on_all_majors(|major| {
        let server = Server::start(major, &[]);
        let secret = stored(&server, "app");
        let closed = crate::cluster::free_port();
        let database = format!("postgres = host=127.0.0.1 port={closed}");
        let tls = [
            "client_tls_sslmode = require",
            "client_tls_key_file = {data}/server.key",
            "client_tls_cert_file = {data}/server.crt",
        ];
        let pooler = PgBouncer::start(&server.cluster, &[&database], &tls, &[("app", &secret)]);
        let settings = through(&pooler, "app").with("sslmode=require");
        let answer = check_with(&server.home(), &settings, &["--timeout", "1500ms"]);
        answer.fails_with("login-pooler-backend-down", 13);
        assert!(answer.to_string().contains("SASLFinal"), "{answer}");
    });
}

#[test]
fn a_pooler_that_ends_tls() {
    on_all_majors(|major| {
        let server = Server::start(major, &[]);
        let secret = stored(&server, "app");
        let tls = [
            "client_tls_sslmode = require",
            "client_tls_key_file = {data}/server.key",
            "client_tls_cert_file = {data}/server.crt",
        ];
        let pooler = PgBouncer::start(&server.cluster, &[DATABASE], &tls, &[("app", &secret)]);
        let app = through(&pooler, "app");
        let verified = app.clone().with("sslmode=verify-full").set("sslrootcert", server.root());
        let answer = check(&server, &verified);
        answer.remarks("session-pooler");
        assert_eq!(answer.fact("login", "mechanisms"), &serde_json::json!(["SCRAM-SHA-256"]), "{answer}");
        check(&server, &app).fails_with("login-tls-required", 13);
        check(&server, &verified.with("channel_binding=require")).fails_with("login-channel-binding-unavailable", 13);
    });
}

/// The pooler asks the database for users it does not know.
#[test]
fn a_pooler_that_asks_the_database() {
    on_all_majors(|major| {
        let server = Server::start(major, &[]);
        stored(&server, "app");
        server.cluster.sql("set password_encryption = 'scram-sha-256'; create role asker login superuser password 'asked' in role by_scram");
        let settings =
            ["auth_user = asker", "auth_query = SELECT rolname, rolpassword FROM pg_authid WHERE rolname = $1"];
        let pooler = PgBouncer::start(&server.cluster, &[DATABASE], &settings, &[("asker", "asked")]);
        check(&server, &through(&pooler, "app")).remarks("session-pooler");
        check(&server, &through(&pooler, "app").password(Some(WRONG))).fails_with("login-pooler-user-unknown", 13);
        check(&server, &through(&pooler, "nobody")).fails_with("login-pooler-user-unknown", 13);
    });
}

#[test]
fn the_rules_and_the_console_of_a_pooler() {
    on_all_majors(|major| {
        let server = Server::start(major, &[]);
        let secret = stored(&server, "app");
        let rules = server.cluster.socket_dir().join("pooler_hba.conf");
        std::fs::write(&rules, "host all app 127.0.0.1/32 reject\nhost all all 127.0.0.1/32 scram-sha-256\n").unwrap();
        let hba = format!("auth_hba_file = {}", rules.display());
        let users = [("app", secret.as_str()), ("admin", PASSWORD)];
        let pooler = PgBouncer::start(&server.cluster, &[DATABASE], &["auth_type = hba", &hba], &users);
        check(&server, &through(&pooler, "app")).fails_with("login-hba-reject", 13);
        let answer = check(&server, &through(&pooler, "admin").with("dbname=pgbouncer"));
        answer.fails_with("session-no-reply", 14);
        assert!(answer.to_string().contains("own console"), "{answer}");
    });
}
