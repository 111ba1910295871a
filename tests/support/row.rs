//! One play of the table of accuracy: what was wrong, what was to be said, and what everybody said.

use serde::{Deserialize, Serialize};

/// A line of the file that `PGPREFLIGHT_ACCURACY` names, in JSON.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Row {
    /// What is wrong, or odd, in words.
    pub fault: String,
    /// Who plays it: a scenario's name, or the server.
    #[serde(default)]
    pub source: String,
    /// Which of its checks, or the server's major.
    #[serde(default)]
    pub variant: Option<u32>,
    /// Nothing is wrong; what is remarked on follows from the client's own settings.
    #[serde(default)]
    pub healthy: bool,
    /// The codes to be given, the cause first; none is a server that is ready.
    pub expected: String,
    /// The codes that were.
    pub given: String,
    /// When, next to the time allowed.
    #[serde(default)]
    pub time: String,
    /// What psql said.
    pub psql: String,
    /// What `pg_isready` said.
    pub pg_isready: String,
}
