//! Stages session and privileges: what was seen, and how they fail.

use std::time::Duration;

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
