//! Settings of the server.

use super::{Fixes, reload};
use crate::server::{Server, on_all_majors};

/// Like `ssl = off` in `postgresql.conf`, with the certificate in its place.
#[test]
fn tls_is_switched_on() {
    on_all_majors(|major| {
        let server = Server::start(major, &[("ssl", "off")]);
        let settings = server.role("guest", "by_scram");
        let answer = server.check(&settings);
        answer.fails_with("tls-not-offered", 12);
        reload(&server, &Fixes::of(&answer).statements("ALTER SYSTEM SET ssl = on").join("\n"));
        let answer = server.check(&settings);
        answer.passes();
        assert_eq!(answer.fact("tls", "negotiated"), true, "{answer}");
    });
}

#[test]
fn plaintext_is_ended() {
    on_all_majors(|major| {
        let server = Server::start(major, &[("ssl", "off")]);
        let settings = server.role("guest", "by_scram").with("sslmode=prefer");
        let answer = server.check(&settings);
        answer.remarks("tls-plaintext");
        reload(&server, &Fixes::of_finding(&answer, "tls-plaintext").statements("ALTER SYSTEM").join("\n"));
        let answer = server.check(&settings);
        answer.passes();
        assert!(answer.finding("tls-plaintext").is_none(), "{answer}");
    });
}

#[test]
fn modern_suites_are_allowed() {
    on_all_majors(|major| {
        let server = Server::start(major, &[("ssl_ciphers", "'ECDHE-RSA-AES256-GCM-SHA384'")]);
        let settings = server.role("guest", "by_scram").with("ssl_max_protocol_version=TLSv1.2");
        let answer = server.check(&settings);
        answer.fails_with("tls-no-common-cipher", 12);
        reload(&server, &Fixes::of(&answer).statements("ALTER SYSTEM SET ssl_ciphers").join("\n"));
        server.check(&settings).passes();
    });
}

#[test]
fn more_connections_are_allowed() {
    on_all_majors(|major| {
        let settings = [("max_connections", "4"), ("superuser_reserved_connections", "2"), ("max_wal_senders", "0")];
        let mut server = Server::start(major, &settings);
        let settings = server.role("guest", "by_scram");
        let answer = server.check(&settings);
        answer.remarks("session-nearly-full");
        let fixes = Fixes::of_finding(&answer, "session-nearly-full");
        let [statement, restart] = fixes.statements("ALTER SYSTEM") else { panic!("a statement and a restart") };
        server.cluster.sql(statement);
        assert_eq!(restart, "sudo systemctl restart postgresql");
        server.cluster.restart();
        let connections = server.check(&settings).fact("session", "connections")["limit"].clone();
        assert_eq!(connections, 8);
    });
}
