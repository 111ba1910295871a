//! What a walk up the ladder has seen: facts and failures with their operands, no prose.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use jiff::Timestamp;

use crate::target::Encryption;
use crate::wire::message::ServerError;

use super::certificate::Certificate;

/// The stages of a check, in the order they are walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// The settings are read.
    Input,
    /// The host name becomes addresses.
    Resolve,
    /// TCP, or the Unix socket.
    Connect,
    /// The SSLRequest answer, the handshake and the verdict on the certificate.
    Tls,
    /// From the startup packet to the first ReadyForQuery.
    Login,
    /// What kind of server, and in what state.
    Session,
    /// What the role may read.
    Privileges,
    /// The connection is created at the platform.
    Register,
}

impl Stage {
    /// All stages that a check walks, in order.
    pub const CHECKED: [Self; 7] =
        [Self::Input, Self::Resolve, Self::Connect, Self::Tls, Self::Login, Self::Session, Self::Privileges];

    /// The word of the report.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Resolve => "resolve",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Login => "login",
            Self::Session => "session",
            Self::Privileges => "privileges",
            Self::Register => "register",
        }
    }
}

/// Everything seen on one walk.
#[derive(Debug, Default)]
pub struct Trace {
    /// When it began, by this machine's clock.
    pub started: Timestamp,
    /// How long it took.
    pub elapsed: Duration,
    /// How long each stage that was entered took, in order.
    pub timings: Vec<(Stage, Duration)>,
    /// What ended the walk, if it did not reach the top.
    pub failure: Option<Failure>,
    /// Round trips of the whole walk.
    pub round_trips: u32,
    /// Stage resolve.
    pub resolved: Resolved,
    /// Stage connect.
    pub connected: Connected,
    /// Stage tls, of the attempt that was kept (the last one where several were made).
    pub tls: TlsSeen,
    /// Stage login.
    pub login: LoginSeen,
    /// Stage session.
    pub session: Option<SessionSeen>,
    /// Stage privileges.
    pub privileges: Option<PrivilegesSeen>,
    /// The failure of an earlier attempt, where the mode allowed another one.
    pub fell_back_from: Option<Failure>,
    /// What a probe without credentials got with the other encryption, after a refusal by `pg_hba.conf`.
    pub other_encryption: Option<(Encryption, Admission)>,
}

impl Trace {
    /// How long a stage took, all attempts together; None if it was not entered.
    pub fn elapsed_at(&self, stage: Stage) -> Option<Duration> {
        self.timings.iter().find(|(known, _)| *known == stage).map(|(_, elapsed)| *elapsed)
    }
}

/// How a walk failed.
#[derive(Debug)]
pub enum Failure {
    /// At stage resolve.
    Resolve(ResolveFailure),
    /// At stage connect.
    Connect(ConnectFailure),
    /// At stage tls.
    Tls(TlsFailure),
    /// At stage login.
    Login(LoginFailure),
    /// At stage session or privileges: the connection broke or the server refused the inspection.
    Session(Silence),
}

impl Failure {
    /// The stage that failed.
    pub fn stage(&self) -> Stage {
        match self {
            Self::Resolve(_) => Stage::Resolve,
            Self::Connect(_) => Stage::Connect,
            Self::Tls(_) => Stage::Tls,
            Self::Login(_) => Stage::Login,
            Self::Session(_) => Stage::Session,
        }
    }
}

/// Stage resolve.
#[derive(Debug, Default)]
pub struct Resolved {
    /// In the order of `getaddrinfo`.
    pub addresses: Vec<SocketAddr>,
    /// The name behind the aliases, when the resolver told it.
    pub canonical_name: Option<String>,
}

/// Why a name has no address.
#[derive(Debug, PartialEq, Eq)]
pub enum ResolveFailure {
    /// `EAI_NONAME`.
    NotFound,
    /// `EAI_NODATA` or `EAI_ADDRFAMILY`: the name exists.
    NoAddress,
    /// `EAI_AGAIN` or `EAI_FAIL`.
    ServerFailure {
        /// `EAI_*`
        code: i32,
    },
    /// A label that no name may have.
    NameInvalid,
    /// No answer until the deadline.
    TimedOut {
        /// How long it was waited for.
        after: Duration,
    },
}

/// Stage connect.
#[derive(Debug, Default)]
pub struct Connected {
    /// The peer of the connection that was kept: an address, or the path of a socket.
    pub address: Option<String>,
    /// Our own address in it.
    pub local: Option<SocketAddr>,
    /// From SYN to SYN-ACK.
    pub rtt: Option<Duration>,
    /// Every address dialled.
    pub attempts: Vec<Attempt>,
}

/// One address dialled.
#[derive(Debug)]
pub struct Attempt {
    /// As in [`Connected::address`].
    pub address: String,
    /// How it ended.
    pub outcome: Dialled,
    /// How long that took.
    pub elapsed: Duration,
}

