//! The table of modes in the report.

use super::Report;
use crate::diagnose::modes::{self, Family, Outcome, Row};
use crate::settings::InputFailure;
use crate::settings::modes::Plan;
use crate::target::Target;

impl Report {
    /// Adds the table of `--all-modes`, and what it tells for the findings there are.
    #[must_use]
    pub fn with_modes(mut self, target: &Target, rows: Vec<Row>) -> Self {
        modes::advise(&mut self.findings, &rows, target.tls.mode);
        Self { modes: rows, ..self }
    }

    /// As [`Report::refused`], with the modes that would not be refused.
    pub fn refused_in_modes(failure: &InputFailure, strict: bool, plans: &[Plan]) -> Self {
        Self { modes: modes::table_undialled(plans), ..Self::refused(failure, strict) }
    }

    /// The strongest setting of a family that comes to this.
    pub fn strongest(&self, family: Family, outcome: Outcome) -> Option<&Row> {
        modes::strongest(&self.modes, family, outcome)
    }
}
