//! How many round trips a whole check takes, from the TCP connect to the last answer.

use crate::server::{Server, plain_servers, servers};

/// Roles of these groups are made here.
const GROUPS: [&str; 4] = ["by_scram", "by_md5", "by_password", "by_trust"];

#[track_caller]
fn takes(server: &Server, group: &str, line: &str, expected: u64) {
    let answer = server.check(&server.settings(&format!("trips_{group}")).with(line));
    answer.passes();
    let taken = answer.fact("session", "round_trips").as_u64();
    assert_eq!(taken, Some(expected), "PostgreSQL {}, {group}, {line}: {answer}", server.major);
}

fn make_roles(server: &Server) {
    for group in GROUPS {
        server.role(&format!("trips_{group}"), group);
    }
}

#[test]
fn with_tls() {
    for server in servers() {
        make_roles(server);
        takes(server, "by_scram", "sslmode=verify-full", 7);
        takes(server, "by_scram", "sslmode=prefer", 7);
        takes(server, "by_md5", "sslmode=require", 6);
        takes(server, "by_password", "sslmode=require", 6);
        takes(server, "by_trust", "sslmode=require", 5);
        takes(server, "by_scram", "ssl_max_protocol_version=TLSv1.2", 8);
    }
}

#[test]
fn without_tls() {
    for server in plain_servers() {
        make_roles(server);
        takes(server, "by_scram", "sslmode=disable", 5);
        takes(server, "by_scram", "sslmode=allow", 5);
        takes(server, "by_md5", "sslmode=disable", 4);
        takes(server, "by_password", "sslmode=disable", 4);
        takes(server, "by_trust", "sslmode=disable", 3);
        // The question for TLS, and its answer `N`.
        takes(server, "by_scram", "sslmode=prefer", 6);
    }
}

#[test]
fn with_direct_tls() {
    for server in servers() {
        let settings = server.role("trips_direct", "by_scram").with("sslnegotiation=direct");
        if server.major < 17 {
            server.check(&settings).fails_with("tls-direct-refused", 12);
        } else {
            takes(server, "direct", "sslnegotiation=direct", 6);
        }
    }
}

/// A server that takes another group only asks for a second ClientHello.
#[test]
fn with_a_hello_retry_request() {
    crate::server::on_all_majors(|major| {
        let setting = if major >= 18 { "ssl_groups" } else { "ssl_ecdh_curve" };
        let server = Server::start(major, &[(setting, "'secp384r1'")]);
        server.role("trips_by_scram", "by_scram");
        takes(&server, "by_scram", "sslmode=verify-full", 8);
    });
}
