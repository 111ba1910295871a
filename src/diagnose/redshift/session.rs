//! Stage session: what a Redshift answers, and does not.

use super::super::code::Code;
use super::super::finding::{Finding, Side, identifier};
use super::Case;

impl Case<'_> {
    pub(super) fn session(&self, finding: Finding) -> Finding {
        match finding.code {
            Code::SessionLargeResultStalls => self.jumbo_frames(finding),
            Code::SessionNoReply => self.unanswered(finding),
            Code::SessionRoleSettings => self.settings(finding),
            Code::SessionWrongRole => finding.without(Side::Server),
            Code::SessionStandby | Code::SessionReadOnly => self.by_aws(finding),
            _ => finding,
        }
    }

    /// A question may wait for a slot of workload management, or for a lock.
    pub(super) fn unanswered(&self, finding: Finding) -> Finding {
        finding
            .without(Side::Server)
            .fix(Side::Server, "see what state it is in", [self.aws.describe()])
            .fix(
                Side::Server,
                "and what waits (as a superuser; anybody else sees queries of his own only)",
                ["SELECT query_id, user_id, status, queue_time FROM sys_query_history WHERE status IN ('queued', 'running');"],
            )
    }

    /// Settings stand with the user there is.
    fn settings(&self, finding: Finding) -> Finding {
        let user = identifier(&self.target.user);
        let names = finding.evidence.get("settings").and_then(|names| names.as_array()).cloned().unwrap_or_default();
        let lines: Vec<String> = names
            .iter()
            .filter_map(|name| name.as_str())
            .map(|name| format!("ALTER USER {user} RESET {name};"))
            .collect();
        finding.without(Side::Server).fix(Side::Server, "take it back, for sessions that begin from then on", lines)
    }
}
