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
    /// Small answers arrived, and one that fills several packets did not, until the deadline.
    LargeResult {
        /// How long it was waited for.
        after: Duration,
    },
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
    /// `pg_is_in_recovery()`; Redshift has no standbys.
    pub standby: bool,
    /// `transaction_read_only`; sessions of Redshift may write.
    pub read_only: bool,
    /// Connections; None where the server does not tell an ordinary role.
    pub connections: Option<Connections>,
    /// `pg_backend_pid()`
    pub process: Option<u32>,
    /// What the server is a product of, where its version does not tell.
    pub product: Option<String>,
    /// Settings of the role and of the database that can bend a session, those in force.
    pub settings: Vec<RoleSetting>,
}

/// A setting that `ALTER ROLE` or `ALTER DATABASE` has left for new sessions (`pg_db_role_setting`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleSetting {
    /// The parameter.
    pub name: String,
    /// Its value as it was given.
    pub value: String,
    /// It is for this role, else for all.
    pub for_role: bool,
    /// It is for this database, else for all.
    pub in_database: bool,
    /// What came of it in this session; of `search_path` the schemas that are there and may be used.
    pub effect: String,
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
    /// Has `pg_read_all_data`: reads whatever there is and will be.
    pub reads_all: bool,
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
    /// Tables that the role may change.
    pub writable: u32,
    /// The first few owners of tables it reads, whose tables of the future it will not (`ALTER DEFAULT PRIVILEGES`).
    pub owners: Vec<String>,
}

impl Schema {
    /// Tables that can be read.
    pub fn readable(&self) -> u32 {
        if self.usage { self.granted } else { 0 }
    }
}
