//! What a run of a scenario is held to: its report, its exit code, its time, and what people are told.

use jsonschema::Validator;
use pgpreflight::diagnose::code::{Code, Severity};
use serde_json::Value;

use crate::program::Run;
use crate::scenario::{Check, Expect};

/// Stages and the exit codes of the contract.
const EXIT_CODES: [(&str, i64); 7] =
    [("input", 4), ("resolve", 10), ("connect", 11), ("tls", 12), ("login", 13), ("session", 14), ("privileges", 15)];

/// How much longer than its time-out a run may take, by its own clock.
const GRACE_MS: f64 = 250.0;

/// The time-out counts from the start of the process, the run's own clock from the first look-up: on a busy machine that
/// is this much less of it.
const READING: f64 = 0.8;

/// Columns of the human report.
const WIDTH: usize = 80;

/// What is not as expected in a report.
pub fn judge(report: &Value, check: &Check, schema: &Validator) -> Vec<String> {
    let expect = &check.expect;
    let mut complaints: Vec<String> = schema.iter_errors(report).map(|error| format!("schema: {error}")).collect();
    let findings = report["findings"].as_array().unwrap();
    complaints.extend(judge_codes(report, expect));
    complaints.extend(judge_verdict(report, expect));
    for (name, value) in &expect.facts {
        let (stage, fact) = name.split_once('.').unwrap();
        let seen = stages(report).find(|one| one["stage"] == stage).map(|one| &one["facts"][fact]);
        if seen != Some(&serde_json::to_value(value).unwrap()) {
            complaints.push(format!("{name} is {}", seen.unwrap_or(&Value::Null)));
        }
    }
    for finding in findings {
        let bare = |field: &str| finding[field].as_object().is_some_and(serde_json::Map::is_empty);
        if bare("evidence") || finding["because"].as_array().is_none_or(Vec::is_empty) {
            complaints.push(format!("{} has no evidence or no reason", finding["code"]));
        }
    }
    complaints.extend(judge_modes(report, expect));
    if let Some(first) = findings.first() {
        complaints.extend(judge_first(first, expect));
    }
    complaints.extend(judge_time(report["elapsed_ms"].as_f64().unwrap(), check));
    complaints
}

/// Exactly the expected codes, and the right one is the cause.
pub fn judge_codes(report: &Value, expect: &Expect) -> Option<String> {
    let findings = report["findings"].as_array().unwrap();
    let codes: Vec<&str> = findings.iter().map(|finding| finding["code"].as_str().unwrap()).collect();
    let mut expected: Vec<&str> = expect.cause.iter().chain(&expect.others).map(String::as_str).collect();
    let mut found = codes.clone();
    expected.sort_unstable();
    found.sort_unstable();
    let right = found == expected && report["cause"].as_str() == expect.cause.as_deref();
    (!right).then(|| format!("found {codes:?}, cause {}; first: {}", report["cause"], report["findings"][0]))
}

/// Verdict, failed stage, exit code and the status of each stage follow from the cause.
fn judge_verdict(report: &Value, expect: &Expect) -> Vec<String> {
    let mut complaints = Vec::new();
    let failed = expect.cause.as_ref().map(|cause| cause.split('-').next().unwrap());
    let by_stage = failed.map_or(0, |stage| EXIT_CODES.iter().find(|(name, _)| *name == stage).unwrap().1);
    let exit_code = expect.exit_code.unwrap_or(by_stage);
    let warned = expect.others.iter().any(|code| Code::parse(code).unwrap().severity() == Severity::Warning);
    let verdict = match (failed, warned) {
        (Some(_), _) => "not-ready",
        (None, true) => "warnings",
        (None, false) => "ready",
    };
    if report["verdict"] != verdict || report["failed_stage"].as_str() != failed || report["exit_code"] != exit_code {
        let seen = [&report["verdict"], &report["failed_stage"], &report["exit_code"]];
        complaints.push(format!("{seen:?} instead of {verdict}, {failed:?}, {exit_code}"));
    }
    let at = failed.map(|failed| EXIT_CODES.iter().position(|(name, _)| *name == failed).unwrap());
    for (index, stage) in stages(report).enumerate() {
        let status = match at {
            Some(at) if index == at => "failed",
            Some(at) if index > at => "skipped",
            None if index > 0 && expect.dry_run.is_some() => "skipped",
            _ => "passed",
        };
        if stage["stage"] != EXIT_CODES[index].0 || stage["status"] != status {
            complaints.push(format!("stage {} is {}", stage["stage"], stage["status"]));
        }
    }
    complaints
}

