//! `pg_hba.conf`, and the methods that ask somebody else.

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
            let mode = format!("sslmode={mode}");
            let answer = server.check(&ruleless.clone().with(&mode));
            answer.fails_with("login-no-hba-entry", 13);
            assert_eq!(answer.finding("login-no-hba-entry").unwrap()["evidence"]["client_address"], "127.0.0.1");
            server.check(&rejected.clone().with(&mode)).fails_with("login-hba-reject", 13);
        }
        server.check(&tls.with("sslmode=disable")).fails_with("login-tls-required", 13);
        server.check(&plain.with("sslmode=require")).fails_with("login-tls-forbidden", 13);
    }
}

#[test]
fn rules_without_tls() {
    for server in plain_servers() {
        server.cluster.sql("create role ruleless login");
        for mode in ["disable", "allow", "prefer"] {
            let settings = server.settings("ruleless").with(&format!("sslmode={mode}"));
            server.check(&settings).fails_with("login-no-hba-entry", 13);
        }
        for mode in ["require", "verify-ca", "verify-full"] {
            let settings = server.settings("ruleless").with(&format!("sslmode={mode}"));
            server.check(&settings).fails_with("tls-not-offered", 12);
        }
    }
}

#[test]
fn others_decide() {
    for server in servers() {
        // Nothing listens on the ident port of this machine.
        let ident = server.check(&server.role("asked_of_ident", "by_ident"));
        ident.fails_with("login-external-refused", 13);
        assert_eq!(ident.finding("login-external-refused").unwrap()["evidence"]["method"], "Ident", "{ident}");

        // The operating system knows nobody by this name.
        let peer = server.role("asked_of_peer", "by_peer");
        let peer = server.check(&peer.without("hostaddr").set("host", server.socket()));
        peer.fails_with("login-external-refused", 13);
        assert_eq!(peer.finding("login-external-refused").unwrap()["evidence"]["method"], "Peer", "{peer}");
    }
}

#[test]
fn a_client_certificate_is_wanted() {
    for server in servers() {
        let settings = server.role("certified", "by_cert");
        for mode in ["require", "verify-full"] {
            let settings = settings.clone().with(&format!("sslmode={mode}"));
            server.check(&settings).fails_with("login-client-certificate-required", 13);
        }
    }
}
