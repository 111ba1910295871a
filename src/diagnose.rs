//! Trace → findings. Pure: no clock, no I/O, no environment. One root cause gives one error.

pub mod certificate;
pub mod code;
pub mod connect;
pub mod finding;
mod input;
mod login;
pub mod privileges;
pub mod refusal;
mod resolve;
mod session;
pub mod tls;
mod words;

use self::code::Severity;
use self::finding::Finding;
use crate::probe::trace::{Failure, Trace};
use crate::settings::InputFailure;
use crate::target::Target;

/// Why the settings could not be read.
pub fn refuse(failure: &InputFailure) -> Finding {
    input::explain(failure)
}

/// Everything found on a walk: the cause of its end first, then by severity.
pub fn diagnose(target: &Target, trace: &Trace) -> Vec<Finding> {
    let cause = trace.failure.as_ref().map(|failure| explain(failure, target, trace));
    let mut remarks: Vec<Finding> = target.oddities.iter().map(input::remark).collect();
    remarks.extend(connect::remarks(&trace.connected));
    if trace.session.is_some() {
        remarks.extend(tls::remarks(target, trace));
        remarks.extend(login::remarks(target, trace));
    }
    remarks.extend(trace.session.iter().flat_map(session::remarks));
    remarks.extend(trace.privileges.iter().flat_map(|seen| privileges::remarks(target, seen)));
    remarks.sort_by_key(|finding| finding.severity);
    cause.into_iter().chain(remarks).collect()
}

fn explain(failure: &Failure, target: &Target, trace: &Trace) -> Finding {
    match failure {
        Failure::Resolve(failure) => resolve::explain(failure, target),
        Failure::Connect(failure) => connect::explain(&failure.outcome, target, &trace.connected),
        Failure::Tls(failure) => tls::explain(failure, target, trace),
        Failure::Login(failure) => login::explain(failure, target, trace),
        Failure::Session(failure) => session::explain(failure),
    }
}

/// The finding that makes a target not ready, if there is one.
pub fn cause(findings: &[Finding]) -> Option<&Finding> {
    findings.iter().find(|finding| finding.severity == Severity::Error)
}
