//! A scenario made ready to serve: certificate, TLS context, password verifiers, and the counts of what was seen.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::rand::rand_bytes;
use openssl::ssl::{
    AlpnError, SslContext, SslMethod, SslOptions, SslSessionCacheMode, SslVerifyMode, SslVersion, select_next_proto,
};
use openssl::x509::X509Ref;

use super::certificate::Issued;
use super::redshift;
use super::scenario::{Alpn, ClientCertificate, Engine, Scenario, TlsVersion};
use super::scram::Verifier;

/// The ALPN name of PostgreSQL, in the wire form of RFC 7301.
const ALPN: &[u8] = b"\x0apostgresql";

/// A scenario with everything made that its connections share.
pub struct Endpoint {
    pub(super) scenario: Scenario,
    pub(super) tls: SslContext,
    /// tls-server-end-point of the certificate; `None` where RFC 5929 defines none.
    pub(super) end_point: Option<Vec<u8>>,
    pub(super) verifiers: BTreeMap<String, Verifier>,
    pub(super) mock_secret: [u8; 32],
    pub(super) counts: Counts,
    root_pem: String,
    certificate_pem: String,
}

/// What an endpoint has seen so far. A count is raised before the endpoint answers.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) connections: AtomicU64,
    pub(super) startups: AtomicU64,
    pub(super) credentials: AtomicU64,
    pub(super) bytes_sent: AtomicU64,
}

impl Endpoint {
    /// Makes the certificate, the TLS context and the verifiers.
    pub fn new(scenario: Scenario) -> Result<Self, ErrorStack> {
        Self::at(scenario, &[])
    }

    /// The same for an endpoint that is dialled at these addresses, besides those of loopback.
    pub fn at(scenario: Scenario, addresses: &[IpAddr]) -> Result<Self, ErrorStack> {
        let other = (scenario.engine == Engine::Redshift).then_some(redshift::HOSTS);
        let issued = scenario.certificate.issue(addresses, other)?;
        let mut verifiers = BTreeMap::new();
        for (user, password) in &scenario.users {
            verifiers.insert(user.clone(), Verifier::new(password)?);
        }
        let mut mock_secret = [0; 32];
        rand_bytes(&mut mock_secret)?;
        Ok(Self {
            tls: context(&scenario, &issued)?,
            end_point: server_end_point(issued.identity.certificate())?,
            verifiers,
            mock_secret,
            counts: Counts::default(),
            certificate_pem: issued.identity.certificate_pem()?,
            root_pem: issued.root_pem,
            scenario,
        })
    }

    /// The scenario it serves.
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// The root its client is to trust, PEM.
    pub fn root_pem(&self) -> &str {
        &self.root_pem
    }

    /// The certificate it shows, PEM, for clients that trust a server's own certificate.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// TCP connections accepted.
    pub fn connections(&self) -> u64 {
        self.counts.connections.load(Ordering::SeqCst)
    }

    /// Startup packets received, each one a login begun.
    pub fn startups(&self) -> u64 {
        self.counts.startups.load(Ordering::SeqCst)
    }

    /// Passwords, digests, tokens and SCRAM proofs received: what a real server would count as attempts to log in.
    pub fn credentials_seen(&self) -> u64 {
        self.counts.credentials.load(Ordering::SeqCst)
    }

    /// Bytes sent on all connections together, TLS records included.
    pub fn bytes_sent(&self) -> u64 {
        self.counts.bytes_sent.load(Ordering::SeqCst)
    }
}

fn context(scenario: &Scenario, issued: &Issued) -> Result<SslContext, ErrorStack> {
    let mut builder = SslContext::builder(SslMethod::tls_server())?;
    // What is too weak is for the client to say: weak keys and old protocols are served where the scenario asks for them.
    builder.set_security_level(0);
    builder.set_min_proto_version(Some(scenario.tls_min_version.into()))?;
    builder.set_max_proto_version(Some(scenario.tls_max_version.into()))?;
    builder.set_cipher_list(&scenario.tls_ciphers)?;
    builder.set_groups_list(&scenario.tls_groups)?;
    builder.set_certificate(issued.identity.certificate())?;
    builder.set_private_key(issued.identity.key())?;
    if issued.send_intermediates {
        for certificate in issued.identity.intermediates() {
            builder.add_extra_chain_cert(certificate.clone())?;
        }
    }
    if scenario.client_certificate == ClientCertificate::Demanded {
        builder.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
    }
    // As PostgreSQL: no session resumption, no renegotiation (src/backend/libpq/be-secure-openssl.c).
    builder.set_session_cache_mode(SslSessionCacheMode::OFF);
    builder.set_num_tickets(0)?;
    builder.set_options(SslOptions::NO_TICKET | SslOptions::NO_RENEGOTIATION);
    if scenario.alpn == Alpn::Chosen && scenario.engine == Engine::Postgresql {
        builder.set_alpn_select_callback(|_, offered| select_next_proto(ALPN, offered).ok_or(AlpnError::ALERT_FATAL));
    }
    Ok(builder.build())
}

/// The certificate's digest by the hash of its own signature, SHA-256 for MD5 and SHA-1 (RFC 5929, 4.1).
fn server_end_point(certificate: &X509Ref) -> Result<Option<Vec<u8>>, ErrorStack> {
    let signature = certificate.signature_algorithm().object().nid();
    let Some(algorithms) = signature.signature_algorithms() else {
        return Ok(None);
    };
    let digest = match algorithms.digest {
        Nid::MD5 | Nid::SHA1 => MessageDigest::sha256(),
        digest => match MessageDigest::from_nid(digest) {
            Some(digest) => digest,
            None => return Ok(None),
        },
    };
    Ok(Some(certificate.digest(digest)?.to_vec()))
}

impl From<TlsVersion> for SslVersion {
    fn from(version: TlsVersion) -> Self {
        match version {
            TlsVersion::V1_0 => Self::TLS1,
            TlsVersion::V1_1 => Self::TLS1_1,
            TlsVersion::V1_2 => Self::TLS1_2,
            TlsVersion::V1_3 => Self::TLS1_3,
        }
    }
}
