//! Passwords, roles and databases.

use crate::client::{PASSWORD, Settings, WRONG};
use crate::server::{Server, servers};

/// Said of any database in which nothing was made yet.
const EMPTY: &str = "privileges-no-tables";

#[test]
fn passwords() {
    for server in servers() {
        for group in ["by_scram", "by_md5", "by_password"] {
            let settings = server.role(&format!("password_{group}"), group);
            server.check(&settings).passes();
            let wrong = settings.clone().password(Some(WRONG));
            server.play(&format!("The password is wrong, {group}"), &wrong).gives(&["login-password-rejected"]);
            let missing = settings.password(None);
            server.play(&format!("No password is given, {group}"), &missing).gives(&["login-password-missing"]);
        }
        // Deliberately not to be told from a wrong password.
        server
            .play("The role does not exist, by_scram", &server.settings("unknown"))
            .gives(&["login-password-rejected"]);
        let expired = server.role("expired", "by_scram");
        server.cluster.sql("alter role expired valid until '2001-01-01'");
        server.play("The password has expired", &expired).gives(&["login-password-rejected"]);
        let stored_as_md5 = server.role("stored_as_md5", "by_scram");
        server.cluster.sql(&format!("set password_encryption = 'md5'; alter role stored_as_md5 password '{PASSWORD}'"));
        server
            .play("What is stored is MD5, and the rule says SCRAM", &stored_as_md5)
            .gives(&["login-password-rejected"]);
        let unset = server.role("unset", "by_scram");
        server.cluster.sql("alter role unset password null");
        server.play("The role has no password", &unset).gives(&["login-password-rejected"]);
    }
}

#[test]
fn roles() {
    for server in servers() {
        server.play("The role does not exist, by_trust", &server.settings("ghost")).gives(&["login-role-missing"]);
        for group in ["by_scram", "by_trust"] {
            let name = format!("nologin_{group}");
            let settings = server.role(&name, group);
            server.cluster.sql(&format!("alter role {name} nologin"));
            let answer = server
                .play(&format!("The role may not log in, {group}"), &settings)
                .gives(&["login-role-cannot-login"]);
            assert_eq!(answer.fact("login", "sqlstate"), "28000", "{answer}");
            assert_eq!(answer.fact("login", "password_checked"), group == "by_scram", "{answer}");
        }
        let nologin = server.settings("nologin_by_scram").password(Some(WRONG));
        server.play("The role may not log in, and the password is wrong", &nologin).gives(&["login-password-rejected"]);
    }
}

#[test]
fn databases() {
    for server in servers() {
        let settings = server.role("guest", "by_scram");
        let nowhere = settings.clone().with("dbname=nowhere");
        let answer = server.play("The database does not exist", &nowhere).gives(&["login-database-missing"]);
        assert_eq!(answer.fact("login", "sqlstate"), "3D000", "{answer}");
        assert_eq!(answer.fact("login", "password_checked"), true, "{answer}");

        server.cluster.sql("create database revoked;\n revoke connect on database revoked from public;");
        let play = |fault: &str, database: &str| server.play(fault, &settings.clone().set("dbname", database));
        play("The role has no CONNECT", "revoked").gives(&["login-connect-denied"]);
        server.cluster.sql("create database closed allow_connections false");
        play("The database takes no connections", "closed").gives(&["login-database-closed"]);
        play("A template that takes no connections", "template0").gives(&["login-database-closed"]);
        server.cluster.sql("create database full_database connection limit 0");
        play("The database has its limit of connections", "full_database").gives(&["login-database-full"]);
        let full = server.role("full_role", "by_scram");
        server.cluster.sql("alter role full_role connection limit 0");
        server.play("The role has its limit of connections", &full).gives(&["login-role-full"]);
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
            let fault = format!("The server refuses options={options}");
            server.play(&fault, &settings).gives(&["login-parameter-refused"]);
        }
        let encoding = settings.clone().with("client_encoding=NOPE");
        server.play("The server knows no such client_encoding", &encoding).gives(&["login-parameter-refused"]);
        server.check(&settings.set("options", "-c work_mem=1MB -c search_path=public")).passes();
    }
}

#[test]
fn remarks_on_how_the_password_was_asked_for() {
    for server in servers() {
        let trusted = server.role("remark_trust", "by_trust");
        server.play("Whoever comes is trusted", &trusted).gives(&["login-password-unchecked", EMPTY]);
        let silent = trusted.password(None);
        server
            .play("Whoever comes is trusted, without a password", &silent)
            .gives(&["login-password-unchecked", EMPTY]);

        let md5 = server.role("remark_md5", "by_md5");
        server.play("The password goes by MD5", &md5).gives(&["login-md5", EMPTY]);
        exposes(server, "MD5", (&md5, &["login-password-exposed", "login-md5", "tls-plaintext", EMPTY]));
        let password = server.role("remark_password", "by_password");
        exposes(server, "itself", (&password, &["login-password-exposed", "tls-plaintext", EMPTY]));
    }
}

/// Only where nothing is encrypted.
fn exposes(server: &Server, form: &str, (settings, codes): (&Settings, &[&str])) {
    let encrypted = server.check(settings);
    assert!(encrypted.finding("login-password-exposed").is_none(), "{encrypted}");
    let plain = settings.clone().with("sslmode=disable");
    server.play(&format!("The password goes as {form} over no TLS"), &plain).gives(codes);
}
