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

use probe::Watch;
use report::Report;
use target::Target;

/// The program on one screen: walk up the ladder, diagnose, report.
pub async fn check(target: &Target, strict: bool, watch: &mut dyn Watch) -> Report {
    let trace = probe::walk(target, watch).await;
    Report::new(target, &trace, strict)
}
