//! `--all-modes`: every row of the table is what psql comes to in that very mode, and the whole run logs in once at most.

mod compare;

use pgpreflight::lab::pki::{Identity, Spec};

use self::compare::{Case, agree};
use crate::attempts::logged;
use crate::client::{self, Settings, WRONG};
use crate::pki::{Pki, issue, localhost, tls};
use crate::server::{Server, on_all_majors, plain_servers, role, servers};

/// The role of this group; several tests make it, the first one does.
fn mode_role(server: &Server, group: &str) -> Settings {
    let name = format!("table_{group}");
    let _making = server.editing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if server.cluster.sql(&format!("select 1 from pg_roles where rolname = '{name}'")).is_empty() {
        server.role(&name, group);
    }
    server.settings(&name)
}

const GROUPS: [&str; 6] = ["by_scram", "by_md5", "by_trust", "by_tls", "by_plain", "by_nothing"];

#[test]
fn rules_and_roots() {
    for server in servers() {
        for group in GROUPS {
            let settings = mode_role(server, group);
            let wrong = settings.clone().set("sslrootcert", server.wrong_root());
            let rootless = settings.clone().without("sslrootcert");
            for (settings, own) in [
                (&settings, &["prefer", "verify-full", "disable"][..]),
                (&wrong, &["allow", "verify-ca"]),
                (&rootless, &["require", "disable"]),
            ] {
                agree(&Case { own, older_too: settings.conninfo().contains("right"), ..Case::new(server, settings) });
            }
        }
    }
}

#[test]
fn passwords_that_are_wrong_or_missing() {
    for server in servers() {
        for group in GROUPS {
            for password in [Some(WRONG), None] {
                let settings = mode_role(server, group).password(password);
                agree(&Case { own: &["prefer", "require"], ..Case::new(server, &settings) });
            }
        }
    }
}

#[test]
fn tls_switched_off() {
    for server in plain_servers() {
        for group in GROUPS {
            let settings = mode_role(server, group);
            let case = Case { own: &["prefer", "require"], ..Case::new(server, &settings) };
            let tables = agree(&case);
            let ours = tables.first().expect("of prefer");
            if group == "by_scram" {
                ours.row("EncryptionMethod=6").connects(false, "none");
                ours.row("EncryptionMethod=0").connects(false, "none");
                ours.row("EncryptionMethod=1").fails("tls-not-offered");
            }
        }
    }
}

/// What is refused after AuthenticationOk is refused in every mode that gets that far.
#[test]
fn a_database_that_is_not_there() {
    for server in servers() {
        for group in ["by_scram", "by_trust", "by_tls"] {
            let settings = mode_role(server, group).with("dbname=nowhere");
            for table in agree(&Case { own: &["prefer", "verify-full"], ..Case::new(server, &settings) }) {
                table.row("require").fails("login-database-missing");
                table.row("EncryptionMethod=1").fails("login-database-missing");
            }
        }
    }
}

#[test]
fn certificates() {
    on_all_majors(|major| {
        let pki = Pki::new();
        let server = Server::start_with(major, &[], &pki, tls(&pki.sound()));
        server.cluster.sql(&format!("create role by_scram; {}", role("guest", "by_scram")));
        let self_signed = Identity::self_signed(&localhost()).expect("OpenSSL makes a certificate");
        let misnamed = Spec { dns_names: vec!["db.example.test".to_owned()], ..Spec::leaf("db.example.test") };
        let expired = Spec { ends_in_days: -1, starts_in_days: -9, ..localhost() };
        for (certificate, code) in [
            (issue(&pki.root, &misnamed), "tls-certificate-name-mismatch"),
            (issue(&pki.root, &expired), "tls-certificate-expired"),
            (self_signed, "tls-certificate-self-signed"),
            (issue(&pki.stranger, &localhost()), "tls-certificate-unknown-issuer"),
        ] {
            server.cluster.set_tls(&tls(&certificate));
            let settings = server.settings("guest");
            for table in agree(&Case { own: &["disable", "prefer", "verify-full"], ..Case::new(&server, &settings) }) {
                table.row("verify-full").fails(code);
            }
            let rootless = settings.without("sslrootcert");
            for table in agree(&Case { own: &["require"], ..Case::new(&server, &rootless) }) {
                table.row("verify-ca").fails("input-root-certificate-missing");
                table.row("require").connects(true, "none");
            }
        }
    });
}

