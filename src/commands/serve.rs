//! `serve`: arguments → store, clients and settings → the service, until it is told to end.

use std::path::{Path, PathBuf};

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::{PreflightMode, ServeArgs, ServeTask, StoreArgs};
use crate::commands::output::Output;
use crate::error::Trouble;
use crate::registry::place;
use crate::registry::server::clients::Clients;
use crate::registry::server::{self, Preflight, Settings, Storage};
use crate::registry::store::postgres::PgStore;
use crate::registry::store::{Store, key_beside};
use crate::render::layout::BAD;
use crate::report::Report;
use crate::settings::{self, Sources};
use crate::target::{Secret, Target};

/// Runs the subcommand.
pub async fn run(args: ServeArgs) -> Result<u8, Trouble> {
    if let Some(ServeTask::RotateKey(store)) = args.task {
        return rotate_key(store).await;
    }
    if !args.listen.ip().is_loopback() && args.clients.is_none() {
        let listen = args.listen;
        return Ok(misused(&format!("--listen {listen} is not loopback: say with --clients who may call")));
    }
    let place = match Place::new(args.store) {
        Ok(place) => place,
        Err(Misuse(reason)) => return Ok(misused(&reason)),
    };
    let mut output = Output::open(None)?;
    let clients = if let Some(path) = args.clients {
        path
    } else {
        let path = place.directory.join("clients.toml");
        Clients::make(&path).map_err(|error| registry(&error))?;
        output.write(|out| writeln!(out, "clients: {}", path.display()))?;
        path
    };
    let clients = Clients::read(&clients).map_err(|error| registry(&error))?;
    let storage = place.open().await?;
    let listening = |source| Trouble::Listen { address: args.listen, source };
    let listener = TcpListener::bind(args.listen).await.map_err(listening)?;
    let address = listener.local_addr().map_err(listening)?;
    let end = end().map_err(Trouble::Runtime)?;
    output.write(|out| writeln!(out, "listening: http://{address}"))?;
    let settings = Settings {
        clients,
        sandboxes: args.sandbox,
        preflight: match args.preflight {
            PreflightMode::Require => Preflight::Require,
            PreflightMode::Record => Preflight::Record,
            PreflightMode::Off => Preflight::Off,
        },
        allow: args.allow_network,
        deny: args.deny_network,
        names: args.server_name,
    };
    server::serve(listener, storage, settings, end).await;
    Ok(0)
}

async fn rotate_key(args: StoreArgs) -> Result<u8, Trouble> {
    let place = match Place::new(args) {
        Ok(place) => place,
        Err(Misuse(reason)) => return Ok(misused(&reason)),
    };
    let rotated = match &place.store {
        Where::File(path) => Store::open_with_key(path, &place.key).and_then(|mut store| store.rotate_key()),
        Where::Server(target) => match PgStore::open(target, &place.key).await {
            Ok(store) => store.rotate_key().await,
            Err(error) => Err(error),
        },
    };
    let count = rotated.map_err(|error| registry(&error))?;
    let key = place.key.display();
    Output::open(None)?.write(|out| writeln!(out, "sealed under a new key in {key}: {count} connections"))?;
    Ok(0)
}

/// Ends with the first of SIGTERM and SIGINT.
fn end() -> std::io::Result<impl Future<Output = ()>> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// A bad invocation.
struct Misuse(String);

/// Where store and key are, and what is kept beside them.
struct Place {
    store: Where,
    key: PathBuf,
    directory: PathBuf,
}

enum Where {
    File(PathBuf),
    Server(Box<Target>),
}

impl Place {
    fn new(args: StoreArgs) -> Result<Self, Misuse> {
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
                let directory = state()?;
                let key = key_file.unwrap_or_else(|| directory.join("postgresql.key"));
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

    async fn open(self) -> Result<Storage, Trouble> {
        match self.store {
            Where::File(path) => Storage::embedded(&path, &self.key).map_err(|error| registry(&error)),
            Where::Server(target) => {
                let store = PgStore::open(&target, &self.key).await.map_err(|error| registry(&error))?;
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

fn registry(error: &dyn std::fmt::Display) -> Trouble {
    Trouble::Registry(error.to_string())
}

fn misused(reason: &str) -> u8 {
    anstream::eprintln!("{BAD}error:{BAD:#} {reason}");
    2
}
