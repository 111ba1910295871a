//! Sessions that begin read-only on a primary: each printed statement lets them write.

use std::fs;

use super::{Fixes, reload};
use crate::client::Settings;
use crate::server::{Server, on_all_majors, servers};

const CODE: &str = "session-read-only";

/// It is remarked on, and no more when the statements that begin with this one have run.
fn ends(server: &Server, settings: &Settings, beginning: &str) {
    let answer = server.check(settings);
    answer.remarks(CODE);
    let statements = Fixes::of_finding(&answer, CODE).statements(beginning).join("\n");
    if statements.contains("pg_reload_conf") {
        reload(server, &statements);
    } else {
        server.cluster.sql(&statements);
    }
    let answer = server.check(settings);
    answer.passes();
    assert!(answer.finding(CODE).is_none(), "{answer}");
}

#[test]
fn settings_of_role_and_database() {
    for server in servers() {
        let settings = server.role("Book Keeper", "by_scram").set("dbname", "Closed Books");
        server.cluster.sql("create database \"Closed Books\"");
        for owner in
            ["role \"Book Keeper\"", "database \"Closed Books\"", "role \"Book Keeper\" in database \"Closed Books\""]
        {
            server.cluster.sql(&format!("alter {owner} set default_transaction_read_only = on"));
            ends(server, &settings, "SET default_transaction_read_only");
        }
    }
}

#[test]
fn settings_of_all_roles() {
    on_all_majors(|major| {
        let server = Server::start(major, &[]);
        let settings = server.role("one_of_all", "by_scram");
        server.cluster.sql("alter role all set default_transaction_read_only = on");
        // So the administrator's own session begins, too.
        ends(&server, &settings, "SET default_transaction_read_only");
    });
}

/// The printed query tells the file.
#[test]
fn the_setting_of_the_server() {
    on_all_majors(|major| {
        let server = Server::start(major, &[]);
        let settings = server.role("reader", "by_scram");
        let file = server.cluster.socket_dir().join("data/postgresql.conf");
        let before = fs::read_to_string(&file).expect("the file is there");
        fs::write(&file, before + "default_transaction_read_only = on\n").expect("the file is writable");
        server.cluster.reload();
        let answer = server.check(&settings);
        answer.remarks(CODE);
        let shown = server.cluster.sql(&Fixes::of_finding(&answer, CODE).statements("SELECT source").join("\n"));
        assert!(shown.starts_with("configuration file|") && shown.ends_with("/postgresql.conf"), "{shown}");
        ends(&server, &settings, "ALTER SYSTEM");
    });
}

/// The first line and the one for the setting's owner, as the words say.
#[test]
fn a_session_that_has_to_write() {
    on_all_majors(|major| {
        let server = Server::start(major, &[]);
        server.cluster.sql("create database \"Closed Books\"");
        let settings = server.role("Book Keeper", "by_scram").set("dbname", "Closed Books");
        let settings = settings.with("target_session_attrs=read-write");
        server.check(&settings).passes();
        for (bend, lines) in [
            ("alter role \"Book Keeper\" set default_transaction_read_only = on", 1..2),
            ("alter database \"Closed Books\" set default_transaction_read_only = on", 2..3),
            ("alter system set default_transaction_read_only = on", 3..5),
        ] {
            server.cluster.sql(bend);
            server.cluster.reload();
            let answer = server.check(&settings);
            answer.fails_with("session-wrong-role", 14);
            let fixes = Fixes::of(&answer);
            let printed = fixes.statements("SET default_transaction_read_only");
            let statements = [&printed[..1], &printed[lines]].concat().join("\n");
            server.cluster.sql(&statements);
            server.cluster.reload();
            server.check(&settings).passes();
        }
    });
}
