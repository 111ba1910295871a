//! `require_auth`: every value against every kind of rule and of stored password, with psql on each libpq that knows it.

use serde_json::Value;

use crate::client::{self, PASSWORD, Settings, psql_on};
use crate::cluster::majors;
use crate::server::Server;

const CASES: &str = include_str!("../cases/require-auth.json");

const GROUPS: [&str; 4] = ["by_trust", "by_password", "by_md5", "by_scram"];

const STORED: [&str; 2] = ["md5", "scram-sha-256"];

/// Without the empty value: libpq 18 then fails on every server that wants a password, where it means to demand nothing.
const VALUES: [&str; 43] = [
    "password",
    "md5",
    "gss",
    "sspi",
    "scram-sha-256",
    "oauth",
    "none",
    "!password",
    "!md5",
    "!gss",
    "!sspi",
    "!scram-sha-256",
    "!oauth",
    "!none",
    "password,md5",
    "scram-sha-256,md5",
    "scram-sha-256,none",
    "none,scram-sha-256",
    "password,none",
    "md5,scram-sha-256,password",
    "gss,sspi",
    "oauth,scram-sha-256",
    "!password,!md5",
    "!password,!md5,!scram-sha-256",
    "!scram-sha-256,!none",
    "!scram-sha-256,!oauth",
    "!gss,!sspi,!oauth",
    "!none,!password",
    "none,none",
    "!none,!none",
    "password,password",
    "password,!md5",
    "!password,md5",
    "none,!none",
    "abc",
    "password,abc",
    "!abc",
    "SCRAM-SHA-256",
    " password",
    "password ",
    "password,",
    ",password",
    "!",
];

#[test]
fn every_recorded_row() {
    let newest = majors().into_iter().max().expect("a major");
    let server = Server::start(newest, &[]);
    let cases: Value = serde_json::from_str(CASES).expect("JSON");
    let cases = cases["cases"].as_array().expect("a list");
    assert_eq!(cases.len(), 93);
    for case in cases {
        let text = |key: &str| case[key].as_str().expect("text");
        let group = format!("by_{}", text("hba_method").split('-').next().expect("a word"));
        let stored = if text("role_password") == "md5 verifier" { "md5" } else { "scram-sha-256" };
        let value = text("require_auth");
        let settings = settings(&server, &group, stored);
        let answer = client::check(&server.home(), &settings.clone().set("require_auth", value));
        if value.is_empty() {
            let psql = psql_on(newest, &server.home(), "select 1", &settings);
            assert_eq!(answer.connects(), psql.status.success(), "nothing is demanded: {case}\n{answer}");
        } else {
            assert_eq!(answer.connects(), case["ok"], "{case}\n{answer}");
        }
    }
}

#[test]
fn every_value_against_every_rule() {
    let all = majors();
    for server in [all.iter().min(), all.iter().max()].into_iter().flatten() {
        let server = Server::start(*server, &[]);
        for group in GROUPS {
            for stored in STORED {
                let settings = settings(&server, group, stored);
                for value in VALUES {
                    agrees(&server, &settings.clone().set("require_auth", value), value);
                }
            }
        }
    }
}

/// A role for this kind of rule, its password stored in this way. It is made when it is first asked for.
fn settings(server: &Server, group: &str, stored: &str) -> Settings {
    let name = format!("auth_{group}_{}", stored.get(..3).expect("ASCII"));
    if server.cluster.sql(&format!("select 1 from pg_roles where rolname = '{name}'")).is_empty() {
        server.cluster.sql(&format!(
            "set password_encryption = '{stored}'; create role {name} login password '{PASSWORD}' in role {group}"
        ));
    }
    server.settings(&name).with("sslmode=disable").without("sslrootcert")
}

fn agrees(server: &Server, settings: &Settings, value: &str) {
    let answer = client::check(&server.home(), settings);
    for major in majors().into_iter().filter(|major| *major >= 16) {
        // libpq 17 and older do not know this method.
        if major < 18 && value.contains("oauth") {
            continue;
        }
        let psql = psql_on(major, &server.home(), "select 1", settings);
        let said = String::from_utf8_lossy(&psql.stderr);
        let place = format!("PostgreSQL {}, libpq {major}: psql: {said}\n{answer}", server.major);
        assert_eq!(answer.connects(), psql.status.success(), "{place}");
        let by_list = said.contains("authentication method requirement");
        assert_eq!(answer.cause() == Some("login-method-not-allowed"), by_list, "{place}");
        // What libpq refuses to read is refused before anything is dialled.
        let unreadable = said.contains("require_auth") && !by_list;
        assert_eq!(answer.exit == 4, unreadable, "{place}");
        if by_list {
            assert_eq!(*answer.fact("login", "password_checked"), false, "{place}");
        }
    }
}
