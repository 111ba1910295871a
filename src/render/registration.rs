//! For people: the line of stage register, and the body that would be sent.

use std::io::{self, Write};

use serde_json::Value;

use super::human::shown;
use super::layout::{COPY, STRONG};
use crate::probe::trace::Stage;
use crate::report::{Report, StageReport};

/// What was done, and what the platform makes of it.
pub fn line(stage: &StageReport) -> String {
    let text = |name: &str| stage.facts.get(name).and_then(Value::as_str);
    let mut line = format!("{} {}", text("action").unwrap_or_default(), text("id").unwrap_or_default());
    match stage.facts.get("platform_test").and_then(Value::as_bool) {
        Some(true) => line.push_str("; the platform gets in too"),
        Some(false) => line.push_str("; the platform does not get in"),
        None => {}
    }
    if let Some(tables) = stage.facts.get("platform_tables") {
        line.push_str(&format!(", and sees {tables} tables"));
    }
    if let Some(error) = text("platform_error") {
        line.push_str(&format!("; whether the platform gets in is not known: {error}"));
    }
    line
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
