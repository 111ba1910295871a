//! The report as it is, indented.

use std::io::{self, Write};

use crate::report::Report;

/// Writes one report.
pub fn render(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, report)?;
    writeln!(out)
}
