//! Stage tls: what was seen, and how it fails.

use std::time::Duration;

use crate::probe::certificate::Certificate;
use crate::wire::message::ServerError;

/// Stage tls.
#[derive(Debug, Default)]
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
#[derive(Debug)]
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
    DirectOnly,
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
            | Self::DirectOnly
            | Self::DirectRefused => false,
            Self::HandshakeClosed { .. }
            | Self::HandshakeGarbage { .. }
            | Self::VersionUnsupported
            | Self::NoCommonCipher
            | Self::Handshake { .. }
            | Self::Certificate
            | Self::Roots { .. } => true,
        }
    }
}
