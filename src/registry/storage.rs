//! The store as the service uses it: without waiting on a thread that serves callers. Embedded, one writer and a few
//! readers take turns on threads of their own; PostgreSQL waits by itself.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::registry::api::{Connection, ConnectionRequest, Created, Registered};
use crate::registry::auth::Auth;
use crate::registry::query::{Page, Query};
use crate::registry::record::{Change, Checked};
use crate::registry::scope::Scope;
use crate::registry::seal::Sealer;
use crate::registry::store::postgres::PgStore;
use crate::registry::store::{Store, StoreError};

/// How many read at a time.
const READERS: usize = 4;

/// One of the two.
#[derive(Debug)]
pub enum Storage {
    /// A file.
    Embedded(Arc<Embedded>),
    /// A server.
    Postgres(Box<PgStore>),
}

/// A SQLite file with its one writer.
#[derive(Debug)]
pub struct Embedded {
    path: PathBuf,
    key: PathBuf,
    writer: Mutex<Store>,
    readers: Mutex<Vec<Store>>,
    turns: Semaphore,
}

impl Storage {
    /// Opens the file.
    pub fn embedded(path: &Path, key: &Path) -> Result<Self, StoreError> {
        let writer = Mutex::new(Store::open_with_key(path, key)?);
        let (readers, turns) = (Mutex::new(Vec::new()), Semaphore::new(READERS));
        let (path, key) = (path.to_owned(), key.to_owned());
        Ok(Self::Embedded(Arc::new(Embedded { path, key, writer, readers, turns })))
    }

    /// The key that it seals with.
    pub fn sealer(&self) -> Sealer {
        match self {
            Self::Embedded(embedded) => embedded.writer.lock().unwrap_or_else(PoisonError::into_inner).sealer(),
            Self::Postgres(store) => store.sealer(),
        }
    }

    /// As [`Store::create`].
    pub async fn create(
        &self,
        scope: &Scope,
        request: ConnectionRequest,
        report: Option<String>,
    ) -> Result<Created, StoreError> {
        match self {
            Self::Embedded(embedded) => {
                let scope = scope.clone();
                embedded.write(move |store| store.create(&scope, &request, report.as_deref())).await
            }
            Self::Postgres(store) => store.create(scope, &request, report.as_deref()).await,
        }
    }

    /// As [`Store::register`]; None where the store has no such step.
    pub async fn register(&self, scope: &Scope, request: ConnectionRequest) -> Option<Result<Registered, StoreError>> {
        match self {
            Self::Embedded(embedded) => {
                let scope = scope.clone();
                Some(embedded.write(move |store| store.register(&scope, &request)).await)
            }
            Self::Postgres(_) => None,
        }
    }

    /// As [`Store::update`].
    pub async fn update(
        &self,
        before: Connection,
        by: &Scope,
        change: Change,
        report: Option<String>,
    ) -> Result<Option<Created>, StoreError> {
        match self {
            Self::Embedded(embedded) => {
                let by = by.clone();
                embedded.write(move |store| store.update(&before, &by, &change, report.as_deref())).await
            }
            Self::Postgres(store) => store.update(before, by, &change, report.as_deref()).await,
        }
    }

    /// As [`Store::delete`].
    pub async fn delete(&self, scope: &Scope, id: Uuid) -> Result<bool, StoreError> {
        match self {
            Self::Embedded(embedded) => {
                let scope = scope.clone();
                embedded.write(move |store| store.delete(&scope, id)).await
            }
            Self::Postgres(store) => store.delete(scope, id).await,
        }
    }

    /// As [`Store::set_report`].
    pub async fn set_report(&self, connection: &Connection, report: String) -> Result<(), StoreError> {
        let (id, etag) = (connection.id, connection.etag.clone());
        match self {
            Self::Embedded(embedded) => embedded.write(move |store| store.set_report(id, &etag, &report)).await,
            Self::Postgres(store) => store.set_report(id, &etag, &report).await,
        }
    }

    /// As [`Store::report`].
    pub async fn report(&self, scope: &Scope, id: Uuid) -> Result<Checked, StoreError> {
        match self {
            Self::Embedded(embedded) => {
                let scope = scope.clone();
                embedded.read(move |store| store.report(&scope, id)).await
            }
            Self::Postgres(store) => store.report(scope, id).await,
        }
    }

    /// As [`Store::read`].
    pub async fn read(&self, scope: &Scope, id: Uuid) -> Result<Option<Connection>, StoreError> {
        match self {
            Self::Embedded(embedded) => {
                let scope = scope.clone();
                embedded.read(move |store| store.read(&scope, id)).await
            }
            Self::Postgres(store) => store.read(scope, id).await,
        }
    }

    /// As [`Store::credentials`].
    pub async fn credentials(&self, scope: &Scope, id: Uuid) -> Result<Option<(Connection, Auth)>, StoreError> {
        match self {
            Self::Embedded(embedded) => {
                let scope = scope.clone();
                embedded.read(move |store| store.credentials(&scope, id)).await
            }
            Self::Postgres(store) => store.credentials(scope, id).await,
        }
    }

    /// As [`Store::list`].
    pub async fn list(&self, scope: &Scope, query: Query, limit: usize) -> Result<Page, StoreError> {
        match self {
            Self::Embedded(embedded) => {
                let scope = scope.clone();
                embedded.read(move |store| store.list(&scope, &query, limit)).await
            }
            Self::Postgres(store) => store.list(scope, &query, limit).await,
        }
    }

    /// As [`Store::count`].
    pub async fn count(&self, scope: &Scope, query: Query) -> Result<i64, StoreError> {
        match self {
            Self::Embedded(embedded) => {
                let scope = scope.clone();
                embedded.read(move |store| store.count(&scope, &query)).await
            }
            Self::Postgres(store) => store.count(scope, &query).await,
        }
    }
}

impl Embedded {
    async fn write<T: Send + 'static>(
        self: &Arc<Self>,
        act: impl FnOnce(&mut Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let this = Arc::clone(self);
        // A transaction that a panic has left is rolled back, so that the store is sound whatever happened.
        off_thread(&self.path, move || act(&mut this.writer.lock().unwrap_or_else(PoisonError::into_inner))).await
    }

    async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        act: impl FnOnce(&mut Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let this = Arc::clone(self);
        // The semaphore is never closed.
        let _turn = self.turns.acquire().await.ok();
        off_thread(&self.path, move || {
            let idle = this.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut reader = match idle {
                Some(reader) => reader,
                None => Store::open_with_key(&this.path, &this.key)?,
            };
            let done = act(&mut reader);
            this.readers.lock().unwrap_or_else(PoisonError::into_inner).push(reader);
            done
        })
        .await
    }
}

async fn off_thread<T: Send + 'static>(
    store: &Path,
    act: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let silent = || StoreError::Silent { store: store.to_owned() };
    tokio::task::spawn_blocking(act).await.unwrap_or_else(|_| Err(silent()))
}
