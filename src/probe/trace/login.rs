//! Stage login: what was seen, and how it fails.

use std::time::Duration;

use crate::target::ProtocolVersion;
use crate::wire::message::ServerError;

/// Stage login.
#[derive(Clone, Debug, Default)]
pub struct LoginSeen {
    /// What the server asked for; None until it did.
    pub method: Option<Method>,
    /// The SASL mechanisms on offer.
    pub mechanisms: Vec<String>,
    /// AuthenticationOk was received.
    pub authenticated: bool,
    /// A password or a proof of it was sent.
    pub credentials_sent: bool,
    /// SASLFinal was received and is right: so was our proof. PostgreSQL sends AuthenticationOk along with it.
    pub proven: bool,
    /// ParameterStatus messages, in order.
    pub parameters: Vec<(String, String)>,
    /// The number of the process that BackendKeyData names.
    pub process: Option<u32>,
    /// NoticeResponse messages.
    pub notices: Vec<ServerError>,
    /// The version of the protocol: the one asked for, or the one that the server negotiated down to.
    pub protocol: Option<ProtocolVersion>,
}

impl LoginSeen {
    /// The server looked at the password and found it right.
    pub fn password_checked(&self) -> bool {
        self.authenticated && self.credentials_sent
    }

    /// Whoever asked for the password has found it right: PostgreSQL, or a pooler that may still wait for it.
    pub fn accepted(&self) -> bool {
        self.authenticated || self.proven
    }

    /// By a method that Amazon's drivers alone speak.
    pub fn is_by_amazons_own(&self) -> bool {
        matches!(self.method, Some(Method::RedshiftDigest | Method::RedshiftToken))
    }

    /// No password waits for its verdict: another server may be given it without fear of a second wrong one.
    pub fn may_log_in_elsewhere(&self) -> bool {
        self.authenticated || !self.credentials_sent
    }

    /// The value of a ParameterStatus.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// An authentication method, by what the server asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// AuthenticationOk at once: trust, peer, ident or a client certificate.
    Trust,
    /// Cleartext: `password`, ldap, pam, radius, or a pooler.
    Password,
    /// MD5.
    Md5,
    /// SCRAM-SHA-256.
    Scram,
    /// SCRAM-SHA-256-PLUS.
    ScramPlus,
    /// SASL without SCRAM: OAUTHBEARER.
    OauthBearer,
    /// SASL with none of the mechanisms known here.
    UnknownSasl,
    /// GSSAPI.
    Gss,
    /// SSPI.
    Sspi,
    /// Amazon Redshift's digest by SHA-256 (code 13).
    RedshiftDigest,
    /// A token of an identity provider, for Amazon Redshift (code 14).
    RedshiftToken,
    /// Any other code.
    Other(i32),
}

/// What a startup packet without credentials got.
#[derive(Debug)]
pub enum Admission {
    /// A rule matched: the server asks for a password, or needs none.
    Admitted,
    /// An ErrorResponse.
    Refused(Box<ServerError>),
    /// Neither: no TLS there, or the connection broke.
    Unknown,
}

/// Why there is no session.
#[derive(Clone, Debug)]
pub enum LoginFailure {
    /// An ErrorResponse.
    Refused(Box<ServerError>),
    /// The server wants a password, and there is none.
    PasswordMissing,
    /// The server wants a token of an identity provider, and there is none.
    TokenMissing,
    /// It wants one where there is no TLS. Whoever reads a token has it: none is sent.
    TokenNeedsTls,
    /// A method that is not spoken here; see [`LoginSeen::method`].
    MethodUnsupported,
    /// A method that `require_auth` does not allow; see [`LoginSeen::method`].
    MethodNotAllowed,
    /// The server speaks an older protocol than `min_protocol_version` allows.
    ProtocolTooOld {
        /// The version it would speak.
        offered: ProtocolVersion,
    },
    /// `channel_binding=require`, and the server does not offer it.
    ChannelBindingUnavailable,
    /// The server offers channel binding, and its certificate has no hash to bind to. libpq fails even with
    /// `channel_binding=prefer` (`fe-secure-openssl.c`, `pgtls_get_peer_certificate_hash`).
    CertificateUnbindable,
    /// `sslcertmode=require`, and the server has let the role in without a certificate.
    ClientCertificateUnused {
        /// It had asked for one; there was none to show.
        requested: bool,
    },
    /// The server's side of SCRAM is wrong, in the codec's words.
    Scram {
        /// The codec's words.
        reason: String,
    },
    /// Nothing until the deadline.
    NoReply {
        /// How long it was waited for.
        after: Duration,
    },
    /// FIN or RST.
    Closed {
        /// RST, else FIN.
        reset: bool,
    },
    /// A TLS alert after the handshake: under TLS 1.3 that is how a client certificate is refused.
    Alert {
        /// Its number (RFC 8446, section 6).
        alert: i32,
    },
    /// Bytes that are not the protocol.
    Garbage {
        /// What was wrong with them.
        reason: String,
    },
}