/// How dialling one address ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dialled {
    /// Connected.
    Connected,
    /// `ECONNREFUSED`
    Refused,
    /// No answer within the limit.
    TimedOut,
    /// `EHOSTUNREACH`
    HostUnreachable,
    /// `ENETUNREACH`
    NetworkUnreachable,
    /// `EACCES`, `EPERM` or `EINVAL`: this machine's own routes or firewall.
    BlockedLocally,
    /// `EMFILE`, `EADDRNOTAVAIL`, `ENOBUFS`, …: this machine ran out of something.
    ExhaustedLocally,
    /// `ENOENT`: no such socket.
    SocketMissing,
    /// Another address had answered first.
    Abandoned,
    /// Anything else, with its errno.
    Other(Option<i32>),
}

/// No address could be connected to; the last outcome in the order of the addresses, with its errno in the attempts.
#[derive(Debug)]
pub struct ConnectFailure {
    /// The outcome that explains most: of the first address.
    pub outcome: Dialled,
}

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

/// Stage login.
#[derive(Debug, Default)]
pub struct LoginSeen {
    /// What the server asked for; None until it did.
    pub method: Option<Method>,
    /// The SASL mechanisms on offer.
    pub mechanisms: Vec<String>,
    /// AuthenticationOk was received.
    pub authenticated: bool,
    /// A password or a proof of it was sent.
    pub credentials_sent: bool,
    /// ParameterStatus messages, in order.
    pub parameters: Vec<(String, String)>,
    /// NoticeResponse messages.
    pub notices: Vec<ServerError>,
    /// Protocol 3.0 was negotiated down to by NegotiateProtocolVersion.
    pub renegotiated: bool,
}

impl LoginSeen {
    /// The server looked at the password and found it right.
    pub fn password_checked(&self) -> bool {
        self.authenticated && self.credentials_sent
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
#[derive(Debug)]
pub enum LoginFailure {
    /// An ErrorResponse.
    Refused(Box<ServerError>),
    /// The server wants a password, and there is none.
    PasswordMissing,
    /// A method that is not spoken here; see [`LoginSeen::method`].
    MethodUnsupported,
    /// `channel_binding=require`, and the server does not offer it.
    ChannelBindingUnavailable,
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

/// Why a question was not answered.
#[derive(Debug)]
pub enum Silence {
    /// Nothing until the deadline.
    NoReply {
        /// How long it was waited for.
        after: Duration,
    },
    /// FIN, RST or garbage.
    Broken {
        /// How.
        reason: String,
    },
    /// The server refused the question.
    Refused(Box<ServerError>),
}

/// Stage session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionSeen {
    /// `server_version` as reported.
    pub server_version: String,
    /// The answer of `version()`.
    pub version: String,
    /// `pg_is_in_recovery()`
    pub standby: bool,
    /// `transaction_read_only`
    pub read_only: bool,
    /// Connections.
    pub connections: Connections,
}

/// How full the server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connections {
    /// Client backends, this one included.
    pub used: u32,
    /// `max_connections`
    pub limit: u32,
    /// Slots that an ordinary role does not get.
    pub reserved: u32,
}

/// Stage privileges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrivilegesSeen {
    /// `rolsuper`
    pub superuser: bool,
    /// Every schema that is not the system's.
    pub schemas: Vec<Schema>,
}

/// One schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schema {
    /// Its name.
    pub name: String,
    /// The role has USAGE on it.
    pub usage: bool,
    /// Tables, partitioned and foreign tables, views and materialised views in it; partitions are not counted.
    pub tables: u32,
    /// Those the role has SELECT on (whether or not it has USAGE on the schema).
    pub granted: u32,
    /// The first few without SELECT.
    pub denied: Vec<String>,
    /// Those whose policies apply to the role.
    pub row_security: Vec<String>,
}

impl Schema {
    /// Tables that can be read.
    pub fn readable(&self) -> u32 {
        if self.usage { self.granted } else { 0 }
    }
}

impl Dialled {
    /// By the error of `connect(2)`.
    pub fn from_error(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Self::Refused,
            io::ErrorKind::TimedOut => Self::TimedOut,
            io::ErrorKind::HostUnreachable => Self::HostUnreachable,
            io::ErrorKind::NetworkUnreachable => Self::NetworkUnreachable,
            io::ErrorKind::PermissionDenied | io::ErrorKind::InvalidInput => Self::BlockedLocally,
            io::ErrorKind::AddrNotAvailable | io::ErrorKind::AddrInUse | io::ErrorKind::OutOfMemory => {
                Self::ExhaustedLocally
            }
            io::ErrorKind::NotFound => Self::SocketMissing,
            // EMFILE, ENFILE and ENOBUFS have no kind of their own.
            _ if matches!(error.raw_os_error(), Some(24 | 23 | 105)) => Self::ExhaustedLocally,
            _ => Self::Other(error.raw_os_error()),
        }
    }
}
