//! `serve`: arguments → store, clients and settings → the service, until it is told to end.

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::{PreflightMode, ServeArgs, ServeTask, StoreArgs};
use crate::commands::misuse::Misuse;
use crate::commands::output::Output;
use crate::commands::place::{Place, Where};
use crate::error::Trouble;
use crate::registry::server::clients::Clients;
use crate::registry::server::{self, Preflight, Settings};
use crate::registry::store::Store;
use crate::registry::store::postgres::PgStore;

/// Runs the subcommand.
pub async fn run(args: ServeArgs) -> Result<u8, Trouble> {
    if let Some(ServeTask::RotateKey(store)) = args.task {
        return rotate_key(store).await;
    }
    if !args.listen.ip().is_loopback() && args.clients.is_none() {
        let listen = args.listen;
        return Ok(Misuse(format!("--listen {listen} is not loopback: say with --clients who may call")).tell());
    }
    let place = match Place::new(args.store) {
        Ok(place) => place,
        Err(misuse) => return Ok(misuse.tell()),
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
        Err(misuse) => return Ok(misuse.tell()),
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

fn registry(error: &dyn std::fmt::Display) -> Trouble {
    Trouble::Registry(error.to_string())
}
