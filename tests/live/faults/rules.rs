//! `pg_hba.conf`, and the methods that ask somebody else.

use crate::client::Settings;
use crate::server::{plain_servers, servers};

#[test]
fn rules() {
    for server in servers() {
        server.cluster.sql("create role ruleless login");
        let ruleless = server.settings("ruleless");
        let rejected = server.role("rejected", "by_reject");
        let tls = server.role("rule_tls", "by_tls");
        let plain = server.role("rule_plain", "by_plain");
        for mode in ["disable", "allow", "prefer", "require", "verify-full"] {
            let play = |fault: &str, settings: &Settings| {
                server.play(&format!("{fault}, sslmode={mode}"), &settings.clone().set("sslmode", mode))
            };
            let answer = play("No rule has the role", &ruleless).gives(&["login-no-hba-entry"]);
            assert_eq!(answer.finding("login-no-hba-entry").unwrap()["evidence"]["client_address"], "127.0.0.1");
            play("A rule rejects the role", &rejected).gives(&["login-hba-reject"]);
        }
        let (tls, plain) = (tls.with("sslmode=disable"), plain.with("sslmode=require"));
        server.play("The rule is for TLS alone", &tls).gives(&["login-tls-required"]);
        server.play("The rule is for connections without TLS", &plain).gives(&["login-tls-forbidden"]);
    }
}

#[test]
fn rules_without_tls() {
    for server in plain_servers() {
        server.cluster.sql("create role ruleless login");
        for mode in ["disable", "allow", "prefer"] {
            let settings = server.settings("ruleless").with(&format!("sslmode={mode}"));
            let fault = format!("No rule has the role, and there is no TLS, sslmode={mode}");
            server.play(&fault, &settings).gives(&["login-no-hba-entry"]);
        }
        for mode in ["require", "verify-ca", "verify-full"] {
            let settings = server.settings("ruleless").with(&format!("sslmode={mode}"));
            let fault = format!("TLS is switched off, sslmode={mode}");
            server.play(&fault, &settings).gives(&["tls-not-offered"]);
        }
    }
}

#[test]
fn others_decide() {
    for server in servers() {
        // Nothing listens on the ident port of this machine.
        let ident = server.role("asked_of_ident", "by_ident");
        let ident = server.play("No ident server answers", &ident).gives(&["login-external-refused"]);
        assert_eq!(ident.finding("login-external-refused").unwrap()["evidence"]["method"], "Ident", "{ident}");

        // The operating system knows nobody by this name.
        let peer = server.role("asked_of_peer", "by_peer");
        let peer = peer.without("hostaddr").set("host", server.socket());
        let peer = server.play("The socket's peer is somebody else", &peer).gives(&["login-external-refused"]);
        assert_eq!(peer.finding("login-external-refused").unwrap()["evidence"]["method"], "Peer", "{peer}");
    }
}

#[test]
fn a_client_certificate_is_wanted() {
    for server in servers() {
        let settings = server.role("certified", "by_cert");
        for mode in ["require", "verify-full"] {
            let settings = settings.clone().set("sslmode", mode);
            let fault = format!("A client certificate is wanted, sslmode={mode}");
            server.play(&fault, &settings).gives(&["login-client-certificate-required"]);
        }
    }
}
