//! The stage that `register` adds to the report of a check.

use std::time::Duration;

use serde_json::{Map, Value};

use super::{Report, StageReport, Status, Verdict, exit_code, millis};
use crate::diagnose::cause;
use crate::diagnose::code::Severity;
use crate::diagnose::finding::Finding;
use crate::diagnose::refuse;
use crate::probe::trace::Stage;
use crate::registry::registration::Registration;
use crate::settings::InputFailure;
use crate::target::Target;

/// What came of the stage.
#[derive(Debug, Default)]
pub struct Outcome {
    /// How long it took.
    pub elapsed: Duration,
    /// What was seen.
    pub facts: Map<String, Value>,
    /// What is to be said of it.
    pub findings: Vec<Finding>,
}

/// The facts of a registration that is not made.
pub fn would_be(payload: Value) -> Map<String, Value> {
    let facts = [("action", Value::from("dry-run")), ("payload", payload)];
    facts.map(|(name, value)| (name.to_owned(), value)).into_iter().collect()
}

/// The facts of one that was tried.
pub fn facts(registration: &Registration) -> Map<String, Value> {
    let done = registration.done.as_ref();
    let seen = registration.seen_by_service.as_ref();
    let tables = seen.and_then(|seen| seen.tables.as_ref());
    let error = seen.and_then(|seen| seen.test.as_ref().err().or(tables.and_then(|tables| tables.as_ref().err())));
    let facts = [
        ("action", done.and_then(|done| serde_json::to_value(done.action).ok())),
        ("id", done.map(|done| done.id.to_string().into())),
        ("etag", done.map(|done| done.etag.as_str().into())),
        ("namesakes", (registration.namesakes > 1).then(|| registration.namesakes.into())),
        ("platform_test", seen.and_then(|seen| seen.test.as_ref().ok()).map(|test| (*test).into())),
        ("platform_tables", tables.and_then(|tables| tables.as_ref().ok()).map(|tables| (*tables).into())),
        ("platform_error", error.map(|error| error.to_string().into())),
    ];
    facts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

impl Report {
    /// The report of settings that were read, and cannot be registered.
    pub fn not_registrable(target: &Target, failure: &InputFailure, strict: bool) -> Self {
        let mut report = Self::dry_run(target, strict).with_findings(vec![refuse(failure)], strict);
        report.target.parameters = None;
        report.not_registered(Map::new())
    }

    /// The host that was dialled in the end cannot be registered.
    #[must_use]
    pub fn unfit(self, failure: &InputFailure, strict: bool) -> Self {
        if self.verdict == Verdict::NotReady {
            return self.not_registered(Map::new());
        }
        self.with_findings(vec![refuse(failure)], strict).not_registered(Map::new())
    }

    /// The addresses that the host's name has.
    pub fn addresses(&self) -> Option<&Value> {
        self.fact(Stage::Resolve, "addresses")
    }

    /// What the certificate would fail, if the walk was encrypted and has seen one.
    pub fn objections(&self) -> Option<&Value> {
        let encrypted = self.fact(Stage::Tls, "negotiated")?.as_bool()?;
        self.fact(Stage::Tls, "objections").filter(|_| encrypted)
    }

    /// Adds findings, in their place.
    #[must_use]
    pub fn with_findings(mut self, more: Vec<Finding>, strict: bool) -> Self {
        self.findings.extend(more);
        self.findings.sort_by_key(|finding| finding.severity);
        let cause = cause(&self.findings);
        self.failed_stage = cause.map(|finding| finding.stage);
        self.cause = cause.map(|finding| finding.code);
        for stage in self.stages.iter_mut().filter(|stage| Some(stage.stage) == self.failed_stage) {
            stage.status = Status::Failed;
        }
        self.verdict = match cause {
            Some(_) => Verdict::NotReady,
            None if self.findings.iter().any(|finding| finding.severity == Severity::Warning) => Verdict::Warnings,
            None => Verdict::Ready,
        };
        self.exit_code = exit_code(self.verdict, self.failed_stage, strict);
        self
    }

    /// Nothing was sent. The facts are what would have been.
    #[must_use]
    pub fn not_registered(mut self, facts: Map<String, Value>) -> Self {
        self.stages.push(StageReport { stage: Stage::Register, status: Status::Skipped, elapsed_ms: 0.0, facts });
        self
    }

    /// Something was.
    #[must_use]
    pub fn registered(mut self, outcome: Outcome, strict: bool) -> Self {
        let Outcome { elapsed, facts, findings } = outcome;
        let elapsed_ms = millis(elapsed);
        self.elapsed_ms = ((self.elapsed_ms + elapsed_ms) * 100.0).round() / 100.0;
        self.stages.push(StageReport { stage: Stage::Register, status: Status::Passed, elapsed_ms, facts });
        self.with_findings(findings, strict)
    }
}
