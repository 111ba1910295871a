//! Brings the schema in PostgreSQL up to date, and finds the key that opens the store. One of several at a time does it.

use std::path::Path;

use super::{Keys, Pool, StoreError, known_sealer, record};
use crate::registry::seal::Sealer;

/// Applied in order. Never changed once released, only added to.
const MIGRATIONS: [&str; 1] = [include_str!("../../migrations/postgresql/0001_connections.sql")];

/// Held while the schema is looked at: "pgpf".
const LOCK: i64 = 0x7067_7066;

/// Makes or updates the schema, and the key of a new store.
pub async fn migrate(pool: &Pool, key: &Path) -> Result<Keys, StoreError> {
    let failed = |source| pool.failed(source);
    let mut client = pool.connect().await?;
    let transaction = client.transaction().await.map_err(failed)?;
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await.map_err(failed)?;
    // To make it takes a right on the database that need not be there once it is made.
    let schema = "SELECT FROM pg_namespace WHERE nspname = 'pgpreflight'";
    if transaction.query_opt(schema, &[]).await.map_err(failed)?.is_none() {
        transaction.batch_execute("CREATE SCHEMA pgpreflight").await.map_err(failed)?;
    }
    let table = "CREATE TABLE IF NOT EXISTS migration (number bigint PRIMARY KEY)";
    transaction.batch_execute(table).await.map_err(failed)?;
    let found = transaction.query_one("SELECT COALESCE(max(number), 0) FROM migration", &[]).await.map_err(failed)?;
    let found: i64 = found.try_get(0).map_err(failed)?;
    let pending = usize::try_from(found).ok().and_then(|applied| MIGRATIONS.get(applied..));
    let Some(pending) = pending else {
        return Err(StoreError::Newer { store: pool.place().to_owned(), found, known: MIGRATIONS.len() });
    };
    for (number, migration) in (found + 1..).zip(pending) {
        transaction.batch_execute(migration).await.map_err(failed)?;
        transaction.execute("INSERT INTO migration VALUES ($1)", &[&number]).await.map_err(failed)?;
    }
    let mark = transaction.query_opt("SELECT sealed FROM seal_check", &[]).await.map_err(failed)?;
    let keys = if let Some(row) = mark {
        let check: Vec<u8> = row.try_get(0).map_err(failed)?;
        Keys { sealer: known_sealer(pool.place(), key, &check)?, check, file: Some(key.to_owned()) }
    } else {
        let sealer = Sealer::read_or_make(key)?;
        let check = record::seal_check(&sealer)?;
        transaction.execute("INSERT INTO seal_check VALUES (1, $1)", &[&check]).await.map_err(failed)?;
        Keys { sealer, check, file: Some(key.to_owned()) }
    };
    transaction.commit().await.map_err(failed)?;
    Ok(keys)
}
