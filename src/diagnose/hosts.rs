//! Several hosts and addresses: what became of those that did not decide the walk.

use serde_json::{Value, json};

use super::code::Code;
use super::explain;
use super::finding::{Finding, Side};
use crate::probe::trace::{Failure, Trace};
use crate::target::Target;

/// What became of one that was given up; None of one that was not.
pub fn outcome(target: &Target, tried: &Trace) -> Option<Finding> {
    let failure = tried.failure.as_ref()?;
    Some(explain(failure, &target.candidate(tried.host), tried))
}

/// How a host or an address is called: by its address, too, where the host has a name for it.
pub fn place(target: &Target, tried: &Trace) -> String {
    let endpoint = target.candidate(tried.host).endpoint;
    let name =
        if endpoint.host().contains(':') { format!("[{}]", endpoint.host()) } else { endpoint.host().to_owned() };
    let name = format!("{name}:{}", endpoint.port());
    match &tried.connected.address {
        Some(address) if !endpoint.is_unix() && *address != name => format!("{name} ({address})"),
        _ => name,
    }
}

/// Adds to the cause what became of the others: all of them have failed, or been given up.
pub fn beside(cause: Finding, target: &Target, trace: &Trace) -> Finding {
    let cause = if is_pending(trace) && trace.turn < target.alternatives.len() {
        cause.because("no other host was tried: the password has been sent, and may yet be refused; libpq would go on")
    } else {
        cause
    };
    let others: Vec<(&Trace, Finding)> =
        trace.others.iter().filter_map(|tried| Some((tried, outcome(target, tried)?))).collect();
    if others.is_empty() {
        return cause;
    }
    let cause = cause.because(format!("so it is at {}", place(target, trace)));
    let evidence: Vec<Value> = others
        .iter()
        .map(|(tried, found)| json!({ "host": place(target, tried), "outcome": found.code.as_str() }))
        .collect();
    others
        .into_iter()
        .fold(cause, |cause, (tried, found)| {
            let when = if tried.turn < trace.turn { "before" } else { "after" };
            let (host, code) = (place(target, tried), found.code.as_str());
            cause.because(format!("{host} was tried {when} it: {} ({code})", found.summary))
        })
        .evidence("others", evidence)
}

/// The server has been given the password, and has fallen silent.
fn is_pending(trace: &Trace) -> bool {
    trace.failure.as_ref().is_some_and(Failure::is_silence) && !trace.login.may_log_in_elsewhere()
}

/// One host will do, and others that were tried before it cannot be used. One in another state than the wanted one can.
pub fn remarks(target: &Target, trace: &Trace) -> Option<Finding> {
    let failed = |tried: &&Trace| !matches!(tried.failure, None | Some(Failure::WrongRole(_)));
    let failed: Vec<(String, Finding)> = trace
        .others
        .iter()
        .filter(failed)
        .filter_map(|tried| Some((place(target, tried), outcome(target, tried)?)))
        .collect();
    if failed.is_empty() {
        return None;
    }
    let names: Vec<&str> = failed.iter().map(|(host, _)| host.as_str()).collect();
    let finding = Finding::new(
        Code::ConnectSomeHostsFail,
        format!("{} will do, and what is tried before it does not: {}", place(target, trace), names.join(", ")),
    );
    let evidence: Vec<Value> =
        failed.iter().map(|(host, found)| json!({ "host": host, "outcome": found.code.as_str() })).collect();
    let finding = failed.into_iter().fold(finding, |finding, (host, found)| {
        finding.because(format!("{host}: {} ({})", found.summary, found.code.as_str()))
    });
    let finding = finding
        .advise(Side::Server, "mend it; every client that has this list tries it, and waits for it, first")
        .advise(Side::Client, "or take it out of the list, or put it at the end")
        .evidence("failed", evidence);
    Some(finding)
}
