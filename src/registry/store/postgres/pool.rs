//! A few connections to the store's server. Each serves many statements at once, and is made anew when it has ended.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use postgres_native_tls::MakeTlsConnector;
use tokio::sync::Mutex;
use tokio::time::timeout;
use tokio_postgres::config::SslMode as DriverSslMode;
use tokio_postgres::{Client, Config, Row};

use super::{Param, StoreError};
use crate::registry::driver::connector;
use crate::target::{Endpoint, SslMode, Target};

/// How many connections.
const CONNECTIONS: usize = 4;

/// How long a statement, or a connect, may take.
const TIME: Duration = Duration::from_secs(10);

/// They are made when they are needed.
pub struct Pool {
    config: Config,
    tls: MakeTlsConnector,
    place: PathBuf,
    clients: [Mutex<Option<Arc<Client>>>; CONNECTIONS],
    next: AtomicUsize,
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pool({})", self.place.display())
    }
}

impl Pool {
    /// To where a target leads; every host of its list is tried.
    pub fn new(target: &Target) -> Result<Self, StoreError> {
        let mut config = Config::new();
        for candidate in target.candidates() {
            match &candidate.endpoint {
                Endpoint::Tcp { host, port, .. } => config.host(host).port(*port),
                Endpoint::Unix { directory, port } => config.host_path(directory).port(*port),
            };
            if let (Endpoint::Tcp { hostaddr: Some(address), .. }, true) =
                (&candidate.endpoint, target.alternatives.is_empty())
            {
                config.hostaddr(*address);
            }
        }
        config.user(&target.user).dbname(&target.database).application_name("pgpreflight serve").connect_timeout(TIME);
        if let Some(password) = &target.password {
            config.password(password.expose());
        }
        config.ssl_mode(match target.tls.mode {
            SslMode::Disable => DriverSslMode::Disable,
            SslMode::Allow | SslMode::Prefer => DriverSslMode::Prefer,
            SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => DriverSslMode::Require,
        });
        let tls = connector(&target.tls).map_err(|_| StoreError::Url { reason: "its sslrootcert cannot be read" })?;
        let place = format!("postgresql://{}:{}/{}", target.endpoint.host(), target.endpoint.port(), target.database);
        Ok(Self { config, tls, place: place.into(), clients: Default::default(), next: AtomicUsize::new(0) })
    }

    /// The store as messages name it: without user and password.
    pub fn place(&self) -> &Path {
        &self.place
    }

    /// A connection of its own.
    pub async fn connect(&self) -> Result<Client, StoreError> {
        let connecting = timeout(TIME, self.config.connect(self.tls.clone())).await;
        let (client, connection) = connecting.map_err(|_| self.silent())?.map_err(|source| self.failed(source))?;
        tokio::spawn(async move {
            // What ends it is told to whoever waits for an answer.
            drop(connection.await);
        });
        let set = timeout(TIME, client.batch_execute("SET search_path = pgpreflight, pg_catalog")).await;
        set.map_err(|_| self.silent())?.map_err(|source| self.failed(source))?;
        Ok(client)
    }

    /// How many rows a statement has changed.
    pub async fn execute(&self, sql: &str, values: &[Param<'_>]) -> Result<u64, StoreError> {
        let client = self.client().await?;
        let executed = timeout(TIME, client.execute_typed(sql, values)).await;
        executed.map_err(|_| self.silent())?.map_err(|source| self.failed(source))
    }

    /// The rows of a statement.
    pub async fn query(&self, sql: &str, values: &[Param<'_>]) -> Result<Vec<Row>, StoreError> {
        let client = self.client().await?;
        let queried = timeout(TIME, client.query_typed(sql, values)).await;
        queried.map_err(|_| self.silent())?.map_err(|source| self.failed(source))
    }

    async fn client(&self) -> Result<Arc<Client>, StoreError> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % CONNECTIONS;
        let Some(slot) = self.clients.get(turn) else {
            return self.connect().await.map(Arc::new);
        };
        let mut slot = slot.lock().await;
        if let Some(client) = slot.as_ref().filter(|client| !client.is_closed()) {
            return Ok(Arc::clone(client));
        }
        let client = Arc::new(self.connect().await?);
        *slot = Some(Arc::clone(&client));
        Ok(client)
    }

    /// An error with the place.
    pub fn failed(&self, source: tokio_postgres::Error) -> StoreError {
        StoreError::Postgres { store: self.place.clone(), source }
    }

    fn silent(&self) -> StoreError {
        StoreError::Silent { store: self.place.clone() }
    }
}
