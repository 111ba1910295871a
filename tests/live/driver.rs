//! `--driver`: the Rust driver logs in where libpq does, or `login-driver-differs` says why not.

use pgpreflight::lab::pki::Spec;

use crate::answer::Answer;
use crate::attempts::logged;
use crate::client::{Settings, WRONG, check_with};
use crate::pki::{Pki, issue, tls};
use crate::server::{Server, on_all_majors, plain_servers, role, servers};

const MODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

fn asked(server: &Server, settings: &Settings) -> Answer {
    check_with(&server.home(), settings, &["--timeout", "10s", "--driver"])
}

/// The driver got in too; with these settings left out, where there are any.
#[track_caller]
fn agrees(answer: &Answer, not_expressed: &[&str]) {
    answer.passes();
    let driver = answer.fact("login", "driver");
    assert_eq!(driver["connects"], true, "{answer}");
    let lacks: Vec<&str> =
        driver["not_expressed"].as_array().into_iter().flatten().filter_map(|one| one.as_str()).collect();
    assert_eq!(lacks, not_expressed, "{answer}");
    assert!(answer.finding("login-driver-differs").is_none(), "{answer}");
}

/// It did not, and this is said of it.
#[track_caller]
fn differs(answer: &Answer, says: &str) {
    answer.remarks("login-driver-differs");
    assert_eq!(answer.fact("login", "driver")["connects"], false, "{answer}");
    let finding = answer.finding("login-driver-differs").expect("remarked");
    let because = finding["because"].to_string();
    assert!(because.contains(says), "{says} is not said: {answer}");
    assert!(!finding["fixes"].as_array().expect("a list").is_empty(), "{answer}");
    assert!(!finding["evidence"]["error_chain"].as_array().expect("a list").is_empty(), "{answer}");
}

#[test]
fn every_mode_of_a_sound_server() {
    for server in servers() {
        for group in ["by_scram", "by_md5", "by_password", "by_trust"] {
            let user = format!("driver_{group}");
            let settings = server.role(&user, group);
            for mode in MODES {
                let lacks: &[&str] = if mode == "allow" { &["sslmode=allow"] } else { &[] };
                agrees(&asked(server, &settings.clone().set("sslmode", mode)), lacks);
            }
            let rootless = settings.without("sslrootcert");
            for mode in ["prefer", "require"] {
                agrees(&asked(server, &rootless.clone().set("sslmode", mode)), &[]);
            }
            // The walk and the driver, each once a run.
            assert_eq!(logged(server, &user).authorized, 2 * 8, "{} {user}", server.major);
        }
    }
}

#[test]
fn other_ways_in() {
    for server in plain_servers() {
        for mode in ["disable", "allow", "prefer"] {
            let lacks: &[&str] = if mode == "allow" { &["sslmode=allow"] } else { &[] };
            let settings = server.role(&format!("driver_plain_{mode}"), "by_scram").set("sslmode", mode);
            agrees(&asked(server, &settings), lacks);
        }
    }
    for server in servers() {
        let settings = server.role("driver_ways", "by_scram");
        let over_socket = settings.clone().without("hostaddr").set("host", server.socket());
        agrees(&asked(server, &over_socket), &[]);
        let with_options = settings.clone().with("application_name=orders").set("options", "-c statement_timeout=9000");
        agrees(&asked(server, &with_options), &[]);
        if server.major >= 17 {
            agrees(&asked(server, &settings.clone().with("sslnegotiation=direct")), &[]);
        }
        if server.major >= 11 {
            agrees(&asked(server, &settings.with("channel_binding=require")), &[]);
        }
    }
}

/// It is asked only when the check has got in, so that a wrong password is not sent again.
#[test]
fn a_check_that_fails_asks_no_driver() {
    for server in servers() {
        let settings = server.role("driver_wrong", "by_scram").password(Some(WRONG));
        let answer = asked(server, &settings);
        answer.fails_with("login-password-rejected", 13);
        assert!(answer.fact("login", "driver").is_null(), "{answer}");
        assert_eq!(logged(server, "driver_wrong").failed, 1, "{}", server.major);
    }
}

/// It goes on without TLS only where none is offered.
#[test]
fn fallbacks_that_libpq_alone_makes() {
    for server in servers() {
        let settings = server.role("driver_fallback", "by_plain");
        let plain = ["login-driver-differs", "tls-plaintext", "privileges-no-tables"];
        let play = |mode: &str, codes: &[&str]| {
            let fault = format!("The rule is for connections without TLS, and the driver keeps to TLS, sslmode={mode}");
            server.play(&fault, &settings.clone().set("sslmode", mode)).flag("--driver").gives(codes)
        };
        differs(&play("prefer", &plain), "the driver does not");
        differs(&play("allow", &plain), "sslmode=allow");
        let foreign = server.role("driver_foreign", "by_scram").set("sslrootcert", server.wrong_root());
        differs(&asked(server, &foreign.with("sslmode=prefer")), "only where none is offered");
    }
}

/// An address in the common name, and a wildcard of a whole top-level domain: `login-driver-differs`.
#[test]
fn a_name_that_libpq_alone_takes() {
    on_all_majors(|major| {
        let pki = Pki::new();
        let server = Server::start_with(major, &[], &pki, tls(&pki.sound()));
        server.cluster.sql(&format!("create role by_scram; {}", role("guest", "by_scram")));
        let wildcard = Spec { dns_names: vec!["*.test".to_owned()], ..Spec::leaf("any") };
        let address = Spec::leaf("127.0.0.1");
        let rows = [
            ("An address in the common name", address, "127.0.0.1", "(IP)"),
            ("A wildcard of a whole top-level domain", wildcard, "db.test", "(DNS)"),
        ];
        for (fault, spec, host, kind) in rows {
            server.cluster.set_tls(&tls(&issue(&pki.root, &spec)));
            let settings = server.settings("guest").set("host", host);
            let strict = ["login-driver-differs", "tls-certificate-libpq-only", "privileges-no-tables"];
            differs(&server.play(fault, &settings).flag("--driver").gives(&strict), kind);
            agrees(&asked(&server, &settings.with("sslmode=verify-ca")), &[]);
        }
    });
}
