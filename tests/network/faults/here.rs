//! The client's own machine refuses.

use super::{FAULT, Fault};
use crate::world::Place::Client;

/// By its filters and its routes.
pub const HERE: &[Fault] = &[
    Fault {
        id: "T12a",
        about: "a filter of this machine drops",
        set_up: &[(
            Client,
            "nft 'add table inet t; add chain inet t c { type filter hook output priority 0; }; add rule inet t c tcp dport {port} drop'",
        )],
        cause: Some("connect-blocked-locally"),
        says: "none that has left",
        waits: true,
        timeout_ms: 1500,
        psql: "timeout expired",
        ..FAULT
    },
    Fault {
        id: "T12b",
        about: "a filter of this machine rejects with ICMP",
        set_up: &[(
            Client,
            "nft 'add table inet t; add chain inet t c { type filter hook output priority 0; }; add rule inet t c tcp dport {port} reject'",
        )],
        cause: Some("connect-blocked-locally"),
        evidence: &[("attempts/0/icmp/kind", "\"port-unreachable\""), ("attempts/0/icmp/from", "\"10.1.0.2\"")],
        psql: "Connection refused",
        ..FAULT
    },
    Fault {
        id: "T12c",
        about: "a filter of this machine rejects with a reset",
        set_up: &[(
            Client,
            "nft 'add table inet t; add chain inet t c { type filter hook output priority 0; }; add rule inet t c tcp dport {port} reject with tcp reset'",
        )],
        cause: Some("connect-blocked-locally"),
        says: "nobody else sent it",
        psql: "Connection refused",
        ..FAULT
    },
    Fault {
        id: "T12d",
        about: "a filter of this machine answers host unreachable",
        set_up: &[(
            Client,
            "nft 'add table inet t; add chain inet t c { type filter hook output priority 0; }; add rule inet t c tcp dport {port} reject with icmp type host-unreachable'",
        )],
        cause: Some("connect-blocked-locally"),
        evidence: &[("attempts/0/icmp/kind", "\"host-unreachable\""), ("attempts/0/icmp/from", "\"10.1.0.2\"")],
        psql: "No route to host",
        ..FAULT
    },
    Fault {
        id: "T12e",
        about: "a filter of this machine answers administratively prohibited",
        set_up: &[(
            Client,
            "nft 'add table inet t; add chain inet t c { type filter hook output priority 0; }; add rule inet t c tcp dport {port} reject with icmp type admin-prohibited'",
        )],
        cause: Some("connect-blocked-locally"),
        evidence: &[("attempts/0/icmp/kind", "\"admin-prohibited\""), ("attempts/0/icmp/from", "\"10.1.0.2\"")],
        psql: "No route to host",
        ..FAULT
    },
    Fault {
        id: "T10a",
        about: "a route of this machine prohibits",
        set_up: &[(Client, "ip route add prohibit 10.2.0.2")],
        undo: &[(Client, "ip route del prohibit 10.2.0.2")],
        cause: Some("connect-blocked-locally"),
        psql: "Permission denied",
        ..FAULT
    },
    Fault {
        id: "T10b",
        about: "a route of this machine is a black hole",
        set_up: &[(Client, "ip route add blackhole 10.2.0.2")],
        undo: &[(Client, "ip route del blackhole 10.2.0.2")],
        cause: Some("connect-blocked-locally"),
        psql: "Invalid argument",
        ..FAULT
    },
    Fault {
        id: "T10c",
        about: "a route of this machine says unreachable",
        set_up: &[(Client, "ip route add unreachable 10.2.0.2")],
        undo: &[(Client, "ip route del unreachable 10.2.0.2")],
        cause: Some("connect-host-unreachable"),
        says: "at once",
        psql: "No route to host",
        ..FAULT
    },
    Fault {
        id: "T10d",
        about: "a route of this machine is thrown away",
        set_up: &[(Client, "ip route add throw 10.2.0.2")],
        undo: &[(Client, "ip route del throw 10.2.0.2")],
        cause: Some("connect-network-unreachable"),
        psql: "Network is unreachable",
        ..FAULT
    },
];
