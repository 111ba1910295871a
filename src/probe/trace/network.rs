//! Stages resolve and connect: what was seen, and how they fail.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::DnsSeen;

/// Stage resolve.
#[derive(Clone, Debug, Default)]
pub struct Resolved {
    /// In the order of `getaddrinfo`.
    pub addresses: Vec<SocketAddr>,
    /// The name behind the aliases, when the resolver told it.
    pub canonical_name: Option<String>,
    /// The line of the hosts file that gives the name one of these addresses. Looked for where they are doubtful, or
    /// where the walk failed.
    pub hosts_line: Option<usize>,
    /// What the name servers say, where they were asked.
    pub dns: Option<DnsSeen>,
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
    /// How often the SYN was sent again before the answer came.
    pub syn_retransmits: u32,
    /// Every address dialled.
    pub attempts: Vec<Attempt>,
    /// What this machine can use, where it had no route.
    pub families: Option<Families>,
    /// Other ports of the first address, where that refused or said nothing and they were tried.
    pub neighbours: Option<Neighbours>,
}

/// Ports where databases usually listen, but for the one that was dialled.
#[derive(Clone, Debug, Default)]
pub struct Neighbours {
    /// Those that accept connections.
    pub open: Vec<u16>,
    /// Those that refuse them.
    pub refused: Vec<u16>,
}

/// The two address families, as this machine has them.
#[derive(Clone, Copy, Debug)]
pub struct Families {
    /// IPv4.
    pub v4: Family,
    /// IPv6.
    pub v6: Family,
}

/// One address family.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    /// A route leads to everywhere.
    pub routed: bool,
    /// An interface has an address of it, other than loopback and link-local.
    pub addressed: bool,
}

/// One address dialled.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// As in [`Connected::address`].
    pub address: String,
    /// How it ended.
    pub outcome: Dialled,
    /// The ICMP message that ended it.
    pub icmp: Option<Icmp>,
    /// How long that took.
    pub elapsed: Duration,
}

impl Attempt {
    /// The address without its port; None of a Unix socket.
    pub fn ip(&self) -> Option<IpAddr> {
        self.address.parse::<SocketAddr>().ok().map(|address| address.ip())
    }
}

/// An ICMP message about a packet that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Icmp {
    /// ICMPv6, else ICMP.
    pub version_6: bool,
    /// Its type.
    pub kind: u8,
    /// Its code.
    pub code: u8,
    /// Who sent it.
    pub from: Option<IpAddr>,
    /// That is this machine itself.
    pub ours: bool,
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
    /// A reset or an ICMP message of this machine to itself: its own firewall.
    RejectedLocally,
    /// No answer within the limit, and no packet has left this machine: its own firewall.
    DroppedLocally,
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
