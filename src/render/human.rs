//! For people: what was dialled, a line a stage, then the cause, why we say so, and what to do.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::Value;

use super::layout::{BAD, COPY, FAINT, GOOD, ODD, STRONG, milliseconds, paragraph};
use super::{modes, registration};
use crate::diagnose::code::{Code, Confidence, Severity};
use crate::diagnose::finding::{Finding, Fix};
use crate::probe::trace::Stage;
use crate::report::{Report, StageReport, Status, TargetFacts, Verdict};

/// Width of ` ✓ privileges   1234 ms  `.
const MARGIN: usize = 26;

/// Writes a whole report.
pub fn render(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    heading(report, out)?;
    for stage in &report.stages {
        stage_line(report, stage, out)?;
    }
    if let Some(parameters) = &report.target.parameters {
        table(parameters, &report.target.sources, out)?;
    }
    registration::payload(report, out)?;
    conclusion(report, out)
}

/// Keyword, value and source of everything that is not at its default.
fn table(
    parameters: &BTreeMap<&'static str, String>,
    sources: &BTreeMap<&'static str, String>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let keywords = parameters.keys().map(|keyword| keyword.len()).max().unwrap_or(0);
    writeln!(out)?;
    for (keyword, value) in parameters {
        let source = sources.get(keyword).map_or("default", String::as_str);
        let value: String = value.chars().flat_map(shown).collect();
        let first = format!("  {STRONG}{keyword:<keywords$}{STRONG:#}  ");
        paragraph(out, &first, keywords + 4, &format!("'{value}'  ({source})"))?;
    }
    Ok(())
}

/// A control character as Rust would write it: a value may hold anything, and nothing in it may act on a terminal.
pub(super) fn shown(c: char) -> impl Iterator<Item = char> {
    let escaped = c.is_control().then(|| c.escape_default());
    let plain = (!c.is_control()).then_some(c);
    escaped.into_iter().flatten().chain(plain)
}

/// What is checked, in a line.
pub fn heading(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let target = &report.target;
    let (Some(user), Some(database), Some(mode)) = (&target.user, &target.database, target.sslmode) else {
        return writeln!(out, "{STRONG}TARGET{STRONG:#} (not shown: it could not be read)\n");
    };
    let text = format!("{user} @ {} / {database}, sslmode={mode}", place(target));
    let text: String = text.chars().flat_map(shown).collect();
    paragraph(out, &format!("{STRONG}check{STRONG:#} "), 6, &text)?;
    writeln!(out)
}

fn place(target: &TargetFacts) -> String {
    let host = target.host.as_deref().unwrap_or_default();
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    target.port.map_or_else(|| host.clone(), |port| format!("{host}:{port}"))
}

/// One stage: mark, name, time, and the facts that matter.
pub fn stage_line(report: &Report, stage: &StageReport, out: &mut dyn Write) -> io::Result<()> {
    let name = stage.stage.as_str();
    let (mark, time) = match stage.status {
        Status::Skipped => return writeln!(out, "{FAINT} - {name}{FAINT:#}"),
        Status::Passed => (format!("{GOOD}✓{GOOD:#}"), milliseconds(stage.elapsed_ms)),
        Status::Failed => (format!("{BAD}✗{BAD:#}"), milliseconds(stage.elapsed_ms)),
    };
    let first = format!(" {mark} {name:<10} {FAINT}{time:>9}{FAINT:#}  ");
    let text = match stage.status {
        Status::Failed => report.cause.map_or_else(String::new, |code| code.as_str().to_owned()),
        Status::Passed | Status::Skipped => facts_line(report, stage),
    };
    let text = if text.is_empty() { "-".to_owned() } else { text };
    paragraph(out, &first, MARGIN - 1, &text)
}

