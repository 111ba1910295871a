//! A server's certificate that has to be another: asked for by the printed request, and signed as it asks.

use std::fs;
use std::process::Command;

use pgpreflight::lab::pki::{Identity, KeyKind, Purpose, SignatureDigest, Spec};

use super::{Fixes, data, in_data_directory, reload};
use crate::answer::Answer;
use crate::client::{Settings, check_with};
use crate::pki::{Pki, issue, localhost, tls};
use crate::server::{Server, on_oldest_and_newest, role};

/// Does the printed lines one by one; once there is a request, this authority signs it.
fn request(server: &Server, fixes: &Fixes, authority: &Identity) {
    for line in fixes.statements("openssl req") {
        if line.starts_with("SELECT") {
            reload(server, line);
            continue;
        }
        in_data_directory(server, line);
        if line.starts_with("openssl req") {
            sign(server, authority);
        }
    }
}

/// What an authority does: `server.csr` becomes `server.crt`, with the names and uses that are asked for.
fn sign(server: &Server, authority: &Identity) {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    fs::write(path("ca.crt"), authority.certificate_pem().unwrap()).unwrap();
    fs::write(path("ca.key"), authority.key_pem().unwrap()).unwrap();
    let words = "x509 -req -CA ca.crt -CAkey ca.key -CAcreateserial -days 90 -copy_extensions copy -out signed.crt -in";
    let mut openssl = Command::new("/usr/bin/openssl");
    openssl.args(words.split(' ')).arg(data(server).join("server.csr")).current_dir(directory.path());
    let output = openssl.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // Written over, the file stays the server's.
    fs::write(data(server).join("server.crt"), fs::read(path("signed.crt")).unwrap()).unwrap();
}

/// A certificate, and the settings that find fault with it beside the usual ones.
struct Fault {
    code: &'static str,
    shown: Identity,
    line: &'static str,
}

fn faults(pki: &Pki) -> Vec<Fault> {
    let fault = |code, shown| Fault { code, shown, line: "" };
    let by_root = |spec| issue(&pki.root, &spec);
    let below = |authority: Spec| issue(&by_root(authority), &localhost());
    let by_address = |code, spec| Fault { line: "host=127.0.0.1", ..fault(code, by_root(spec)) };
    let elsewhere = Spec { ip_addresses: vec!["192.0.2.1".parse().unwrap()], ..named("db.example.test") };
    vec![
        fault("tls-certificate-self-signed", Identity::self_signed(&localhost()).unwrap()),
        fault("tls-certificate-name-mismatch", by_root(named("db.example.test"))),
        by_address("tls-certificate-name-mismatch", elsewhere),
        by_address("tls-certificate-address-not-listed", named("localhost")),
        fault("tls-certificate-purpose", by_root(Spec { purpose: Some(Purpose::ClientAuth), ..localhost() })),
        fault("tls-certificate-key-weak", by_root(Spec { key: KeyKind::Rsa1024, ..localhost() })),
        fault("tls-certificate-key-weak", below(Spec { key: KeyKind::Rsa1024, ..Spec::root("Short") })),
        fault("tls-certificate-signature-weak", by_root(Spec { digest: SignatureDigest::Sha1, ..localhost() })),
        fault("tls-certificate-issuer-not-ca", below(Spec::leaf("No Authority"))),
        fault(
            "tls-certificate-name-constraint",
            below(Spec { permitted_name: Some("example.test".to_owned()), ..Spec::root("Strict") }),
        ),
        fault("tls-certificate-refused", by_root(localhost()).tampered().unwrap()),
    ]
}

fn named(name: &str) -> Spec {
    Spec { dns_names: vec![name.to_owned()], ..Spec::leaf(name) }
}

/// A server with a sound certificate, and `guest` in it.
pub fn start(major: u32, pki: &Pki) -> Server {
    let server = Server::start_with(major, &[], pki, tls(&pki.sound()));
    server.cluster.sql(&format!("create role by_scram; {}", role("guest", "by_scram")));
    server
}

#[test]
fn a_certificate_that_is_refused_is_issued_anew() {
    on_oldest_and_newest(|major| {
        let pki = Pki::new();
        let server = start(major, &pki);
        for Fault { code, shown, line } in faults(&pki) {
            server.cluster.set_tls(&tls(&shown));
            let settings = server.settings("guest").with(line);
            let answer = server.check(&settings);
            answer.fails_with(code, 12);
            request(&server, &Fixes::of(&answer), &pki.root);
            server.check(&settings).passes();
        }
    });
}

/// The new one is for the names of the old one too.
#[test]
fn names_are_kept() {
    on_oldest_and_newest(|major| {
        let pki = Pki::new();
        let server = start(major, &pki);
        let names = ["db.example.test", "*.example.test"].map(str::to_owned).to_vec();
        let spec = Spec { dns_names: names, ip_addresses: vec!["127.0.0.1".parse().unwrap()], ..Spec::leaf("old") };
        server.cluster.set_tls(&tls(&issue(&pki.root, &spec)));
        let settings = server.settings("guest");
        request(&server, &Fixes::of(&server.check(&settings)), &pki.root);
        for host in ["localhost", "db.example.test", "other.example.test", "127.0.0.1"] {
            server.check(&settings.clone().set("host", host)).passes();
        }
        server.check(&settings.with("host=elsewhere.test")).fails_with("tls-certificate-name-mismatch", 12);
    });
}

