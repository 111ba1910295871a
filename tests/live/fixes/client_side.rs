//! Settings of the client.

use pgpreflight::lab::pki::Spec;

use super::Fixes;
use crate::pki::{Pki, issue, localhost, tls};
use crate::server::{Server, on_all_majors, role, servers};

#[test]
fn tls_is_demanded() {
    for server in servers() {
        let settings = server.role("demanding", "by_tls").with("sslmode=disable");
        let answer = server.check(&settings);
        answer.fails_with("login-tls-required", 13);
        server.check(&Fixes::of(&answer).change("sslmode", &settings)).passes();
    }
}

#[test]
fn the_certificate_is_verified() {
    for server in servers() {
        let settings = server.role("careless", "by_scram").with("sslmode=require");
        let answer = server.check(&settings);
        answer.remarks("tls-not-verified");
        let answer = server.check(&Fixes::of_finding(&answer, "tls-not-verified").change("sslmode", &settings));
        answer.passes();
        assert!(answer.finding("tls-not-verified").is_none(), "{answer}");
    }
}

#[test]
fn the_server_is_named_as_its_certificate_is() {
    on_all_majors(|major| {
        let pki = Pki::new();
        let spec = Spec { dns_names: vec!["db.example.test".to_owned()], ..Spec::leaf("db.example.test") };
        let server = Server::start_with(major, &[], &pki, tls(&issue(&pki.root, &spec)));
        server.cluster.sql(&format!("create role by_scram; {}", role("guest", "by_scram")));
        for (line, code) in [
            ("host=localhost", "tls-certificate-name-mismatch"),
            ("host=127.0.0.1", "tls-certificate-address-not-listed"),
        ] {
            let settings = server.settings("guest").without("hostaddr").with(line);
            let answer = server.check(&settings);
            answer.fails_with(code, 12);
            server.check(&Fixes::of(&answer).change("host", &settings)).passes();
        }
    });
}

#[test]
fn negotiation_is_done_as_the_server_understands_it() {
    for server in servers().iter().filter(|server| server.major < 17) {
        let settings = server.role("direct", "by_scram").with("sslnegotiation=direct");
        let answer = server.check(&settings);
        answer.fails_with("tls-direct-refused", 12);
        server.check(&Fixes::of(&answer).change("sslnegotiation", &settings)).passes();
    }
}

/// The printed command fetches the certificate, and the printed setting trusts it.
#[test]
fn a_self_signed_certificate_is_trusted() {
    on_all_majors(|major| {
        let pki = Pki::new();
        let own = pgpreflight::lab::pki::Identity::self_signed(&localhost()).unwrap();
        let server = Server::start_with(major, &[], &pki, tls(&own));
        server.cluster.sql(&format!("create role by_scram; {}", role("guest", "by_scram")));
        let settings = server.settings("guest");
        let answer = server.check(&settings);
        answer.fails_with("tls-certificate-self-signed", 12);
        let fixes = Fixes::of(&answer);
        let lines = fixes.lines_of("client");
        let command = lines.iter().find(|line| line.starts_with("openssl ")).expect("a command");
        let directory = tempfile::tempdir().expect("a directory");
        let mut shell = std::process::Command::new("/bin/sh");
        shell.args(["-c", command]).current_dir(directory.path()).env_clear().env("PATH", "/usr/bin:/bin");
        let output = shell.output().expect("sh runs");
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
        let named = lines.iter().find_map(|line| line.strip_prefix("sslrootcert=")).expect("a setting");
        server.check(&settings.set("sslrootcert", directory.path().join(named).display().to_string())).passes();
    });
}

#[test]
fn an_address_is_spelled_as_everybody_does() {
    for server in servers() {
        let settings = server.role("terse", "by_scram").set("host", "127.1");
        let answer = server.check(&settings);
        answer.remarks("tls-certificate-libpq-only");
        let fixes = Fixes::of_finding(&answer, "tls-certificate-libpq-only");
        assert!(fixes.server_lines().is_empty(), "{answer}");
        let answer = server.check(&fixes.change("host", &settings));
        answer.passes();
        assert!(answer.finding("tls-certificate-libpq-only").is_none(), "{answer}");
    }
}
