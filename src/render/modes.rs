//! For people: the table of modes, which setting to register, and what the best one lacks.

use std::io::{self, Write};

use super::human::write_fix;
use super::layout::{BAD, FAINT, GOOD, ODD, STRONG, paragraph};
use crate::diagnose::code::Code;
use crate::diagnose::modes::{Family, Outcome, Row};
use crate::report::Report;
use crate::target::Engine;

/// Width of the first column; a name that is longer has a line for itself.
const NAME: usize = 11;

/// Writes the table, if the report has one.
pub fn render(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    if report.modes.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n {STRONG}{:NAME$} outcome  encrypted verified    why not{STRONG:#}", "sslmode")?;
    for row in &report.modes {
        line(row, out)?;
    }
    writeln!(out)?;
    strongest(report, out)?;
    what_it_takes(report, out)
}

fn line(row: &Row, out: &mut dyn Write) -> io::Result<()> {
    let mut name = row.sslmode;
    if name.len() > NAME {
        writeln!(out, " {name}")?;
        name = "";
    }
    let (style, outcome) = match row.outcome {
        Outcome::Connects => (GOOD, "connects"),
        Outcome::Fails => (BAD, "fails"),
        Outcome::Unknown => (ODD, "unknown"),
    };
    let (encrypted, verified) = match row.outcome {
        Outcome::Fails => ("-", "-"),
        Outcome::Connects | Outcome::Unknown => (if row.encrypted { "yes" } else { "no" }, verified(row)),
    };
    let cause = row.cause.map_or("", |code| code.as_str());
    let line = format!(" {name:NAME$} {style}{outcome:<8}{style:#} {encrypted:<9} {verified:<11} {cause}");
    writeln!(out, "{}", line.trim_end())
}

/// The words of the report, with `chain-and-name` short enough for its column.
fn verified(row: &Row) -> &'static str {
    match row.verified.as_str() {
        "chain-and-name" => "chain, name",
        word => word,
    }
}

fn strongest(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let libpq = named(report, Family::Libpq).unwrap_or_else(|| "none of libpq's".to_owned());
    let first = format!(" {FAINT}strongest that works:{FAINT:#} ");
    if report.target.engine == Engine::Redshift.as_str() {
        return paragraph(out, &first, 23, &format!("{libpq}; the platform has no setting of TLS for Redshift"));
    }
    let platform = named(report, Family::Platform).unwrap_or_else(|| "none of the platform's".to_owned());
    paragraph(out, &first, 23, &format!("{libpq}; on the platform {platform}"))?;
    // The same chain, and another verdict: there is a root file.
    let connects = |name: &str| report.modes.iter().any(|row| row.sslmode == name && row.outcome == Outcome::Connects);
    if connects("verify-ca") && !connects("EncryptionMethod=1;ValidateServerCertificate=1") {
        let note = "the platform verifies by the system's roots: what sslrootcert names does not count there";
        paragraph(out, &format!(" {FAINT}note:{FAINT:#} "), 7, note)?;
    }
    Ok(())
}

fn named(report: &Report, family: Family) -> Option<String> {
    let name = |row: &Row| {
        let prefix = if family == Family::Libpq { "sslmode=" } else { "" };
        let plain = if row.encrypted { "" } else { " (not encrypted)" };
        format!("{prefix}{}{plain}", row.sslmode)
    };
    let sure = report.strongest(family, Outcome::Connects).map(name);
    // What hangs on a password that this run has not seen accepted.
    let password = [Code::LoginPasswordMissing, Code::LoginPasswordRejected, Code::LoginPasswordUnchecked];
    let hangs_on_it = |row: &&Row| row.cause.is_some_and(|code| password.contains(&code));
    let hoped = || report.strongest(family, Outcome::Unknown).filter(hangs_on_it).map(name);
    sure.or_else(|| hoped().map(|name| format!("none for sure, {name} with the right password")))
}

/// What would have to be done for `verify-full`.
fn what_it_takes(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let best = report.modes.iter().find(|row| row.sslmode == "verify-full");
    let Some(finding) = best.and_then(|row| row.finding.as_ref()).filter(|one| Some(one.code) != report.cause) else {
        return Ok(());
    };
    paragraph(out, &format!(" {FAINT}for verify-full:{FAINT:#} "), 18, &finding.summary)?;
    for (index, fix) in finding.fixes.iter().enumerate() {
        write_fix(fix, if index == 0 { "to do" } else { "" }, out)?;
    }
    Ok(())
}
