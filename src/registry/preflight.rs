//! A check on behalf of the registry, which dials no address that the network forbids.

use std::net::SocketAddr;

use serde_json::Value;

use crate::Wanted;
use crate::probe::Watch;
use crate::probe::trace::{Stage, Trace};
use crate::registry::network::Network;
use crate::registry::problem::Problem;
use crate::report::{Report, Verdict};
use crate::target::Target;

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

impl Outcome {
    /// What a report comes to.
    pub fn of(report: &Report) -> Self {
        Self {
            ready: report.verdict != Verdict::NotReady,
            cause: report.findings.first().filter(|_| report.cause.is_some()).map(|finding| finding.summary.clone()),
            report: serde_json::to_value(report).unwrap_or_default(),
        }
    }

    /// What a caller is told whose endpoint is not ready.
    pub fn refusal(self) -> Problem {
        Problem::refused(&self.cause.unwrap_or_default()).with_preflight(self.report)
    }
}

/// Walks up the ladder.
pub async fn walk(target: &Target, network: Network) -> Report {
    crate::check(target, &Wanted::default(), &mut Permitted(network)).await
}

/// Dials permitted addresses only.
pub struct Permitted(pub Network);

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
