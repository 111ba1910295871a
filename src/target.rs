//! What to dial: parsed once, every default filled in, every secret wrapped.

mod client_certificate;
mod login;
mod redshift;
mod tls;

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;

pub use self::client_certificate::{ClientCertificate, ClientCertificateFailure};
pub use self::login::{AuthMethod, ChannelBinding, ProtocolRange, ProtocolVersion, RequireAuth, SessionAttrs};
pub use self::redshift::RedshiftHost;
pub use self::tls::{
    Encryption, Revocation, Roots, SslCertMode, SslMode, SslNegotiation, TlsSettings, TlsVersion, Verification,
};

/// One endpoint with everything that is needed to dial it and log in, and those that libpq would try after it.
#[derive(Clone, Debug)]
pub struct Target {
    /// What is expected to answer.
    pub engine: Engine,
    /// Where the server listens: the first of the hosts.
    pub endpoint: Endpoint,
    /// The other hosts of the list, in its order.
    pub alternatives: Vec<Alternative>,
    /// `target_session_attrs`: which of the hosts will do.
    pub session_attrs: SessionAttrs,
    /// `load_balance_hosts=random`: hosts, and the addresses of each, are tried in random order.
    pub load_balance: bool,
    /// `dbname`; libpq's default is the user name.
    pub database: String,
    /// `user`; libpq's default is the name of the operating system's user.
    pub user: String,
    /// `password`, when one was given. An empty one counts as none, as in libpq.
    pub password: Option<Secret>,
    /// Until when the password is good, where whoever made it said so.
    pub password_until: Option<Timestamp>,
    /// A token of an identity provider, for Amazon Redshift.
    pub token: Option<Secret>,
    /// How the connection is encrypted and what is verified.
    pub tls: TlsSettings,
    /// `channel_binding`.
    pub channel_binding: ChannelBinding,
    /// `require_auth`: the authentication methods that will do; None where any will.
    pub require_auth: Option<RequireAuth>,
    /// `requirepeer`: the user that must own the server at the other end of a Unix socket.
    pub require_peer: Option<String>,
    /// `min_protocol_version` and `max_protocol_version`.
    pub protocol: ProtocolRange,
    /// Further parameters of the startup packet (`application_name`, `options`, …), in the order sent.
    pub startup: Vec<(&'static str, String)>,
    /// How long everything may take.
    pub limits: Limits,
    /// libpq keyword to the place its value came from: `target`, a flag, a `PG*` variable or `default`.
    pub sources: BTreeMap<&'static str, String>,
    /// Every libpq keyword in force that is not at its default, as libpq would hold it; of secrets only that they are set.
    pub parameters: BTreeMap<&'static str, String>,
    /// What was odd about the input, though it could be read.
    pub oddities: Vec<Oddity>,
    /// How long reading the settings took.
    pub read_in: Duration,
}

impl Target {
    /// The name that the server's certificate has to have.
    pub fn certificate_name(&self) -> &str {
        self.tls.certificate_name.as_deref().unwrap_or_else(|| self.endpoint.host())
    }

    /// The text that must never be shown, whoever sends it.
    pub fn secrets(&self) -> Vec<&str> {
        let public = [self.user.as_str(), &self.database, self.endpoint.host()];
        let passwords =
            self.password.iter().chain(self.alternatives.iter().filter_map(|other| other.password.as_ref()));
        let key = self.tls.client_certificate.iter().filter_map(|certificate| certificate.password.as_ref());
        passwords
            .chain(&self.token)
            .chain(key)
            .map(Secret::expose)
            // Blanking a password that equals the user's name would tell everybody that it does.
            .filter(|secret| !public.iter().any(|text| text.eq_ignore_ascii_case(secret)))
            .collect()
    }
}

impl Target {
    /// Every host of the list as a target of its own, in the list's order.
    pub fn candidates(&self) -> Vec<Self> {
        let first = Self { alternatives: Vec::new(), ..self.clone() };
        let others = self.alternatives.iter().map(|other| Self {
            endpoint: other.endpoint.clone(),
            password: other.password.clone(),
            ..first.clone()
        });
        std::iter::once(first.clone()).chain(others).collect()
    }

    /// The host of that place in the list, counted from 0, as a target of its own.
    #[must_use]
    pub fn candidate(&self, place: usize) -> Self {
        self.candidates().into_iter().nth(place).unwrap_or_else(|| self.clone())
    }
}

/// A further host of a list. The password file may have another password for it.
#[derive(Clone, Debug)]
pub struct Alternative {
    /// Where it listens.
    pub endpoint: Endpoint,
    /// The password for it.
    pub password: Option<Secret>,
}

/// What kind of server is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// PostgreSQL, and what speaks as it does.
    Postgresql,
    /// Amazon Redshift.
    Redshift,
}

impl Engine {
    /// The word of the report and of `--engine`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Postgresql => "postgresql",
            Self::Redshift => "redshift",
        }
    }
}

/// Something in the input that was read as meant, and that the user should know of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Oddity {
    /// Blanks or quotes around the whole of TARGET were taken away.
    Padded,
    /// A libpq keyword whose value this version of the tool does not act on.
    NotApplied(&'static str),
    /// A host of the list that libpq passes over.
    HostLeftOut {
        /// Its place, counted from 1.
        place: usize,
        /// The keyword whose value is the reason.
        keyword: &'static str,
        /// libpq gives up there: the hosts after it are never dialled either.
        last: bool,
    },
    /// A file that is named and that libpq goes on without.
    FileLeftOut {
        /// The keyword that names it.
        keyword: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        reason: &'static str,
    },
    /// `gssencmode=prefer`: encryption by GSSAPI is not spoken here.
    GssEncryption,
    /// TARGET is no form of libpq's, and was read as meant.
    OtherForm(&'static str),
    /// A setting of a driver that says nothing about the connection was left out.
    DriverSetting,
    /// A key that the platform's driver ignores, and the one that was probably meant.
    KeyIgnored(String, Option<&'static str>),
    /// A setting of the platform that demands less than it seems to.
    Weak(WeakSetting),
    /// Characters in the user or password of a URI that libpq takes and other clients cut at.
    NotPortable(String),
    /// Blanks, a line end or quotes around a value, which are taken for a part of it.
    PaddedValue(Suspect),
    /// A value that looks like a template that nobody has filled in.
    Placeholder(Suspect),
    /// The password file can be read by others, so it was not.
    PassfileIgnored(PathBuf),
}

/// A value that is probably not what was meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspect {
    /// The keyword.
    pub keyword: &'static str,
    /// Where it came from.
    pub source: String,
    /// The value, control characters escaped; None of a secret.
    pub shown: Option<String>,
}

/// A setting of the platform that demands less than it seems to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeakSetting {
    /// `ValidateServerCertificate=1` without `HostNameInCertificate`: the chain is checked, the name is not.
    NameUnchecked,
    /// `EncryptionMethod=6`: without TLS where the server offers none.
    PlainIfNotOffered,
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
