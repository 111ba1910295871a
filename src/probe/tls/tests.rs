//! Handshakes over a stream in memory with a server that may ask for a certificate, and tells whether it saw one.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use openssl::ssl::{Ssl, SslContext, SslMethod, SslVerifyMode, SslVersion};
use tempfile::TempDir;
use tokio::io::duplex;
use tokio::task::JoinHandle;
use tokio_openssl::SslStream;

use super::*;
use crate::lab::pki::{Identity, KeyKind, Purpose, Spec};
use crate::probe::trace::{Objection, StrictObjection};
use crate::target::{
    ClientCertificate, ClientCertificateFailure, Revocation, Secret, SslCertMode, SslMode, TlsVersion,
};

const HOST: &str = "db.example.test";

/// What a client has in its files.
struct Stage {
    directory: TempDir,
    root: Identity,
    server: Identity,
}

/// How the server is set up.
#[derive(Clone, Copy)]
struct Server {
    version: SslVersion,
    groups: &'static str,
    asks: bool,
}

impl Stage {
    fn set(spec: &Spec) -> Self {
        let root = Identity::self_signed(&Spec::root("Root")).unwrap();
        let stage = Self { directory: tempfile::tempdir().unwrap(), server: root.issue(spec).unwrap(), root };
        let client = stage.root.issue(&Spec { purpose: Some(Purpose::ClientAuth), ..Spec::leaf("alice") }).unwrap();
        stage.write("root.crt", &stage.root.certificate_pem().unwrap());
        let stranger = Identity::self_signed(&Spec::root("Stranger")).unwrap();
        stage.write("stranger.crt", &stranger.certificate_pem().unwrap());
        stage.write("client.crt", &client.certificate_pem().unwrap());
        stage.write("client.key", &client.key_pem().unwrap());
        stage
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
        std::fs::set_permissions(self.path(name), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    }

    fn settings(&self, mode: SslMode, root: Option<&str>) -> TlsSettings {
        TlsSettings {
            certificate_name: None,
            plain_only_on_refusal: false,
            mode,
            roots: root.map_or(Roots::None, |name| Roots::File(self.path(name))),
            negotiation: SslNegotiation::Direct,
            sni: true,
            min_version: Some(TlsVersion::V1_2),
            max_version: None,
            revocation: Revocation::default(),
            client_certificate: None,
            cert_mode: SslCertMode::Allow,
        }
    }

    fn with_certificate(&self, settings: TlsSettings) -> TlsSettings {
        let (certificate, key) = (self.path("client.crt"), self.path("client.key"));
        TlsSettings {
            client_certificate: Some(ClientCertificate { certificate, key, key_named: true, password: None }),
            ..settings
        }
    }

    /// The outcome, what was seen, and whether the server was shown a certificate.
    async fn shake(
        &self,
        server: Server,
        settings: &TlsSettings,
        host: &str,
    ) -> (Result<Channel, TlsFailure>, TlsSeen, bool) {
        let (near, far) = duplex(1 << 16);
        let shown = Arc::new(AtomicBool::new(false));
        let serving = self.serve(server, far, Arc::clone(&shown));
        let mut seen = TlsSeen::default();
        let (meter, screen) = (Meter::default(), Screen::default());
        let demanded = settings.verification();
        let context = Context { settings, demanded, host, meter: &meter, screen: &screen };
        let outcome = run(near, Encryption::Tls, false, &context, &mut seen).await;
        if let Some(case) = outcome.as_ref().ok().and_then(|channel| channel.unjudged.as_ref()) {
            seen.strict = strict_verdict(case);
        }
        serving.await.unwrap();
        (outcome, seen, shown.load(Ordering::SeqCst))
    }

    fn serve(&self, server: Server, stream: tokio::io::DuplexStream, shown: Arc<AtomicBool>) -> JoinHandle<()> {
        let mut builder = SslContext::builder(SslMethod::tls_server()).unwrap();
        builder.set_max_proto_version(Some(server.version)).unwrap();
        builder.set_groups_list(server.groups).unwrap();
        builder.set_certificate(self.server.certificate()).unwrap();
        builder.set_private_key(self.server.key()).unwrap();
        if server.asks {
            // Called only where there is a certificate to look at.
            builder.set_verify_callback(SslVerifyMode::PEER, move |_, _| {
                shown.store(true, Ordering::SeqCst);
                true
            });
        }
        let mut stream = SslStream::new(Ssl::new(&builder.build()).unwrap(), stream).unwrap();
        tokio::spawn(async move {
            // A client may give up: what counts is what was seen until then.
            drop(Pin::new(&mut stream).accept().await);
        })
    }
}

fn named(host: &str) -> Spec {
    Spec { dns_names: vec![host.to_owned()], ..Spec::leaf(host) }
}

const SERVERS: [Server; 3] = [
    Server { version: SslVersion::TLS1_2, groups: "P-256", asks: false },
    Server { version: SslVersion::TLS1_3, groups: "P-256", asks: false },
    // With a HelloRetryRequest.
    Server { version: SslVersion::TLS1_3, groups: "P-384", asks: false },
];

#[tokio::test]
async fn a_request_for_a_certificate_is_noticed() {
    let stage = Stage::set(&named(HOST));
    for server in SERVERS {
        for asks in [false, true] {
            let server = Server { asks, ..server };
            for mode in [None, Some(SslCertMode::Disable), Some(SslCertMode::Allow), Some(SslCertMode::Require)] {
                let settings = stage.settings(SslMode::VerifyFull, Some("root.crt"));
                let settings = match mode {
                    None => settings,
                    Some(cert_mode) => TlsSettings { cert_mode, ..stage.with_certificate(settings) },
                };
                let (outcome, seen, shown) = stage.shake(server, &settings, HOST).await;
                let what = format!("{:?} {} {asks} {mode:?}", server.version, server.groups);
                assert_eq!(outcome.map(|channel| channel.certificate_requested).ok(), Some(asks), "{what}: {seen:?}");
                let is_shown = asks && !matches!(mode, None | Some(SslCertMode::Disable));
                assert_eq!((seen.certificate_requested, shown), (asks, is_shown), "{what}");
                assert_eq!(seen.shown_certificate().is_some(), is_shown, "{what}");
            }
        }
    }
}

/// The mode demands more of the server than it gives: it does not see the certificate, by whatever version.
#[tokio::test]
async fn a_server_that_is_not_verified_is_not_shown_the_certificate() {
    let stage = Stage::set(&named(HOST));
    let rows = [
        (SslMode::VerifyFull, Some("root.crt"), "other.test"),
        (SslMode::VerifyFull, Some("stranger.crt"), HOST),
        (SslMode::VerifyCa, Some("stranger.crt"), HOST),
        (SslMode::Require, Some("stranger.crt"), HOST),
        (SslMode::Prefer, Some("stranger.crt"), HOST),
    ];
    for server in SERVERS {
        for (mode, root, host) in rows {
            let settings = stage.with_certificate(stage.settings(mode, root));
            let (outcome, seen, shown) = stage.shake(Server { asks: true, ..server }, &settings, host).await;
            assert!(matches!(outcome, Err(TlsFailure::Certificate)), "{mode} {root:?} {host}: {seen:?}");
            assert!(!shown && seen.shown_certificate().is_none(), "{mode} {root:?} {host}");
            // What the report needs is known all the same.
            assert_eq!(seen.chain.len(), 1, "{mode} {root:?} {host}");
            assert_eq!((seen.name_matches, seen.objections.is_empty()), (Some(host == HOST), root == Some("root.crt")));
        }
    }
}

#[tokio::test]
async fn a_mode_that_verifies_nothing_shows_the_certificate_to_anybody() {
    let stage = Stage::set(&named("other.test"));
    for (mode, root) in [(SslMode::Require, None), (SslMode::VerifyCa, Some("root.crt"))] {
        let settings = stage.with_certificate(stage.settings(mode, root));
        let (outcome, _, shown) = stage.shake(Server { asks: true, ..SERVERS[0] }, &settings, HOST).await;
        assert!(outcome.is_ok() && shown, "{mode}");
    }
}

#[tokio::test]
async fn a_certificate_that_cannot_be_loaded_ends_it_before_a_byte_is_sent() {
    let stage = Stage::set(&named(HOST));
    stage.write("other.key", &Identity::self_signed(&Spec::leaf("other")).unwrap().key_pem().unwrap());
    stage.write("text", "no key");
    for (key, is_expected) in [
        ("none", (|failure| matches!(failure, ClientCertificateFailure::KeyMissing { .. })) as fn(&_) -> bool),
        ("other.key", |failure| matches!(failure, ClientCertificateFailure::KeyMismatch { .. })),
        ("text", |failure| matches!(failure, ClientCertificateFailure::KeyUnreadable { .. })),
    ] {
        let settings = stage.settings(SslMode::Prefer, None);
        let (certificate, key) = (stage.path("client.crt"), stage.path(key));
        let password = Some(Secret::new("unused".to_owned()));
        let client_certificate = Some(ClientCertificate { certificate, key, key_named: true, password });
        let settings = TlsSettings { client_certificate, ..settings };
        let (outcome, seen, shown) = stage.shake(SERVERS[1], &settings, HOST).await;
        assert!(matches!(&outcome, Err(TlsFailure::Identity(failure)) if is_expected(failure)), "{:?}", outcome.err());
        assert!(!shown && seen.chain.is_empty());
    }
}

#[tokio::test]
async fn lists_of_revoked_certificates_are_asked_as_libpq_asks_them() {
    let stage = Stage::set(&named(HOST));
    let list = |revoked: &[&Identity], days| stage.root.revocation_list(revoked, days).unwrap();
    stage.write("good.crl", &list(&[], 30));
    stage.write("bad.crl", &list(&[&stage.server], 30));
    stage.write("old.crl", &list(&[], -2));
    stage.write("broken.crl", &format!("{}-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n", list(&[], 30)));
    stage.write("text.crl", "none");
    std::fs::create_dir(stage.path("empty")).unwrap();
    std::fs::create_dir(stage.path("lists")).unwrap();
    let hash = stage.root.certificate().subject_name_hash();
    stage.write(&format!("lists/{hash:08x}.r0"), &list(&[&stage.server], 30));
    let rows: [(Option<&str>, Option<&str>, &[i32]); 13] = [
        (Some("good.crl"), None, &[]),
        (Some("bad.crl"), None, &[23]),
        (Some("old.crl"), None, &[12, 12]),
        (Some("none.crl"), None, &[]),
        (Some("text.crl"), None, &[]),
        (Some("broken.crl"), None, &[]),
        (Some("empty"), None, &[]),
        // Trusted like a root, and no list.
        (Some("stranger.crt"), None, &[3, 3]),
        (None, Some("lists"), &[23]),
        (None, Some("empty"), &[3, 3]),
        (None, Some("none"), &[3, 3]),
        (Some("none.crl"), Some("lists"), &[]),
        (Some("good.crl"), Some("empty"), &[]),
    ];
    for (file, directory, codes) in rows {
        let settings = stage.settings(SslMode::VerifyCa, Some("root.crt"));
        let path = |name: Option<&str>| name.map(|name| stage.path(name));
        let revocation = Revocation { file: path(file), directory: path(directory) };
        let (outcome, seen, _) = stage.shake(SERVERS[1], &TlsSettings { revocation, ..settings }, HOST).await;
        let found: Vec<i32> = seen.objections.iter().map(|objection: &Objection| objection.verify_code).collect();
        assert_eq!(found, codes, "{file:?} {directory:?}");
        assert_eq!(outcome.is_ok(), codes.is_empty(), "{file:?} {directory:?}");
    }
}

/// What rustls says of what libpq accepts.
#[tokio::test]
async fn strict_clients_are_judged_for() {
    let leaf = Spec::leaf(HOST);
    let address = Spec { ip_addresses: vec!["127.0.0.1".parse().unwrap()], ..leaf.clone() };
    let rows: [(Spec, &str, Option<Vec<StrictObjection>>); 10] = [
        (named(HOST), HOST, Some(vec![])),
        (Spec { key: KeyKind::Rsa2048, ..named(HOST) }, HOST, Some(vec![])),
        (Spec { key: KeyKind::Ed25519, ..named(HOST) }, HOST, Some(vec![])),
        (leaf.clone(), HOST, Some(vec![StrictObjection::CommonNameOnly])),
        (address.clone(), "127.0.0.1", Some(vec![])),
        (address, "127.1", Some(vec![StrictObjection::AddressSpelling { address: "127.0.0.1".parse().unwrap() }])),
        (named("127.0.0.1"), "127.0.0.1", Some(vec![StrictObjection::AddressAsName])),
        (
            Spec { dns_names: vec![HOST.to_owned()], ..Spec::leaf("127.0.0.1") },
            "127.0.0.1",
            Some(vec![StrictObjection::CommonNameOnly]),
        ),
        (named("*.test"), "db.test", Some(vec![StrictObjection::WildcardTooWide { pattern: "*.test".to_owned() }])),
        // libpq does not accept the name either.
        (named(HOST), "other.test", None),
    ];
    for (spec, host, expected) in rows {
        let stage = Stage::set(&spec);
        let settings = stage.settings(SslMode::VerifyCa, Some("root.crt"));
        let (outcome, seen, _) = stage.shake(SERVERS[1], &settings, host).await;
        assert!(outcome.is_ok(), "{spec:?}");
        assert_eq!(seen.strict, expected, "{host} {spec:?}");
    }
    let stage = Stage::set(&Spec { version_1: true, ..leaf });
    let (_, seen, _) = stage.shake(SERVERS[1], &stage.settings(SslMode::VerifyFull, Some("root.crt")), HOST).await;
    let version = StrictObjection::Version { subject: seen.chain.first().unwrap().subject.clone() };
    assert_eq!(seen.strict, Some(vec![version, StrictObjection::CommonNameOnly]));
    let without_root = stage.shake(SERVERS[1], &stage.settings(SslMode::Require, None), HOST).await;
    assert_eq!(without_root.1.strict, None);
}

/// RFC 5929, section 4.1, and RFC 4055 for PSS.
#[test]
fn the_hash_that_scram_is_bound_to_is_that_of_the_signature() {
    let rows = [
        (KeyKind::P256, Some(32)),
        (KeyKind::Rsa2048, Some(32)),
        (KeyKind::RsaPss2048, Some(32)),
        (KeyKind::Ed25519, None),
    ];
    for (key, length) in rows {
        let signed = Identity::self_signed(&Spec { key, ..Spec::leaf("any") }).unwrap();
        assert_eq!(end_point::of(signed.certificate()).map(|hash| hash.len()), length, "{key:?}");
    }
    let digest = crate::lab::pki::SignatureDigest::Sha384;
    for key in [KeyKind::P256, KeyKind::RsaPss2048] {
        let signed = Identity::self_signed(&Spec { key, digest, ..Spec::leaf("any") }).unwrap();
        let hash = signed.certificate().digest(openssl::hash::MessageDigest::sha384()).unwrap();
        assert_eq!(end_point::of(signed.certificate()).as_deref(), Some(&*hash), "{key:?}");
    }
}
