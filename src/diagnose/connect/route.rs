//! Addresses that no packet gets to: no route, nobody there, or a machine on the way that says no.

use super::{Dialling, icmp};
use crate::diagnose::code::{Code, Confidence};
use crate::diagnose::finding::{Finding, Side};
use crate::diagnose::provider;
use crate::probe::trace::{Dialled, Icmp};

impl Dialling<'_> {
    pub(super) fn unreachable(&self, code: Code, what: &str, errno: &str) -> Finding {
        let finding = Finding::new(code, format!("there is no way to {}: {what} unreachable", self.address()));
        let Some(message) = self.icmp() else {
            return self.unreachable_by_time(finding, errno);
        };
        let (sender, name) = (icmp::sender(message), icmp::name(message));
        if icmp::is_prohibition(message) {
            return finding.because(format!("{sender} answered with {name}: a rule there forbids it")).fix(
                Side::Network,
                format!("open TCP port {} in the firewall at {sender}", self.port()),
                [format!("sudo nft insert rule inet filter forward tcp dport {} accept", self.port())],
            );
        }
        let waited = self.connected.attempts.first().map_or(0.0, |attempt| attempt.elapsed.as_secs_f64());
        // What this machine says to itself after seconds of asking; its firewall would have said it at once.
        if message.ours {
            return finding
                .because(format!(
                    "nobody on this machine's own segment answered for the address (ARP, NDP) within {waited:.1} s"
                ))
                .advise(Side::Server, "see whether the host is up, has this address, and is on this segment")
                .fix(Side::Client, "see what is known of it here", [format!("ip neigh show {}", self.ip_text())]);
        }
        finding.because(format!("{sender} answered with {name}: it has no way there, or a firewall there says so")).fix(
            Side::Network,
            format!("look at the routes and the firewall of {sender}; there:"),
            [format!("ip route get {}", self.ip_text())],
        )
    }

    fn unreachable_by_time(&self, finding: Finding, errno: &str) -> Finding {
        let at_once = self.connected.attempts.first().is_some_and(|attempt| attempt.elapsed.as_micros() < 1000);
        let reason = if at_once {
            format!("this machine itself gave {errno} at once: it has no route there")
        } else {
            format!("{errno} came back from the network: a router has no way there, or a firewall forbids it")
        };
        finding.because(reason).fix(
            Side::Network,
            "look at the route, the VPN and the firewall",
            [format!("ip route get {}", self.ip_text())],
        )
    }

    /// A closed port of the host answers TCP with a reset; ICMP in its place is a firewall's.
    pub(super) fn rejected(&self, message: &Icmp) -> Finding {
        let (sender, port) = (icmp::sender(message), self.port());
        let at_host = message.from == self.ip();
        let (place, chain) = if at_host { ("on the host itself", "input") } else { ("on the way", "forward") };
        Finding::new(Code::ConnectRefused, format!("a firewall {place} rejects connections to {}", self.address()))
            .because(format!(
                "{} came from {sender} (ECONNREFUSED); a closed port answers with a reset instead",
                icmp::name(message)
            ))
            .fix(
                Side::Network,
                format!("open TCP port {port} in the firewall at {sender}"),
                [format!("sudo nft insert rule inet filter {chain} tcp dport {port} accept")],
            )
            .advise(Side::Network, "in Kubernetes it is a Service without endpoints that rejects like this")
    }

    /// All addresses are of a family that this machine does not have, and it has the other one.
    pub(super) fn address_family(&self) -> Option<Finding> {
        let families = self.connected.families?;
        let attempts = &self.connected.attempts;
        let without_route = attempts.iter().all(|one| one.outcome == Dialled::NetworkUnreachable && one.icmp.is_none());
        let version_6 = self.ip()?.is_ipv6();
        let alike = attempts.iter().all(|one| one.ip().is_some_and(|ip| ip.is_ipv6() == version_6));
        let (missing, other) = if version_6 { (families.v6, families.v4) } else { (families.v4, families.v6) };
        // An IPv6 address often comes without a way out; an IPv4 address without one is a fault of the network.
        let lacks = !missing.routed && (!missing.addressed || (version_6 && other.routed));
        if !without_route || !alike || !lacks || !(other.routed || other.addressed) {
            return None;
        }
        let (has, lacks) = if version_6 { ("IPv4", "IPv6") } else { ("IPv6", "IPv4") };
        let host = self.target.endpoint.host();
        let finding = Finding::new(
            Code::ConnectAddressFamily,
            format!("{host} has only {lacks} addresses, and this machine has no {lacks}"),
        )
        .because(format!("it gave ENETUNREACH or EADDRNOTAVAIL at once, for {}", self.address()))
        .because(if missing.addressed {
            format!("it has an {lacks} address, and no {lacks} route to the outside; with {has} it can get out")
        } else {
            format!("it has no {lacks} address and no {lacks} route; with {has} it can get out")
        })
        .evidence("addresses", lacks)
        .evidence("this_machine", has);
        let finding = provider::other_family(finding, self.target, version_6);
        let default =
            if version_6 { "ip -6 route add default via GATEWAY" } else { "ip route add default via GATEWAY" };
        let finding = finding
            .advise(Side::Server, format!("give the name an {has} address too, or dial a name that has one"))
            .fix(Side::Network, format!("or give this machine {lacks}: an address, and a route"), [default]);
        Some(finding.confidence(Confidence::Certain))
    }
}
