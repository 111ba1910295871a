//! `lab list`: what can be played.

use std::io::{self, Write};

use serde_json::{Value, json};

use crate::cli::LabFormat;
use crate::commands::output::Output;
use crate::error::Trouble;
use crate::lab::catalog::Fault;
use crate::render::layout::{FAINT, STRONG, paragraph};

/// What stands over the faults of no stage.
const NOTHING_TO_FIND: &str = "sound";

/// Prints the list.
pub fn run(faults: &[Fault], format: LabFormat) -> Result<u8, Trouble> {
    let mut output = Output::open(None)?;
    output.write(|out| match format {
        LabFormat::Human => human(faults, out),
        LabFormat::Json => {
            let faults: Vec<Value> = faults.iter().map(described).collect();
            writeln!(out, "{}", json!({ "schema": 1, "faults": faults }))
        }
    })?;
    Ok(0)
}

/// A fault as both lists of `lab` have it.
pub fn described(fault: &Fault) -> Value {
    json!({
        "fault": fault.name,
        "about": fault.about,
        "stage": fault.stage(),
        "cause": fault.cause,
        "others": fault.others,
    })
}

fn human(faults: &[Fault], out: &mut dyn Write) -> io::Result<()> {
    let width = faults.iter().map(|fault| fault.name.len()).max().unwrap_or_default();
    let mut stage = None;
    for fault in faults {
        let found_at = fault.stage().unwrap_or(NOTHING_TO_FIND);
        if stage != Some(found_at) {
            let gap = if stage.is_some() { "\n" } else { "" };
            writeln!(out, "{gap}{STRONG}{found_at}{STRONG:#}")?;
            stage = Some(found_at);
        }
        writeln!(out, "  {STRONG}{:<width$}{STRONG:#}  {}", fault.name, fault.code().unwrap_or("ready"))?;
        paragraph(out, "      ", 6, &fault.about)?;
    }
    writeln!(out, "\n{FAINT}pgpreflight lab run FAULT -- psql {{uri}} -c 'select 1'{FAINT:#}")
}
