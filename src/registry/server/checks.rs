//! Checks for callers: so many at a time, each within its time, and no address dialled that the network forbids.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::metrics::Metrics;
use super::network::Network;
use crate::Wanted;
use crate::probe::Watch;
use crate::probe::trace::{Stage, Trace};
use crate::report::{Report, Verdict};
use crate::settings::InputFailure;
use crate::target::Target;

/// How many databases are dialled at a time.
const AT_A_TIME: usize = 32;

/// How long a caller waits for its turn before it is told to come back.
const PATIENCE: Duration = Duration::from_secs(20);

/// Makes them.
#[derive(Debug)]
pub struct Checks {
    turns: Arc<Semaphore>,
    /// What may be dialled.
    pub network: Network,
    metrics: Arc<Metrics>,
}

/// How a check ended.
#[derive(Debug)]
pub struct Outcome {
    /// Ready, with warnings or without.
    pub ready: bool,
    /// The cause in a sentence, where it is not ready.
    pub cause: Option<String>,
    /// The whole report.
    pub report: Value,
}

/// A turn to dial, given back by drop.
pub struct Turn {
    _permit: OwnedSemaphorePermit,
    metrics: Arc<Metrics>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.metrics.checks_in_flight.dec();
    }
}

impl Checks {
    /// None is under way.
    pub fn new(network: Network, metrics: Arc<Metrics>) -> Self {
        Self { turns: Arc::new(Semaphore::new(AT_A_TIME)), network, metrics }
    }

    /// Waits for a turn; None when there are too many others.
    pub async fn turn(&self) -> Option<Turn> {
        let permit = timeout(PATIENCE, Arc::clone(&self.turns).acquire_owned()).await.ok()?.ok()?;
        self.metrics.checks_in_flight.inc();
        Some(Turn { _permit: permit, metrics: Arc::clone(&self.metrics) })
    }

    /// Checks; None when there are too many others.
    pub async fn run(&self, target: Result<Target, InputFailure>) -> Option<Outcome> {
        let report = match target {
            Ok(target) => walk(target, self.network.clone(), self.turn().await?).await?,
            Err(failure) => Report::refused(&failure, false),
        };
        self.metrics.checked(report.verdict);
        Some(Outcome {
            ready: report.verdict != Verdict::NotReady,
            cause: report.findings.first().filter(|_| report.cause.is_some()).map(|finding| finding.summary.clone()),
            report: serde_json::to_value(&report).unwrap_or_default(),
        })
    }
}

/// A caller that goes away does not end it; its turn is taken until it ends by itself.
async fn walk(target: Target, network: Network, turn: Turn) -> Option<Report> {
    let walking = tokio::spawn(async move {
        let report = crate::check(&target, &Wanted::default(), &mut Permitted(network)).await;
        drop(turn);
        report
    });
    walking.await.ok()
}

struct Permitted(Network);

impl Watch for Permitted {
    fn enter(&mut self, _stage: Stage) {}
    fn leave(&mut self, _stage: Stage, _trace: &Trace) {}
    fn retreat(&mut self, _stage: Stage, _trace: &Trace) {}
    fn give_up(&mut self, _stage: Stage, _trace: &Trace) {}
    fn permits(&self, address: SocketAddr) -> bool {
        self.0.permits(address)
    }

    /// Callers learn of the port they name, and of no other.
    fn looks_around(&self) -> bool {
        false
    }
}
