//! What to dial: parsed once, every default filled in, every secret wrapped.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// One endpoint with everything that is needed to dial it and log in.
#[derive(Clone, Debug)]
pub struct Target {
    /// Where the server listens.
    pub endpoint: Endpoint,
    /// `dbname`; libpq's default is the user name.
    pub database: String,
    /// `user`; libpq's default is the name of the operating system's user.
    pub user: String,
    /// `password`, when one was given. An empty one counts as none, as in libpq.
    pub password: Option<Secret>,
    /// How the connection is encrypted and what is verified.
    pub tls: TlsSettings,
    /// `channel_binding`.
    pub channel_binding: ChannelBinding,
    /// Further parameters of the startup packet (`application_name`, `options`, …), in the order sent.
    pub startup: Vec<(&'static str, String)>,
    /// How long everything may take.
    pub limits: Limits,
    /// libpq keyword to the place its value came from: `target`, a flag, a `PG*` variable or `default`.
    pub sources: BTreeMap<&'static str, String>,
    /// What was odd about the input, though it could be read.
    pub oddities: Vec<Oddity>,
    /// How long reading the settings took.
    pub read_in: Duration,
}

impl Target {
    /// The text that must never be shown, whoever sends it.
    pub fn secrets(&self) -> Vec<&str> {
        let public = [self.user.as_str(), &self.database, self.endpoint.host()];
        self.password
            .iter()
            .map(Secret::expose)
            // Blanking a password that equals the user's name would tell everybody that it does.
            .filter(|secret| !public.iter().any(|text| text.eq_ignore_ascii_case(secret)))
            .collect()
    }
}

/// Something in the input that was read as meant, and that the user should know of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Oddity {
    /// Blanks or quotes around the whole of TARGET were taken away.
    Padded,
    /// A libpq keyword whose value this version of the tool does not act on.
    NotApplied(&'static str),
    /// TARGET is no form of libpq's, and was read as meant.
    OtherForm(&'static str),
    /// A setting of a driver that says nothing about the connection was left out.
    DriverSetting,
    /// The password file can be read by others, so it was not.
    PassfileIgnored(PathBuf),
}

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// `host` and `port` over TCP. `hostaddr`, when given, is dialled instead of resolving `host`.
    Tcp {
        /// A name or an address.
        host: String,
        /// What is dialled in its place.
        hostaddr: Option<IpAddr>,
        /// 1 to 65535.
        port: u16,
    },
    /// A socket file `.s.PGSQL.PORT` in a directory.
    Unix {
        /// Where the file is.
        directory: PathBuf,
        /// The number at the end of its name.
        port: u16,
    },
}

impl Endpoint {
    /// The host as libpq would print it: a name, an address, or the directory of a socket.
    pub fn host(&self) -> &str {
        match self {
            Self::Tcp { host, .. } => host,
            Self::Unix { directory, .. } => directory.to_str().unwrap_or("socket"),
        }
    }

    /// The TCP port, or the number in the name of the socket file.
    pub fn port(&self) -> u16 {
        match self {
            Self::Tcp { port, .. } | Self::Unix { port, .. } => *port,
        }
    }

    /// Whether this is a Unix socket, over which libpq never speaks TLS.
    pub fn is_unix(&self) -> bool {
        matches!(self, Self::Unix { .. })
    }
}

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

/// `channel_binding`: whether SCRAM is tied to the TLS connection (RFC 5802, section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelBinding {
    /// Never.
    Disable,
    /// Where both sides can.
    Prefer,
    /// Or no login at all.
    Require,
}

/// How long a check may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The whole check, from the first look-up to the last answer.
    pub timeout: Duration,
    /// The TCP connect of each address.
    pub connect_timeout: Option<Duration>,
}

/// A value that is never shown: it has no Display and no Serialize, and its Debug tells only that it is set.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value as soon as it has been read.
    pub fn new(value: String) -> Self {
        Self(value)
    }

    /// The value itself, for the one place that sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(set)")
    }
}
