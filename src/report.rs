//! Schema 1, the only serialised result. Renderers work over it, and over nothing else.

mod facts;
mod modes;
pub mod registration;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::diagnose::code::{Code, Severity};
use crate::diagnose::finding::Finding;
use crate::diagnose::modes::Row;
use crate::diagnose::{self, cause};
use crate::probe::trace::{Stage, Trace};
use crate::settings::InputFailure;
use crate::target::Target;

/// The JSON Schema of this report (draft 2020-12).
pub const JSON_SCHEMA: &str = include_str!("report/schema-1.json");

/// The result of one check.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The version of this shape.
    pub schema: u8,
    /// Who made it.
    pub tool: Tool,
    /// RFC 3339, UTC, milliseconds.
    pub started_at: String,
    /// Milliseconds, to the hundredth.
    pub elapsed_ms: f64,
    /// What was checked.
    pub target: TargetFacts,
    /// The result in a word.
    pub verdict: Verdict,
    /// Where the walk ended, if it did not reach the top.
    pub failed_stage: Option<Stage>,
    /// The code of the finding that ended it.
    pub cause: Option<Code>,
    /// What the process ends with.
    pub exit_code: u8,
    /// Every stage of a check, in order.
    pub stages: Vec<StageReport>,
    /// The cause first, then by severity.
    pub findings: Vec<Finding>,
    /// With `--all-modes`, a row a mode.
    pub modes: Vec<Row>,
}

/// The program.
#[derive(Debug, Serialize)]
pub struct Tool {
    name: &'static str,
    version: &'static str,
}

/// What was checked; null where the input could not be read.
#[derive(Debug, Default, Serialize)]
pub struct TargetFacts {
    /// `postgresql`
    pub engine: &'static str,
    /// Name, address, or directory of the socket.
    pub host: Option<String>,
    /// Port.
    pub port: Option<u16>,
    /// `dbname`
    pub database: Option<String>,
    /// `user`
    pub user: Option<String>,
    /// `sslmode`
    pub sslmode: Option<&'static str>,
    /// libpq keyword to where its value came from.
    pub sources: BTreeMap<&'static str, String>,
    /// With `--dry-run`, every libpq keyword in force that is not at its default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<BTreeMap<&'static str, String>>,
}

/// The result in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Everything works, and nothing is to be said.
    Ready,
    /// It works, with warnings.
    Warnings,
    /// It does not work.
    NotReady,
}

/// One stage.
#[derive(Debug, Serialize)]
pub struct StageReport {
    /// Which.
    pub stage: Stage,
    /// How it went.
    pub status: Status,
    /// Milliseconds, to the hundredth; 0 where it was skipped.
    pub elapsed_ms: f64,
    /// What was seen.
    pub facts: Map<String, Value>,
}

/// How a stage went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Well.
    Passed,
    /// It ended the walk.
    Failed,
    /// An earlier one had ended it.
    Skipped,
}

impl Report {
    /// The report of a walk.
    pub fn new(target: &Target, trace: &Trace, strict: bool) -> Self {
        let host = target.candidate(trace.host);
        let facts = TargetFacts {
            engine: target.engine.as_str(),
            host: Some(host.endpoint.host().to_owned()),
            port: Some(host.endpoint.port()),
            database: Some(target.database.clone()),
            user: Some(target.user.clone()),
            sslmode: Some(target.tls.mode.as_str()),
            sources: target.sources.clone(),
            parameters: None,
        };
        let findings = diagnose::diagnose(target, trace);
        let stages = Stage::CHECKED.map(|stage| StageReport {
            stage,
            status: Status::Passed,
            elapsed_ms: millis(trace.elapsed_at(stage).unwrap_or(if stage == Stage::Input {
                target.read_in
            } else {
                Duration::ZERO
            })),
            facts: facts::of(stage, target, trace),
        });
        Self::judged(trace.started, trace.elapsed, facts, findings, stages, strict)
    }

    /// The report of settings that were read, and nothing more.
    pub fn dry_run(target: &Target, strict: bool) -> Self {
        let trace = Trace { started: Timestamp::now(), elapsed: target.read_in, ..Trace::default() };
        let mut report = Self::new(target, &trace, strict);
        report.target.parameters = Some(target.parameters.clone());
        for stage in report.stages.iter_mut().filter(|stage| stage.stage != Stage::Input) {
            stage.status = Status::Skipped;
            stage.facts.clear();
        }
        report
    }

    /// The report of settings that could not be read.
    pub fn refused(failure: &InputFailure, strict: bool) -> Self {
        let facts = TargetFacts { engine: "postgresql", ..TargetFacts::default() };
        let stages = Stage::CHECKED.map(|stage| StageReport {
            stage,
            status: Status::Passed,
            elapsed_ms: 0.0,
            facts: Map::new(),
        });
        let findings = vec![diagnose::refuse(failure)];
        Self::judged(Timestamp::now(), Duration::ZERO, facts, findings, stages, strict)
    }

    fn judged(
        started: Timestamp,
        elapsed: Duration,
        target: TargetFacts,
        findings: Vec<Finding>,
        mut stages: [StageReport; Stage::CHECKED.len()],
        strict: bool,
    ) -> Self {
        let cause = cause(&findings);
        let failed_stage = cause.map(|finding| finding.stage);
        for stage in &mut stages {
            stage.status = match failed_stage {
                Some(failed) if stage.stage > failed => Status::Skipped,
                Some(failed) if stage.stage == failed => Status::Failed,
                _ => Status::Passed,
            };
            if stage.status == Status::Skipped {
                stage.elapsed_ms = 0.0;
                stage.facts.clear();
            }
        }
        let verdict = match cause {
            Some(_) => Verdict::NotReady,
            None if findings.iter().any(|finding| finding.severity == Severity::Warning) => Verdict::Warnings,
            None => Verdict::Ready,
        };
        Self {
            schema: 1,
            tool: Tool { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") },
            started_at: started.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
            elapsed_ms: millis(elapsed),
            target,
            verdict,
            failed_stage,
            cause: cause.map(|finding| finding.code),
            exit_code: exit_code(verdict, failed_stage, strict),
            stages: stages.into(),
            findings,
            modes: Vec::new(),
        }
    }

    /// Whether there was a walk, and not the settings alone.
    pub fn was_dialled(&self) -> bool {
        self.stages.iter().any(|stage| stage.stage == Stage::Resolve && stage.status != Status::Skipped)
    }

    /// A fact of a stage.
    pub fn fact(&self, stage: Stage, name: &str) -> Option<&Value> {
        self.stages.iter().find(|report| report.stage == stage)?.facts.get(name)
    }
}

/// By the stage that failed.
fn exit_code(verdict: Verdict, failed: Option<Stage>, strict: bool) -> u8 {
    match failed {
        Some(Stage::Input) => 4,
        Some(Stage::Resolve) => 10,
        Some(Stage::Connect) => 11,
        Some(Stage::Tls) => 12,
        Some(Stage::Login) => 13,
        Some(Stage::Session) => 14,
        Some(Stage::Privileges) => 15,
        Some(Stage::Register) => 16,
        None => u8::from(strict && verdict == Verdict::Warnings),
    }
}

/// Milliseconds, to the hundredth.
pub fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 100_000.0).round() / 100.0
}
