//! Stages session and privileges: what was seen, and how they fail.

use std::time::Duration;

use super::LoginSeen;
use crate::target::SessionAttrs;
use crate::wire::message::ServerError;

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

/// The state of a server, as far as `target_session_attrs` looks at it; None where it is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Role {
    /// In hot standby.
    pub standby: Option<bool>,
    /// Sessions begin read-only.
    pub read_only: Option<bool>,
}

impl Role {
    /// By ParameterStatus, which PostgreSQL sends from 14 on.
    pub fn reported(login: &LoginSeen) -> Self {
        let standby = login.parameter("in_hot_standby").map(|value| value == "on");
        let read_only = login.parameter("default_transaction_read_only").map(|value| value == "on");
        // libpq takes both or neither to tell whether a session can write (`fe-connect.c`, `CONNECTION_CHECK_TARGET`).
        Self { standby, read_only: standby.zip(read_only).map(|(standby, read_only)| standby || read_only) }
    }

    /// By the answers of the server.
    pub fn asked(session: &SessionSeen) -> Self {
        Self { standby: Some(session.standby), read_only: Some(session.read_only) }
    }

    /// Whether it is what is wanted, by libpq's rules; None where that is not known.
    pub fn meets(self, wanted: SessionAttrs) -> Option<bool> {
        match wanted {
            SessionAttrs::Any => Some(true),
            SessionAttrs::ReadWrite => self.read_only.map(|read_only| !read_only),
            SessionAttrs::ReadOnly => self.read_only,
            SessionAttrs::Primary => self.standby.map(|standby| !standby),
            SessionAttrs::Standby | SessionAttrs::PreferStandby => self.standby,
        }
    }
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
