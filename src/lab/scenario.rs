//! One endpoint described as data: what it does on each layer, from the TCP accept to the last query. Every key has a
//! default, and all defaults together are a sound PostgreSQL 18 with TLS and SCRAM.
//! `engine = "redshift"` is Amazon Redshift instead, which has no SCRAM: `authentication` is then to be given.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::certificate::Certificate;
use super::moment::{Hangup, LoginError, LoginHangup};
use super::server_error::ServerError;
use super::session::Session;

/// The role of [`Scenario::default`].
pub const DEFAULT_USER: &str = "alice";
/// Its password, which protects nothing.
pub const DEFAULT_PASSWORD: &str = "wonderland";

/// One endpoint. The keys are read in the order of the layers; the first that ends the connection wins.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
pub struct Scenario {
    /// The product it plays.
    pub engine: Engine,
    /// What happens to a TCP connection.
    pub transport: Transport,
    /// Listens on `::1` too, under the same port.
    pub ipv6: bool,
    /// Sent as soon as a connection is accepted, by something that is not PostgreSQL.
    pub greeting: Option<Bytes>,
    /// Sent after the first bytes from the client, whatever they are, by something that is not PostgreSQL.
    pub answer_any: Option<Bytes>,
    /// What follows on `greeting`, `answer_any` and `ssl_request = { bytes = … }`.
    pub after_answer: Hangup,

    /// The answer to `SSLRequest`.
    pub ssl_request: SslRequest,
    /// A `ClientHello` without `SSLRequest` is taken (PostgreSQL 17 and later; the ALPN `postgresql` is then demanded).
    /// Redshift takes none.
    pub direct_tls: bool,
    /// What becomes of the protocols that a client offers by ALPN.
    pub alpn: Alpn,
    /// The certificate shown.
    pub certificate: Certificate,
    /// The oldest protocol accepted.
    pub tls_min_version: TlsVersion,
    /// The newest protocol accepted.
    pub tls_max_version: TlsVersion,
    /// Cipher suites of TLS up to 1.2, as OpenSSL writes them.
    pub tls_ciphers: String,
    /// Key-exchange groups as OpenSSL writes them; PostgreSQL up to 17 has `P-256` alone.
    pub tls_groups: String,
    /// Whether a client has to show a certificate.
    pub client_certificate: ClientCertificate,

    /// The newest protocol: a client that asks for more gets `NegotiateProtocolVersion`.
    pub newest_protocol: Protocol,
    /// `pg_hba.conf`, as far as the encryption decides.
    pub hba: Hba,
    /// How the client is to prove who it is.
    pub authentication: Authentication,
    /// SCRAM-SHA-256-PLUS is offered over TLS.
    pub channel_binding: bool,
    /// Roles and their passwords.
    pub users: BTreeMap<String, String>,
    /// An `ErrorResponse` during the login.
    pub login_error: Option<LoginError>,
    /// Silence or an end during the login.
    pub login: Option<LoginHangup>,
    /// What the session says and answers.
    pub session: Session,

    /// Sends each byte on its own, with this many milliseconds between two.
    pub byte_at_a_time: Option<u64>,
    /// Sends exactly this many bytes (TLS records included), then nothing, for ever.
    pub stall_after_bytes: Option<u64>,
    /// Sends exactly this many bytes (TLS records included), then ends the connection.
    pub close_after_bytes: Option<u64>,
}

/// The product: what a session reports, how an error is written, and what a startup packet may hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Engine {
    /// PostgreSQL 18.
    #[default]
    Postgresql,
    /// Amazon Redshift, which calls itself PostgreSQL 8.0.2. Its certificate names `lab.abc.eu-west-1.redshift.amazonaws.com`
    /// too, by which a client knows it.
    Redshift,
}

/// What happens to a TCP connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// It is accepted and served.
    #[default]
    Listen,
    /// ECONNREFUSED: the port is reserved, but nobody listens.
    Refuse,
    /// SYN is never answered: the accept queue is full (Linux).
    BacklogFull,
    /// Accepted, then ended by FIN.
    AcceptThenClose,
    /// Accepted, then RST.
    AcceptThenReset,
    /// Accepted, and no byte is ever sent.
    AcceptThenSilent,
}

/// The answer to `SSLRequest`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SslRequest {
    /// `S`, then TLS.
    #[default]
    Accept,
    /// `N`, then the connection goes on in plaintext.
    Refuse,
    /// An `ErrorResponse`, then FIN.
    Error(ServerError),
    /// Nothing, ever.
    Silent,
    /// FIN.
    Close,
    /// RST.
    Reset,
    /// These bytes, then [`Scenario::after_answer`].
    Bytes(Bytes),
    /// `S`, then FIN.
    AcceptThenClose,
    /// `S`, and RST once the `ClientHello` is there.
    AcceptThenReset,
    /// `S`, then nothing.
    AcceptThenSilent,
    /// `S`, and once the `ClientHello` is there an HTTP error instead of TLS, then FIN.
    AcceptThenGarbage,
    /// `S` and these bytes in one segment, then TLS.
    Stuffed(Bytes),
}

