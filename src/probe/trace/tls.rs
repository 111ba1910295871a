//! Stage tls: what was seen, and how it fails.

use std::net::IpAddr;
use std::time::Duration;

use crate::probe::certificate::Certificate;
use crate::target::{ClientCertificateFailure, Verification};
use crate::wire::message::ServerError;

/// Stage tls.
#[derive(Clone, Debug, Default)]
pub struct TlsSeen {
    /// TLS was negotiated.
    pub negotiated: bool,
    /// What came in answer to the SSLRequest.
    pub reply: Option<SslReply>,
    /// `TLSv1.3`, …
    pub protocol: Option<String>,
    /// OpenSSL's name of the cipher suite.
    pub cipher: Option<String>,
    /// The certificates that the server sent, leaf first.
    pub chain: Vec<Certificate>,
    /// What OpenSSL objected to, in its order.
    pub objections: Vec<Objection>,
    /// Whether the leaf names the host by libpq's rules; None where there was no leaf.
    pub name_matches: Option<bool>,
    /// The subjects of the trusted roots, where a root file was read.
    pub root_subjects: Vec<String>,
    /// What strict clients object to in a chain and a name that libpq accepts; None where libpq does not, nothing is
    /// trusted, or it is not certain.
    pub strict: Option<Vec<StrictObjection>>,
    /// The server's certificate has a hash that SCRAM can be bound to (RFC 5929, section 4.1).
    pub bindable: bool,
    /// The server asked for a certificate.
    pub certificate_requested: bool,
    /// The certificate that is shown to a server that asks.
    pub client_certificate: Option<Certificate>,
}

impl TlsSeen {
    /// Whether the certificate is what is demanded of it.
    pub fn satisfies(&self, demanded: Verification) -> bool {
        match demanded {
            Verification::None => true,
            Verification::Chain => self.objections.is_empty(),
            Verification::ChainAndName => self.objections.is_empty() && self.name_matches == Some(true),
        }
    }

    /// The certificate that the server was shown.
    pub fn shown_certificate(&self) -> Option<&Certificate> {
        self.client_certificate.as_ref().filter(|_| self.certificate_requested)
    }
}

/// What strict clients refuse, and libpq takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StrictObjection {
    /// A certificate is not X.509 version 3.
    Version {
        /// Whose.
        subject: String,
    },
    /// The host stands in the common name only, which they do not look at.
    CommonNameOnly,
    /// The address stands in a dNSName, as text.
    AddressAsName,
    /// The address is spelled in a way that only `inet_aton` reads.
    AddressSpelling {
        /// As everybody spells it.
        address: IpAddr,
    },
    /// The wildcard stands for all names below a single label.
    WildcardTooWide {
        /// The entry.
        pattern: String,
    },
    /// The server's certificate is that of an authority (CA:TRUE).
    AuthorityAsLeaf,
    /// An RSA key of less than 2048 bits.
    KeyShort {
        /// Whose.
        subject: String,
        /// Its bits.
        bits: u32,
    },
    /// A signature by MD5 or SHA-1.
    DigestWeak {
        /// Whose.
        subject: String,
    },
    /// Something else, in the words of rustls-webpki.
    Other {
        /// Its words.
        reason: String,
    },
}

/// The answer to an SSLRequest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SslReply {
    /// `S`
    Willing,
    /// `N`
    Unwilling,
    /// `E`
    Error,
    /// Not PostgreSQL.
    Stranger(Stranger),
}

/// Who else answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stranger {
    /// `HTTP/`
    Http,
    /// `SSH-`
    Ssh,
    /// A MySQL or MariaDB handshake packet.
    MySql,
    /// `220 `: SMTP or FTP.
    Smtp,
    /// `-ERR`, `-NOAUTH`, …
    Redis,
    /// A TLS alert or handshake record.
    Tls,
    /// None of these.
    Unknown,
}

/// One verify error of OpenSSL (`X509_V_ERR_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Objection {
    /// 0 is the leaf.
    pub depth: u32,
    /// The number of `X509_V_ERR_*`.
    pub verify_code: i32,
}

/// Why there is no usable TLS (or plain) channel.
#[derive(Clone, Debug)]
pub enum TlsFailure {
    /// `N`, and the mode demands TLS.
    NotOffered,
    /// FIN or RST instead of an answer to the SSLRequest.
    ClosedBeforeReply {
        /// RST, else FIN.
        reset: bool,
    },
    /// No byte until the deadline.
    NoReply {
        /// How long it was waited for.
        after: Duration,
    },
    /// An ErrorResponse instead of `S` or `N`. It is not authenticated.
    ServerError(Box<ServerError>),
    /// What answered is not PostgreSQL. The bytes are made safe to show.
    NotPostgres {
        /// Who.
        stranger: Stranger,
        /// How it began.
        first_bytes: String,
    },
    /// As before, and a handshake without an SSLRequest succeeded.
    DirectOnly {
        /// The listener answered the ALPN of PostgreSQL, which clients demand of it.
        alpn: bool,
    },
    /// A direct handshake went well, and the server chose no protocol by ALPN; libpq goes no further
    /// (`fe-secure-openssl.c`, `open_client_SSL`).
    DirectWithoutAlpn,
    /// The first read of a direct handshake ended in FIN or RST, or an alert refused it.
    DirectRefused,
    /// Nothing came after the ClientHello.
    HandshakeSilent {
        /// How long it was waited for.
        after: Duration,
    },
    /// FIN or RST within the handshake.
    HandshakeClosed {
        /// RST, else FIN.
        reset: bool,
    },
    /// Bytes that are not TLS.
    HandshakeGarbage {
        /// How they began, made safe to show.
        first_bytes: String,
    },
    /// No common protocol version.
    VersionUnsupported,
    /// `handshake_failure`: no common cipher suite or group.
    NoCommonCipher,
    /// OpenSSL refused for another reason, in its words.
    Handshake {
        /// The alert of the peer (RFC 8446, section 6), if it sent one.
        alert: Option<i32>,
        /// OpenSSL's words.
        reason: String,
    },
    /// The handshake was fine, the certificate is not what the mode demands; see [`TlsSeen::objections`].
    Certificate,
    /// The root file could not be loaded.
    Roots {
        /// The file, and OpenSSL's words.
        reason: String,
    },
    /// The certificate that this side is to show, or its key, could not be loaded.
    Identity(ClientCertificateFailure),
    /// An alert within the handshake, after the server had asked for a certificate and got an answer.
    ClientCertificateRefused {
        /// Its number (RFC 8446, section 6).
        alert: i32,
    },
}

impl TlsFailure {
    /// libpq falls back to plaintext after these: the handshake failed, or the certificate was refused. After a wrong
    /// answer to the SSLRequest it stops.
    pub fn allows_plain(&self) -> bool {
        match self {
            Self::HandshakeSilent { .. }
            | Self::NotOffered
            | Self::ClosedBeforeReply { .. }
            | Self::NoReply { .. }
            | Self::ServerError(_)
            | Self::NotPostgres { .. }
            | Self::DirectOnly { .. }
            | Self::DirectWithoutAlpn
            | Self::DirectRefused => false,
            Self::HandshakeClosed { .. }
            | Self::HandshakeGarbage { .. }
            | Self::VersionUnsupported
            | Self::NoCommonCipher
            | Self::Handshake { .. }
            | Self::Certificate
            | Self::Identity(_)
            | Self::ClientCertificateRefused { .. }
            | Self::Roots { .. } => true,
        }
    }
}
