//! Where the store is that the arguments name.

use std::path::{Path, PathBuf};

use crate::cli::StoreArgs;
use crate::commands::misuse::Misuse;
use crate::error::Trouble;
use crate::registry::place;
use crate::registry::storage::Storage;
use crate::registry::store::key_beside;
use crate::registry::store::postgres::PgStore;
use crate::report::Report;
use crate::settings::{self, Sources};
use crate::target::{Secret, Target};

/// Where store and key are, and what is kept beside them.
pub struct Place {
    /// The store.
    pub store: Where,
    /// Its key.
    pub key: PathBuf,
    /// What is kept beside the store, or where that is a server, beside the key.
    pub directory: PathBuf,
}

/// Either kind of store.
pub enum Where {
    /// A SQLite file.
    File(PathBuf),
    /// A PostgreSQL server.
    Server(Box<Target>),
}

impl Place {
    /// By the arguments, else in the user's state directory.
    pub fn new(args: StoreArgs) -> Result<Self, Misuse> {
        let StoreArgs { store, key_file } = args;
        let state = || {
            let none =
                || Misuse("neither XDG_STATE_HOME nor HOME is set: say with --store where to keep them".to_owned());
            let state = place::state_directory(|name| std::env::var(name).ok()).ok_or_else(none)?;
            let shown = state.display().to_string();
            place::make_directory(&state).map_err(|error| Misuse(format!("cannot make {shown}: {error}")))?;
            Ok(state)
        };
        match store {
            Some(url) if url.starts_with("postgresql://") || url.starts_with("postgres://") => {
                let in_state_directory = || Ok(state()?.join("postgresql.key"));
                let key = key_file.map_or_else(in_state_directory, Ok)?;
                let directory = key.parent().unwrap_or(Path::new("")).to_owned();
                Ok(Self { store: Where::Server(Box::new(target(url)?)), key, directory })
            }
            Some(path) => Ok(Self::of_file(PathBuf::from(path), key_file)),
            None => Ok(Self::of_file(place::store_file(&state()?), key_file)),
        }
    }

    fn of_file(path: PathBuf, key: Option<PathBuf>) -> Self {
        let directory = path.parent().unwrap_or(Path::new("")).to_owned();
        Self { key: key.unwrap_or_else(|| key_beside(&path)), store: Where::File(path), directory }
    }

    /// Opens it, made when absent.
    pub async fn open(self) -> Result<Storage, Trouble> {
        match self.store {
            Where::File(path) => {
                Storage::embedded(&path, &self.key).map_err(|error| Trouble::Registry(error.to_string()))
            }
            Where::Server(target) => {
                let store =
                    PgStore::open(&target, &self.key).await.map_err(|error| Trouble::Registry(error.to_string()))?;
                Ok(Storage::Postgres(Box::new(store)))
            }
        }
    }
}

/// The store's URL as libpq means it, with the variables and files of whoever runs the service.
fn target(url: String) -> Result<Target, Misuse> {
    let environment = |name: &str| std::env::var(name).ok();
    let sources = Sources { target: Some(Secret::new(url)), environment: Some(&environment), ..Sources::default() };
    settings::read(&sources).map_err(|failure| {
        let report = Report::refused(&failure, false);
        let summary = report.findings.first().map(|finding| finding.summary.as_str());
        Misuse(format!("--store: {}", summary.unwrap_or("cannot be read")))
    })
}
