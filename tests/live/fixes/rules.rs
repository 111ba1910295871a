//! Lines of `pg_hba.conf`.

use super::Fixes;
use crate::server::servers;

#[test]
fn a_rule_is_added() {
    for server in servers() {
        for (name, mode) in
            [("added_tls", "sslmode=verify-full"), ("added_any", "sslmode=prefer"), ("added_plain", "sslmode=disable")]
        {
            let settings = server.role(name, "by_nothing").with(mode);
            let answer = server.check(&settings);
            answer.fails_with("login-no-hba-entry", 13);
            Fixes::of(&answer).apply_rule(server);
            server.check(&settings).passes();
        }
    }
}

#[test]
fn a_rule_is_put_above_the_one_that_rejects() {
    for server in servers() {
        for (name, mode) in [("let_in_tls", "sslmode=require"), ("let_in_plain", "sslmode=disable")] {
            let settings = server.role(name, "by_reject").with(mode);
            let answer = server.check(&settings);
            answer.fails_with("login-hba-reject", 13);
            Fixes::of(&answer).apply_rule(server);
            server.check(&settings).passes();
        }
    }
}

#[test]
fn a_rule_for_tls_is_added() {
    for server in servers() {
        let settings = server.role("forbidden_tls", "by_plain");
        let answer = server.check(&settings);
        answer.fails_with("login-tls-forbidden", 13);
        Fixes::of(&answer).apply_rule(server);
        server.check(&settings).passes();
    }
}

#[test]
fn a_password_rule_is_put_above_the_one_that_trusts() {
    for server in servers() {
        let settings = server.role("trusted_no_more", "by_trust");
        let answer = server.check(&settings);
        answer.remarks("login-password-unchecked");
        Fixes::of_finding(&answer, "login-password-unchecked").apply_rule(server);
        let answer = server.check(&settings);
        answer.passes();
        assert!(answer.finding("login-password-unchecked").is_none(), "{answer}");
        assert_eq!(answer.fact("login", "password_checked"), true, "{answer}");
    }
}

#[test]
fn a_rule_for_the_socket_is_added() {
    for server in servers() {
        let settings = server.role("added_local", "by_nothing");
        let settings = settings.without("hostaddr").set("host", server.socket());
        let answer = server.check(&settings);
        answer.fails_with("login-no-hba-entry", 13);
        Fixes::of(&answer).apply_rule(server);
        server.check(&settings).passes();
    }
}
