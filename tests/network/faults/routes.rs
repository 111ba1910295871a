//! No way to the address, or nobody there.

use super::{FAULT, Fault};
use crate::world::Place::{Client, Router};

/// Routes, interfaces, and address families.
pub const ROUTES: &[Fault] = &[
    Fault {
        id: "T08",
        about: "the host on this segment is down",
        target: "host=10.1.0.77",
        cause: Some("connect-host-unreachable"),
        says: "segment",
        psql: "No route to host",
        ..FAULT
    },
    Fault {
        id: "T08b",
        about: "the host behind the router is down",
        target: "host=10.2.0.77",
        cause: Some("connect-host-unreachable"),
        says: "10.1.0.1 answered",
        evidence: &[("attempts/0/icmp/kind", "\"host-unreachable\""), ("attempts/0/icmp/from", "\"10.1.0.1\"")],
        psql: "No route to host",
        ..FAULT
    },
    Fault {
        id: "T09a",
        about: "there is no route",
        set_up: &[(Client, "ip route del default")],
        undo: &[(Client, "ip address replace 10.1.0.2/24 dev c0; ip route replace default via 10.1.0.1")],
        cause: Some("connect-network-unreachable"),
        says: "no route",
        psql: "Network is unreachable",
        ..FAULT
    },
    Fault {
        id: "T09b",
        about: "the interface is down",
        set_up: &[(Client, "ip link set c0 down")],
        undo: &[(
            Client,
            "ip link set c0 up; ip address replace 10.1.0.2/24 dev c0; ip route replace default via 10.1.0.1; ip -6 address replace fd00:1::2/64 dev c0 nodad; ip -6 route replace default via fd00:1::1",
        )],
        cause: Some("connect-network-unreachable"),
        psql: "Network is unreachable",
        ..FAULT
    },
    Fault {
        id: "T09c",
        about: "the far interface of the router is down",
        set_up: &[(Router, "ip link set r2 down")],
        undo: &[(Router, "ip link set r2 up; ip -6 address replace fd00:2::1/64 dev r2 nodad")],
        cause: Some("connect-network-unreachable"),
        says: "10.1.0.1 answered",
        evidence: &[("attempts/0/icmp/kind", "\"net-unreachable\""), ("attempts/0/icmp/from", "\"10.1.0.1\"")],
        psql: "Network is unreachable",
        ..FAULT
    },
    Fault {
        id: "D06",
        about: "only IPv6 addresses, and no IPv6 route here",
        set_up: &[(Client, "ip -6 route del default")],
        undo: &[(Client, "ip -6 address replace fd00:1::2/64 dev c0 nodad; ip -6 route replace default via fd00:1::1")],
        target: "host=fd00:2::2",
        cause: Some("connect-address-family"),
        evidence: &[("addresses", "\"IPv6\""), ("this_machine", "\"IPv4\"")],
        psql: "Network is unreachable",
        ..FAULT
    },
    Fault {
        id: "D06a",
        about: "a project's own host at Supabase, and no IPv6 route here",
        set_up: &[(Client, "ip -6 route del default")],
        undo: &[(Client, "ip -6 address replace fd00:1::2/64 dev c0 nodad; ip -6 route replace default via fd00:1::1")],
        target: "host=db.abc.supabase.co hostaddr=fd00:2::2",
        cause: Some("connect-address-family"),
        says: "this is Supabase",
        psql: "Network is unreachable",
        ..FAULT
    },
    Fault {
        id: "D06b",
        about: "only IPv4 addresses, and this machine has IPv6 alone",
        set_up: &[(Client, "ip -4 address flush dev c0")],
        undo: &[(Client, "ip address replace 10.1.0.2/24 dev c0; ip route replace default via 10.1.0.1")],
        cause: Some("connect-address-family"),
        evidence: &[("addresses", "\"IPv4\""), ("this_machine", "\"IPv6\"")],
        psql: "Network is unreachable",
        ..FAULT
    },
    Fault {
        id: "T11",
        about: "IPv6 is switched off here",
        set_up: &[(Client, "sysctl -qw net.ipv6.conf.all.disable_ipv6=1")],
        undo: &[(
            Client,
            "sysctl -qw net.ipv6.conf.all.disable_ipv6=0; ip -6 address replace fd00:1::2/64 dev c0 nodad; ip -6 route replace default via fd00:1::1",
        )],
        target: "host=fd00:2::2",
        cause: Some("connect-address-family"),
        says: "EADDRNOTAVAIL",
        psql: "Cannot assign requested address",
        ..FAULT
    },
];