/// The platform's own settings, of which there is no client here: by what is known of its driver.
#[test]
fn settings_of_the_platform() {
    let verified = "EncryptionMethod=1;ValidateServerCertificate=1";
    for server in servers() {
        let table = |group: &str| {
            let settings = mode_role(server, group);
            agree(&Case { own: &["prefer"], ..Case::new(server, &settings) }).remove(0)
        };
        let both = table("by_scram");
        both.row("EncryptionMethod=0").connects(false, "none");
        both.row("EncryptionMethod=1").connects(true, "none");
        both.row("EncryptionMethod=6").connects(true, "none");
        // The root of `sslrootcert` is none of the system's.
        both.row(verified).fails("tls-certificate-unknown-issuer");
        let tls_only = table("by_tls");
        tls_only.row("EncryptionMethod=0").fails("login-tls-required");
        tls_only.row("EncryptionMethod=6").connects(true, "none");
        // It falls back on `N` alone, where libpq's prefer goes on without TLS.
        let plain_only = table("by_plain");
        plain_only.row("EncryptionMethod=0").connects(false, "none");
        plain_only.row("EncryptionMethod=1").fails("login-tls-forbidden");
        plain_only.row("EncryptionMethod=6").fails("login-tls-forbidden");
        plain_only.row("prefer").connects(false, "none");
    }
}

#[test]
fn roots_of_the_system() {
    for server in servers() {
        let settings = mode_role(server, "by_scram");
        let root = server.root();
        let env = [("SSL_CERT_FILE", root.as_str())];
        let of_system = settings.clone().with("sslrootcert=system");
        for settings in [&settings, &of_system] {
            for table in agree(&Case { own: &["verify-full"], env: &env, ..Case::new(server, settings) }) {
                table.row("EncryptionMethod=1;ValidateServerCertificate=1").connects(true, "chain");
                table.row("EncryptionMethod=1").connects(true, "none");
            }
        }
    }
}

/// The table for people names the setting to register, and the way to the best one.
#[test]
fn what_people_are_told() {
    let system = "sslmode=verify-full sslrootcert=system";
    for server in servers() {
        let settings = mode_role(server, "by_tls").without("sslrootcert");
        let root = server.root();
        let told = |line: &str, env: &[(&str, &str)]| {
            client::told(&server.home(), &settings.clone().with(line), &["--all-modes"], env)
        };
        let unknown_issuer = told("sslmode=require", &[]);
        assert!(unknown_issuer.contains("sslmode=require; on the platform EncryptionMethod=1\n"), "{unknown_issuer}");
        assert!(
            unknown_issuer.contains(" disable     fails    -         -           login-tls-required\n"),
            "{unknown_issuer}"
        );
        assert!(!unknown_issuer.contains(system), "{unknown_issuer}");
        let public = told("sslmode=require", &[("SSL_CERT_FILE", &root)]);
        let strongest =
            "sslmode=require; on the platform\n                       EncryptionMethod=1;ValidateServerCertificate=1\n";
        assert!(public.contains(strongest) && public.contains(system), "{public}");
        let misnamed = told(&format!("host=other.test sslmode=require sslrootcert={root}"), &[]);
        assert!(misnamed.contains("strongest that works: sslmode=verify-ca;"), "{misnamed}");
        assert!(misnamed.contains("host=localhost hostaddr=127.0.0.1"), "{misnamed}");
        let plain = told("sslmode=disable", &[]);
        assert!(
            plain.contains("not ready: login failed")
                && plain.contains("none for sure, sslmode=require with the right password;"),
            "{plain}"
        );
    }
}

#[test]
fn negotiation_without_a_request() {
    for server in servers().iter().filter(|server| server.major >= 17) {
        for group in ["by_scram", "by_trust", "by_plain"] {
            let settings = mode_role(server, group).with("sslnegotiation=direct");
            let case = Case { own: &["require", "verify-full"], ..Case::new(server, &settings) };
            for table in agree(&case) {
                table.row("prefer").fails("input-value-invalid");
            }
        }
    }
}

#[test]
fn a_socket_knows_no_modes() {
    for server in servers() {
        let settings = mode_role(server, "by_scram").without("hostaddr").set("host", server.socket());
        for table in agree(&Case { own: &["verify-full", "disable"], ..Case::new(server, &settings) }) {
            table.row("EncryptionMethod=0").is_unknown();
        }
    }
}

/// One connection with credentials, whatever the mode; none where there are none.
#[test]
fn one_login_a_run() {
    for server in servers() {
        for (group, mode, password, expected) in [
            ("by_scram", "verify-full", true, (1, 0)),
            ("by_scram", "prefer", true, (1, 0)),
            ("by_md5", "allow", true, (1, 0)),
            ("by_tls", "disable", true, (0, 0)),
            ("by_plain", "prefer", true, (1, 0)),
            ("by_scram", "prefer", false, (0, 1)),
            ("by_password", "allow", false, (0, 1)),
        ] {
            let user = format!("tables_{group}_{mode}_{password}");
            let settings = server.role(&user, group).set("sslmode", mode);
            let settings = if password { settings } else { settings.password(Some(WRONG)) };
            compare::table(server, &settings, &[]);
            let seen = logged(server, &user);
            assert_eq!((seen.authorized, seen.failed), expected, "{} {user}", server.major);
        }
        let user = "tables_without_password";
        compare::table(server, &server.role(user, "by_scram").password(None), &[]);
        assert_eq!((logged(server, user).authorized, logged(server, user).failed), (0, 0), "{}", server.major);
    }
}
