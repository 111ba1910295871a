//! The certificates of the live servers.

use pgpreflight::lab::pki::{Identity, Spec};

use crate::cluster::Tls;

/// A root, and one that is not the servers'.
pub struct Pki {
    /// What signs.
    pub root: Identity,
    /// A root that signed nothing.
    pub stranger: Identity,
}

impl Pki {
    /// Makes new keys.
    pub fn new() -> Self {
        let root = |name| Identity::self_signed(&Spec::root(name)).expect("OpenSSL makes a root");
        Self { root: root("Live Root"), stranger: root("Another Root") }
    }

    /// A sound certificate of this machine.
    pub fn sound(&self) -> Identity {
        issue(&self.root, &localhost())
    }
}

/// For `localhost`, 127.0.0.1 and ::1.
pub fn localhost() -> Spec {
    Spec {
        dns_names: vec!["localhost".to_owned()],
        ip_addresses: ["127.0.0.1", "::1"].map(|address| address.parse().expect("an address")).to_vec(),
        ..Spec::leaf("localhost")
    }
}

/// A certificate signed by `issuer`.
pub fn issue(issuer: &Identity, spec: &Spec) -> Identity {
    issuer.issue(spec).expect("OpenSSL makes a certificate")
}

/// What a server sends: the certificate and its intermediates.
pub fn tls(identity: &Identity) -> Tls {
    Tls { certificate: identity.chain_pem().expect("PEM"), key: identity.key_pem().expect("PEM"), ca: None, crl: None }
}
