//! Names that lead to the wrong place: an address that no server has, a line in the hosts file that DNS contradicts, a
//! name server that has an address for just any name.

use std::net::{IpAddr, SocketAddr};

use super::servers::{Said, list};
use crate::diagnose::code::{Code, Confidence};
use crate::diagnose::finding::{Finding, Fix, Side};
use crate::probe::trace::{Resolved, is_localhost, is_public};
use crate::target::{Endpoint, Target};

/// The answer is no address that a public name can have.
pub fn remark(target: &Target, seen: &Resolved) -> Option<Finding> {
    let host = looked_up(target)?;
    let address = seen.nowhere().filter(|_| is_public(host))?;
    // Whoever writes 127.0.0.1 there means it; 0.0.0.0 comes from lists of names to be blocked.
    let by_hand = seen.hosts_line.is_some() && !is_unspecified(address);
    if by_hand {
        return None;
    }
    let finding = Finding::new(Code::ResolveSinkhole, format!("`{host}` leads to {address}, {}", kind(address)))
        .because("the name is a public one, and a server that others are to reach cannot have this address");
    let finding = match (seen.hosts_line, from_dns(host, seen, address)) {
        (Some(line), _) => finding
            .because(format!("the hosts file of this machine says so, in line {line}"))
            .fix(Side::Client, "take the line out of it", [format!("sudo sed -i '{line}d' /etc/hosts")])
            .evidence("given_by", "hosts-file")
            .evidence("hosts_line", line),
        (None, Some(server)) => finding
            .because(format!("the name server {server} says so, and the hosts file of this machine does not"))
            .evidence("given_by", "dns"),
        (None, None) => finding
            .because("the hosts file of this machine does not say so: it is likely to come from its name server")
            .confidence(Confidence::Likely)
            .evidence("given_by", "likely-dns"),
    };
    let finding = finding.advise(
        Side::Network,
        "if a DNS filter does it (Pi-hole, a security product, the VPN's resolver), except this name from it; if the \
         record itself is such, correct it",
    );
    let other = [format!("dig {host} A"), format!("dig @1.1.1.1 {host} A")];
    let finding = finding.fix(Side::Client, "compare with a name server outside of this network", other);
    Some(finding.evidence("host", host).evidence("address", address.to_string()))
}

/// Where the walk failed after a look-up that led to the wrong place, that is what explains it: it is told first.
pub fn shadow(cause: Finding, target: &Target, seen: &Resolved) -> Finding {
    let Some(host) = looked_up(target) else {
        return cause;
    };
    if let Some(sinkhole) = remark(target, seen) {
        let reason = format!("{}: what is dialled is not the database (resolve-sinkhole)", sinkhole.summary);
        let first = sinkhole.fixes.into_iter().next();
        return lead(cause, reason, first).confidence(Confidence::Likely);
    }
    let cause = match seen.hosts_line.filter(|_| !is_localhost(host)) {
        Some(line) => hosts_file(cause, host, line, seen),
        None => cause,
    };
    let made_up = seen.dns.as_ref().and_then(|dns| dns.made_up.as_deref()).unwrap_or_default();
    let cause = if seen.addresses.iter().any(|address| made_up.contains(&address.ip())) {
        let reason = format!(
            "a name made up on the spot has the same address ({}): the name server answers for names that do not \
             exist, so `{host}` may not exist either",
            list(made_up)
        );
        let what = "ask a name server that does not do so".to_owned();
        let fix = Fix { side: Side::Network, what, lines: vec![format!("dig @1.1.1.1 {host} A")] };
        lead(cause, reason, Some(fix)).evidence("made_up_name_resolves", true)
    } else {
        cause
    };
    match search_domain(host, seen) {
        Some(domain) => cause
            .because(format!(
                "the name that answered is `{host}.{domain}`: the search domain `{domain}` of resolv.conf completed it"
            ))
            .fix(Side::Client, "if that is not meant, end the name with a dot", [format!("host={host}.")])
            .evidence("search_domain", domain),
        None => cause,
    }
}

/// The domain that completed the name: what the name that answered has more.
pub fn search_domain<'a>(host: &str, seen: &'a Resolved) -> Option<&'a str> {
    let canonical = seen.canonical_name.as_deref()?.trim_end_matches('.');
    let (name, rest) = canonical.split_at_checked(host.len())?;
    rest.strip_prefix('.').filter(|domain| !domain.is_empty() && name.eq_ignore_ascii_case(host))
}

fn hosts_file(cause: Finding, host: &str, line: usize, seen: &Resolved) -> Finding {
    let said = Said::new(host, seen.dns.as_ref());
    let ours: Vec<IpAddr> = seen.addresses.iter().map(SocketAddr::ip).collect();
    let theirs: Vec<IpAddr> = said.answers().flat_map(|(_, answer)| answer.addresses.iter().copied()).collect();
    let cause = cause.evidence("hosts_line", line);
    if theirs.is_empty() {
        return cause.because(format!("the address of `{host}` comes from line {line} of /etc/hosts, not from DNS"));
    }
    if ours.iter().any(|ip| theirs.contains(ip)) {
        return cause;
    }
    let reason = format!(
        "line {line} of /etc/hosts gives `{host}` the address {}, and DNS gives it {}: the line is likely to be old",
        list(&ours),
        list(&theirs)
    );
    let lines = vec![format!("sudo sed -i '{line}d' /etc/hosts")];
    let fix = Fix { side: Side::Client, what: "take the line out of /etc/hosts".to_owned(), lines };
    lead(cause, reason, Some(fix)).evidence("dns_addresses", theirs.iter().map(ToString::to_string).collect::<Vec<_>>())
}

/// Puts a reason and its fix before all others.
fn lead(mut cause: Finding, reason: String, fix: Option<Fix>) -> Finding {
    cause.because.insert(0, reason);
    cause.fixes.splice(..0, fix);
    cause
}

/// The host, where it is a name and was looked up.
fn looked_up(target: &Target) -> Option<&str> {
    match &target.endpoint {
        Endpoint::Tcp { host, hostaddr: None, .. } if host.parse::<IpAddr>().is_err() => Some(host),
        _ => None,
    }
}

/// The name server that has this address for the name.
fn from_dns(host: &str, seen: &Resolved, address: IpAddr) -> Option<IpAddr> {
    let said = Said::new(host, seen.dns.as_ref());
    said.answers().find(|(_, answer)| answer.addresses.contains(&address)).map(|(asked, _)| asked.server)
}

fn is_unspecified(ip: IpAddr) -> bool {
    ip.is_unspecified() || matches!(ip, IpAddr::V4(ip) if ip.octets().first() == Some(&0))
}

fn kind(ip: IpAddr) -> &'static str {
    match ip {
        _ if is_unspecified(ip) => "the address of nothing, which this machine takes for itself",
        _ if ip.to_canonical().is_loopback() => "which is this machine itself",
        _ => "an address kept for documentation, where nothing is",
    }
}
