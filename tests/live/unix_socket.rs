//! Unix sockets.

use crate::client::{Settings, WRONG};
use crate::server::{Server, servers};

fn by_socket(server: &Server, user: &str, group: &str) -> Settings {
    server.role(user, group).without("hostaddr").set("host", server.socket())
}

#[test]
fn a_socket_is_never_encrypted() {
    for server in servers() {
        let settings = by_socket(server, "socket_scram", "by_scram");
        for mode in ["disable", "prefer", "require", "verify-full"] {
            let settings = settings.clone().set("sslmode", mode);
            let psql = server.psql(&settings);
            assert!(psql.connects && !psql.encrypted, "{psql:?}");
            let answer = server.check(&settings);
            answer.passes();
            assert_eq!(answer.fact("tls", "negotiated"), false, "{answer}");
            assert_eq!(answer.fact("login", "method"), "scram-sha-256", "{answer}");
            assert!(answer.finding("tls-plaintext").is_none(), "nobody can listen in on a socket: {answer}");
        }
        server.check(&settings.password(Some(WRONG))).fails_with("login-password-rejected", 13);
        let trusted = server.check(&by_socket(server, "socket_trust", "by_trust"));
        trusted.passes();
        assert!(trusted.finding("login-password-unchecked").is_none(), "{trusted}");
    }
}

#[test]
fn sockets_that_are_not_there() {
    for server in servers() {
        let settings = by_socket(server, "socket_lost", "by_scram");
        let other = if server.cluster.port() == 15_000 { 15_001 } else { 15_000 };
        server.check(&settings.clone().set("port", other.to_string())).fails_with("connect-socket-missing", 11);
        server.check(&settings.clone().with("host=/nonexistent")).fails_with("connect-socket-missing", 11);

        // A socket file that its server has left behind.
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join(format!(".s.PGSQL.{}", server.cluster.port()));
        drop(std::os::unix::net::UnixListener::bind(file).expect("a socket"));
        server
            .check(&settings.set("host", directory.path().display().to_string()))
            .fails_with("connect-socket-stale", 11);
    }
}
