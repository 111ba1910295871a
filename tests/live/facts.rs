//! What is reported agrees with what psql and OpenSSL say.

use std::process::Command;

use serde_json::{Value, json};

use crate::client::Settings;
use crate::cluster::Cluster;
use crate::server::servers;

/// One answer of the same server to psql, as the same role.
fn ask(cluster: &Cluster, settings: &Settings, question: &str) -> String {
    let output = cluster.psql(question, &settings.conninfo(), &settings.environment());
    assert!(output.status.success(), "{question}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[test]
fn the_session() {
    for server in servers() {
        let settings = server.role("fact_session", "by_scram");
        let answer = server.check(&settings);
        let ask = |question: &str| ask(&server.cluster, &settings, question);
        assert_eq!(answer.fact("session", "server_version"), &ask("show server_version"), "{answer}");
        assert_eq!(answer.fact("session", "version"), &ask("select version()"), "{answer}");
        assert_eq!(answer.fact("session", "product"), "PostgreSQL", "{answer}");
        assert_eq!(answer.fact("session", "role"), "primary", "{answer}");
        assert_eq!(answer.fact("session", "read_only"), false, "{answer}");
        let connections = answer.fact("session", "connections");
        assert_eq!(connections["limit"].to_string(), ask("show max_connections"), "{answer}");
        let reserved = "select current_setting('superuser_reserved_connections')::int \
            + coalesce(current_setting('reserved_connections', true)::int, 0)";
        assert_eq!(connections["reserved"].to_string(), ask(reserved), "{answer}");
    }
}

#[test]
fn the_method() {
    for server in servers() {
        let plus = if server.major < 11 { "scram-sha-256" } else { "scram-sha-256-plus" };
        for (group, mode, method, checked) in [
            ("by_trust", "require", "trust", false),
            ("by_password", "require", "password", true),
            ("by_md5", "require", "md5", true),
            ("by_scram", "disable", "scram-sha-256", true),
            ("by_scram", "require", plus, true),
        ] {
            let settings = server.role(&format!("fact_{group}_{mode}"), group).set("sslmode", mode);
            let answer = server.check(&settings);
            assert_eq!(answer.fact("login", "method"), method, "{answer}");
            assert_eq!(answer.fact("login", "password_checked"), checked, "{answer}");
        }
        let unbound = server.role("fact_unbound", "by_scram").with("channel_binding=disable");
        assert_eq!(server.check(&unbound).fact("login", "method"), "scram-sha-256");
        let bound = server.role("fact_bound", "by_scram").with("channel_binding=require");
        let answer = server.check(&bound);
        assert_eq!(answer.connects(), server.psql(&bound).connects, "{answer}");
        if server.major < 11 {
            answer.fails_with("login-channel-binding-unavailable", 13);
        }
    }
}

#[test]
fn the_encryption() {
    for server in servers() {
        let settings = server.role("fact_tls", "by_scram");
        for line in ["ssl_max_protocol_version=TLSv1.3", "ssl_max_protocol_version=TLSv1.2"] {
            let settings = settings.clone().with(line);
            let answer = server.check(&settings);
            let question = "select version || ' ' || cipher from pg_stat_ssl where pid = pg_backend_pid()";
            let (protocol, cipher) = (answer.fact("tls", "protocol"), answer.fact("tls", "cipher"));
            let ours = format!("{} {}", protocol.as_str().unwrap(), cipher.as_str().unwrap());
            assert_eq!(ours, ask(&server.cluster, &settings, question), "{answer}");
            assert_eq!(answer.fact("tls", "server_reply"), "S", "{answer}");
            assert_eq!(answer.fact("tls", "verification"), "chain-and-name", "{answer}");
            assert_eq!(answer.fact("tls", "objections"), &json!([]), "{answer}");
        }
    }
}

#[test]
fn the_certificate() {
    for server in servers() {
        let settings = server.role("fact_chain", "by_scram");
        let answer = server.check(&settings);
        let chain = answer.fact("tls", "chain").as_array().unwrap();
        // The server has the root for judging client certificates, and sends it along.
        let sent = [format!("{}/data/server.crt", server.socket()), server.root()];
        assert_eq!(chain.len(), sent.len(), "{answer}");
        for (entry, file) in chain.iter().zip(&sent) {
            let text = |name: &str| entry[name].as_str().unwrap().to_owned();
            let digest = openssl(file, &["-fingerprint", "-sha256"]).replace(':', "");
            assert_eq!(text("sha256").to_uppercase(), digest, "{answer}");
            assert_eq!(text("serial"), openssl(file, &["-serial"]), "{answer}");
            let from = openssl(file, &["-startdate", "-dateopt", "iso_8601"]);
            assert_eq!(text("not_before").replace('T', " "), from, "{answer}");
            let until = openssl(file, &["-enddate", "-dateopt", "iso_8601"]);
            assert_eq!(text("not_after").replace('T', " "), until, "{answer}");
        }
        assert_eq!(chain[0]["sans"], json!(["localhost", "127.0.0.1", "::1"]), "{answer}");
    }
}

/// One property of a certificate file, printed as `NAME=VALUE`.
fn openssl(file: &str, flags: &[&str]) -> String {
    let mut command = Command::new("/usr/bin/openssl");
    let output = command.args(["x509", "-noout", "-in"]).arg(file).args(flags).output().expect("openssl runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim().split_once('=').map(|(_, value)| value.to_owned()).expect("NAME=VALUE")
}

#[test]
fn the_privileges() {
    for server in servers() {
        server.cluster.sql(
            "create database facts;\n\\connect facts\n create schema open; create schema closed;\
             create table open.a (); create table open.b (); create view open.v as select 1 as one;\
             create materialized view open.m as select 1 as one; create table closed.c ();\
             create table open.parts (id int) partition by range (id);\
             create table open.part partition of open.parts for values from (0) to (9);",
        );
        let settings = server.role("fact_reader", "by_scram").set("dbname", "facts");
        server.cluster.sql(
            "\\connect facts\n grant usage on schema open to fact_reader;\
             grant select on open.a, open.v, open.parts to fact_reader;",
        );
        let answer = server.check(&settings);
        // Partitions are read through their table.
        assert_eq!(*answer.fact("privileges", "tables"), json!({ "visible": 6, "readable": 3 }), "{answer}");
        let question = "select array_to_json(array_agg(nspname order by nspname)) from pg_namespace \
            where has_schema_privilege(oid, 'USAGE') and nspname !~ '^pg_' and nspname <> 'information_schema'";
        let schemas: Value = serde_json::from_str(&ask(&server.cluster, &settings, question)).unwrap();
        assert_eq!(*answer.fact("privileges", "schemas"), schemas, "{answer}");
    }
}

#[test]
fn the_target() {
    for server in servers() {
        let answer = server.check(&server.role("fact_target", "by_scram"));
        let target = &answer.report["target"];
        assert_eq!(target["host"], "localhost", "{answer}");
        assert_eq!(target["port"], server.cluster.port(), "{answer}");
        assert_eq!((&target["user"], &target["database"]), (&json!("fact_target"), &json!("postgres")), "{answer}");
        assert_eq!(target["sources"]["password"], "PGPASSWORD", "{answer}");
        let dialled = json!(format!("127.0.0.1:{}", server.cluster.port()));
        assert_eq!(*answer.fact("connect", "address"), dialled, "{answer}");
    }
}
