//! The embedded store: one SQLite file, and beside it the key that its secrets are sealed under.
//!
//! What a function here has acknowledged survives a kill and a power cut: WAL, synchronous FULL, one transaction a call.

mod compare;
mod error;
mod migrate;
mod new_file;
pub mod postgres;
mod rows;
#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, reason = "a test says by panicking what did not hold")]
mod tests;

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection as Database, ErrorCode, OpenFlags, Transaction, TransactionBehavior};
use uuid::Uuid;

use crate::registry::api::{Action, Connection, ConnectionRequest, Created, Registered};
use crate::registry::auth::Auth;
use crate::registry::query::{Page, Query};
use crate::registry::record::{self, Change, Checked, Record};
use crate::registry::scope::Scope;
use crate::registry::seal::{SealError, Sealer};

pub(crate) use self::compare::shown_differences;
pub use self::error::{Difference, StoreError};

/// How long a call waits for another writer before it fails.
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Base connections in a SQLite database. Other processes may have the same file open.
#[derive(Debug)]
pub struct Store {
    db: Database,
    path: PathBuf,
    keys: Keys,
}

/// The key as it was read, the mark of the store that it opens, and where it is read again when that mark has changed.
#[derive(Debug, Clone)]
struct Keys {
    sealer: Sealer,
    check: Vec<u8>,
    file: Option<PathBuf>,
}