/// A TLS protocol version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum TlsVersion {
    /// TLS 1.0.
    #[serde(rename = "1.0")]
    V1_0,
    /// TLS 1.1.
    #[serde(rename = "1.1")]
    V1_1,
    /// TLS 1.2.
    #[serde(rename = "1.2")]
    V1_2,
    /// TLS 1.3.
    #[serde(rename = "1.3")]
    V1_3,
}

/// What becomes of the protocols that a client offers by ALPN.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Alpn {
    /// `postgresql` is chosen, as PostgreSQL 17 and later do, and nothing else is taken.
    #[default]
    Chosen,
    /// They are passed over, as by older servers, and by proxies that end TLS.
    PassedOver,
}

/// Whether a client has to show a certificate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClientCertificate {
    /// Nobody asks for one.
    #[default]
    NotAsked,
    /// Without one the handshake fails, as with a proxy that ends TLS.
    Demanded,
}

/// A version of the PostgreSQL protocol.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub enum Protocol {
    /// PostgreSQL 7.4 to 17.
    #[default]
    #[serde(rename = "3.0")]
    V3_0,
    /// PostgreSQL 18: a cancel key of 32 bytes.
    #[serde(rename = "3.2")]
    V3_2,
}

/// `pg_hba.conf`, as far as the encryption decides.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Hba {
    /// For connections in plaintext.
    pub plain: HbaRule,
    /// For connections over TLS.
    pub tls: HbaRule,
}

/// What `pg_hba.conf` says of a connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HbaRule {
    /// A line matches; [`Scenario::authentication`] follows.
    #[default]
    Allow,
    /// No line matches: 28000 `no pg_hba.conf entry`.
    NoEntry,
    /// A `reject` line matches: 28000 `pg_hba.conf rejects connection`.
    Reject,
}

/// How the client is to prove who it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Authentication {
    /// `AuthenticationOk` at once.
    Trust,
    /// `AuthenticationCleartextPassword`.
    Password,
    /// `AuthenticationMD5Password`.
    Md5,
    /// SCRAM-SHA-256, and -PLUS as [`Scenario::channel_binding`] says.
    #[default]
    #[serde(rename = "scram-sha-256")]
    ScramSha256,
    /// Code 13 of Redshift: a salted SHA-256 of the password, with a nonce of either side.
    RedshiftDigest,
    /// Code 14 of Redshift: the token of an identity provider, which here is the password of the user. A startup packet
    /// need not name the user: then it is the one whose token it is.
    RedshiftIdp,
    /// `AuthenticationSASL` with these mechanisms, none of which the endpoint can speak.
    Sasl(Vec<String>),
    /// Any authentication request; whatever the client answers is refused.
    Request(AuthenticationRequest),
}

/// An authentication request by number.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthenticationRequest {
    /// The number in `Authentication…`.
    pub code: i32,
    /// What follows the number.
    #[serde(default)]
    pub body: Bytes,
}

/// Raw bytes. In TOML a string of which each character, U+0000 to U+00FF, is one byte.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Bytes(pub Vec<u8>);

impl Default for Scenario {
    fn default() -> Self {
        Self {
            engine: Engine::Postgresql,
            transport: Transport::Listen,
            ipv6: false,
            greeting: None,
            answer_any: None,
            after_answer: Hangup::Close,
            ssl_request: SslRequest::Accept,
            direct_tls: true,
            alpn: Alpn::Chosen,
            certificate: Certificate::Valid,
            tls_min_version: TlsVersion::V1_2,
            tls_max_version: TlsVersion::V1_3,
            tls_ciphers: "DEFAULT".to_owned(),
            tls_groups: "X25519:P-256".to_owned(),
            client_certificate: ClientCertificate::NotAsked,
            newest_protocol: Protocol::V3_0,
            hba: Hba::default(),
            authentication: Authentication::ScramSha256,
            channel_binding: true,
            users: BTreeMap::from([(DEFAULT_USER.to_owned(), DEFAULT_PASSWORD.to_owned())]),
            login_error: None,
            login: None,
            session: Session::default(),
            byte_at_a_time: None,
            stall_after_bytes: None,
            close_after_bytes: None,
        }
    }
}

impl TryFrom<String> for Bytes {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let bytes = text.chars().map(|character| {
            u8::try_from(character).map_err(|_| format!("{character:?} is not one byte (U+0000 to U+00FF)"))
        });
        Ok(Self(bytes.collect::<Result<_, _>>()?))
    }
}
