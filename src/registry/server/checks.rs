//! Checks for callers: so many at a time, each within its time, and no address dialled that the network forbids.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::metrics::Metrics;
use crate::registry::network::Network;
use crate::registry::preflight::{self, Outcome};
use crate::report::Report;
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
        Some(Outcome::of(&report))
    }
}

/// A caller that goes away does not end it; its turn is taken until it ends by itself.
async fn walk(target: Target, network: Network, turn: Turn) -> Option<Report> {
    let walking = tokio::spawn(async move {
        let report = preflight::walk(&target, network).await;
        drop(turn);
        report
    });
    walking.await.ok()
}
