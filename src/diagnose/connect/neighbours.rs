//! What other ports of the same host say of the one that does not answer.

use super::Dialling;
use crate::diagnose::finding::{Finding, Side};

impl Dialling<'_> {
    /// Adds them to a refusal or a silence, where they were tried.
    pub(super) fn beside(&self, finding: Finding) -> Finding {
        let Some(seen) = &self.connected.neighbours else {
            return finding;
        };
        let (open, refused) = (list(&seen.open), list(&seen.refused));
        let finding = match (seen.open.as_slice(), seen.refused.as_slice()) {
            ([], []) => finding.because("nor does any other port where a database usually listens answer"),
            ([], _) => finding.because(format!("other ports of it answer, with a refusal ({refused}): the host is up")),
            ([first, ..], _) => finding
                .because(format!("another port of it accepts connections ({open}; nothing was sent): the host is up"))
                .fix(Side::Client, "if the database is there, use that port", [format!("port={first}")]),
        };
        finding
            .evidence("host_answers", !seen.open.is_empty() || !seen.refused.is_empty())
            .evidence("open_ports", seen.open.clone())
    }
}

fn list(ports: &[u16]) -> String {
    ports.iter().map(u16::to_string).collect::<Vec<_>>().join(", ")
}