#[test]
fn a_revoked_certificate_is_replaced() {
    on_oldest_and_newest(|major| {
        let pki = Pki::new();
        let server = start(major, &pki);
        let issuer = issue(&pki.root, &Spec::root("Lost"));
        let (leaf, below) = (pki.sound(), issue(&issuer, &localhost()));
        let root = pki.root.revocation_list(&[&leaf, &issuer], 30).unwrap();
        let list = format!("{}/all.crl", server.socket());
        fs::write(&list, root + &issuer.revocation_list(&[], 30).unwrap()).unwrap();
        let settings = server.settings("guest").set("sslcrl", list);
        for shown in [&leaf, &below] {
            server.cluster.set_tls(&tls(shown));
            let answer = server.check(&settings);
            answer.fails_with("tls-certificate-revoked", 12);
            request(&server, &Fixes::of(&answer), &pki.root);
            server.check(&settings).passes();
        }
    });
}

/// It ends what is remarked on, and the check passes as before.
fn ends(
    server: &Server,
    settings: &Settings,
    (code, authority): (&str, &Identity),
    check: impl Fn(&Settings) -> Answer,
) {
    let answer = check(settings);
    answer.remarks(code);
    request(server, &Fixes::of_finding(&answer, code), authority);
    let answer = check(settings);
    answer.passes();
    assert!(answer.finding(code).is_none(), "{answer}");
}

#[test]
fn a_certificate_is_issued_as_strict_clients_want_it() {
    on_oldest_and_newest(|major| {
        let pki = Pki::new();
        let server = start(major, &pki);
        for (spec, host) in [
            (Spec::leaf("localhost"), "localhost"),
            (Spec::leaf("127.0.0.1"), "127.0.0.1"),
            (named("127.0.0.1"), "127.0.0.1"),
            (named("*.test"), "db.test"),
            (Spec { version_1: true, ..Spec::leaf("localhost") }, "localhost"),
        ] {
            server.cluster.set_tls(&tls(&issue(&pki.root, &spec)));
            let settings = server.settings("guest").set("host", host);
            let code = "tls-certificate-libpq-only";
            ends(&server, &settings, (code, &pki.root), |settings| server.check(settings));
        }
    });
}

/// A certificate that is its own authority, and trusted itself: afterwards the client trusts the authority.
#[test]
fn an_authority_is_no_server() {
    on_oldest_and_newest(|major| {
        let pki = Pki::new();
        let server = start(major, &pki);
        let own = Identity::self_signed(&Spec { authority: true, ..localhost() }).unwrap();
        server.cluster.set_tls(&tls(&own));
        fs::write(server.wrong_root(), own.certificate_pem().unwrap()).unwrap();
        let settings = server.settings("guest").set("sslrootcert", server.wrong_root());
        let answer = server.check(&settings);
        let fixes = Fixes::of_finding(&answer, "tls-certificate-libpq-only");
        request(&server, &fixes, &pki.root);
        server.check(&settings).fails_with("tls-certificate-unknown-issuer", 12);
        assert_eq!(fixes.lines_of("client"), ["sslrootcert=/PATH/TO/root.crt"]);
        let answer = server.check(&settings.set("sslrootcert", server.root()));
        answer.passes();
        assert!(answer.finding("tls-certificate-libpq-only").is_none(), "{answer}");
    });
}

#[test]
fn scram_can_be_bound_to_the_certificate_of_another_authority() {
    on_oldest_and_newest(|major| {
        let pki = Pki::new();
        let server = start(major, &pki);
        let authority = issue(&pki.root, &Spec { key: KeyKind::Ed25519, ..Spec::root("Ed CA") });
        server.cluster.set_tls(&tls(&issue(&authority, &localhost())));
        let settings = server.settings("guest").with("channel_binding=disable");
        let code = "tls-certificate-breaks-libpq";
        ends(&server, &settings, (code, &pki.root), |settings| server.check(settings));
        server.check(&settings.without("channel_binding")).passes();
    });
}

#[test]
fn a_certificate_is_issued_as_the_driver_wants_it() {
    on_oldest_and_newest(|major| {
        let pki = Pki::new();
        let server = start(major, &pki);
        for (spec, host) in [(Spec::leaf("127.0.0.1"), "127.0.0.1"), (named("*.test"), "db.test")] {
            server.cluster.set_tls(&tls(&issue(&pki.root, &spec)));
            let settings = server.settings("guest").set("host", host);
            let with_driver =
                |settings: &Settings| check_with(&server.home(), settings, &["--timeout", "10s", "--driver"]);
            ends(&server, &settings, ("login-driver-differs", &pki.root), with_driver);
        }
    });
}
