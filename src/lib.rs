//! Before a database is registered anywhere, dial the real PostgreSQL endpoint, say what works, what fails, why, and what
//! to change. Four arrows are the whole program:
//!
//! ```text
//! settings → Target        what to dial, parsed once, every default filled in
//! probe(Target) → Trace    the only code that touches the network; facts, no prose
//! diagnose(Target, Trace) → [Finding]   pure: no clock, no I/O, no environment
//! Report → render          human, json
//! ```
//!
//! `main → commands → {lib::check, render, registry, lab}`; modules point down only, and a test holds them to it.

pub mod cli;
pub mod commands;
pub mod diagnose;
pub mod dialect;
pub mod error;
pub mod lab;
pub mod probe;
pub mod registry;
pub mod render;
pub mod report;
pub mod settings;
pub mod target;
pub mod wire;

use diagnose::modes;
use probe::{Session, Watch};
use report::Report;
use settings::modes::Plan;
use target::Target;
use tokio::time::Instant;

/// What is wanted beside the walk.
#[derive(Debug, Default)]
pub struct Wanted {
    /// Warnings are to end it with exit code 1.
    pub strict: bool,
    /// The table of modes, by these plans for each.
    pub modes: Option<Vec<Plan>>,
    /// The Rust driver's word.
    pub driver: bool,
}

/// The program on one screen: walk up the ladder, look aside where that is wanted, diagnose, report.
pub async fn check(target: &Target, wanted: &Wanted, watch: &mut dyn Watch) -> Report {
    let began = Instant::now();
    let deadline = began + target.limits.timeout;
    let mut trace = probe::walk(target, watch).await;
    // The host of a list that decided: what is looked at beside the walk is looked at there.
    let host = target.candidate(trace.host);
    if wanted.driver && trace.failure.is_none() {
        trace.driver = Some(probe::driver::log_in(&host, &trace, deadline).await);
        trace.elapsed = began.elapsed();
    }
    let Some(plans) = &wanted.modes else {
        return Report::new(target, &trace, wanted.strict);
    };
    let settings = settings::modes::strongest(plans).unwrap_or(&target.tls);
    let seen = probe::modes::look(&host, settings, &trace, deadline).await;
    trace.elapsed = began.elapsed();
    Report::new(target, &trace, wanted.strict).with_modes(target, modes::table(&host, plans, &trace, &seen))
}

/// Walks up the ladder as far as to a session, for whoever has more to ask; or reports why there is none.
pub async fn open(target: &Target, watch: &mut dyn Watch) -> Result<Session, Box<Report>> {
    probe::log_in(target, watch).await.map_err(|trace| Box::new(Report::new(target, &trace, false)))
}
