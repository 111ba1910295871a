//! Takes connections, and puts out those that are too slow: a request has to come whole, and its answer to go, in time.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::log::{Level, log};
use super::metrics::Metrics;
use super::stream::CallerStream;

/// How many connections are open at a time; more wait in the system's queue.
const AT_A_TIME: usize = 4096;

/// Files that are kept for the store, for databases and for the program itself.
const RESERVED_FILES: usize = 200;

/// How long the head of a request may take, and how long a connection may be idle between two.
const HEAD_TIME: Duration = Duration::from_secs(25);

/// How large the head of a request may be.
const LARGEST_HEAD: usize = 64 * 1024;

/// How long requests under way may take to end after the service was told to end.
const GRACE: Duration = Duration::from_secs(30);

/// How long answers may take to go once no request is under way any more.
const FAREWELL: Duration = Duration::from_secs(3);

/// Serves until `end`, then takes no more connections, and lets requests under way end. Half of a request is none.
pub async fn run(listener: TcpListener, router: Router, metrics: Arc<Metrics>, end: impl Future<Output = ()>) {
    let places = Arc::new(Semaphore::new(AT_A_TIME.min(open_files().saturating_sub(RESERVED_FILES)).max(16)));
    let graceful = GracefulShutdown::new();
    let mut end = pin!(end);
    loop {
        let next = async {
            // The semaphore is never closed.
            let place = Arc::clone(&places).acquire_owned().await.ok();
            (listener.accept().await, place)
        };
        let (accepted, place) = tokio::select! {
            biased;
            () = &mut end => break,
            next = next => next,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                pause_after(&error).await;
                continue;
            }
        };
        let connection = graceful.watch(serve(stream, router.clone()));
        let metrics = Arc::clone(&metrics);
        tokio::spawn(async move {
            metrics.connections.inc();
            // What is wrong with it, the caller sees by itself.
            drop(connection.await);
            metrics.connections.dec();
            drop(place);
        });
    }
    drop(listener);
    metrics.ending.send_replace(true);
    let ended = async {
        tokio::select! {
            () = graceful.shutdown() => {}
            () = nothing_under_way(&metrics) => {}
        }
    };
    if timeout(GRACE, ended).await.is_err() {
        log(Level::Warning, "cut-off", json!({"reason": "requests under way took too long to end"}));
    }
}

async fn nothing_under_way(metrics: &Metrics) {
    // The sender of the count lives as long as the metrics.
    drop(metrics.under_way.subscribe().wait_for(|count| *count == 0).await);
    sleep(FAREWELL).await;
}

type Served = http1::Connection<TokioIo<CallerStream>, TowerToHyperService<Router>>;

fn serve(stream: TcpStream, router: Router) -> Served {
    // An answer is written whole; waiting for more would only delay it.
    drop(stream.set_nodelay(true));
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(LARGEST_HEAD)
        .serve_connection(TokioIo::new(CallerStream::new(stream)), TowerToHyperService::new(router))
}

/// A connection that was given up before it was taken is nobody's fault. Anything else will last a while.
async fn pause_after(error: &io::Error) {
    if error.kind() == io::ErrorKind::ConnectionAborted || error.kind() == io::ErrorKind::ConnectionReset {
        return;
    }
    log(Level::Error, "accept", json!({"error": error.to_string()}));
    sleep(Duration::from_millis(100)).await;
}

/// How many files this process may open, after asking for as many as it can have.
fn open_files() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
    let current = if raised.is_ok() { limit.maximum } else { limit.current };
    current.map_or(usize::MAX, |files| usize::try_from(files).unwrap_or(usize::MAX))
}
