//! What can go wrong with a store: operands, the file first, and never a secret.

use std::fmt;
use std::io;
use std::path::PathBuf;

use uuid::Uuid;

use crate::registry::driver::said;
use crate::registry::seal::SealError;

/// Why the store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The path cannot be used: no such directory, no permission, disk full.
    #[error("cannot use {} as a store: {source}", store.display())]
    Path {
        /// The file.
        store: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// SQLite refused: disk full, damaged, locked for longer than [`super::BUSY_TIMEOUT`].
    #[error("the store {}: {source}", store.display())]
    Database {
        /// The file.
        store: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// The file is something else; it was left as it is.
    #[error("{} is not a store of pgpreflight; name another file", store.display())]
    NotAStore {
        /// The file.
        store: PathBuf,
    },
    /// A later version of the program has changed the store; it was left as it is.
    #[error("the store {} is of schema {found}, this program knows up to {known}; use the newer program", store.display())]
    Newer {
        /// The file.
        store: PathBuf,
        /// Its schema.
        found: i64,
        /// The highest that this program knows.
        known: usize,
    },
    /// The store has secrets, and the key file is gone. No new one is made: it would not open them.
    #[error(
        "the key file {} of the store {} is missing; restore it, or move the store away to begin anew",
        key.display(), store.display()
    )]
    KeyMissing {
        /// The store.
        store: PathBuf,
        /// Where its key was looked for.
        key: PathBuf,
    },
    /// The key is that of another store.
    #[error(
        "the key file {} does not open the store {}; name the one that was made with it",
        key.display(), store.display()
    )]
    KeyRefused {
        /// The store.
        store: PathBuf,
        /// The key file that was tried.
        key: PathBuf,
    },
    /// The secrets of one connection do not open, although the key is right.
    #[error(
        "the secrets of connection {id} in {} are damaged; delete that connection and register it again",
        store.display()
    )]
    SecretsDamaged {
        /// The file.
        store: PathBuf,
        /// The connection.
        id: String,
    },
    /// A row of the store is not what this program writes there.
    #[error("a connection in {} is damaged", store.display())]
    DocumentDamaged {
        /// The file.
        store: PathBuf,
    },
    /// PostgreSQL cannot be reached, or refused.
    #[error("the store {}: {}", store.display(), said(source))]
    Postgres {
        /// Host and database.
        store: PathBuf,
        /// What it or the driver said.
        source: tokio_postgres::Error,
    },
    /// A `postgresql://` URL that cannot be used.
    #[error("the URL of the store cannot be used: {reason}")]
    Url {
        /// Names parts, quotes none.
        reason: &'static str,
    },
    /// A store did not answer in time.
    #[error("the store {} does not answer", store.display())]
    Silent {
        /// Host and database.
        store: PathBuf,
    },
    /// The key file is unusable, or sealing failed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// There is a connection of that name and source, and it is another one.
    #[error("{name:?} is registered as {id} with other settings: {}", listed(differences))]
    NameTaken {
        /// As requested.
        name: String,
        /// The connection that has it; the newest, if several.
        id: Uuid,
        /// At least one.
        differences: Vec<Difference>,
    },
}

/// One setting in which the stored connection and the request differ. Values that may be secrets read `set`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Path in the request, such as `auth.params.server`.
    pub setting: String,
    /// `None` when not set.
    pub stored: Option<String>,
    /// `None` when not set.
    pub requested: Option<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |value: &Option<String>| value.as_ref().map_or("not set".to_owned(), |value| format!("{value:?}"));
        write!(f, "{} is {} there and {} here", self.setting, shown(&self.stored), shown(&self.requested))
    }
}

fn listed(differences: &[Difference]) -> String {
    differences.iter().map(Difference::to_string).collect::<Vec<_>>().join(", ")
}
