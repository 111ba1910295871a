//! What answers the first packet over IPv6, whose messages are others.

use super::{FAULT, Fault};
use crate::world::Place::{Client, Router};

/// Over IPv6.
pub const IPV6: &[Fault] = &[
    Fault { id: "-", about: "nothing is wrong", target: "host=fd00:2::2", psql: "xxxx", ..FAULT },
    Fault {
        id: "T04d",
        about: "a firewall rejects with ICMPv6 port unreachable",
        set_up: &[(
            Router,
            "nft 'add table inet t; add chain inet t c { type filter hook forward priority 0; }; add rule inet t c tcp dport {port} reject with icmpv6 type port-unreachable'",
        )],
        target: "host=fd00:2::2",
        cause: Some("connect-refused"),
        evidence: &[("attempts/0/icmp/kind", "\"port-unreachable\""), ("attempts/0/icmp/from", "\"fd00:1::1\"")],
        psql: "Connection refused",
        ..FAULT
    },
    Fault {
        id: "T06f",
        about: "a firewall answers administratively prohibited",
        set_up: &[(
            Router,
            "nft 'add table inet t; add chain inet t c { type filter hook forward priority 0; }; add rule inet t c tcp dport {port} reject with icmpv6 type admin-prohibited'",
        )],
        target: "host=fd00:2::2",
        cause: Some("connect-host-unreachable"),
        says: "a rule there forbids it",
        evidence: &[("attempts/0/icmp/kind", "\"admin-prohibited\""), ("attempts/0/icmp/from", "\"fd00:1::1\"")],
        psql: "Permission denied",
        ..FAULT
    },
    Fault {
        id: "T06g",
        about: "a router answers address unreachable",
        set_up: &[(
            Router,
            "nft 'add table inet t; add chain inet t c { type filter hook forward priority 0; }; add rule inet t c tcp dport {port} reject with icmpv6 type addr-unreachable'",
        )],
        target: "host=fd00:2::2",
        cause: Some("connect-host-unreachable"),
        evidence: &[("attempts/0/icmp/kind", "\"address-unreachable\""), ("attempts/0/icmp/from", "\"fd00:1::1\"")],
        psql: "No route to host",
        ..FAULT
    },
    Fault {
        id: "T07f",
        about: "a router answers no route",
        set_up: &[(
            Router,
            "nft 'add table inet t; add chain inet t c { type filter hook forward priority 0; }; add rule inet t c tcp dport {port} reject with icmpv6 type no-route'",
        )],
        target: "host=fd00:2::2",
        cause: Some("connect-network-unreachable"),
        evidence: &[("attempts/0/icmp/kind", "\"no-route\""), ("attempts/0/icmp/from", "\"fd00:1::1\"")],
        psql: "Network is unreachable",
        ..FAULT
    },
    Fault {
        id: "T12f",
        about: "a filter of this machine rejects",
        set_up: &[(
            Client,
            "nft 'add table inet t; add chain inet t c { type filter hook output priority 0; }; add rule inet t c tcp dport {port} reject'",
        )],
        target: "host=fd00:2::2",
        cause: Some("connect-blocked-locally"),
        evidence: &[("attempts/0/icmp/kind", "\"port-unreachable\""), ("attempts/0/icmp/from", "\"fd00:1::2\"")],
        psql: "Connection refused",
        ..FAULT
    },
    Fault {
        id: "T12g",
        about: "a filter of this machine drops",
        set_up: &[(
            Client,
            "nft 'add table inet t; add chain inet t c { type filter hook output priority 0; }; add rule inet t c tcp dport {port} drop'",
        )],
        target: "host=fd00:2::2",
        cause: Some("connect-blocked-locally"),
        waits: true,
        timeout_ms: 1500,
        psql: "timeout expired",
        ..FAULT
    },
    Fault {
        id: "T08c",
        about: "the host on this segment is down",
        target: "host=fd00:1::77",
        cause: Some("connect-host-unreachable"),
        says: "segment",
        psql: "No route to host",
        ..FAULT
    },
    Fault {
        id: "T05d",
        about: "a firewall drops",
        set_up: &[(
            Router,
            "nft 'add table inet t; add chain inet t c { type filter hook forward priority 0; }; add rule inet t c tcp dport {port} drop'",
        )],
        target: "host=fd00:2::2",
        cause: Some("connect-timed-out"),
        waits: true,
        timeout_ms: 1500,
        psql: "timeout expired",
        ..FAULT
    },
];
