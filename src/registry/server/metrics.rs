//! What `/metrics` counts, in the text format of Prometheus, and whether there is still something to do. Labels are of
//! fixed sets: no name, endpoint or secret.

use std::fmt;
use std::time::Duration;

use axum::http::Method;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use tokio::sync::watch;

use crate::report::Verdict;

/// Seconds.
const BUCKETS: [f64; 12] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0];

/// The counters of one service.
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    durations: Histogram,
    checks: Family<CheckLabels, Counter>,
    /// Databases being dialled.
    pub checks_in_flight: Gauge,
    /// Connections of callers that are open.
    pub connections: Gauge,
    /// Requests that are being worked on.
    pub under_way: watch::Sender<usize>,
    /// Whether the service has been told to end.
    pub ending: watch::Sender<bool>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CheckLabels {
    verdict: &'static str,
}

impl Default for Metrics {
    fn default() -> Self {
        let requests = Family::default();
        let durations = Histogram::new(BUCKETS);
        let checks = Family::default();
        let (checks_in_flight, connections) = (Gauge::default(), Gauge::default());
        let mut registry = Registry::with_prefix("pgpreflight");
        registry.register("requests", "Requests answered", requests.clone());
        let seconds = "Time from the head of a request to the head of its answer";
        registry.register_with_unit("request_duration", seconds, Unit::Seconds, durations.clone());
        registry.register("checks", "Checks made for callers", checks.clone());
        registry.register("checks_in_flight", "Databases being dialled", checks_in_flight.clone());
        registry.register("connections", "Open connections of callers", connections.clone());
        let (under_way, ending) = (watch::Sender::new(0), watch::Sender::new(false));
        Self { registry, requests, durations, checks, checks_in_flight, connections, under_way, ending }
    }
}

impl Metrics {
    /// A request has been answered. `route` is a pattern, not a path.
    pub fn answered(&self, method: &Method, route: &str, status: u16, after: Duration) {
        let labels = RequestLabels { method: known(method), route: route.to_owned(), status };
        self.requests.get_or_create(&labels).inc();
        self.durations.observe(after.as_secs_f64());
    }

    /// A check has ended.
    pub fn checked(&self, verdict: Verdict) {
        let verdict = match verdict {
            Verdict::Ready => "ready",
            Verdict::Warnings => "warnings",
            Verdict::NotReady => "not-ready",
        };
        self.checks.get_or_create(&CheckLabels { verdict }).inc();
    }

    /// The text.
    pub fn render(&self) -> Result<String, fmt::Error> {
        let mut shown = String::new();
        text::encode(&mut shown, &self.registry)?;
        Ok(shown)
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

/// Callers can make up methods; a label for each would fill the memory.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        _ => "other",
    }
}
