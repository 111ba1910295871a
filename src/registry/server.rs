//! The local Flow Service, under the platform's own paths: what `serve` runs.

mod accept;
mod answer;
mod body;
mod checks;
pub mod clients;
mod connections;
mod gateway;
mod host;
mod lenient;
mod log;
mod metrics;
mod object;
mod observe;
mod open;
mod stream;
mod token;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, get, post};
use ipnet::IpNet;
use serde_json::json;
use tokio::net::TcpListener;

use self::checks::Checks;
use self::clients::Clients;
use self::host::Hosts;
use self::log::{Level, log};
use self::metrics::Metrics;
use self::token::Tokens;
use super::network::Network;
use super::problem::Problem;
use super::storage::Storage;
use super::store::StoreError;

/// The paths of the Flow Service begin with it.
const BASE: &str = "/data/foundation/flowservice";

/// What `POST` and a change of `/auth` do first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preflight {
    /// Check; what is not ready is refused.
    Require,
    /// Check, and store with the report.
    Record,
    /// Store without dialling.
    Off,
}

/// How a service is to be.
#[derive(Debug)]
pub struct Settings {
    /// Who may call.
    pub clients: Clients,
    /// The sandboxes that there are.
    pub sandboxes: Vec<String>,
    /// What comes before a connection is stored.
    pub preflight: Preflight,
    /// Networks that callers' databases have to be in, if there are any.
    pub allow: Vec<IpNet>,
    /// Networks that callers' databases may not be in.
    pub deny: Vec<IpNet>,
    /// Names that callers may know the service by, beside addresses and `localhost`.
    pub names: Vec<String>,
}

/// Everything that a call needs.
struct Service {
    storage: Storage,
    clients: Clients,
    tokens: Tokens,
    sandboxes: Vec<String>,
    preflight: Preflight,
    checks: Checks,
    hosts: Hosts,
    metrics: Arc<Metrics>,
}

/// Serves until `end`; then lets requests under way end.
pub async fn serve(listener: TcpListener, storage: Storage, settings: Settings, end: impl Future<Output = ()>) {
    // A socket that is bound has an address.
    let listen = listener.local_addr().unwrap_or_else(|_| SocketAddr::from(([0, 0, 0, 0], 0)));
    let metrics = Arc::new(Metrics::default());
    let network = Network::new(listen, settings.allow, settings.deny);
    let service = Service {
        tokens: Tokens::new(storage.sealer()),
        storage,
        clients: settings.clients,
        sandboxes: settings.sandboxes,
        preflight: settings.preflight,
        checks: Checks::new(network, Arc::clone(&metrics)),
        hosts: Hosts::new(listen, &settings.names),
        metrics: Arc::clone(&metrics),
    };
    log(Level::Info, "listening", json!({"address": listen.to_string()}));
    accept::run(listener, router(Arc::new(service)), metrics, end).await;
    log(Level::Info, "ended", json!({}));
}

/// The table of calls.
fn router(service: Arc<Service>) -> Router {
    let calls = [
        ("/connections", get(connections::list).post(connections::create)),
        ("/connections/{id}", get(connections::read).patch(connections::update).delete(connections::delete)),
        ("/connections/{id}/test", get(connections::test)),
        ("/connections/{id}/explore", get(connections::explore)),
        ("/connections/{id}/preflight", get(connections::report)),
        ("/connectionSpecs", get(open::connection_specs)),
        ("/connectionSpecs/{id}", get(open::connection_spec)),
    ];
    let mut router = Router::new();
    for (path, call) in calls {
        router = with_slash(router, &format!("{BASE}{path}"), call);
    }
    router = router.route_layer(from_fn_with_state(Arc::clone(&service), gateway::admit));
    router = with_slash(router, "/ims/token/v3", post(gateway::token));
    router
        .route("/", get(open::page))
        .route("/healthz", get(open::healthz))
        .route("/readyz", get(open::readyz))
        .route("/metrics", get(open::metrics))
        .route("/openapi.json", get(open::openapi))
        .fallback(observe::not_found)
        .method_not_allowed_fallback(observe::not_allowed)
        .layer(from_fn_with_state(Arc::clone(&service), observe::observe))
        .with_state(service)
}

/// The platform's documents write some paths with a slash at the end, its clients without.
fn with_slash(router: Router<Arc<Service>>, path: &str, call: MethodRouter<Arc<Service>>) -> Router<Arc<Service>> {
    router.route(path, call.clone()).route(&format!("{path}/"), call)
}

/// What the store could not do. Its own words are for the log.
fn failed(error: &StoreError) -> Problem {
    log(Level::Error, "store", json!({"error": error.to_string()}));
    let away = matches!(error, StoreError::Postgres { .. } | StoreError::Silent { .. });
    let code = if away { "1103-503" } else { "1102-500" };
    Problem::new(code, "Service unavailable", "The request could not be processed. Please try again later.")
}
