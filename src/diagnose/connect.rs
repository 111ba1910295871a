//! Why no address could be connected to, and what was odd where one could.

mod icmp;
mod local;
mod neighbours;
mod route;
mod socket;

use std::net::IpAddr;

use serde_json::{Map, Value};

use super::code::{Code, Confidence};
use super::finding::{Finding, Side};
use crate::probe::trace::{Attempt, Connected, Dialled, Icmp};
use crate::target::{Endpoint, Target};

const START: &str = "sudo systemctl start postgresql";

const RESTART: &str = "sudo systemctl restart postgresql";

/// The one cause.
pub fn explain(outcome: &Dialled, target: &Target, connected: &Connected) -> Finding {
    let dialled = Dialling { target, connected };
    let finding = match outcome {
        Dialled::Refused if dialled.is_abstract() => dialled.name_missing(),
        Dialled::Refused if target.endpoint.is_unix() => dialled.socket_stale(),
        Dialled::Refused => dialled.beside(dialled.refused()),
        Dialled::TimedOut => dialled.beside(dialled.timed_out()),
        Dialled::HostUnreachable => dialled.unreachable(Code::ConnectHostUnreachable, "host", "EHOSTUNREACH"),
        Dialled::NetworkUnreachable => dialled
            .address_family()
            .unwrap_or_else(|| dialled.unreachable(Code::ConnectNetworkUnreachable, "network", "ENETUNREACH")),
        Dialled::BlockedLocally if target.endpoint.is_unix() => dialled.socket_denied(),
        Dialled::BlockedLocally => dialled.blocked_locally(),
        Dialled::RejectedLocally => dialled.rejected_locally(),
        Dialled::DroppedLocally => dialled.dropped_locally(),
        Dialled::ExhaustedLocally => exhausted_locally(),
        Dialled::SocketMissing => dialled.socket_missing(),
        Dialled::WrongPeer { uid, name } => dialled.wrong_peer(*uid, name.as_deref()),
        Dialled::Connected | Dialled::Abandoned | Dialled::Other(_) => dialled.other(outcome),
    };
    finding.evidence("attempts", connected.attempts.iter().map(attempt).collect::<Vec<Value>>())
}

/// Some addresses answer, others do not.
pub fn remarks(connected: &Connected) -> Option<Finding> {
    let answered = connected.address.as_deref()?;
    // One that answered, and did not when it was dialled once more to look closer, is none of them.
    let failed: Vec<&Attempt> = connected
        .attempts
        .iter()
        .filter(|attempt| !matches!(attempt.outcome, Dialled::Connected | Dialled::Abandoned))
        .filter(|attempt| attempt.address != answered)
        .collect();
    if failed.is_empty() {
        return None;
    }
    let names: Vec<&str> = failed.iter().map(|attempt| attempt.address.as_str()).collect();
    let finding = Finding::new(
        Code::ConnectSomeAddressesFail,
        format!("{} of {} addresses do not answer: {}", failed.len(), connected.attempts.len(), names.join(", ")),
    )
    .because(format!("{answered} does; a client that tries the addresses one after the other waits for the dead ones"))
    .advise(Side::Network, "make the server listen on all its addresses, or take the dead records out of DNS")
    .evidence("failed", failed.into_iter().map(attempt).collect::<Vec<Value>>());
    Some(finding)
}

fn attempt(attempt: &Attempt) -> Value {
    let mut entry = Map::new();
    entry.insert("address".to_owned(), attempt.address.as_str().into());
    entry.insert("outcome".to_owned(), outcome_word(&attempt.outcome).into());
    if let Some(icmp) = &attempt.icmp {
        entry.insert("icmp".to_owned(), icmp::evidence(icmp));
    }
    Value::Object(entry)
}

/// The word of the report.
pub fn outcome_word(outcome: &Dialled) -> String {
    match outcome {
        Dialled::Connected => "connected".to_owned(),
        Dialled::Refused => "refused".to_owned(),
        Dialled::TimedOut => "timed-out".to_owned(),
        Dialled::HostUnreachable => "host-unreachable".to_owned(),
        Dialled::NetworkUnreachable => "network-unreachable".to_owned(),
        Dialled::BlockedLocally => "blocked-locally".to_owned(),
        Dialled::RejectedLocally => "rejected-locally".to_owned(),
        Dialled::DroppedLocally => "dropped-locally".to_owned(),
        Dialled::ExhaustedLocally => "exhausted-locally".to_owned(),
        Dialled::SocketMissing => "socket-missing".to_owned(),
        Dialled::Abandoned => "abandoned".to_owned(),
        Dialled::WrongPeer { .. } => "wrong-peer".to_owned(),
        Dialled::Other(Some(errno)) => format!("errno-{errno}"),
        Dialled::Other(None) => "failed".to_owned(),
    }
}

