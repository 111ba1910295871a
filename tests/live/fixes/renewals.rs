//! A server's certificate that ends, has not begun, or lacks its issuer's: the files are replaced as the words say, and
//! loaded by the printed statement.

use std::fs;

use pgpreflight::lab::pki::{Identity, Spec};

use super::certificates::start;
use super::{Fixes, data, in_data_directory, reload};
use crate::client::{Settings, check_with};
use crate::cluster::Tls;
use crate::pki::{Pki, issue, localhost, tls};
use crate::server::{Server, on_oldest_and_newest};

const RELOAD: &str = "SELECT pg_reload_conf();";

/// Puts `server.crt` and `server.key` in the place of the old ones, which the server has loaded.
fn replace(server: &Server, identity: &Identity) {
    fs::write(data(server).join("server.crt"), identity.chain_pem().unwrap()).unwrap();
    fs::write(data(server).join("server.key"), identity.key_pem().unwrap()).unwrap();
}

#[test]
fn a_certificate_is_renewed() {
    on_oldest_and_newest(|major| {
        let pki = Pki::new();
        let server = start(major, &pki);
        let settings = server.settings("guest");
        let issuer = issue(&pki.root, &Spec::root("Live Intermediate CA"));
        let old_issuer = issue(&pki.root, &Spec { ends_in_days: -2, ..Spec::root("Live Intermediate CA") });
        let by_root = |spec| issue(&pki.root, &spec);
        let new = pki.sound();
        for (old, code, new) in [
            (by_root(Spec { starts_in_days: -9, ends_in_days: -1, ..localhost() }), "tls-certificate-expired", &new),
            (issue(&old_issuer, &localhost()), "tls-certificate-expired", &issue(&issuer, &localhost())),
            (by_root(Spec { starts_in_days: 5, ..localhost() }), "tls-certificate-not-yet-valid", &new),
            (
                by_root(Spec { starts_in_days: -300, ends_in_days: 20, ..localhost() }),
                "tls-certificate-expires-soon",
                &new,
            ),
        ] {
            server.cluster.set_tls(&tls(&old));
            let fixes = Fixes::of_finding(&server.check(&settings), code);
            replace(&server, new);
            assert!(server.check(&settings).finding(code).is_some(), "replaced, and not loaded yet");
            assert_eq!(fixes.server_lines(), [RELOAD]);
            reload(&server, RELOAD);
            let answer = server.check(&settings);
            answer.passes();
            assert!(answer.finding(code).is_none(), "{answer}");
        }
    });
}

/// The server does not send it, and can do nothing about it.
#[test]
fn a_root_that_has_expired_is_the_clients() {
    on_oldest_and_newest(|major| {
        let pki = Pki::new();
        let server = start(major, &pki);
        let old = Identity::self_signed(&Spec { ends_in_days: -2, ..Spec::root("Old Root") }).unwrap();
        server.cluster.set_tls(&tls(&issue(&old, &localhost())));
        fs::write(server.wrong_root(), old.certificate_pem().unwrap()).unwrap();
        let answer = server.check(&server.settings("guest").set("sslrootcert", server.wrong_root()));
        answer.fails_with("tls-certificate-expired", 12);
        let fixes = Fixes::of(&answer);
        assert_eq!(fixes.lines_of("client"), ["sslrootcert=/PATH/TO/its-root.crt"]);
        assert!(fixes.server_lines().is_empty(), "{answer}");
    });
}

#[test]
fn an_intermediate_is_appended() {
    on_oldest_and_newest(|major| {
        let pki = Pki::new();
        let server = start(major, &pki);
        let settings = server.settings("guest");
        let issuer = issue(&pki.root, &Spec::root("Live Intermediate CA"));
        let leaf = issue(&issuer, &localhost());
        server.cluster.set_tls(&Tls { certificate: leaf.certificate_pem().unwrap(), ..tls(&leaf) });
        let answer = server.check(&settings);
        answer.fails_with("tls-certificate-chain-incomplete", 12);
        fs::write(data(&server).join("intermediate.crt"), issuer.certificate_pem().unwrap()).unwrap();
        let fixes = Fixes::of(&answer);
        let [append, load] = fixes.statements("cat ") else { panic!("two lines: {answer}") };
        in_data_directory(&server, append);
        reload(&server, load);
        server.check(&settings).passes();
    });
}

/// The key does not go with the certificate: the old ones stay in force.
#[test]
fn a_reload_that_failed_is_in_the_log() {
    on_oldest_and_newest(|major| {
        let pki = Pki::new();
        let server = start(major, &pki);
        let settings = server.settings("guest");
        server.cluster.set_tls(&tls(&issue(&pki.root, &Spec { starts_in_days: -9, ends_in_days: -1, ..localhost() })));
        let new = pki.sound();
        fs::write(data(&server).join("server.crt"), new.certificate_pem().unwrap()).unwrap();
        reload(&server, RELOAD);
        let answer = server.check(&settings);
        answer.fails_with("tls-certificate-expired", 12);
        Fixes::of(&answer).says("the log says `SSL configuration was not reloaded`");
        server.cluster.wait_log(|line| line.contains("SSL configuration was not reloaded"));
        replace(&server, &new);
        reload(&server, RELOAD);
        server.check(&settings).passes();
    });
}

/// Where libpq goes on without TLS, and the driver does not.
#[test]
fn what_is_wrong_with_tls_is_told_by_verifying() {
    on_oldest_and_newest(|major| {
        let pki = Pki::new();
        let server = start(major, &pki);
        server.cluster.set_tls(&tls(&issue(&pki.root, &Spec { starts_in_days: -9, ends_in_days: -1, ..localhost() })));
        let settings = server.settings("guest").with("sslmode=prefer");
        let check = |settings: &Settings| check_with(&server.home(), settings, &["--timeout", "10s", "--driver"]);
        let answer = check(&settings);
        answer.remarks("login-driver-differs");
        Fixes::of_finding(&answer, "login-driver-differs").says("mend TLS: sslmode=verify-full tells what is wrong");
        let answer = check(&settings.clone().with("sslmode=verify-full"));
        answer.fails_with("tls-certificate-expired", 12);
        replace(&server, &pki.sound());
        reload(&server, &Fixes::of(&answer).statements(RELOAD).join("\n"));
        let answer = check(&settings);
        answer.passes();
        assert!(answer.finding("login-driver-differs").is_none(), "{answer}");
    });
}
