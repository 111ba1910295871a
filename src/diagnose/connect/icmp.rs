//! ICMP messages in words: what RFC 792, RFC 1812 (section 5.2.7.1) and RFC 4443 call them.

use serde_json::{Value, json};

use crate::probe::trace::Icmp;

/// `destination unreachable` of ICMP and of ICMPv6.
const UNREACHABLE: (u8, u8) = (3, 1);

/// The word of the report.
pub fn word(icmp: &Icmp) -> &'static str {
    match (icmp.version_6, icmp.kind, icmp.code) {
        (false, 3, 0) => "net-unreachable",
        (false, 3, 1) => "host-unreachable",
        (false, 3, 2) => "protocol-unreachable",
        (false, 3, 3) | (true, 1, 4) => "port-unreachable",
        (false, 3, 9) => "net-prohibited",
        (false, 3, 10) => "host-prohibited",
        (false, 3, 13) | (true, 1, 1) => "admin-prohibited",
        (true, 1, 0) => "no-route",
        (true, 1, 3) => "address-unreachable",
        (true, 1, 5) => "policy-fail",
        (true, 1, 6) => "reject-route",
        (false, 11, _) | (true, 3, _) => "time-exceeded",
        _ => "other",
    }
}

/// Only a rule says this, never a fault of routing.
pub fn is_prohibition(icmp: &Icmp) -> bool {
    matches!(word(icmp), "net-prohibited" | "host-prohibited" | "admin-prohibited" | "policy-fail" | "reject-route")
}

/// Its operands.
pub fn evidence(icmp: &Icmp) -> Value {
    json!({
        "kind": word(icmp),
        "type": icmp.kind,
        "code": icmp.code,
        "from": icmp.from.map(|from| from.to_string()),
    })
}

/// As it is called in a sentence.
pub fn name(icmp: &Icmp) -> String {
    let protocol = if icmp.version_6 { "ICMPv6" } else { "ICMP" };
    let (of_4, of_6) = UNREACHABLE;
    let unreachable = icmp.kind == if icmp.version_6 { of_6 } else { of_4 };
    match word(icmp) {
        "other" if unreachable => format!("{protocol} unreachable, code {}", icmp.code),
        "other" => format!("{protocol} type {}, code {}", icmp.kind, icmp.code),
        word => format!("{protocol} {word}"),
    }
}

/// Who sent it.
pub fn sender(icmp: &Icmp) -> String {
    icmp.from.map_or_else(|| "a machine on the way".to_owned(), |from| from.to_string())
}
