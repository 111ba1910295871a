//! Certificates that are unusual, and sound.

use pgpreflight::lab::pki::{Identity, KeyKind, SignatureDigest, Spec};

use super::ORDERS;
use crate::cluster::Tls;
use crate::pki::{Pki, issue, localhost, tls};
use crate::server::{Server, on_all_majors, role};

/// What a server shows, and what the client names beside the usual.
struct Sound {
    what: &'static str,
    shown: Tls,
    line: &'static str,
    remarks: &'static [&'static str],
}

fn sound(what: &'static str, shown: Tls) -> Sound {
    Sound { what, shown, line: "", remarks: &[] }
}

fn named(name: &str) -> Spec {
    Spec { dns_names: vec![name.to_owned()], ..Spec::leaf(name) }
}

/// These certificates after the server's own.
fn followed_by(identity: &Identity, others: &[&Identity]) -> Tls {
    let others: String = others.iter().map(|other| other.certificate_pem().unwrap()).collect();
    Tls { certificate: identity.certificate_pem().unwrap() + &others, ..tls(identity) }
}

fn certificates(pki: &Pki) -> Vec<Sound> {
    let by_root = |spec: Spec| tls(&issue(&pki.root, &spec));
    let keyed = |key| by_root(Spec { key, ..localhost() });
    let intermediate = issue(&pki.root, &Spec::root("Live Intermediate CA"));
    let second = issue(&intermediate, &Spec::root("Live Issuing CA"));
    let below = issue(&second, &localhost());
    let many = (0..200).map(|n| format!("host-{n}.example.test")).chain(["localhost".to_owned()]).collect();
    let subject = vec![("O", "Bürgeramt Köln".to_owned()), ("CN", "localhost".to_owned())];
    vec![
        sound("ECDSA on P-384", keyed(KeyKind::P384)),
        sound("RSA of 2048 bits", keyed(KeyKind::Rsa2048)),
        sound("RSA of 4096 bits", keyed(KeyKind::Rsa4096)),
        sound("Signed with SHA-384", by_root(Spec { digest: SignatureDigest::Sha384, ..localhost() })),
        sound("Two intermediates are sent", tls(&below)),
        sound("The root is sent, too", followed_by(&below, &[&second, &intermediate, &pki.root])),
        sound("The intermediates are sent in another order", followed_by(&below, &[&intermediate, &second])),
        sound(
            "A certificate that has nothing to do with it is sent, too",
            followed_by(&below, &[&pki.stranger, &second, &intermediate]),
        ),
        sound("200 names", by_root(Spec { dns_names: many, ..Spec::leaf("localhost") })),
        sound("No extended key usage", by_root(Spec { purpose: None, ..localhost() })),
        sound("A subject that is not ASCII", by_root(Spec { subject, ..localhost() })),
        sound("Valid for thirty years", by_root(Spec { ends_in_days: 10_950, ..localhost() })),
        sound("Valid for eight days, and new", by_root(Spec { starts_in_days: 0, ends_in_days: 8, ..localhost() })),
        Sound { line: "host=127.0.0.1", ..sound("The address is among the names", by_root(localhost())) },
        Sound { line: "host=db.example.test", ..sound("A wildcard", by_root(named("*.example.test"))) },
        Sound { line: "host=DB.Example.TEST", ..sound("The host in capitals", by_root(named("db.example.test"))) },
        Sound {
            remarks: &["tls-certificate-libpq-only"],
            ..sound("The name is in the common name alone", by_root(Spec::leaf("localhost")))
        },
    ]
}

#[test]
fn certificates_that_are_unusual() {
    on_all_majors(|major| {
        let pki = Pki::new();
        let server = Server::start_with(major, &[], &pki, tls(&pki.sound()));
        server.cluster.sql(&format!("create role by_scram; {}", role("guest", "by_scram")));
        server.cluster.sql(&format!("create database orders;\n\\connect orders\n{ORDERS}"));
        let guest = server.settings("guest").with("dbname=orders");
        for Sound { what, shown, line, remarks } in certificates(&pki) {
            server.cluster.set_tls(&shown);
            server.play(what, &guest.clone().with(line)).passes_with(remarks);
        }

        // The client trusts the very certificate, and nobody has signed it.
        let own = Identity::self_signed(&localhost()).unwrap();
        server.cluster.set_tls(&tls(&own));
        std::fs::write(server.wrong_root(), own.certificate_pem().unwrap()).unwrap();
        server.play("Signed by itself, and trusted", &guest.set("sslrootcert", server.wrong_root())).passes_with(&[]);
    });
}

/// The client's own certificate in place of a password.
#[test]
fn a_client_certificate() {
    on_all_majors(|major| {
        let pki = Pki::new();
        let shown = Tls { ca: Some(pki.root.certificate_pem().unwrap()), ..tls(&pki.sound()) };
        let server = Server::start_with(major, &[], &pki, shown);
        server.cluster.sql(&format!("create role by_cert; {}", role("guest", "by_cert")));
        server.cluster.sql(&format!("create database orders;\n\\connect orders\n{ORDERS}"));
        let own = issue(&pki.root, &Spec { purpose: None, ..Spec::leaf("guest") });
        let file = |name: &str| format!("{}/home/{name}", server.socket());
        std::fs::write(file("guest.crt"), own.certificate_pem().unwrap()).unwrap();
        std::fs::write(file("guest.key"), own.key_pem().unwrap()).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(file("guest.key"), mode).unwrap();
        let settings = server.settings("guest").with("dbname=orders").password(None);
        let settings = settings.set("sslcert", file("guest.crt")).set("sslkey", file("guest.key"));
        server.play("A client certificate, and no password", &settings).passes_with(&[]);
    });
}
