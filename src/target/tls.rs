//! Everything about TLS: the modes of libpq, and what they demand.

use std::fmt;
use std::path::PathBuf;

use super::ClientCertificate;

/// libpq's `sslmode` (manual, section 32.19.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SslMode {
    /// Never TLS.
    Disable,
    /// Plain first, TLS when that is refused.
    Allow,
    /// TLS first, plain when that fails. libpq's default.
    Prefer,
    /// TLS or nothing; the certificate is checked only when a root file exists.
    Require,
    /// TLS, and the chain must lead to a trusted root.
    VerifyCa,
    /// TLS, the chain, and the name of the host.
    VerifyFull,
}

impl SslMode {
    /// All six, weakest first.
    pub const ALL: [Self; 6] =
        [Self::Disable, Self::Allow, Self::Prefer, Self::Require, Self::VerifyCa, Self::VerifyFull];

    /// libpq's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Allow => "allow",
            Self::Prefer => "prefer",
            Self::Require => "require",
            Self::VerifyCa => "verify-ca",
            Self::VerifyFull => "verify-full",
        }
    }

    /// Reads libpq's word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == text)
    }

    /// Which encryption is tried first, and which after it (libpq, `fe-connect.c`, `init_allowed_encryption_methods`).
    pub fn plan(self) -> (Encryption, Option<Encryption>) {
        match self {
            Self::Disable => (Encryption::Plain, None),
            Self::Allow => (Encryption::Plain, Some(Encryption::Tls)),
            Self::Prefer => (Encryption::Tls, Some(Encryption::Plain)),
            Self::Require | Self::VerifyCa | Self::VerifyFull => (Encryption::Tls, None),
        }
    }

    /// Whether the mode refuses a connection that is not encrypted.
    pub fn demands_tls(self) -> bool {
        self >= Self::Require
    }
}

impl fmt::Display for SslMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How one attempt is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// Not at all.
    Plain,
    /// By TLS.
    Tls,
}

impl Encryption {
    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Plain => Self::Tls,
            Self::Tls => Self::Plain,
        }
    }
}

/// Everything about TLS.
#[derive(Clone, Debug)]
pub struct TlsSettings {
    /// `sslmode`.
    pub mode: SslMode,
    /// `sslrootcert`, or libpq's default file where that exists.
    pub roots: Roots,
    /// `sslnegotiation`.
    pub negotiation: SslNegotiation,
    /// `sslsni`: whether the host name is sent in the ClientHello.
    pub sni: bool,
    /// `ssl_min_protocol_version`.
    pub min_version: Option<TlsVersion>,
    /// `ssl_max_protocol_version`.
    pub max_version: Option<TlsVersion>,
    /// `sslcrl` and `sslcrldir`, or libpq's default file where that exists.
    pub revocation: Revocation,
    /// `sslcert`, `sslkey` and `sslpassword`, or libpq's default files where those exist.
    pub client_certificate: Option<ClientCertificate>,
    /// `sslcertmode`.
    pub cert_mode: SslCertMode,
    /// The name that the certificate is compared with, where it is not the host (the platform's `HostNameInCertificate`).
    pub certificate_name: Option<String>,
    /// After TLS was tried, only the server's `N` leads to an unencrypted connection (the platform's
    /// `EncryptionMethod=6`); libpq's `prefer` also goes on when the handshake fails or the server refuses the login.
    pub plain_only_on_refusal: bool,
}

/// Where lists of revoked certificates are. Where there is one, every certificate of a chain needs a list of its issuer
/// (`fe-secure-openssl.c`: `X509_V_FLAG_CRL_CHECK_ALL`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revocation {
    /// A file of them.
    pub file: Option<PathBuf>,
    /// A directory of them, under the hashes of their issuers' names.
    pub directory: Option<PathBuf>,
}

impl Revocation {
    /// Nothing is given: revocation is not looked at.
    pub fn is_none(&self) -> bool {
        self.file.is_none() && self.directory.is_none()
    }
}

/// `sslcertmode`: whether this side shows a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SslCertMode {
    /// Never, even if there is one.
    Disable,
    /// Where it is asked for, and there is one.
    Allow,
    /// The server has to ask for it.
    Require,
}

impl TlsSettings {
    /// What the settings demand of the certificate. A root file makes libpq check the chain in every mode that ends in
    /// TLS (`fe-secure-openssl.c`, `initialize_SSL`).
    pub fn verification(&self) -> Verification {
        match self.mode {
            SslMode::VerifyFull => Verification::ChainAndName,
            SslMode::VerifyCa => Verification::Chain,
            _ if self.roots != Roots::None => Verification::Chain,
            _ => Verification::None,
        }
    }

    /// The certificate that is shown to a server that asks for one.
    pub fn shown_certificate(&self) -> Option<&ClientCertificate> {
        self.client_certificate.as_ref().filter(|_| self.cert_mode != SslCertMode::Disable)
    }
}

/// The certificates that a chain may end in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Roots {
    /// None are given: nothing can be verified.
    None,
    /// The PEM certificates of a file.
    File(PathBuf),
    /// `sslrootcert=system`: what the operating system trusts.
    System,
}

/// How far a certificate is verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verification {
    /// Not at all.
    None,
    /// The chain must lead to a trusted root.
    Chain,
    /// The chain, and the host name must be in the certificate.
    ChainAndName,
}

impl Verification {
    /// The word of the report.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Chain => "chain",
            Self::ChainAndName => "chain-and-name",
        }
    }
}

/// `sslnegotiation`: how TLS is begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SslNegotiation {
    /// By an SSLRequest, which every server understands.
    Postgres,
    /// By a ClientHello as the first bytes, which PostgreSQL 17 and later understand.
    Direct,
}

/// A TLS protocol version that libpq can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// TLSv1
    V1_0,
    /// TLSv1.1
    V1_1,
    /// TLSv1.2
    V1_2,
    /// TLSv1.3
    V1_3,
}

impl TlsVersion {
    /// All that libpq can name, oldest first.
    pub const ALL: [Self; 4] = [Self::V1_0, Self::V1_1, Self::V1_2, Self::V1_3];

    /// libpq's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V1_0 => "TLSv1",
            Self::V1_1 => "TLSv1.1",
            Self::V1_2 => "TLSv1.2",
            Self::V1_3 => "TLSv1.3",
        }
    }
}
