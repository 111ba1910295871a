//! Passwords that another service decides on: the log tells how it fares, and when it answers the login is there.

use std::net::UdpSocket;
use std::thread;

use openssl::hash::{MessageDigest, hash};

use crate::client::check_with;
use crate::server::{Server, on_oldest_and_newest};

const SECRET: &str = "shared";

/// PostgreSQL gives a RADIUS server three seconds.
#[test]
fn a_service_that_is_silent_is_in_the_log() {
    on_oldest_and_newest(|major| {
        let server = Server::start(major, &[]);
        let settings = server.role("remote", "by_nothing");
        let service = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let port = service.local_addr().expect("bound").port();
        server.cluster.write_hba(&[format!(
            "host all remote 127.0.0.1/32 radius radiusservers=127.0.0.1 radiussecrets={SECRET} radiusports={port}"
        )]);
        server.cluster.reload();

        let answer = check_with(&server.home(), &settings, &["--timeout", "2s"]);
        answer.fails_with("login-no-reply", 13);
        assert!(answer.to_string().contains("an external authentication (LDAP, PAM, RADIUS)"), "{answer}");
        server.cluster.wait_log(|line| line.contains("timeout waiting for RADIUS response"));

        let answer = server.check(&settings);
        answer.fails_with("login-external-refused", 13);
        assert!(answer.to_string().contains("its log has the answer of that service"), "{answer}");
        server.cluster.wait_log(|line| line.contains("DETAIL:  Connection matched") && line.contains("radius"));

        thread::scope(|scope| {
            scope.spawn(|| accept(&service));
            server.check(&settings).passes();
        });
    });
}

/// Lets in whoever is asked for (RFC 2865, section 3), first of all those whom nobody waits for any more.
fn accept(service: &UdpSocket) {
    let mut request = [0; 4096];
    for _ in 0..3 {
        let (_, from) = service.recv_from(&mut request).expect("a request");
        let head = [2, request[1], 0, 20];
        let proof = hash(MessageDigest::md5(), &[&head, &request[4..20], SECRET.as_bytes()].concat()).expect("MD5");
        service.send_to(&[&head[..], &proof].concat(), from).expect("the server listens");
    }
}
