//! Brings a SQLite file to the current schema, or leaves it untouched and says why.

use std::path::Path;

use rusqlite::{Connection, Result};

use super::error::StoreError;

/// Applied in order; each sets the file's `user_version` to its own number. Never changed once released, only added to.
const MIGRATIONS: [&str; 1] = [include_str!("../migrations/sqlite/0001_connections.sql")];

/// As in `0001_connections.sql`.
const APPLICATION_ID: i64 = 0x7067_7066;

/// To be called within a transaction, which the caller commits.
pub(super) fn migrate(db: &Connection, store: &Path) -> Result<(), StoreError> {
    let failed = |source| StoreError::Database { store: store.to_owned(), source };
    let found = number(db, "SELECT user_version FROM pragma_user_version").map_err(failed)?;
    if !is_ours(db).map_err(failed)? {
        return Err(StoreError::NotAStore { store: store.to_owned() });
    }
    let pending = usize::try_from(found).ok().and_then(|applied| MIGRATIONS.get(applied..));
    let Some(pending) = pending else {
        return Err(StoreError::Newer { store: store.to_owned(), found, known: MIGRATIONS.len() });
    };
    for migration in pending {
        db.execute_batch(migration).map_err(failed)?;
    }
    Ok(())
}

/// Ours by its mark, or still empty.
fn is_ours(db: &Connection) -> Result<bool> {
    let mark = number(db, "SELECT application_id FROM pragma_application_id")?;
    Ok(mark == APPLICATION_ID || (mark == 0 && number(db, "SELECT count(*) FROM sqlite_schema")? == 0))
}

fn number(db: &Connection, sql: &str) -> Result<i64> {
    db.query_row(sql, [], |row| row.get(0))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test says by panicking what did not hold")]
mod tests {
    use super::*;

    #[test]
    fn every_migration_sets_its_own_number() {
        let db = Connection::open_in_memory().unwrap();
        for (applied, migration) in (1..).zip(MIGRATIONS) {
            db.execute_batch(migration).unwrap();
            assert_eq!(number(&db, "SELECT user_version FROM pragma_user_version").unwrap(), applied);
        }
        migrate(&db, Path::new("")).unwrap();
    }
}