/// An attempt that was given up for another one with the other encryption.
pub fn retreat_line(stage: Stage, sslmode: &str, out: &mut dyn Write) -> io::Result<()> {
    let first = format!(" {ODD}!{ODD:#} {:<10} {:>9}  ", stage.as_str(), "");
    paragraph(out, &first, MARGIN - 1, &format!("refused; sslmode={sslmode} tries the other encryption"))
}

/// A host or an address that was given up.
pub fn give_up_line(report: &Report, stage: &StageReport, out: &mut dyn Write) -> io::Result<()> {
    let time = milliseconds(stage.elapsed_ms);
    let first = format!(" {ODD}!{ODD:#} {:<10} {FAINT}{time:>9}{FAINT:#}  ", stage.stage.as_str());
    let why = report.cause.map_or("", Code::as_str);
    paragraph(out, &first, MARGIN - 1, &format!("{why}; {} is given up", place(&report.target)))
}

/// What is left when the lines of the walk's stages have been written as they ended: the others, and the conclusion.
pub fn rest(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let walked = |stage: &&StageReport| stage.status != Status::Skipped && stage.stage != Stage::Register;
    for stage in report.stages.iter().filter(|stage| !walked(stage)) {
        stage_line(report, stage, out)?;
    }
    conclusion(report, out)
}

/// Everything after the stages.
fn conclusion(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    for finding in &report.findings {
        writeln!(out)?;
        write_finding(finding, out)?;
    }
    modes::render(report, out)?;
    writeln!(out)?;
    verdict(report, out)
}

fn facts_line(report: &Report, stage: &StageReport) -> String {
    let text = |name: &str| stage.facts.get(name).map(plain).unwrap_or_default();
    match stage.stage {
        Stage::Input => input_line(report),
        Stage::Register => registration::line(stage),
        Stage::Resolve => text("addresses"),
        Stage::Connect => text("address"),
        Stage::Tls => tls_line(stage),
        Stage::Login => login_line(stage),
        Stage::Session => session_line(stage),
        Stage::Privileges => privileges_line(stage),
    }
}

/// Where the values came from, without those that nobody gave.
fn input_line(report: &Report) -> String {
    let mut by_source: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (keyword, source) in report.target.sources.iter().filter(|(_, source)| *source != "default") {
        by_source.entry(source).or_default().push(keyword);
    }
    let parts: Vec<String> = by_source
        .iter()
        .map(|(source, keywords)| match (keywords.as_slice(), *source) {
            ([keyword], source) if source == format!("--{keyword}") => source.to_owned(),
            (keywords, source) => format!("{} from {source}", keywords.join(", ")),
        })
        .collect();
    if parts.is_empty() { "nothing given, all defaults".to_owned() } else { parts.join("; ") }
}

fn tls_line(stage: &StageReport) -> String {
    let fact = |name: &str| stage.facts.get(name);
    if fact("negotiated") != Some(&Value::Bool(true)) {
        return "not encrypted".to_owned();
    }
    let verified = match fact("verification").and_then(Value::as_str) {
        Some("chain-and-name") => "chain and name verified",
        Some("chain") => "chain verified, name not",
        _ => "certificate not verified",
    };
    let leaf = fact("chain").and_then(|chain| chain.get(0));
    let until = leaf.and_then(|leaf| leaf.get("not_after")).and_then(Value::as_str).and_then(|until| until.get(..10));
    let until = until.map(|until| format!(", valid until {until}")).unwrap_or_default();
    format!(
        "{}, {}, {verified}{until}",
        fact("protocol").map(plain).unwrap_or_default(),
        fact("cipher").map(plain).unwrap_or_default()
    )
}

fn login_line(stage: &StageReport) -> String {
    let method = stage.facts.get("method").map(plain).unwrap_or_default();
    let checked = stage.facts.get("password_checked") == Some(&Value::Bool(true));
    let what = if method == "redshift-idp" { "token" } else { "password" };
    if checked { format!("{method}, {what} accepted") } else { format!("{method}, password not asked for") }
}

