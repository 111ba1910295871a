//! Stages resolve and connect: what was seen, and how they fail.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// Stage resolve.
#[derive(Clone, Debug, Default)]
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
#[derive(Clone, Debug, Default)]
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
#[derive(Clone, Debug)]
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
    /// Connected, to a server of another user than `requirepeer` says.
    WrongPeer {
        /// The user's number (`SO_PEERCRED`).
        uid: u32,
        /// Its name, where this system has one for it.
        name: Option<String>,
    },
    /// Anything else, with its errno.
    Other(Option<i32>),
}

/// No address could be connected to; the last outcome in the order of the addresses, with its errno in the attempts.
#[derive(Debug)]
pub struct ConnectFailure {
    /// The outcome that explains most: of the first address.
    pub outcome: Dialled,
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
