//! The SQL of the store: one function per statement, each on a connection or within a transaction.

use rusqlite::types::Type;
use rusqlite::{Connection as Database, Error, OptionalExtension as _, Result, Row, named_params};
use uuid::Uuid;

use crate::registry::api::{Connection, ConnectionSpec, State};

const COLUMNS: &str =
    "id, name, description, spec_id, spec_version, state, auth, etag, created_at, updated_at, secrets";

/// A row: what may be shown, and the secrets under seal.
pub(super) struct Stored {
    pub(super) connection: Connection,
    pub(super) secrets: Vec<u8>,
}

pub(super) fn insert(db: &Database, row: &Stored) -> Result<()> {
    let Stored { connection, secrets } = row;
    let auth = serde_json::to_string(&connection.auth).map_err(|error| Error::ToSqlConversionFailure(error.into()))?;
    let sql = "
        INSERT INTO connection
            (id, name, description, spec_id, spec_version, state, auth, secrets, etag, created_at, updated_at)
        VALUES
            (:id, :name, :description, :spec_id, :spec_version, :state, :auth, :secrets, :etag, :created_at, :updated_at)";
    let values = named_params! {
        ":id": connection.id.to_string(),
        ":name": connection.name,
        ":description": connection.description,
        ":spec_id": connection.connection_spec.id,
        ":spec_version": connection.connection_spec.version,
        ":state": match connection.state { State::Enabled => "enabled", State::Disabled => "disabled" },
        ":auth": auth,
        ":secrets": secrets,
        ":etag": connection.etag,
        ":created_at": connection.created_at,
        ":updated_at": connection.updated_at,
    };
    db.prepare_cached(sql)?.execute(values).map(|_| ())
}

pub(super) fn by_id(db: &Database, id: Uuid) -> Result<Option<Stored>> {
    let sql = format!("SELECT {COLUMNS} FROM connection WHERE id = ?1");
    db.prepare_cached(&sql)?.query_row([id.to_string()], stored).optional()
}

/// Newest first.
pub(super) fn by_name(db: &Database, name: &str, spec_id: &str) -> Result<Vec<Stored>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM connection WHERE name = ?1 AND spec_id = ?2 ORDER BY updated_at DESC, rowid DESC"
    );
    db.prepare_cached(&sql)?.query_map([name, spec_id], stored)?.collect()
}

pub(super) fn seal_check(db: &Database) -> Result<Option<Vec<u8>>> {
    db.query_row("SELECT sealed FROM seal_check", [], |row| row.get(0)).optional()
}

pub(super) fn insert_seal_check(db: &Database, sealed: &[u8]) -> Result<()> {
    db.execute("INSERT INTO seal_check (only, sealed) VALUES (1, ?1)", [sealed]).map(|_| ())
}

fn stored(row: &Row<'_>) -> Result<Stored> {
    let id: String = row.get("id")?;
    let state: String = row.get("state")?;
    let auth: String = row.get("auth")?;
    let etag: String = row.get("etag")?;
    let connection = Connection {
        id: id.parse().map_err(|error| unreadable("id", error))?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
        name: row.get("name")?,
        description: row.get("description")?,
        connection_spec: ConnectionSpec { id: row.get("spec_id")?, version: row.get("spec_version")? },
        state: match state.as_str() {
            "enabled" => State::Enabled,
            "disabled" => State::Disabled,
            _ => return Err(unreadable("state", "neither enabled nor disabled")),
        },
        auth: serde_json::from_str(&auth).map_err(|error| unreadable("auth", error))?,
        version: etag.clone(),
        etag,
    };
    Ok(Stored { connection, secrets: row.get("secrets")? })
}

/// A value that is not what this program writes there.
fn unreadable(column: &str, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    let position = COLUMNS.split(", ").position(|name| name == column).unwrap_or_default();
    Error::FromSqlConversionFailure(position, Type::Text, error.into())
}
