//! The SQL of the embedded store: one function per statement, each on a connection or within a transaction.

use rusqlite::types::{ToSql, ToSqlOutput, Type};
use rusqlite::{Connection as Database, Error, OptionalExtension as _, Result, Row, named_params, params_from_iter};
use uuid::Uuid;

use crate::registry::query::{Statement, Value};
use crate::registry::record::{Checked, Record};
use crate::registry::scope::Scope;

pub(super) fn insert(db: &Database, record: &Record, report: Option<&str>) -> Result<()> {
    let Record { connection, document, secrets } = record;
    let sql = "
        INSERT INTO connection
            (id, organization, sandbox, name, description, spec_id, state, etag, created_at, updated_at,
             document, secrets, report)
        VALUES
            (:id, :organization, :sandbox, :name, :description, :spec_id, :state, :etag, :created_at, :updated_at,
             :document, :secrets, :report)";
    let values = named_params! {
        ":id": connection.id.to_string(),
        ":organization": connection.owner.ims_org_id,
        ":sandbox": connection.owner.sandbox_name,
        ":name": connection.name,
        ":description": connection.description,
        ":spec_id": connection.connection_spec.id,
        ":state": connection.state.as_str(),
        ":etag": connection.etag,
        ":created_at": connection.created_at,
        ":updated_at": connection.updated_at,
        ":document": document,
        ":secrets": secrets,
        ":report": report,
    };
    db.prepare_cached(sql)?.execute(values).map(|_| ())
}

/// Unless it has another etag by now. A report that is not given stays.
pub(super) fn update(db: &Database, record: &Record, etag: &str, report: Option<&str>) -> Result<bool> {
    let Record { connection, document, secrets } = record;
    let sql = "
        UPDATE connection
        SET name = :name, description = :description, state = :state, etag = :etag, updated_at = :updated_at,
            document = :document, secrets = :secrets, report = COALESCE(:report, report)
        WHERE id = :id AND etag = :old_etag";
    let values = named_params! {
        ":id": connection.id.to_string(),
        ":old_etag": etag,
        ":name": connection.name,
        ":description": connection.description,
        ":state": connection.state.as_str(),
        ":etag": connection.etag,
        ":updated_at": connection.updated_at,
        ":document": document,
        ":secrets": secrets,
        ":report": report,
    };
    Ok(db.prepare_cached(sql)?.execute(values)? == 1)
}

pub(super) fn by_id(db: &Database, scope: &Scope, id: Uuid) -> Result<Option<Record>> {
    let sql = "SELECT document, secrets FROM connection WHERE id = ?1 AND organization = ?2 AND sandbox = ?3";
    let key = [&id.to_string(), &scope.organization, &scope.sandbox];
    db.prepare_cached(sql)?.query_row(key, record).optional()
}

/// Newest first.
pub(super) fn by_name(db: &Database, scope: &Scope, name: &str, spec_id: &str) -> Result<Vec<Record>> {
    let sql = "
        SELECT document, secrets FROM connection
        WHERE organization = ?1 AND sandbox = ?2 AND name = ?3 AND spec_id = ?4
        ORDER BY updated_at DESC, rowid DESC";
    let key = [&scope.organization, &scope.sandbox, name, spec_id];
    db.prepare_cached(sql)?.query_map(key, record)?.collect()
}

pub(super) fn delete(db: &Database, scope: &Scope, id: Uuid) -> Result<bool> {
    let sql = "DELETE FROM connection WHERE id = ?1 AND organization = ?2 AND sandbox = ?3";
    let key = [&id.to_string(), &scope.organization, &scope.sandbox];
    Ok(db.prepare_cached(sql)?.execute(key)? == 1)
}

pub(super) fn documents(db: &Database, statement: &Statement) -> Result<Vec<String>> {
    let mut prepared = db.prepare_cached(&numbered(statement))?;
    prepared.query_map(params_from_iter(&statement.values), |row| row.get(0))?.collect()
}

pub(super) fn count(db: &Database, statement: &Statement) -> Result<i64> {
    db.prepare_cached(&numbered(statement))?.query_row(params_from_iter(&statement.values), |row| row.get(0))
}

/// The report of the latest check.
pub(super) fn report(db: &Database, scope: &Scope, id: Uuid) -> Result<Checked> {
    let sql = "SELECT report FROM connection WHERE id = ?1 AND organization = ?2 AND sandbox = ?3";
    let key = [&id.to_string(), &scope.organization, &scope.sandbox];
    let report: Option<Option<String>> = db.prepare_cached(sql)?.query_row(key, |row| row.get(0)).optional()?;
    Ok(report.map_or(Checked::NoConnection, Checked::from))
}

/// Not on a connection that has been changed since it was checked.
pub(super) fn set_report(db: &Database, id: Uuid, etag: &str, report: &str) -> Result<()> {
    let sql = "UPDATE connection SET report = ?3 WHERE id = ?1 AND etag = ?2";
    db.prepare_cached(sql)?.execute([&id.to_string(), etag, report]).map(|_| ())
}

pub(super) fn seal_check(db: &Database) -> Result<Option<Vec<u8>>> {
    db.prepare_cached("SELECT sealed FROM seal_check")?.query_row([], |row| row.get(0)).optional()
}

pub(super) fn set_seal_check(db: &Database, sealed: &[u8]) -> Result<()> {
    db.execute("INSERT OR REPLACE INTO seal_check (number, sealed) VALUES (1, ?1)", [sealed]).map(|_| ())
}

pub(super) fn all_secrets(db: &Database) -> Result<Vec<(String, Vec<u8>)>> {
    db.prepare("SELECT id, secrets FROM connection")?.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

pub(super) fn set_secrets(db: &Database, id: &str, secrets: &[u8]) -> Result<()> {
    db.prepare_cached("UPDATE connection SET secrets = ?2 WHERE id = ?1")?.execute((id, secrets)).map(|_| ())
}

fn record(row: &Row<'_>) -> Result<Record> {
    let stored = Record::stored(row.get(0)?, row.get(1)?);
    stored.map_err(|error| Error::FromSqlConversionFailure(0, Type::Text, error.into()))
}

/// `$1` is a name to SQLite, `?1` is a number.
fn numbered(statement: &Statement) -> String {
    statement.sql.replace('$', "?")
}

impl ToSql for Value {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        match self {
            Self::Number(number) => number.to_sql(),
            Self::Text(text) => text.to_sql(),
        }
    }
}
