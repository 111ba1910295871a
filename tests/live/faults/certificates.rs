//! The server's certificate, and TLS itself; psql must come to the same verdict.

use pgpreflight::lab::pki::{Identity, KeyKind, Purpose, SignatureDigest, Spec};

use crate::cluster::Tls;
use crate::pki::{Pki, issue, localhost, tls};
use crate::server::{Server, on_all_majors, role};

/// What a certificate gives under verify-full and under verify-ca.
struct Case {
    name: &'static str,
    tls: Tls,
    /// Settings beside the usual.
    line: &'static str,
    full: Option<&'static str>,
    ca: Option<&'static str>,
}

fn case(name: &'static str, tls: Tls, code: &'static str) -> Case {
    Case { name, tls, line: "", full: Some(code), ca: Some(code) }
}

/// The names are wrong: verify-ca does not mind.
fn misnamed(name: &'static str, tls: Tls, line: &'static str, code: &'static str) -> Case {
    Case { name, tls, line, full: Some(code), ca: None }
}

fn sound(name: &'static str, tls: Tls) -> Case {
    Case { name, tls, line: "", full: None, ca: None }
}

/// The certificate alone, without those between it and its root.
fn alone(identity: &Identity) -> Tls {
    Tls { certificate: identity.certificate_pem().unwrap(), ..tls(identity) }
}

/// The certificate and its root.
fn with_root(identity: &Identity, root: &Identity) -> Tls {
    let chain = identity.chain_pem().unwrap() + &root.certificate_pem().unwrap();
    Tls { certificate: chain, ..tls(identity) }
}

fn cases(pki: &Pki) -> Vec<Case> {
    let by_root = |spec: Spec| tls(&issue(&pki.root, &spec));
    let named = |name: &str| Spec { dns_names: vec![name.to_owned()], ..Spec::leaf(name) };
    let intermediate = issue(&pki.root, &Spec::root("Live Intermediate CA"));
    let below = issue(&intermediate, &localhost());
    let old_intermediate = issue(&pki.root, &Spec { ends_in_days: -2, ..Spec::root("Live Intermediate CA") });
    let no_authority = issue(&issue(&pki.root, &Spec::leaf("No Authority")), &localhost());
    let of_stranger = issue(&pki.stranger, &localhost());
    let self_signed = Identity::self_signed(&localhost()).unwrap();
    let elsewhere = Spec { ip_addresses: vec!["192.0.2.1".parse().unwrap()], ..named("db.example.test") };
    vec![
        sound("sound", by_root(localhost())),
        sound("with its intermediate", tls(&below)),
        sound("without subjectAltName", by_root(Spec::leaf("localhost"))),
        case(
            "expired",
            by_root(Spec { ends_in_days: -1, starts_in_days: -9, ..localhost() }),
            "tls-certificate-expired",
        ),
        case("intermediate expired", tls(&issue(&old_intermediate, &localhost())), "tls-certificate-expired"),
        case("not yet valid", by_root(Spec { starts_in_days: 5, ..localhost() }), "tls-certificate-not-yet-valid"),
        case("self-signed", tls(&self_signed), "tls-certificate-self-signed"),
        case("of another root", tls(&of_stranger), "tls-certificate-unknown-issuer"),
        case("of another root, sent too", with_root(&of_stranger, &pki.stranger), "tls-certificate-unknown-issuer"),
        case("intermediate not sent", alone(&below), "tls-certificate-chain-incomplete"),
        case(
            "for clients",
            by_root(Spec { purpose: Some(Purpose::ClientAuth), ..localhost() }),
            "tls-certificate-purpose",
        ),
        case("signed by no authority", tls(&no_authority), "tls-certificate-issuer-not-ca"),
        case("short key", by_root(Spec { key: KeyKind::Rsa1024, ..localhost() }), "tls-certificate-key-weak"),
        case("SHA-1", by_root(Spec { digest: SignatureDigest::Sha1, ..localhost() }), "tls-certificate-signature-weak"),
        misnamed("another name", by_root(named("db.example.test")), "", "tls-certificate-name-mismatch"),
        misnamed("names only", by_root(named("localhost")), "host=127.0.0.1", "tls-certificate-address-not-listed"),
        misnamed("another address", by_root(elsewhere), "host=127.0.0.1", "tls-certificate-name-mismatch"),
    ]
}

#[test]
fn certificates() {
    on_all_majors(|major| {
        let pki = Pki::new();
        let server = Server::start_with(major, &[], &pki, tls(&pki.sound()));
        server.cluster.sql(&format!("create role by_scram; {}", role("guest", "by_scram")));
        for case in cases(&pki) {
            server.cluster.set_tls(&case.tls);
            for (mode, expected) in [("verify-full", case.full), ("verify-ca", case.ca), ("require", case.ca)] {
                let settings = server.settings("guest").with(case.line).with(&format!("sslmode={mode}"));
                match expected {
                    Some(code) => {
                        let fault = format!("The certificate is bad: {}, sslmode={mode}", case.name);
                        server.play(&fault, &settings).gives(&[code]);
                    }
                    None => server.check(&settings).passes(),
                }
                let psql = server.psql(&settings);
                assert_eq!(psql.connects, expected.is_none(), "{}, {mode}: {psql:?}", case.name);
            }
            // Without a root nobody looks at the certificate; what it would fail is said all the same.
            let settings = server.settings("guest").with(case.line).with("sslmode=require").without("sslrootcert");
            let answer = server.check(&settings);
            answer.remarks("tls-not-verified");
            assert_eq!(answer.fact("tls", "negotiated"), true, "{answer}");
        }
    });
}

#[test]
fn a_certificate_that_expires_soon() {
    on_all_majors(|major| {
        let pki = Pki::new();
        let ending = issue(&pki.root, &Spec { ends_in_days: 20, starts_in_days: -300, ..localhost() });
        let server = Server::start_with(major, &[], &pki, tls(&ending));
        server.cluster.sql(&format!("create role by_scram; {}", role("guest", "by_scram")));
        let play = server.play("The certificate ends in 20 days of 320", &server.settings("guest"));
        play.gives(&["tls-certificate-expires-soon", "privileges-no-tables"]);
    });
}

#[test]
fn nothing_in_common() {
    on_all_majors(|major| {
        let server = Server::start(major, &[("ssl_ciphers", "'ECDHE-RSA-AES256-GCM-SHA384'")]);
        let settings = server.role("guest", "by_scram").with("ssl_max_protocol_version=TLSv1.2");
        // The key is an elliptic one, and the only suite of TLS 1.2 is for RSA.
        server.play("No cipher suite in common", &settings).gives(&["tls-no-common-cipher"]);
        assert!(!server.psql(&settings).connects);
        if major >= 12 {
            server.cluster.sql("alter system set ssl_min_protocol_version = 'TLSv1.3'");
            server.cluster.reload();
            server.play("No version of TLS in common", &settings).gives(&["tls-version-unsupported"]);
            assert!(!server.psql(&settings).connects);
        }
    });
}
