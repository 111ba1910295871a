//! Findings of an Amazon Redshift: what is wrong is told as of any server, and what to do about it is AWS's and
//! Redshift's own. Nobody can edit a file there, reload, or see a process; users have no roles' attributes.

mod aws;
mod login;
mod network;
mod privileges;
mod session;

use self::aws::Aws;
use super::code::Code;
use super::finding::{Finding, Side};
use super::product;
use crate::probe::trace::{Stage, Trace};
use crate::target::{Engine, Target};

/// The target with the engine that answers, and with the user as the database knows it: for temporary credentials that
/// may be another name than was given.
pub fn in_force(target: Target, trace: &Trace) -> Target {
    let engine = product::engine(&target, trace);
    let known = trace.login.parameter("session_authorization").filter(|_| engine == Engine::Redshift);
    let user = known.map_or_else(|| target.user.clone(), str::to_owned);
    Target { engine, user, ..target }
}

/// The finding with the reasons and fixes of Redshift, where that is what answers, or what is expected to. None where
/// nothing is to be remarked of a Redshift.
pub fn adapt(finding: Finding, target: &Target, trace: &Trace) -> Option<Finding> {
    if product::engine(target, trace) != Engine::Redshift {
        return Some(finding);
    }
    let case = Case { target, trace, aws: Aws::of(target.endpoint.host()) };
    Some(match finding.code {
        // It is what passwords are stored as, and what libpq's clients can answer. And it tells nobody how full it is.
        Code::LoginMd5 | Code::SessionNearlyFull => return None,
        Code::SessionEngineMismatch => finding,
        _ => match finding.code.stage() {
            Stage::Resolve | Stage::Connect => case.network(finding),
            Stage::Tls => case.tls(finding),
            Stage::Login => case.login(finding),
            Stage::Session => case.session(finding),
            Stage::Privileges => case.privileges(finding),
            Stage::Input | Stage::Register => finding,
        },
    })
}

/// A finding's surroundings.
struct Case<'a> {
    target: &'a Target,
    trace: &'a Trace,
    aws: Aws<'a>,
}

impl Case<'_> {
    /// In place of what is done at the side of a PostgreSQL: the state of the cluster, and what it wrote down.
    fn by_aws(&self, finding: Finding) -> Finding {
        finding.without(Side::Server).fix(Side::Server, "see what state it is in", [self.aws.describe()]).fix(
            Side::Server,
            "and what it has noted down of logins (as a superuser)",
            [self.log()],
        )
    }

    fn log(&self) -> String {
        format!(
            "SELECT record_time, event, remote_host, database_name FROM sys_connection_log WHERE user_name = {} ORDER BY 1 DESC LIMIT 20;",
            literal(&self.target.user)
        )
    }
}

/// An SQL string constant. A backslash is one only when it is doubled.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}
