//! PgBouncer between: what it refuses itself, what the database behind it refuses, and what a session through it shows.

mod behind;
mod fixed;

use crate::answer::Answer;
use crate::client::{PASSWORD, Settings, WRONG};
use crate::pgbouncer::PgBouncer;
use crate::play::Play;
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

fn play(server: &Server, fault: &str, settings: &Settings) -> Play {
    server.play(fault, settings).of("PgBouncer")
}

/// What is said of any session through a pooler, without TLS.
const POOLED: &[&str] = &["session-pooler", "tls-plaintext", "privileges-no-tables"];

/// The usual line, and poolers for the user `app`.
const DATABASE: &str = "postgres = host=127.0.0.1 port={port}";

#[test]
fn a_session_through_a_pooler() {
    on_all_majors(|major| {
        let server = Server::start(major, &[]);
        let secret = stored(&server, "app");
        for mode in ["session", "transaction", "statement"] {
            let pooler =
                PgBouncer::start(&server.cluster, &[DATABASE], &[&format!("pool_mode = {mode}")], &[("app", &secret)]);
            let answer =
                play(&server, &format!("A pooler, pool_mode={mode}"), &through(&pooler, "app")).passes_with(POOLED);
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
        for (fault, settings, code) in [
            ("The password is wrong", app.clone().password(Some(WRONG)), "login-pooler-user-unknown"),
            ("The pooler does not know the user", through(&pooler, "nobody"), "login-pooler-user-unknown"),
            (
                "The pooler does not know the database",
                app.clone().with("dbname=nowhere"),
                "login-pooler-database-unknown",
            ),
            ("The server does not know the database", app.clone().with("dbname=gone"), "login-pooler-database-unknown"),
            (
                "The pooler takes no options",
                app.clone().set("options", "-c search_path=public"),
                "login-pooler-parameter",
            ),
        ] {
            let answer = play(&server, fault, &settings).gives(&[code]);
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
        let down = ["login-pooler-backend-down"];
        let answer = play(&server, "No server listens behind the pooler", &app).gives(&down);
        assert!(answer.to_string().contains("are right there"), "{answer}");
        let refused = app.clone().with("dbname=refused");
        let answer = play(&server, "The server refuses the pooler's own login", &refused).gives(&down);
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
        let waits = play(&server, "The pooler waits for its server", &settings).within(1500);
        let answer = waits.gives(&["login-pooler-backend-down"]);
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
        let remarks = ["session-pooler", "privileges-no-tables"];
        let answer = play(&server, "A pooler that ends TLS", &verified).gives(&remarks);
        assert_eq!(answer.fact("login", "mechanisms"), &serde_json::json!(["SCRAM-SHA-256"]), "{answer}");
        play(&server, "The pooler wants TLS", &app).gives(&["login-tls-required"]);
        let bound = verified.with("channel_binding=require");
        play(&server, "The pooler binds to no channel", &bound).gives(&["login-channel-binding-unavailable"]);
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
        let rejected = through(&pooler, "app");
        play(&server, "A rule of the pooler rejects the user", &rejected).gives(&["login-hba-reject"]);
        let console = through(&pooler, "admin").with("dbname=pgbouncer");
        let answer = play(&server, "The pooler's own console", &console).gives(&["session-no-reply"]);
        assert!(answer.to_string().contains("own console"), "{answer}");
    });
}
