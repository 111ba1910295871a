//! The embedded store: one SQLite file, and beside it the key that its secrets are sealed under.
//!
//! What a function here has acknowledged survives a kill and a power cut: WAL, synchronous FULL, one transaction a call.

mod compare;
mod error;
mod migrate;
mod new_file;
mod rows;
#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, reason = "a test says by panicking what did not hold")]
mod tests;

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection as Database, ErrorCode, OpenFlags, TransactionBehavior};
use uuid::Uuid;

use self::rows::Stored;
use crate::registry::api::{Action, Connection, ConnectionRequest, Created, Registered, State};
use crate::registry::auth::Auth;
use crate::registry::seal::{SealError, Sealer};
use crate::target::Secret;

pub use self::error::{Difference, StoreError};

/// How long a call waits for another writer before it fails.
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The place, and what is sealed there, that tells the right key from a wrong one.
const SEAL_CHECK: &str = "seal check";

/// Base connections in a SQLite database. Other processes may have the same file open.
#[derive(Debug)]
pub struct Store {
    db: Database,
    path: PathBuf,
    sealer: Sealer,
}

impl Store {
    /// Opens the store in the file `path`, made when absent, with the key in `path` + `.key`, made likewise, both mode 0600.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let mut key = path.as_os_str().to_owned();
        key.push(".key");
        Self::open_with_key(path, Path::new(&key))
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
        let sealer = match rows::seal_check(&transaction).map_err(at)? {
            Some(check) => known_sealer(path, key, &check)?,
            None => with_check(Sealer::read_or_make(key)?, &transaction, path)?,
        };
        transaction.commit().map_err(at)?;
        Ok(Self { db, path: path.to_owned(), sealer })
    }

    /// A store that ends with the process, under a key that is kept nowhere.
    pub fn in_memory() -> Result<Self, StoreError> {
        let path = PathBuf::from(":memory:");
        let db = Database::open_in_memory().map_err(|source| failed(&path, source))?;
        migrate::migrate(&db, &path)?;
        let sealer = with_check(Sealer::ephemeral()?, &db, &path)?;
        Ok(Self { db, path, sealer })
    }

    /// Stores a new connection, whatever others there are.
    pub fn create(&mut self, request: &ConnectionRequest) -> Result<Created, StoreError> {
        let at = |source| failed(&self.path, source);
        let row = new_row(request, &self.sealer)?;
        let transaction = self.db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(at)?;
        rows::insert(&transaction, &row).map_err(at)?;
        transaction.commit().map_err(at)?;
        Ok(Created { id: row.connection.id, etag: row.connection.etag })
    }

    /// Stores the connection unless one of that name and source has the same settings; repeating it changes nothing.
    ///
    /// Secrets do not count as settings. One that differs is [`StoreError::NameTaken`].
    pub fn register(&mut self, request: &ConnectionRequest) -> Result<Registered, StoreError> {
        let at = |source| failed(&self.path, source);
        let transaction = self.db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(at)?;
        let namesakes = rows::by_name(&transaction, &request.name, &request.connection_spec.id).map_err(at)?;
        let mut taken = None;
        for namesake in namesakes {
            let auth = unseal(&self.path, &self.sealer, &namesake)?;
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
        let row = new_row(request, &self.sealer)?;
        rows::insert(&transaction, &row).map_err(at)?;
        transaction.commit().map_err(at)?;
        Ok(Registered { id: row.connection.id, etag: row.connection.etag, action: Action::Created })
    }

    /// The connection as it may be shown.
    pub fn read(&self, id: Uuid) -> Result<Option<Connection>, StoreError> {
        let row = rows::by_id(&self.db, id).map_err(|source| failed(&self.path, source))?;
        Ok(row.map(|row| row.connection))
    }

    /// The connections of that name and source as they may be shown, newest first: names need not be unique.
    pub fn find_by_name(&self, name: &str, spec_id: &str) -> Result<Vec<Connection>, StoreError> {
        let rows = rows::by_name(&self.db, name, spec_id).map_err(|source| failed(&self.path, source))?;
        Ok(rows.into_iter().map(|row| row.connection).collect())
    }

    /// How to log in to the database of a connection, secrets included.
    pub fn credentials(&self, id: Uuid) -> Result<Option<Auth>, StoreError> {
        let row = rows::by_id(&self.db, id).map_err(|source| failed(&self.path, source))?;
        row.map(|row| unseal(&self.path, &self.sealer, &row)).transpose()
    }
}

fn failed(store: &Path, source: rusqlite::Error) -> StoreError {
    let store = store.to_owned();
    match source.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => StoreError::NotAStore { store },
        _ => StoreError::Database { store, source },
    }
}

/// The key of a store that has one already; never a new one in its stead.
fn known_sealer(store: &Path, key: &Path, check: &[u8]) -> Result<Sealer, StoreError> {
    let sealer = Sealer::read(key).map_err(|error| match error {
        SealError::KeyUnreadable { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
            StoreError::KeyMissing { store: store.to_owned(), key: key.to_owned() }
        }
        other => other.into(),
    })?;
    match sealer.open(SEAL_CHECK, check) {
        Ok(_) => Ok(sealer),
        Err(_) => Err(StoreError::KeyRefused { store: store.to_owned(), key: key.to_owned() }),
    }
}

/// Marks a new store with its key.
fn with_check(sealer: Sealer, db: &Database, store: &Path) -> Result<Sealer, StoreError> {
    let check = sealer.seal(SEAL_CHECK, &Secret::new(SEAL_CHECK.to_owned()))?;
    rows::insert_seal_check(db, &check).map_err(|source| failed(store, source))?;
    Ok(sealer)
}

fn new_row(request: &ConnectionRequest, sealer: &Sealer) -> Result<Stored, StoreError> {
    let id = Uuid::new_v4();
    let now = jiff::Timestamp::now();
    let etag = etag(now);
    let connection = Connection {
        id,
        created_at: now.as_millisecond(),
        updated_at: now.as_millisecond(),
        name: request.name.clone(),
        description: request.description.clone(),
        connection_spec: request.connection_spec.clone(),
        state: State::Enabled,
        auth: request.auth.masked(),
        version: etag.clone(),
        etag,
    };
    let secrets = sealer.seal(&id.to_string(), &request.auth.secrets_text())?;
    Ok(Stored { connection, secrets })
}

/// In the form of the platform's: a random head, the Unix time in seconds in the tail, double quotes around.
fn etag(now: jiff::Timestamp) -> String {
    let (head, ..) = Uuid::new_v4().as_fields();
    format!("\"{head:08x}-0000-0200-0000-{:08x}0000\"", now.as_second())
}

fn unseal(store: &Path, sealer: &Sealer, row: &Stored) -> Result<Auth, StoreError> {
    let id = row.connection.id;
    let secrets = sealer.open(&id.to_string(), &row.secrets).ok();
    let auth = secrets.and_then(|secrets| Auth::unmasked(row.connection.auth.clone(), &secrets));
    auth.ok_or_else(|| StoreError::SecretsDamaged { store: store.to_owned(), id })
}
