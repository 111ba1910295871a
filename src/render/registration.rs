//! For people: the line of stage register, and the body that would be sent.

use std::io::{self, Write};

use serde_json::Value;

use super::human::shown;
use super::layout::{COPY, STRONG};
use crate::probe::trace::Stage;
use crate::report::{Report, StageReport};

/// What was done, and what the platform makes of it.
pub fn line(stage: &StageReport) -> String {
    let fact = |name: &str| stage.facts.get(name);
    let text = |name: &str| fact(name).and_then(Value::as_str).unwrap_or_default();
    let gets_in = fact("platform_test").and_then(Value::as_bool).map(|gets_in| {
        if gets_in { "; the platform gets in too".to_owned() } else { "; the platform does not get in".to_owned() }
    });
    let tables = fact("platform_tables").map(|tables| format!(", and sees {tables} tables"));
    let namesakes = fact("namesakes").map(|namesakes| format!("; {namesakes} connections have this name"));
    let error = fact("platform_error").and_then(Value::as_str);
    let error = error.map(|error| format!("; whether the platform gets in is not known: {error}"));
    let more: String = [gets_in, tables, namesakes, error].into_iter().flatten().collect();
    format!("{} {}{more}", text("action"), text("id"))
}

/// The body that would be sent, if the report has one.
pub fn payload(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let Some(payload) = report.fact(Stage::Register, "payload") else {
        return Ok(());
    };
    writeln!(out, "\n  {STRONG}POST /connections{STRONG:#}   not sent; every secret is shown as xxxx")?;
    for line in serde_json::to_string_pretty(payload)?.lines() {
        let line: String = line.chars().flat_map(shown).collect();
        writeln!(out, "  {COPY}{line}{COPY:#}")?;
    }
    Ok(())
}
