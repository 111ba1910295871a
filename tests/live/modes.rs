//! Every sslmode against rules, roots and passwords of all kinds: our outcome is psql's, and so is the encryption.

use crate::client::{Settings, WRONG};
use crate::server::{Server, plain_servers, servers};

const MODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

/// A role for each kind of rule, and one without a rule.
const GROUPS: [&str; 7] = ["by_scram", "by_md5", "by_password", "by_trust", "by_tls", "by_plain", "by_nothing"];

const METHODS: [&str; 4] = ["by_scram", "by_md5", "by_password", "by_trust"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Root {
    Right,
    Wrong,
    None,
}

const ROOTS: [Root; 3] = [Root::Right, Root::Wrong, Root::None];

#[test]
fn rules_and_roots() {
    for server in servers() {
        let groups = GROUPS.iter().flat_map(|group| ROOTS.iter().map(move |root| (*group, *root)));
        let connected: usize = groups.map(|(group, root)| six_modes(server, &mode_role(server, group), root)).sum();
        // Of 126. With a rule for both: 6 by the right root, 3 by a wrong one, 4 without; with one for TLS only 5, 0
        // and 3; with one for plaintext only 3 each.
        assert_eq!(connected, 4 * 13 + 8 + 9, "PostgreSQL {}", server.major);
    }
}

#[test]
fn wrong_passwords() {
    for server in servers() {
        for group in ["by_scram", "by_md5", "by_password", "by_trust", "by_tls", "by_plain"] {
            for root in [Root::Right, Root::None] {
                six_modes(server, &mode_role(server, group).password(Some(WRONG)), root);
            }
        }
        for group in METHODS {
            six_modes(server, &mode_role(server, group).password(None), Root::Right);
        }
    }
}

#[test]
fn tls_switched_off() {
    for server in plain_servers() {
        for group in GROUPS {
            six_modes(server, &mode_role(server, group), Root::Right);
        }
        for group in METHODS {
            six_modes(server, &mode_role(server, group).password(Some(WRONG)), Root::None);
        }
    }
}

#[test]
fn names() {
    for server in servers() {
        let settings = mode_role(server, "by_scram");
        for line in ["host=127.0.0.1", "host=other.example.test", "host=LOCALHOST", "host=localhost.", "host=127.0.0.2"]
        {
            six_modes(server, &settings.clone().with(line), Root::Right);
        }
    }
}

/// The role of this group; several tests make it, the first one does.
fn mode_role(server: &Server, group: &str) -> Settings {
    let name = format!("mode_{group}");
    let _making = server.editing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if server.cluster.sql(&format!("select 1 from pg_roles where rolname = '{name}'")).is_empty() {
        server.role(&name, group);
    }
    server.settings(&name)
}

/// Asks both clients in every mode, and returns in how many they connect.
fn six_modes(server: &Server, settings: &Settings, root: Root) -> usize {
    let mut connected = 0;
    for mode in MODES {
        let settings = settings.clone().set("sslmode", mode);
        let settings = match root {
            Root::Right => settings,
            Root::Wrong => settings.set("sslrootcert", server.wrong_root()),
            Root::None => settings.without("sslrootcert"),
        };
        let psql = server.psql(&settings);
        let answer = server.check(&settings);
        let major = server.major;
        assert_eq!(answer.connects(), psql.connects, "PostgreSQL {major}, {root:?} root: psql: {psql:?}\n{answer}");
        connected += usize::from(psql.connects);
        if psql.connects {
            let negotiated = answer.fact("tls", "negotiated");
            assert_eq!(*negotiated, psql.encrypted, "PostgreSQL {major}, {root:?} root: {answer}");
        }
    }
    connected
}
