//! Unix sockets.

use std::process::Command;

use crate::client::{Settings, WRONG};
use crate::server::{Server, on_all_majors, servers};

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
        let (lost, nowhere) =
            (settings.clone().set("port", other.to_string()), settings.clone().with("host=/nonexistent"));
        server.play("No socket of this port", &lost).gives(&["connect-socket-missing"]);
        server.play("No directory with a socket", &nowhere).gives(&["connect-socket-missing"]);

        // A socket file that its server has left behind.
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join(format!(".s.PGSQL.{}", server.cluster.port()));
        drop(std::os::unix::net::UnixListener::bind(file).expect("a socket"));
        let left = settings.set("host", directory.path().display().to_string());
        server.play("A socket file that its server has left", &left).gives(&["connect-socket-stale"]);
    }
}

/// `connect-peer-mismatch`: whose server it is, is looked at before anything is sent.
#[test]
fn the_server_has_to_be_the_users_that_is_named() {
    for server in servers() {
        let settings = by_socket(server, "socket_peer", "by_scram");
        let asked = Command::new("stat").args(["-c", "%U"]).arg(server.cluster.socket_dir().join("data")).output();
        let owner = String::from_utf8(asked.expect("stat runs").stdout).expect("a name").trim().to_owned();
        let port = server.cluster.port().to_string();
        let both = settings.clone().set("host", format!("{},localhost", server.socket())).set("port", port);
        for (settings, peer, fine) in [
            (&settings, owner.as_str(), true),
            (&settings, "nobody", false),
            // The next host is not tried; and where it is the only one, nobody is asked whose it is.
            (&both, "nobody", false),
            (&server.settings("socket_peer"), "nobody", true),
        ] {
            let settings = settings.clone().set("requirepeer", peer);
            let (psql, answer) = (server.psql(&settings), server.check(&settings));
            assert_eq!((psql.connects, answer.connects()), (fine, fine), "{peer}: {psql:?}\n{answer}");
            if !fine {
                let answer =
                    server.play("The server runs as another user", &settings).gives(&["connect-peer-mismatch"]);
                assert_eq!(answer.report["findings"][0]["evidence"]["found"], owner.as_str(), "{answer}");
            }
        }
    }
}

/// A name of Linux's abstract namespace in place of a directory, as PostgreSQL takes it from 14 on.
#[test]
fn sockets_without_a_file() {
    on_all_majors(|major| {
        if major < 14 {
            return;
        }
        let name = format!("@pgpreflight-{}-{major}", std::process::id());
        let server = Server::start_empty(major, &[]);
        server.cluster.sql(&format!("alter system set unix_socket_directories = '{}', '{name}'", server.socket()));
        let mut server = server;
        server.cluster.restart();
        server.cluster.sql("create role by_scram");
        let settings = server.role("nameless", "by_scram").without("hostaddr").set("host", name.as_str());
        let psql = server.psql(&settings);
        assert!(psql.connects, "{psql:?}");
        let answer = server.check(&settings);
        answer.passes();
        let place = format!("{name}/.s.PGSQL.{}", server.cluster.port());
        assert_eq!(*answer.fact("connect", "address"), place, "{answer}");
        server.check(&settings.set("host", format!("{name}-other"))).fails_with("connect-socket-missing", 11);
    });
}
