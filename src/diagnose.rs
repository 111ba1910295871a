//! Trace → findings. Pure: no clock, no I/O, no environment. One root cause gives one error.

pub mod certificate;
mod client_certificate;
pub mod code;
pub mod connect;
mod delivery;
mod driver;
pub mod finding;
pub mod hosts;
mod input;
mod login;
pub mod modes;
mod pooler;
pub mod privileges;
pub mod product;
mod provider;
mod redshift;
pub mod refusal;
pub mod register;
pub mod registration;
pub mod resolve;
mod role_settings;
mod session;
pub mod tls;
mod token;
mod words;

use self::code::{Code, Severity};
use self::finding::Finding;
use crate::probe::trace::{Failure, LoginFailure, Silence, Trace};
use crate::settings::InputFailure;
use crate::target::Target;

/// Why the settings could not be read.
pub fn refuse(failure: &InputFailure) -> Finding {
    input::explain(failure)
}

/// Everything found on a walk: the cause of its end first, then by severity.
pub fn diagnose(target: &Target, trace: &Trace) -> Vec<Finding> {
    let host = redshift::in_force(target.candidate(trace.host), trace);
    let cause = hosts::outcome(target, trace).map(|cause| hosts::beside(cause, target, trace));
    let mut remarks: Vec<Finding> = target.oddities.iter().map(input::remark).collect();
    remarks.extend(resolve::sinkhole::remark(&host, &trace.resolved));
    remarks.extend(connect::remarks(&trace.connected));
    // Of a server that is not the wanted one, that alone is told.
    let session = trace.session.as_ref().filter(|_| !matches!(trace.failure, Some(Failure::WrongRole(_))));
    if session.is_some() {
        remarks.extend(tls::remarks(&host, trace));
        remarks.extend(login::remarks(&host, trace));
        remarks.extend(driver::remark(&host, trace));
    }
    if trace.failure.is_none() {
        remarks.extend(hosts::remarks(target, trace));
    }
    if let Some(Failure::Login(LoginFailure::CertificateUnbindable)) = trace.failure {
        remarks.extend(certificate::breaks_libpq(&host, trace));
    }
    if let Some(seen) = session {
        remarks.extend(session::remarks(&host, seen, product::name(seen, &trace.login)));
        remarks.extend(pooler::remark(trace));
        remarks.extend(product::mismatch(target, trace));
        // What is the cause already is not remarked on.
        let is_cause = cause.as_ref().is_some_and(|cause| cause.code == Code::SessionRoleSettings);
        remarks.extend(role_settings::remark(&host, seen).filter(|_| !is_cause));
    }
    remarks.extend(trace.privileges.iter().flat_map(|seen| privileges::remarks(&host, seen)));
    remarks.sort_by_key(|finding| finding.severity);
    cause.into_iter().chain(remarks).filter_map(|finding| redshift::adapt(finding, &host, trace)).collect()
}

fn explain(failure: &Failure, target: &Target, trace: &Trace) -> Finding {
    let cause = match failure {
        Failure::Resolve(failure) => return resolve::explain(failure, target, &trace.resolved),
        Failure::Connect(failure) => connect::explain(&failure.outcome, target, &trace.connected),
        Failure::Tls(failure) => tls::explain(failure, target, trace),
        Failure::Login(failure) => login::explain(failure, target, trace),
        Failure::WrongRole(role) => session::wrong_role(*role, target),
        Failure::Session(failure) => session::explain(failure, target, trace),
        Failure::Privileges(Silence::Refused(error)) if error.sqlstate == "57014" => {
            role_settings::cut_off(error, target)
        }
        Failure::Privileges(failure) => session::unanswered(failure, Code::PrivilegesNoReply, target, trace),
    };
    resolve::sinkhole::shadow(cause, target, &trace.resolved)
}

/// The finding that makes a target not ready, if there is one.
pub fn cause(findings: &[Finding]) -> Option<&Finding> {
    findings.iter().find(|finding| finding.severity == Severity::Error)
}
