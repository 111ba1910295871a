//! Lines of `pg_hba.conf`.

use super::Fixes;
use crate::server::{Server, on_all_majors, servers};

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

/// Also where nothing is encrypted: the line is for the connection that was made.
#[test]
fn a_password_rule_is_put_above_the_one_that_trusts() {
    for server in servers() {
        for (name, mode) in [("trusted_no_more", "sslmode=verify-full"), ("trusted_plain", "sslmode=disable")] {
            let settings = server.role(name, "by_trust").with(mode);
            let answer = server.check(&settings);
            answer.remarks("login-password-unchecked");
            Fixes::of_finding(&answer, "login-password-unchecked").apply_rule(server);
            let answer = server.check(&settings);
            answer.passes();
            assert!(answer.finding("login-password-unchecked").is_none(), "{answer}");
            assert_eq!(answer.fact("login", "password_checked"), true, "{answer}");
        }
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

/// `ident` and `peer` look at the operating system's user; the log has what they found, and the line that matched.
#[test]
fn a_password_rule_is_put_above_the_one_that_asks_the_system() {
    for server in servers() {
        let ident = server.role("mended_ident", "by_ident");
        let peer = server.role("mended_peer", "by_peer").without("hostaddr").set("host", server.socket());
        for (settings, role, found) in [
            (ident, "mended_ident", "could not connect to Ident server"),
            (peer, "mended_peer", "provided user name (mended_peer) and authenticated user name"),
        ] {
            let answer = server.check(&settings);
            answer.fails_with("login-external-refused", 13);
            server.cluster.wait_log(|line| line.contains(found));
            let refused = format!("authentication failed for user \"{role}\"");
            server.cluster.wait_log(|line| line.contains(&refused));
            assert!(server.cluster.log().contains("DETAIL:  Connection matched"), "{}", server.cluster.log());
            Fixes::of(&answer).apply_rule(server);
            server.check(&settings).passes();
        }
    }
}

#[test]
fn a_password_rule_is_put_above_the_one_for_kerberos() {
    on_all_majors(|major| {
        let server = Server::start(major, &[]);
        let kerberos = server.cluster.sql("select setting like '%gssapi%' from pg_config where name = 'CONFIGURE'");
        if kerberos == "t" {
            let settings = server.role("ticketless", "by_nothing");
            server.cluster.write_hba(&["host all all 127.0.0.1/32 gss".to_owned()]);
            server.cluster.reload();
            let answer = server.check(&settings);
            answer.fails_with("login-gss-unavailable", 13);
            Fixes::of(&answer).apply_rule(&server);
            server.check(&settings).passes();
        }
    });
}

#[test]
fn a_rule_for_scram_is_put_above_the_one_that_the_client_forbids() {
    for server in servers() {
        for (name, group) in [("demands_password", "by_password"), ("demands_trust", "by_trust")] {
            let settings = server.role(name, group).with("require_auth=scram-sha-256");
            let answer = server.check(&settings);
            answer.fails_with("login-method-not-allowed", 13);
            Fixes::of(&answer).apply_rule(server);
            server.check(&settings).passes();
        }
        let settings = server.role("demands_md5", "by_md5").with("require_auth=!password,!md5");
        let answer = server.check(&settings);
        answer.fails_with("login-method-not-allowed", 13);
        let fixes = Fixes::of(&answer);
        fixes.type_in("SET password_encryption", server, "postgres");
        server.check(&settings).passes(); // a line that says md5 asks for SCRAM now
        fixes.apply_rule(server);
        server.check(&settings).passes();
    }
}

/// PostgreSQL binds SCRAM to the channel from 11 on.
#[test]
fn a_rule_for_scram_is_put_above_the_one_that_binds_to_nothing() {
    for server in servers().iter().filter(|server| server.major >= 11) {
        for (name, group) in [("bound_password", "by_password"), ("bound_trust", "by_trust"), ("bound_md5", "by_md5")] {
            let settings = server.role(name, group).with("channel_binding=require");
            let answer = server.check(&settings);
            answer.fails_with("login-channel-binding-unavailable", 13);
            let fixes = Fixes::of(&answer);
            if group == "by_md5" {
                fixes.type_in("SET password_encryption", server, "postgres");
            }
            fixes.apply_rule(server);
            let answer = server.check(&settings);
            answer.passes();
            assert_eq!(answer.fact("login", "method"), "scram-sha-256-plus", "{answer}");
        }
    }
}