struct Dialling<'a> {
    target: &'a Target,
    connected: &'a Connected,
}

impl Dialling<'_> {
    /// The address that was dialled first.
    fn address(&self) -> &str {
        self.connected.attempts.first().map_or("the server", |attempt| attempt.address.as_str())
    }

    /// The ICMP message that ended the attempt.
    fn icmp(&self) -> Option<&Icmp> {
        self.connected.attempts.first()?.icmp.as_ref()
    }

    fn ip(&self) -> Option<IpAddr> {
        self.connected.attempts.first()?.ip()
    }

    fn port(&self) -> u16 {
        self.target.endpoint.port()
    }

    fn refused(&self) -> Finding {
        if let Some(icmp) = self.icmp() {
            return self.rejected(icmp);
        }
        let port = self.port();
        let finding = Finding::new(
            Code::ConnectRefused,
            format!("nothing listens at {}, or a firewall refuses", self.address()),
        )
        .because("the connection attempt was answered by a reset (ECONNREFUSED): the host is there, the port is closed")
        .confidence(Confidence::Likely);
        let finding = if self.ip().is_some_and(|ip| ip.is_loopback()) {
            finding
                .because("the address is this machine's own; inside a container that is the container itself")
                .fix(
                    Side::Server,
                    "see whether a server runs here, and on which port",
                    ["pg_lsclusters", "ss -ltnp | grep postgres"],
                )
                .advise(Side::Client, "from within a container, use the service or host name instead of localhost")
        } else {
            finding
        };
        let finding = finding.fix(Side::Server, "if it does not run, start it", [START]).fix(
            Side::Server,
            "if it listens elsewhere, let it listen on this address too, then restart it",
            ["ALTER SYSTEM SET listen_addresses = '*';", RESTART],
        );
        let finding = if port == 5432 {
            finding
        } else {
            finding.fix(Side::Client, "check the port; PostgreSQL's own is", ["port=5432"])
        };
        finding.advise(
            Side::Network,
            format!("look for a firewall that rejects port {port}, and at the port mapping of containers"),
        )
    }

    fn timed_out(&self) -> Finding {
        let port = self.port();
        let waited = self.connected.attempts.first().map_or(0.0, |attempt| attempt.elapsed.as_secs_f64());
        let private = self.ip().is_some_and(is_private);
        let mut finding = Finding::new(
            Code::ConnectTimedOut,
            format!("{} does not answer: the packets are dropped on the way", self.address()),
        )
        .because(format!("no answer to the first packet (SYN) came within {waited:.1} s, not even a refusal"));
        if private {
            finding = finding
                .because("the address is a private one: it is reached only from within its own network or by VPN");
        }
        finding = finding.fix(
            Side::Network,
            format!(
                "open TCP port {port} for the address this machine is seen with (security group, network ACL, firewall)"
            ),
            [format!("sudo nft insert rule inet filter input ip saddr CLIENT_ADDRESS tcp dport {port} accept")],
        );
        if private {
            finding =
                finding.advise(Side::Network, "join the network of the database: VPN, peering, or a bastion host");
        }
        finding.evidence("private_address", private)
    }

    fn ip_text(&self) -> String {
        self.ip().map_or_else(|| "ADDRESS".to_owned(), |ip| ip.to_string())
    }

    fn other(&self, outcome: &Dialled) -> Finding {
        let place = match &self.target.endpoint {
            Endpoint::Tcp { host, .. } => host.clone(),
            Endpoint::Unix { .. } => self.address().to_owned(),
        };
        Finding::new(Code::ConnectHostUnreachable, format!("{place} cannot be connected to"))
            .because(format!("the connection attempt ended with {}", outcome_word(outcome)))
            .confidence(Confidence::Possible)
    }
}

fn exhausted_locally() -> Finding {
    Finding::new(Code::ConnectExhaustedLocally, "this machine has run out of file descriptors, ports or buffers")
        .because("the system call failed before anything was sent (EMFILE, EADDRNOTAVAIL or ENOBUFS)")
        .fix(Side::Client, "see what is used up", ["ulimit -n", "ss -s"])
}

/// Private by RFC 1918, RFC 6598 or RFC 4193.
fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_private() || matches!(ip.octets(), [100, 64..=127, ..]),
        IpAddr::V6(ip) => ip.is_unique_local(),
    }
}
