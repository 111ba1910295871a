//! How often a server is asked to let somebody in, counted in its log.

use crate::client::{Settings, WRONG};
use crate::server::{Server, servers};

/// What the server has logged about a role; it logs before it answers.
pub struct Logged {
    pub failed: usize,
    pub authorized: usize,
    pub refused: usize,
}

pub fn logged(server: &Server, user: &str) -> Logged {
    let log = server.cluster.log();
    let count = |wanted: &dyn Fn(&str) -> bool| log.lines().filter(|line| wanted(line)).count();
    let quoted = format!("\"{user}\"");
    Logged {
        failed: count(&|line| line.contains("authentication failed") && line.contains(&quoted)),
        authorized: count(&|line| line.contains("connection authorized") && line.contains(&format!("user={user} "))),
        refused: count(&|line| line.contains("pg_hba.conf") && line.contains("FATAL") && line.contains(&quoted)),
    }
}

#[test]
fn a_wrong_password_reaches_the_server_once() {
    for server in servers() {
        for group in ["by_scram", "by_md5", "by_password"] {
            for mode in ["disable", "allow", "prefer", "require", "verify-full"] {
                let user = format!("attempt_{group}_{mode}");
                let settings = wrong(server, &user, group, mode);
                server.check(&settings).fails_with("login-password-rejected", 13);
                assert_eq!(logged(server, &user).failed, 1, "{} {user}", server.major);
                // libpq goes on with the other encryption, and sends the password again.
                server.psql(&settings);
                let by_psql = if ["allow", "prefer"].contains(&mode) { 2 } else { 1 };
                assert_eq!(logged(server, &user).failed, 1 + by_psql, "{} {user}", server.major);
            }
        }
    }
}

fn wrong(server: &Server, user: &str, group: &str, mode: &str) -> Settings {
    server.role(user, group).set("sslmode", mode).password(Some(WRONG))
}

/// With a rule for the other encryption only, the first attempt sends no password, and the second does.
#[test]
fn a_refusal_by_rule_costs_no_password() {
    for server in servers() {
        for (group, mode) in [("by_plain", "prefer"), ("by_tls", "allow")] {
            let user = format!("fallback_{group}");
            let settings = wrong(server, &user, group, mode);
            server.check(&settings).fails_with("login-password-rejected", 13);
            let seen = logged(server, &user);
            assert_eq!((seen.failed, seen.refused), (1, 1), "{} {user}", server.major);
        }
    }
}

#[test]
fn a_check_logs_in_once() {
    for server in servers() {
        for (group, mode) in [
            ("by_scram", "verify-full"),
            ("by_scram", "prefer"),
            ("by_scram", "disable"),
            ("by_md5", "require"),
            ("by_password", "allow"),
            ("by_trust", "prefer"),
            ("by_tls", "allow"),
            ("by_plain", "prefer"),
        ] {
            let user = format!("once_{group}_{mode}");
            server.check(&server.role(&user, group).set("sslmode", mode)).passes();
            let seen = logged(server, &user);
            assert_eq!((seen.authorized, seen.failed), (1, 0), "{} {user}", server.major);
        }
    }
}

/// A probe for the other encryption stops where a password is asked for.
#[test]
fn probes_send_no_credentials() {
    for server in servers() {
        for (group, mode, code) in [
            ("by_tls", "disable", "login-tls-required"),
            ("by_plain", "require", "login-tls-forbidden"),
            ("by_nothing", "disable", "login-no-hba-entry"),
            ("by_nothing", "require", "login-no-hba-entry"),
        ] {
            for password in [None, Some(WRONG)] {
                let word = if password.is_some() { "wrong" } else { "none" };
                let user = format!("probe_{group}_{mode}_{word}");
                let settings = server.role(&user, group).set("sslmode", mode).password(password);
                server.check(&settings).fails_with(code, 13);
                let seen = logged(server, &user);
                assert_eq!((seen.failed, seen.authorized), (0, 0), "{} {user}", server.major);
            }
        }
    }
}
