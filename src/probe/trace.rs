//! What a walk up the ladder has seen: facts and failures with their operands, no prose.

mod driver;
mod login;
mod modes;
mod names;
mod network;
mod session;
mod tls;

use std::time::Duration;

use jiff::Timestamp;

pub use self::driver::{DriverError, DriverFailure, DriverSeen};
pub use self::login::{Admission, LoginFailure, LoginSeen, Method};
pub use self::modes::{LoginTried, ModesSeen, Probed, TlsTried};
pub use self::names::{Answer, Asked, DnsSeen, Reply, ResponseCode, is_localhost, is_public};
pub use self::network::{
    Attempt, ConnectFailure, Connected, Dialled, Families, Family, Icmp, Neighbours, ResolveFailure, Resolved,
};
pub use self::session::{Connections, PrivilegesSeen, Role, RoleSetting, Schema, SessionSeen, Silence};
pub use self::tls::{Objection, SslReply, Stranger, StrictObjection, TlsFailure, TlsSeen};
use crate::target::Encryption;
pub use crate::wire::delivery::Delivery;
use crate::wire::message::ServerError;

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

/// Everything seen on one walk, at the host that decided it.
#[derive(Debug, Default)]
pub struct Trace {
    /// The place of the host in the list, counted from 0.
    pub host: usize,
    /// How many hosts and addresses had been tried before it.
    pub turn: usize,
    /// What was seen at each of the others that were tried, in turn. They have no others of their own.
    pub others: Vec<Self>,
    /// When the walk began, by this machine's clock.
    pub started: Timestamp,
    /// How long it took, with all others.
    pub elapsed: Duration,
    /// How long each stage that was entered took at this host, in order.
    pub timings: Vec<(Stage, Duration)>,
    /// How the packets fared where the deadline ended the walk.
    pub at_deadline: Option<Delivery>,
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
    /// What the Rust driver made of the same settings, where it was asked.
    pub driver: Option<DriverSeen>,
}

impl Trace {
    /// How long all of it took at this host.
    pub fn elapsed_here(&self) -> Duration {
        self.timings.iter().map(|(_, elapsed)| *elapsed).sum()
    }

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
    /// At stage session: `target_session_attrs` asks for a server in another state.
    WrongRole(Role),
    /// At stage session: the connection broke or the server refused the inspection.
    Session(Silence),
    /// The same at stage privileges.
    Privileges(Silence),
}

impl Failure {
    /// Nothing came from the other side, once it was connected to, in the time it had.
    pub fn is_silence(&self) -> bool {
        match self {
            Self::Tls(failure) => {
                matches!(failure, TlsFailure::NoReply { .. } | TlsFailure::HandshakeSilent { .. })
            }
            Self::Login(failure) => matches!(failure, LoginFailure::NoReply { .. }),
            Self::Session(failure) | Self::Privileges(failure) => {
                matches!(failure, Silence::NoReply { .. } | Silence::LargeResult { .. })
            }
            Self::Resolve(_) | Self::Connect(_) | Self::WrongRole(_) => false,
        }
    }

    /// The error that the server sent, where one did it.
    pub fn server_error(&self) -> Option<&ServerError> {
        match self {
            Self::Tls(TlsFailure::ServerError(error))
            | Self::Login(LoginFailure::Refused(error))
            | Self::Session(Silence::Refused(error))
            | Self::Privileges(Silence::Refused(error)) => Some(error),
            _ => None,
        }
    }

    /// The stage that failed.
    pub fn stage(&self) -> Stage {
        match self {
            Self::Resolve(_) => Stage::Resolve,
            Self::Connect(_) => Stage::Connect,
            Self::Tls(_) => Stage::Tls,
            Self::Login(_) => Stage::Login,
            Self::WrongRole(_) | Self::Session(_) => Stage::Session,
            Self::Privileges(_) => Stage::Privileges,
        }
    }
}