fn session_line(stage: &StageReport) -> String {
    let text = |name: &str| stage.facts.get(name).map(plain).unwrap_or_default();
    let connections = stage.facts.get("connections").map_or_else(String::new, connections);
    let edition = stage.facts.get("edition").map_or_else(String::new, |edition| format!(" ({})", plain(edition)));
    let mode = if stage.facts.get("read_only") == Some(&Value::Bool(true)) { "read-only" } else { "read-write" };
    format!("{} {}{edition}, {}, {mode}{connections}", text("product"), text("server_version"), text("role"))
}

fn connections(connections: &Value) -> String {
    let number = |name: &str| connections.get(name).map(plain).unwrap_or_default();
    format!(", {} of {} connections used ({} reserved)", number("used"), number("limit"), number("reserved"))
}

fn privileges_line(stage: &StageReport) -> String {
    let tables =
        |name: &str| stage.facts.get("tables").and_then(|tables| tables.get(name)).map(plain).unwrap_or_default();
    let schemas = stage.facts.get("schemas").map(plain).unwrap_or_default();
    let superuser = if stage.facts.get("superuser") == Some(&Value::Bool(true)) { ", superuser" } else { "" };
    format!("{} of {} tables readable, schemas: {schemas}{superuser}", tables("readable"), tables("visible"))
}

/// A fact without quotes and brackets.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// One finding.
pub fn write_finding(finding: &Finding, out: &mut dyn Write) -> io::Result<()> {
    let (style, word) = match finding.severity {
        Severity::Error => (BAD, "error"),
        Severity::Warning => (ODD, "warning"),
        Severity::Note => (FAINT, "note"),
    };
    let sure = match finding.confidence {
        Confidence::Certain => "",
        Confidence::Likely => " (likely)",
        Confidence::Possible => " (possibly)",
    };
    writeln!(out, "{style}{word}[{}]{style:#}{sure}", finding.code.as_str())?;
    paragraph(out, "  ", 2, &finding.summary)?;
    for (index, reason) in finding.because.iter().enumerate() {
        let label = if index == 0 { "why" } else { "" };
        paragraph(out, &format!("  {FAINT}{label:<7}{FAINT:#}"), 9, reason)?;
    }
    for (index, fix) in finding.fixes.iter().enumerate() {
        let label = if index == 0 { "to do" } else { "" };
        write_fix(fix, label, out)?;
    }
    Ok(())
}

pub(super) fn write_fix(fix: &Fix, label: &str, out: &mut dyn Write) -> io::Result<()> {
    let side = fix.side.as_str();
    let end = if fix.lines.is_empty() { "" } else { ":" };
    paragraph(
        out,
        &format!("  {FAINT}{label:<7}{FAINT:#}{STRONG}{side}{STRONG:#}: "),
        9 + side.len() + 2,
        &format!("{}{end}", fix.what),
    )?;
    // Lines to copy are never broken.
    for line in &fix.lines {
        writeln!(out, "{:13}{COPY}{line}{COPY:#}", "")?;
    }
    Ok(())
}

fn verdict(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let took = milliseconds(report.elapsed_ms);
    let trips =
        report.fact(Stage::Session, "round_trips").map(|trips| format!(", {trips} round trips")).unwrap_or_default();
    let (style, text) = match (report.verdict, report.failed_stage) {
        (Verdict::Ready, _) => (GOOD, "ready".to_owned()),
        (Verdict::Warnings, _) => (ODD, "ready, with warnings".to_owned()),
        (Verdict::NotReady, failed) => (BAD, format!("not ready: {} failed", failed.map_or("it", Stage::as_str))),
    };
    writeln!(out, "{style}{text}{style:#} {FAINT}(exit code {}, {took}{trips}){FAINT:#}", report.exit_code)?;
    if let Some(cause) = report.cause {
        writeln!(out, "{FAINT}more: pgpreflight explain {}{FAINT:#}", cause.as_str())?;
    }
    Ok(())
}