impl Store {
    /// Opens the store in the file `path`, made when absent, with the key in `path` + `.key`, made likewise, both mode 0600.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_with_key(path, &key_beside(path))
    }

    /// [`Store::open`] with the key in another place.
    pub fn open_with_key(path: &Path, key: &Path) -> Result<Self, StoreError> {
        let at = |source| failed(path, source);
        let unusable = |source| StoreError::Path { store: path.to_owned(), source };
        // Absolute, so that SQLite takes no path for one of its special names.
        let file = std::path::absolute(path).map_err(unusable)?;
        if !file.try_exists().map_err(unusable)? {
            new_file::make(&file).map_err(unusable)?;
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut db = Database::open_with_flags(&file, flags).map_err(at)?;
        db.busy_timeout(BUSY_TIMEOUT).map_err(at)?;
        db.pragma_update(None, "journal_mode", "WAL").map_err(at)?;
        db.pragma_update(None, "synchronous", "FULL").map_err(at)?;
        // Under the write lock, so that one of several first openers makes the schema and the key.
        let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(at)?;
        migrate::migrate(&transaction, path)?;
        let keys = match rows::seal_check(&transaction).map_err(at)? {
            Some(check) => Keys { sealer: known_sealer(path, key, &check)?, check, file: Some(key.to_owned()) },
            None => marked(Sealer::read_or_make(key)?, &transaction, path, Some(key))?,
        };
        transaction.commit().map_err(at)?;
        Ok(Self { db, path: path.to_owned(), keys })
    }

    /// A store that ends with the process, under a key that is kept nowhere.
    pub fn in_memory() -> Result<Self, StoreError> {
        let path = PathBuf::from(":memory:");
        let db = Database::open_in_memory().map_err(|source| failed(&path, source))?;
        migrate::migrate(&db, &path)?;
        let keys = marked(Sealer::ephemeral()?, &db, &path, None)?;
        Ok(Self { db, path, keys })
    }

    /// Stores a new connection, whatever others there are, with the report of its check.
    pub fn create(
        &mut self,
        scope: &Scope,
        request: &ConnectionRequest,
        report: Option<&str>,
    ) -> Result<Created, StoreError> {
        self.write(|transaction, path, keys| {
            let record = Record::new(scope, request, &keys.sealer)?;
            rows::insert(transaction, &record, report).map_err(|source| failed(path, source))?;
            Ok(Created { id: record.connection.id, etag: record.connection.etag })
        })
    }

    /// Stores the connection unless one of that name and source has the same settings; repeating it changes nothing.
    ///
    /// Secrets do not count as settings. One that differs is [`StoreError::NameTaken`].
    pub fn register(&mut self, scope: &Scope, request: &ConnectionRequest) -> Result<Registered, StoreError> {
        self.write(|transaction, path, keys| {
            let at = |source| failed(path, source);
            let namesakes =
                rows::by_name(transaction, scope, &request.name, &request.connection_spec.id).map_err(at)?;
            let mut taken = None;
            for namesake in namesakes {
                let auth = unseal(path, keys, &namesake)?;
                let Connection { id, etag, .. } = namesake.connection.clone();
                let differences = compare::differences(&namesake.connection, &auth, request);
                if differences.is_empty() {
                    return Ok(Registered { id, etag, action: Action::Unchanged });
                }
                taken.get_or_insert(StoreError::NameTaken { name: request.name.clone(), id, differences });
            }
            if let Some(taken) = taken {
                return Err(taken);
            }
            let record = Record::new(scope, request, &keys.sealer)?;
            rows::insert(transaction, &record, None).map_err(at)?;
            let Connection { id, etag, .. } = record.connection;
            Ok(Registered { id, etag, action: Action::Created })
        })
    }

    /// Changes a connection that still has this etag; None when it has not, or is gone. Without a report the old one stays.
    pub fn update(
        &mut self,
        before: &Connection,
        by: &Scope,
        change: &Change,
        report: Option<&str>,
    ) -> Result<Option<Created>, StoreError> {
        self.write(|transaction, path, keys| {
            let record = Record::changed(before.clone(), &by.client, change, &keys.sealer)?;
            let updated = rows::update(transaction, &record, &before.etag, report);
            let Connection { id, etag, .. } = record.connection;
            Ok(updated.map_err(|source| failed(path, source))?.then_some(Created { id, etag }))
        })
    }

    /// Whether there was such a connection to delete.
    pub fn delete(&mut self, scope: &Scope, id: Uuid) -> Result<bool, StoreError> {
        rows::delete(&self.db, scope, id).map_err(|source| failed(&self.path, source))
    }

    /// Keeps the report of a connection's latest check, unless it has another etag by now.
    pub fn set_report(&mut self, id: Uuid, etag: &str, report: &str) -> Result<(), StoreError> {
        rows::set_report(&self.db, id, etag, report).map_err(|source| failed(&self.path, source))
    }

    /// The report of the latest check.
    pub fn report(&self, scope: &Scope, id: Uuid) -> Result<Checked, StoreError> {
        rows::report(&self.db, scope, id).map_err(|source| failed(&self.path, source))
    }

    /// The connection as it may be shown.
    pub fn read(&self, scope: &Scope, id: Uuid) -> Result<Option<Connection>, StoreError> {
        let record = rows::by_id(&self.db, scope, id).map_err(|source| failed(&self.path, source))?;
        Ok(record.map(|record| record.connection))
    }

    /// The connections of that name and source as they may be shown, newest first: names need not be unique.
    pub fn find_by_name(&self, scope: &Scope, name: &str, spec_id: &str) -> Result<Vec<Connection>, StoreError> {
        let records = rows::by_name(&self.db, scope, name, spec_id).map_err(|source| failed(&self.path, source))?;
        Ok(records.into_iter().map(|record| record.connection).collect())
    }

    /// One page of a list, of at most `limit` connections.
    pub fn list(&self, scope: &Scope, query: &Query, limit: usize) -> Result<Page, StoreError> {
        let documents = rows::documents(&self.db, &query.page(scope, limit));
        let documents = documents.map_err(|source| failed(&self.path, source))?;
        query.paged(documents, limit).map_err(|_| StoreError::DocumentDamaged { store: self.path.clone() })
    }

    /// How many a list has.
    pub fn count(&self, scope: &Scope, query: &Query) -> Result<i64, StoreError> {
        rows::count(&self.db, &query.count(scope)).map_err(|source| failed(&self.path, source))
    }

    /// A connection, and how to log in to its database, secrets included.
    pub fn credentials(&mut self, scope: &Scope, id: Uuid) -> Result<Option<(Connection, Auth)>, StoreError> {
        let at = |source| failed(&self.path, source);
        // Of one moment: between two statements another process may rotate the key.
        let transaction = self.db.transaction().map_err(at)?;
        let Some(record) = rows::by_id(&transaction, scope, id).map_err(at)? else {
            return Ok(None);
        };
        self.keys.refresh(&transaction, &self.path)?;
        let auth = unseal(&self.path, &self.keys, &record)?;
        Ok(Some((record.connection, auth)))
    }

    /// Seals everything under a new key, and leaves that one alone in the key file. Says how many connections there are.
    ///
    /// Stopped at any point it has lost nothing, and can be called again. Processes that have the store open read the
    /// new key when they need it.
    pub fn rotate_key(&mut self) -> Result<usize, StoreError> {
        let Some(file) = self.keys.file.clone() else {
            return Ok(0);
        };
        let at = |source| failed(&self.path, source);
        let transaction = self.db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(at)?;
        let sealer = Sealer::begin_rotation(&file)?;
        let all = rows::all_secrets(&transaction).map_err(at)?;
        for (id, secrets) in &all {
            let resealed = Record::resealed(id, secrets, &sealer).ok_or_else(|| damaged(&self.path, id))?;
            rows::set_secrets(&transaction, id, &resealed).map_err(at)?;
        }
        let check = record::seal_check(&sealer)?;
        rows::set_seal_check(&transaction, &check).map_err(at)?;
        transaction.commit().map_err(at)?;
        Sealer::end_rotation(&file)?;
        self.keys = Keys { sealer: Sealer::read(&file)?, check, file: Some(file) };
        Ok(all.len())
    }

    /// The key that it seals with.
    pub fn sealer(&self) -> Sealer {
        self.keys.sealer.clone()
    }

    fn write<T>(
        &mut self,
        act: impl FnOnce(&Transaction<'_>, &Path, &Keys) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let Self { db, path, keys } = self;
        let at = |source| failed(path, source);
        let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(at)?;
        keys.refresh(&transaction, path)?;
        let done = act(&transaction, path, keys)?;
        transaction.commit().map_err(at)?;
        Ok(done)
    }
}

impl Keys {
    /// Reads the key file again where somebody has rotated the key since.
    fn refresh(&mut self, db: &Database, store: &Path) -> Result<(), StoreError> {
        let check = rows::seal_check(db).map_err(|source| failed(store, source))?;
        if let (Some(check), Some(file)) = (check, &self.file)
            && check != self.check
        {
            self.sealer = known_sealer(store, file, &check)?;
            self.check = check;
        }
        Ok(())
    }
}

/// Where the key of a store is, unless somebody says otherwise.
pub fn key_beside(store: &Path) -> PathBuf {
    let mut key = store.as_os_str().to_owned();
    key.push(".key");
    key.into()
}

fn failed(store: &Path, source: rusqlite::Error) -> StoreError {
    let store = store.to_owned();
    match source.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => StoreError::NotAStore { store },
        _ => StoreError::Database { store, source },
    }
}

