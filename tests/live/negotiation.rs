//! The table of PostgreSQL's own test of negotiation (`005_negotiate_encryption.pl`), as far as a server without GSSAPI
//! goes: who connects, how encrypted, and by how many connections. psql on libpq 18 is asked the same.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::client::{self, Settings, psql_on};
use crate::cluster::{Cluster, ClusterConfig, majors};
use crate::pki::{self, Pki};

const CASES: &str = include_str!("../cases/negotiation.json");

const USERS: [&str; 5] = ["testuser", "nossluser", "nogssuser", "ssluser", "gssuser"];

const MODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

/// Without `host`, which a server without GSSAPI takes for everything anyway: the rules that the users are named for.
fn server(major: u32, ssl: bool) -> Cluster {
    let pki = Pki::new();
    let tls = pki::tls(&pki.sound());
    let hba = [
        "host         all testuser  127.0.0.1/32 trust",
        "hostnossl    all nossluser 127.0.0.1/32 trust",
        "hostnogssenc all nogssuser 127.0.0.1/32 trust",
        "hostssl      all ssluser   127.0.0.1/32 trust",
    ];
    let hba = hba.map(str::to_owned).to_vec();
    let config = ClusterConfig { hba, tls: ssl.then_some(tls), ..ClusterConfig::default() };
    let cluster = Cluster::start(major, &config);
    let roles: Vec<String> = USERS.iter().map(|user| format!("create role {user} login;")).collect();
    cluster.sql(&roles.concat());
    let root = pki.root.certificate_pem().expect("PEM");
    std::fs::write(cluster.socket_dir().join("root.crt"), root).expect("a file");
    cluster
}

/// What became of one client: its outcome, and the connections that the server has counted.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    outcome: &'static str,
    connections: usize,
}

fn connections(server: &Cluster) -> usize {
    server.log().matches("connection received: host=127.0.0.1").count()
}

fn outcome(connects: bool, encrypted: bool) -> &'static str {
    match (connects, encrypted) {
        (false, _) => "fail",
        (true, true) => "ssl",
        (true, false) => "plain",
    }
}

fn settings(server: &Cluster, user: &str) -> Settings {
    Settings::new(server.port(), user).password(None).set("sslrootcert", "")
}

fn psql(server: &Cluster, settings: &Settings) -> Seen {
    let before = connections(server);
    let home = server.socket_dir().join("home");
    let ran = psql_on(18, &home, "select ssl from pg_stat_ssl where pid = pg_backend_pid()", settings);
    let encrypted = ran.stdout.starts_with(b"t");
    Seen { outcome: outcome(ran.status.success(), encrypted), connections: connections(server) - before }
}

fn ours(server: &Cluster, settings: &Settings) -> Seen {
    let before = connections(server);
    let answer = client::check(&server.socket_dir().join("home"), settings);
    let encrypted = *answer.fact("tls", "negotiated") == true;
    Seen { outcome: outcome(answer.cause().is_none(), encrypted), connections: connections(server) - before }
}

/// Where nothing connects, more connections than libpq's tell why.
fn same(psql: &Seen, ours: &Seen) -> bool {
    let more = psql.outcome == "fail" && psql.connections > 0 && ours.connections > psql.connections;
    psql.outcome == ours.outcome && (psql.connections == ours.connections || more)
}

#[test]
fn every_row_of_the_table() {
    // The table is PostgreSQL 18's own: a server before 17 takes no direct TLS.
    let servers = [("gss=off ssl=on", server(18, true)), ("gss=off ssl=off", server(18, false))];
    let cases: Value = serde_json::from_str(CASES).expect("JSON");
    let mut played = 0;
    for case in cases["cases"].as_array().expect("a list") {
        let text = |key: &str| case[key].as_str().expect("text");
        let Some((_, server)) = servers.iter().find(|(name, _)| *name == text("server")) else {
            continue;
        };
        // libpq was built with GSSAPI there; without a ticket `prefer` is as good as `disable`.
        let settings = ["gssencmode", "sslmode", "sslnegotiation"]
            .into_iter()
            .fold(settings(server, text("user")), |settings, key| settings.set(key, text(key)));
        let events = case["expect"]["events"].as_array().expect("a list");
        let connects = events.iter().filter(|event| *event == "connect" || *event == "reconnect").count();
        let expected = case["expect"]["outcome"].as_str().expect("a word");
        let seen = ours(server, &settings);
        assert_eq!(seen.outcome, expected, "{case}");
        assert!(seen.connections == connects || expected == "fail" && seen.connections > connects, "{seen:?} {case}");
        played += 1;
    }
    assert_eq!(played, 19, "rows for a server without GSSAPI");
}

#[test]
fn every_user_in_every_mode() {
    for major in majors().into_iter().filter(|major| *major >= 12) {
        for ssl in [true, false] {
            let server = server(major, ssl);
            let mut outcomes = BTreeSet::new();
            for user in USERS {
                for mode in MODES {
                    for negotiation in ["postgres", "direct"] {
                        let settings = settings(&server, user).set("sslmode", mode).set("sslnegotiation", negotiation);
                        let root = server.socket_dir().join("root.crt").display().to_string();
                        let settings =
                            if mode.starts_with("verify") { settings.set("sslrootcert", root) } else { settings };
                        let (psql, ours) = (psql(&server, &settings), ours(&server, &settings));
                        let place = format!("PostgreSQL {major}, ssl {ssl}, {user} {mode} {negotiation}");
                        assert!(same(&psql, &ours), "{place}: psql {psql:?}, ours {ours:?}");
                        outcomes.insert(psql.outcome);
                    }
                }
            }
            assert_eq!(outcomes, ["fail", "plain", "ssl"].into_iter().filter(|one| ssl || *one != "ssl").collect());
        }
    }
}
