//! A server in a container, started by testcontainers.

use crate::client::{Settings, WRONG, check};
use crate::container::{self, Server};

/// What the container's password is; `container` has it as text, and settings want it for good.
fn settings(server: &Server, password: &'static str) -> Settings {
    Settings::new(server.port, &server.user)
        .without("hostaddr")
        .set("host", &server.host)
        .set("dbname", &server.database)
        .password(Some(password))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_in_a_container() {
    let server = container::start().await;
    let home = tempfile::tempdir().expect("a directory");
    let right: &'static str = server.password.clone().leak();

    let answer = check(home.path(), &settings(&server, right).with("sslmode=prefer"));
    answer.remarks("privileges-superuser");
    answer.remarks("tls-plaintext");
    assert_eq!(answer.report["verdict"], "warnings", "{answer}");
    assert_eq!(answer.fact("tls", "server_reply"), "N", "{answer}");
    assert_eq!(answer.fact("login", "method"), "scram-sha-256", "{answer}");
    assert_eq!(answer.fact("login", "password_checked"), true, "{answer}");
    assert_eq!(answer.fact("session", "product"), "PostgreSQL", "{answer}");
    assert_eq!(answer.fact("session", "role"), "primary", "{answer}");
    assert_eq!(answer.fact("session", "round_trips"), 6, "{answer}");
    assert_eq!(answer.fact("privileges", "superuser"), true, "{answer}");
    assert!(!answer.report.to_string().contains(right), "the password is shown");

    let wrong = settings(&server, WRONG);
    check(home.path(), &wrong.clone().with("sslmode=prefer")).fails_with("login-password-rejected", 13);
    check(home.path(), &wrong.with("sslmode=require")).fails_with("tls-not-offered", 12);
    let elsewhere = settings(&server, right).with("sslmode=disable dbname=nowhere");
    check(home.path(), &elsewhere).fails_with("login-database-missing", 13);
}