/// The key of a store that has one already; never a new one in its stead.
pub(crate) fn known_sealer(store: &Path, key: &Path, check: &[u8]) -> Result<Sealer, StoreError> {
    let sealer = Sealer::read(key).map_err(|error| match error {
        SealError::KeyUnreadable { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
            StoreError::KeyMissing { store: store.to_owned(), key: key.to_owned() }
        }
        other => other.into(),
    })?;
    if !record::is_key_of(&sealer, check) {
        return Err(StoreError::KeyRefused { store: store.to_owned(), key: key.to_owned() });
    }
    Ok(sealer)
}

/// Marks a new store with its key.
fn marked(sealer: Sealer, db: &Database, store: &Path, file: Option<&Path>) -> Result<Keys, StoreError> {
    let check = record::seal_check(&sealer)?;
    rows::set_seal_check(db, &check).map_err(|source| failed(store, source))?;
    Ok(Keys { sealer, check, file: file.map(Path::to_owned) })
}

fn unseal(store: &Path, keys: &Keys, record: &Record) -> Result<Auth, StoreError> {
    let id = record.connection.id;
    record.auth(&keys.sealer).ok_or_else(|| damaged(store, &id.to_string()))
}

pub(crate) fn damaged(store: &Path, id: &str) -> StoreError {
    StoreError::SecretsDamaged { store: store.to_owned(), id: id.to_owned() }
}
