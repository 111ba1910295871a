//! Passwords, roles and databases.

use crate::client::{Settings, WRONG};
use crate::server::{Server, servers};

#[test]
fn passwords() {
    for server in servers() {
        for group in ["by_scram", "by_md5", "by_password"] {
            let settings = server.role(&format!("password_{group}"), group);
            server.check(&settings).passes();
            server.check(&settings.clone().password(Some(WRONG))).fails_with("login-password-rejected", 13);
            server.check(&settings.password(None)).fails_with("login-password-missing", 13);
        }
        // Deliberately not to be told from a wrong password.
        server.check(&server.settings("unknown")).fails_with("login-password-rejected", 13);
        let expired = server.role("expired", "by_scram");
        server.cluster.sql("alter role expired valid until '2001-01-01'");
        server.check(&expired).fails_with("login-password-rejected", 13);
    }
}

#[test]
fn roles() {
    for server in servers() {
        server.check(&server.settings("ghost")).fails_with("login-role-missing", 13);
        for group in ["by_scram", "by_trust"] {
            let name = format!("nologin_{group}");
            let settings = server.role(&name, group);
            server.cluster.sql(&format!("alter role {name} nologin"));
            let answer = server.check(&settings);
            answer.fails_with("login-role-cannot-login", 13);
            assert_eq!(answer.fact("login", "sqlstate"), "28000", "{answer}");
            assert_eq!(answer.fact("login", "password_checked"), group == "by_scram", "{answer}");
        }
        let nologin = server.settings("nologin_by_scram").password(Some(WRONG));
        server.check(&nologin).fails_with("login-password-rejected", 13);
    }
}

#[test]
fn databases() {
    for server in servers() {
        let settings = server.role("guest", "by_scram");
        let answer = server.check(&settings.clone().with("dbname=nowhere"));
        answer.fails_with("login-database-missing", 13);
        assert_eq!(answer.fact("login", "sqlstate"), "3D000", "{answer}");
        assert_eq!(answer.fact("login", "password_checked"), true, "{answer}");

        server.cluster.sql("create database revoked;\n revoke connect on database revoked from public;");
        server.check(&settings.clone().with("dbname=revoked")).fails_with("login-connect-denied", 13);
        server.cluster.sql("create database closed allow_connections false");
        server.check(&settings.clone().with("dbname=closed")).fails_with("login-database-closed", 13);
        server.cluster.sql("create database full_database connection limit 0");
        server.check(&settings.with("dbname=full_database")).fails_with("login-database-full", 13);
        let full = server.role("full_role", "by_scram");
        server.cluster.sql("alter role full_role connection limit 0");
        server.check(&full).fails_with("login-role-full", 13);
    }
}

#[test]
fn startup_parameters() {
    for server in servers() {
        let settings = server.role("optional", "by_scram");
        for options in
            ["-c no_such_parameter=1", "-c shared_buffers=1MB", "-c work_mem=lots", "-c fsync=off", "--bogus"]
        {
            let settings = settings.clone().set("options", options);
            assert!(!server.psql(&settings).connects, "{options}");
            server.check(&settings).fails_with("login-parameter-refused", 13);
        }
        server.check(&settings.set("options", "-c work_mem=1MB -c search_path=public")).passes();
    }
}

#[test]
fn remarks_on_how_the_password_was_asked_for() {
    for server in servers() {
        let trusted = server.role("remark_trust", "by_trust");
        server.check(&trusted).remarks("login-password-unchecked");
        server.check(&trusted.password(None)).remarks("login-password-unchecked");

        let md5 = server.role("remark_md5", "by_md5");
        server.check(&md5).remarks("login-md5");
        exposes(server, &md5);
        exposes(server, &server.role("remark_password", "by_password"));
    }
}

/// Only where nothing is encrypted.
fn exposes(server: &Server, settings: &Settings) {
    let encrypted = server.check(settings);
    assert!(encrypted.finding("login-password-exposed").is_none(), "{encrypted}");
    let plain = server.check(&settings.clone().with("sslmode=disable"));
    plain.remarks("login-password-exposed");
    plain.remarks("tls-plaintext");
}
