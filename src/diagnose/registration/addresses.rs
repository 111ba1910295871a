//! The platform dials from elsewhere: which addresses it cannot dial at all, and which ones it has to be let in from.

use std::net::{IpAddr, Ipv4Addr};

use serde_json::Value;

use super::egress;
use crate::diagnose::code::{Code, Confidence};
use crate::diagnose::finding::{Finding, Side};

/// How the platform said that it does not get to the database.
#[derive(Debug, Default)]
pub struct DatabaseRefused {
    /// The connection that it has now, if it has one.
    pub id: Option<String>,
    /// It was there before, with other secrets perhaps.
    pub unchanged: bool,
    /// Its own words, made safe to show.
    pub said: Option<String>,
    /// The cause that a preflight of its own names, as our own service has one.
    pub cause: Option<String>,
    /// It runs on this machine, and dials from where this check has dialled.
    pub near: bool,
}

/// This machine gets in, and the platform does not.
pub fn database_refused(refused: &DatabaseRefused) -> Finding {
    let summary = match &refused.id {
        Some(id) => format!("this machine gets in, the platform does not: its own test of connection {id} fails"),
        None => "this machine gets in, the platform does not: it refuses the connection".to_owned(),
    };
    let said = refused.said.as_deref().map(|said| format!("the platform says: {said}"));
    let cause = refused.cause.as_deref().map(|cause| format!("its own preflight ended with {cause}"));
    let mut finding = Finding::new(Code::RegisterDatabaseRefused, summary);
    finding.because.extend(said.into_iter().chain(cause));
    finding = if refused.near {
        finding.because("it dials from this machine, with the same settings: what lets one in may keep the other out")
    } else {
        finding
            .because(
                "it dials from its own addresses; a firewall, a security group or pg_hba.conf may know this one only",
            )
            .confidence(Confidence::Likely)
    };
    if refused.unchanged {
        finding = finding
            .because("the connection is an earlier one, whose secrets are not shown: they may be outdated")
            .fix(Side::Client, "if the password has changed since, send the new one", ["--update"]);
    }
    if !refused.near {
        let regions = egress::REGIONS.iter().map(|(region, ranges)| format!("{region}: {}", ranges.join(", ")));
        let what = format!(
            "let the platform's addresses in, in the firewall and in pg_hba.conf: these were its lists on {}, by region \
             (Azure-hosted); compare with {}",
            egress::AS_OF,
            egress::PAGE
        );
        finding = finding.fix(Side::Network, what, regions);
    }
    finding
        .advise(
            Side::Server,
            "look in the server's log for a connection that is not this machine's, and what became of it",
        )
        .evidence("id", refused.id.clone())
        .evidence("said", refused.said.clone())
        .evidence("cause", refused.cause.clone())
        .evidence("egress_as_of", (!refused.near).then_some(egress::AS_OF))
}

/// Every address that the name has is one that only this network knows.
pub fn private_address(addresses: &Value) -> Option<Finding> {
    let addresses: Vec<IpAddr> =
        addresses.as_array()?.iter().filter_map(|address| address.as_str()?.parse().ok()).collect();
    let kinds: Vec<&str> = addresses.iter().map(|address| kind(*address)).collect::<Option<_>>()?;
    let (first, kind) = (addresses.first()?, kinds.first()?);
    Some(
        Finding::new(
            Code::RegisterPrivateAddress,
            format!("the endpoint is at {first}, {kind}: the platform cannot reach it from outside"),
        )
        .because("such an address leads nowhere, or to another machine, from any other network")
        .fix(Side::Network, "register the name or address that is reached over the internet", ["host=PUBLIC-NAME"])
        .advise(
            Side::Network,
            "or give the platform a way in: a private link, or a forwarding host with a public address",
        )
        .evidence("addresses", addresses.iter().map(ToString::to_string).collect::<Vec<_>>()),
    )
}

/// What kind of address it is that is reached only from near by; None of a public one.
fn kind(address: IpAddr) -> Option<&'static str> {
    match address.to_canonical() {
        IpAddr::V4(ip) => kind_of_v4(ip),
        IpAddr::V6(ip) if ip.is_loopback() || ip.is_unspecified() => Some("a loopback address"),
        IpAddr::V6(ip) => match ip.segments().first()? {
            head if head & 0xfe00 == 0xfc00 => Some("a private address (fc00::/7)"),
            head if head & 0xffc0 == 0xfe80 => Some("a link-local address"),
            _ => None,
        },
    }
}

fn kind_of_v4(ip: Ipv4Addr) -> Option<&'static str> {
    match ip.octets() {
        [0 | 127, ..] => Some("a loopback address"),
        [10, ..] => Some("a private address (10.0.0.0/8)"),
        [172, 16..=31, ..] => Some("a private address (172.16.0.0/12)"),
        [192, 168, ..] => Some("a private address (192.168.0.0/16)"),
        [100, 64..=127, ..] => Some("an address of a provider's own network (100.64.0.0/10)"),
        [169, 254, ..] => Some("a link-local address"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_address_that_only_near_by_machines_reach_is_known() {
        let private = [
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.7.7",
            "100.64.0.1",
            "100.127.1.1",
            "169.254.1.1",
            "127.0.0.1",
            "0.0.0.0",
            "::1",
            "fd00::1",
            "fe80::1",
            "::ffff:10.0.0.1",
        ];
        let public = ["93.184.216.34", "172.32.0.1", "100.128.0.1", "192.169.0.1", "2001:db8::1", "64:ff9b::1"];
        for text in private {
            assert!(private_address(&json!([text])).is_some(), "{text}");
        }
        for text in public {
            assert!(private_address(&json!([text])).is_none(), "{text}");
            assert!(private_address(&json!(["10.0.0.1", text])).is_none(), "there is a way to {text}");
        }
        assert!(private_address(&json!([])).is_none());
    }
}