fn judge_first(first: &Value, expect: &Expect) -> Vec<String> {
    let mut complaints = Vec::new();
    let texts =
        |key: &str| first[key].as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect::<Vec<_>>();
    let reasons = format!("{}\n{}", first["summary"].as_str().unwrap(), texts("because").join("\n"));
    let fixes = texts("fixes").join("\n");
    if let Some(says) = expect.says.as_ref().filter(|says| !reasons.contains(*says)) {
        complaints.push(format!("{says:?} is not said: {reasons}"));
    }
    if let Some(fix) = expect.fix.as_ref().filter(|fix| !fixes.contains(*fix)) {
        complaints.push(format!("{fix:?} is not in the fixes: {fixes}"));
    }
    if texts("because").is_empty() || (fixes.is_empty() && first["severity"] != "note") {
        complaints.push(format!("no reason or no fix: {first}"));
    }
    for (key, value) in &expect.evidence {
        if first["evidence"][key] != serde_json::to_value(value).unwrap() {
            complaints.push(format!("evidence {key} is {}", first["evidence"][key]));
        }
    }
    let confidence = expect.confidence.as_deref();
    if confidence.is_some_and(|confidence| first["confidence"] != confidence) {
        complaints.push(format!("confidence is {}", first["confidence"]));
    }
    complaints
}

fn judge_modes(report: &Value, expect: &Expect) -> Vec<String> {
    let rows = report["modes"].as_array().unwrap();
    if rows.is_empty() != expect.modes.is_empty() {
        return vec![format!("{} rows of modes", rows.len())];
    }
    let words = |row: &Value| {
        let encrypted = row["encrypted"].as_bool().unwrap().then_some("encrypted");
        let verified = row["verified"].as_str().filter(|verified| *verified != "none");
        [row["outcome"].as_str(), encrypted, verified, row["cause"].as_str()]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" ")
    };
    let differs = |(name, expected): (&String, &String)| {
        let found = rows.iter().find(|row| row["sslmode"] == *name).map(words);
        (found.as_ref() != Some(expected)).then(|| format!("mode {name}: {found:?} instead of {expected:?}"))
    };
    expect.modes.iter().filter_map(differs).collect()
}

/// `--timeout`.
#[expect(clippy::cast_precision_loss, reason = "a few thousand")]
pub fn milliseconds(check: &Check) -> f64 {
    check.timeout_ms as f64
}

fn judge_time(elapsed: f64, check: &Check) -> Option<String> {
    let limit = milliseconds(check);
    let fine =
        if check.expect.waits { (limit * READING..limit + GRACE_MS).contains(&elapsed) } else { elapsed < limit };
    (!fine).then(|| format!("took {elapsed} ms of {limit}"))
}

/// What is not as expected in what people are told.
pub fn judge_human(human: &Run, json: &Run, expect: &Expect) -> Vec<String> {
    let mut complaints = Vec::new();
    if human.code != json.code || !human.stderr.is_empty() {
        complaints.push(format!("for people: exit code {:?}, stderr {}", human.code, human.stderr));
    }
    let code = serde_json::from_str::<Value>(&json.stdout).ok().and_then(|report| report["exit_code"].as_i64());
    if json.code.map(i64::from) != code {
        complaints.push(format!("the process ended with {:?}, the report says {code:?}", json.code));
    }
    for line in human.stdout.lines() {
        // Lines to copy are never broken, nor is a word.
        let copied = line.starts_with(&" ".repeat(13)) || !line.trim_start().contains(' ');
        if line.chars().count() > WIDTH && !copied {
            complaints.push(format!("too wide: {line}"));
        }
    }
    if let Some(odd) = human.stdout.chars().find(|c| c.is_control() && *c != '\n') {
        complaints.push(format!("control character {odd:?} in the human report"));
    }
    for code in expect.cause.iter().chain(&expect.others) {
        if !human.stdout.contains(&format!("[{code}]")) {
            complaints.push(format!("{code} is not told to people: {}", human.stdout));
        }
    }
    complaints
}

/// The stages, in order.
pub fn stages(report: &Value) -> impl Iterator<Item = &Value> {
    report["stages"].as_array().unwrap().iter()
}
