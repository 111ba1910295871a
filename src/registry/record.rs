//! A connection as a store keeps it: what may be shown, as one JSON text, and the secrets under seal.

use jiff::Timestamp;
use uuid::Uuid;

use crate::registry::api::{Connection, ConnectionRequest, State};
use crate::registry::auth::Auth;
use crate::registry::scope::Scope;
use crate::registry::seal::{SealError, Sealer};
use crate::target::Secret;

/// The place, and what is sealed there, that tells the right key from a wrong one.
const SEAL_CHECK: &str = "seal check";

/// A row of the table `connection`, but for the report.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    /// What may be shown.
    pub connection: Connection,
    /// The same as JSON text, as every answer has it.
    pub document: String,
    /// The secrets of its `auth`, sealed for its id.
    pub secrets: Vec<u8>,
}

/// What a store knows of the checks of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Checked {
    /// There is no such connection.
    NoConnection,
    /// There was none.
    Never,
    /// The report of the latest, as JSON text.
    Latest(String),
}

impl From<Option<String>> for Checked {
    fn from(report: Option<String>) -> Self {
        report.map_or(Self::Never, Self::Latest)
    }
}

/// What a PATCH leaves behind.
#[derive(Debug, Clone)]
pub struct Change {
    /// The new name.
    pub name: String,
    /// The new description.
    pub description: Option<String>,
    /// The new state.
    pub state: State,
    /// All parameters, secrets included.
    pub auth: Auth,
}

impl Record {
    /// A new connection.
    pub fn new(scope: &Scope, request: &ConnectionRequest, sealer: &Sealer) -> Result<Self, SealError> {
        let now = Timestamp::now();
        let etag = etag(now);
        let connection = Connection {
            id: Uuid::new_v4(),
            created_at: now.as_millisecond(),
            updated_at: now.as_millisecond(),
            owner: scope.owner(),
            name: request.name.clone(),
            description: request.description.clone(),
            connection_spec: request.connection_spec.clone(),
            state: State::Enabled,
            auth: request.auth.masked(),
            version: etag.clone(),
            etag,
        };
        Self::sealed(connection, &request.auth, sealer)
    }

    /// A connection after a change, with a new etag.
    pub fn changed(before: Connection, by: &str, change: &Change, sealer: &Sealer) -> Result<Self, SealError> {
        let now = Timestamp::now();
        let etag = etag(now);
        let mut connection = Connection {
            // Clocks go back; an update is never older than what it updates.
            updated_at: now.as_millisecond().max(before.updated_at),
            name: change.name.clone(),
            description: change.description.clone(),
            state: change.state.clone(),
            auth: change.auth.masked(),
            version: etag.clone(),
            etag,
            ..before
        };
        by.clone_into(&mut connection.owner.updated_by);
        by.clone_into(&mut connection.owner.updated_client);
        Self::sealed(connection, &change.auth, sealer)
    }

    fn sealed(connection: Connection, auth: &Auth, sealer: &Sealer) -> Result<Self, SealError> {
        let secrets = sealer.seal(&connection.id.to_string(), &auth.secrets_text())?;
        let document = serde_json::to_string(&connection).map_err(|_| SealError::TooLong)?;
        Ok(Self { connection, document, secrets })
    }

    /// As it was stored.
    pub fn stored(document: String, secrets: Vec<u8>) -> Result<Self, serde_json::Error> {
        Ok(Self { connection: serde_json::from_str(&document)?, document, secrets })
    }

    /// How to log in, secrets included; None where they do not open.
    pub fn auth(&self, sealer: &Sealer) -> Option<Auth> {
        let secrets = sealer.open(&self.connection.id.to_string(), &self.secrets).ok()?;
        Auth::unmasked(self.connection.auth.clone(), &secrets)
    }

    /// The same secrets under the first key of a sealer; None where they do not open.
    pub fn resealed(id: &str, secrets: &[u8], sealer: &Sealer) -> Option<Vec<u8>> {
        sealer.seal(id, &sealer.open(id, secrets).ok()?).ok()
    }
}

/// What marks a store with its key.
pub(crate) fn seal_check(sealer: &Sealer) -> Result<Vec<u8>, SealError> {
    sealer.seal(SEAL_CHECK, &Secret::new(SEAL_CHECK.to_owned()))
}

/// Whether the mark of a store opens.
pub(crate) fn is_key_of(sealer: &Sealer, check: &[u8]) -> bool {
    sealer.open(SEAL_CHECK, check).is_ok()
}

/// In the form of the platform's: a random head, the Unix time in seconds in the tail, double quotes around.
fn etag(now: Timestamp) -> String {
    let (head, ..) = Uuid::new_v4().as_fields();
    format!("\"{head:08x}-0000-0200-0000-{:08x}0000\"", now.as_second())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test says by panicking what did not hold")]
mod tests {
    use super::*;

    #[test]
    fn an_etag_has_the_form_of_the_platform_with_its_inner_quotes() {
        let etag = etag("2025-03-21T11:09:44Z".parse().unwrap());
        let (head, tail) = etag.split_at(9);
        assert_eq!(tail, "-0000-0200-0000-67dd48f80000\"");
        assert!(head.starts_with('"') && head.chars().skip(1).all(|c| c.is_ascii_hexdigit()), "{head}");
    }
}
