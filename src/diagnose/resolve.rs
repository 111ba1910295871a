//! Why a host name has no address: `getaddrinfo` decides that there is none, what the name servers say decides why.

mod alias;
mod providers;
pub mod servers;
pub mod sinkhole;
mod special;
#[cfg(test)]
mod tests;

use self::servers::Said;
use super::code::{Code, Confidence};
use super::finding::{Finding, Side};
use crate::probe::trace::{ResolveFailure, Resolved};
use crate::target::Target;

/// The one cause.
pub fn explain(failure: &ResolveFailure, target: &Target, seen: &Resolved) -> Finding {
    let host = target.endpoint.host();
    let said = Said::new(host, seen.dns.as_ref());
    let finding = match (code(failure, &said), alias::dangling(&said)) {
        (Code::ResolveDanglingAlias, Some(dangling)) => alias::explain(&dangling, host),
        (Code::ResolveNoAddress, _) => no_address(failure, host, &said),
        (Code::ResolveServerFailure, _) => server_failure(failure, host, &said),
        (Code::ResolveNameInvalid, _) => name_invalid(host),
        (Code::ResolveTimedOut, _) => timed_out(failure, host, &said),
        _ => not_found(failure, target, &said),
    };
    let finding = if *failure == ResolveFailure::NameInvalid { finding } else { said.tell(finding) };
    let finding = match failure {
        ResolveFailure::ServerFailure { code } => finding.evidence("eai_code", *code),
        _ => finding,
    };
    finding.evidence("host", host)
}

/// What `getaddrinfo` merges under one number, the name servers tell apart; without them its number decides.
fn code(failure: &ResolveFailure, said: &Said) -> Code {
    if *failure == ResolveFailure::NameInvalid {
        return Code::ResolveNameInvalid;
    }
    if alias::dangling(said).is_some() {
        return Code::ResolveDanglingAlias;
    }
    match failure {
        // musl has one number for both.
        ResolveFailure::NotFound if said.is_empty() => Code::ResolveNoAddress,
        ResolveFailure::NotFound | ResolveFailure::NameInvalid => Code::ResolveNameNotFound,
        ResolveFailure::NoAddress => Code::ResolveNoAddress,
        ResolveFailure::ServerFailure { .. } if said.is_silence() => Code::ResolveTimedOut,
        ResolveFailure::ServerFailure { .. } => Code::ResolveServerFailure,
        ResolveFailure::TimedOut { .. } if said.does_not_exist() => Code::ResolveNameNotFound,
        ResolveFailure::TimedOut { .. } if said.is_empty() => Code::ResolveNoAddress,
        ResolveFailure::TimedOut { .. } if said.is_failure() => Code::ResolveServerFailure,
        ResolveFailure::TimedOut { .. } => Code::ResolveTimedOut,
    }
}

fn not_found(failure: &ResolveFailure, target: &Target, said: &Said) -> Finding {
    let host = target.endpoint.host();
    let source = target.sources.get("host").map_or("default", String::as_str);
    let mut finding = Finding::new(Code::ResolveNameNotFound, format!("there is no host named `{host}`"));
    if *failure == ResolveFailure::NotFound {
        finding = finding.because("the resolver answered that the name does not exist (EAI_NONAME)");
    }
    finding = finding.because(format!("the name came from: {source}"));
    if said.has_addresses() {
        finding = finding
            .because("a name server does know the name: getaddrinfo does not ask it, or was told something else")
            .confidence(Confidence::Likely)
            .fix(Side::Client, "let this machine ask DNS for hosts, in /etc/nsswitch.conf", ["hosts: files dns"]);
    }
    if let Some(advised) = providers::missing(&finding, host) {
        finding = advised;
    } else if special::is_of_docker(host) {
        finding = special::of_docker(finding, host);
    } else if special::is_multicast(host) {
        finding = special::multicast(finding);
    }
    finding
        .fix(Side::Client, "check the spelling, and ask the resolver yourself", [format!("getent ahosts {host}")])
        .advise(Side::Network, "if the name is a private one, join its network (VPN, VPC) or attach its zone")
}

fn no_address(failure: &ResolveFailure, host: &str, said: &Said) -> Finding {
    let reason = match failure {
        ResolveFailure::NoAddress => "the resolver knows the name, and has no A or AAAA record for it (EAI_NODATA)",
        _ => "a name server knows the name, and has no A or AAAA record for it; getaddrinfo does not tell that",
    };
    let name = said.end_of_alias().unwrap_or(host);
    Finding::new(Code::ResolveNoAddress, format!("the name `{host}` exists, but has no address")).because(reason).fix(
        Side::Network,
        "add an address record, or use the name that has one",
        [format!("{name}. IN A ADDRESS")],
    )
}

fn server_failure(failure: &ResolveFailure, host: &str, said: &Said) -> Finding {
    let mut finding =
        Finding::new(Code::ResolveServerFailure, format!("the resolver could not answer for `{host}`{}", said.how()));
    if let ResolveFailure::ServerFailure { code } = failure {
        finding = finding.because(format!(
            "getaddrinfo failed with EAI code {code}: a name server refused, failed or was not reached"
        ));
    }
    if said.has_addresses() {
        finding =
            finding.because("asked again, a name server does answer: it may have passed, or one of them is broken");
        finding = finding.confidence(Confidence::Likely);
    }
    finding =
        finding.fix(Side::Client, "see which resolver is asked, and whether it answers", ["cat /etc/resolv.conf"]);
    if let Some(server) = said.bogus() {
        let finding = finding.because(said.why_bogus());
        return finding.evidence("dnssec", true).fix(
            Side::Network,
            "the owner of the zone has to sign it again, or to correct the DS record above it; until then, see that it \
             answers unchecked",
            [format!("dig @{server} {host} A +cd"), format!("dig @{server} {host} A +dnssec")],
        );
    }
    if said.refused() {
        return finding.advise(
            Side::Network,
            "let the name server serve this client (its allow-query or access-control), or name another one",
        );
    }
    finding.advise(Side::Network, "check VPN and split DNS: the name server may not reach those of the zone")
}

fn name_invalid(host: &str) -> Finding {
    Finding::new(Code::ResolveNameInvalid, format!("`{host}` cannot be a host name"))
        .because("a label of it is empty, longer than 63 octets, or has a blank in it (RFC 1035, section 2.3.4)")
        .advise(Side::Client, "correct the host")
}

fn timed_out(failure: &ResolveFailure, host: &str, said: &Said) -> Finding {
    let mut finding = Finding::new(Code::ResolveTimedOut, format!("no resolver answered for `{host}`"));
    finding = match failure {
        ResolveFailure::TimedOut { after } => {
            finding.because(format!("nothing came within {:.1} s", after.as_secs_f64()))
        }
        _ => finding.because("getaddrinfo gave up: it reached no name server (EAI_AGAIN)"),
    };
    // Seen to be silent themselves.
    if !said.is_silence() {
        finding = finding.confidence(Confidence::Likely);
    }
    let ask = said.servers().into_iter().map(|server| format!("dig @{server} {host} +time=2 +tries=1"));
    finding.fix(
        Side::Client,
        "see which resolver is asked, and whether it can be reached",
        std::iter::once("cat /etc/resolv.conf".to_owned()).chain(ask),
    )
}
