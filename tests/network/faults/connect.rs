//! Something on the way, or the host, refuses or says nothing.

use super::{FAULT, Fault};
use crate::world::Place::{Router, Server};

/// Of the first packet.
pub const CONNECT: &[Fault] = &[
    Fault { id: "-", about: "nothing is wrong", psql: "xxxx", ..FAULT },
    Fault {
        id: "T01",
        about: "nothing listens on the port",
        target: "host=10.2.0.2 port=1",
        cause: Some("connect-refused"),
        psql: "Connection refused",
        ..FAULT
    },
    Fault {
        id: "T02",
        about: "the server listens on another address",
        set_up: &[
            (Server, "ip address add 10.2.0.3/24 dev s0"),
            (
                Server,
                "nft 'add table inet t; add chain inet t c { type filter hook input priority 0; }; add rule inet t c ip daddr 10.2.0.3 tcp dport {port} reject with tcp reset'",
            ),
        ],
        undo: &[(Server, "ip address del 10.2.0.3/24 dev s0")],
        target: "host=10.2.0.3",
        cause: Some("connect-refused"),
        psql: "Connection refused",
        ..FAULT
    },
    Fault {
        id: "T03",
        about: "the port is the wrong one",
        set_up: &[(
            Server,
            "nft 'add table ip n; add chain ip n c { type nat hook prerouting priority -100; }; add rule ip n c tcp dport 5433 redirect to :{port}'",
        )],
        target: "host=10.2.0.2 port=5999",
        cause: Some("connect-refused"),
        says: "5433",
        evidence: &[("open_ports", "[5433]")],
        psql: "Connection refused",
        ..FAULT
    },
    Fault {
        id: "T04",
        about: "a firewall rejects with a reset",
        set_up: &[(
            Router,
            "nft 'add table inet t; add chain inet t c { type filter hook forward priority 0; }; add rule inet t c tcp dport {port} reject with tcp reset'",
        )],
        cause: Some("connect-refused"),
        psql: "Connection refused",
        ..FAULT
    },
    Fault {
        id: "T04b",
        about: "a firewall rejects with ICMP port unreachable",
        set_up: &[(
            Router,
            "nft 'add table inet t; add chain inet t c { type filter hook forward priority 0; }; add rule inet t c tcp dport {port} reject with icmp type port-unreachable'",
        )],
        cause: Some("connect-refused"),
        says: "firewall on the way",
        evidence: &[("attempts/0/icmp/kind", "\"port-unreachable\""), ("attempts/0/icmp/from", "\"10.1.0.1\"")],
        psql: "Connection refused",
        ..FAULT
    },
    Fault {
        id: "T04c",
        about: "the firewall of the host rejects",
        set_up: &[(
            Server,
            "nft 'add table inet t; add chain inet t c { type filter hook input priority 0; }; add rule inet t c tcp dport {port} reject'",
        )],
        cause: Some("connect-refused"),
        says: "on the host itself",
        evidence: &[("attempts/0/icmp/kind", "\"port-unreachable\""), ("attempts/0/icmp/from", "\"10.2.0.2\"")],
        psql: "Connection refused",
        ..FAULT
    },
    Fault {
        id: "T05",
        about: "a firewall drops",
        set_up: &[(
            Router,
            "nft 'add table inet t; add chain inet t c { type filter hook forward priority 0; }; add rule inet t c tcp dport {port} drop'",
        )],
        cause: Some("connect-timed-out"),
        evidence: &[("host_answers", "true")],
        waits: true,
        timeout_ms: 1500,
        psql: "timeout expired",
        ..FAULT
    },
    Fault {
        id: "T05b",
        about: "the firewall of the host drops",
        set_up: &[(
            Server,
            "nft 'add table inet t; add chain inet t c { type filter hook input priority 0; }; add rule inet t c tcp dport {port} drop'",
        )],
        cause: Some("connect-timed-out"),
        waits: true,
        timeout_ms: 1500,
        psql: "timeout expired",
        ..FAULT
    },
    Fault {
        id: "T05c",
        about: "the answer is dropped on its way back",
        set_up: &[(
            Router,
            "nft 'add table inet t; add chain inet t c { type filter hook forward priority 0; }; add rule inet t c tcp sport {port} drop'",
        )],
        cause: Some("connect-timed-out"),
        waits: true,
        timeout_ms: 1500,
        psql: "timeout expired",
        ..FAULT
    },
    Fault {
        id: "T06a",
        about: "a router answers host unreachable",
        set_up: &[(
            Router,
            "nft 'add table inet t; add chain inet t c { type filter hook forward priority 0; }; add rule inet t c tcp dport {port} reject with icmp type host-unreachable'",
        )],
        cause: Some("connect-host-unreachable"),
        evidence: &[("attempts/0/icmp/kind", "\"host-unreachable\""), ("attempts/0/icmp/from", "\"10.1.0.1\"")],
        psql: "No route to host",
        ..FAULT
    },
    Fault {
        id: "T06b",
        about: "a firewall answers host prohibited",
        set_up: &[(
            Router,
            "nft 'add table inet t; add chain inet t c { type filter hook forward priority 0; }; add rule inet t c tcp dport {port} reject with icmp type host-prohibited'",
        )],
        cause: Some("connect-host-unreachable"),
        says: "a rule there forbids it",
        evidence: &[("attempts/0/icmp/kind", "\"host-prohibited\""), ("attempts/0/icmp/from", "\"10.1.0.1\"")],
        psql: "No route to host",
        ..FAULT
    },
    Fault {
        id: "T06c",
        about: "a firewall answers administratively prohibited",
        set_up: &[(
            Router,
            "nft 'add table inet t; add chain inet t c { type filter hook forward priority 0; }; add rule inet t c tcp dport {port} reject with icmp type admin-prohibited'",
        )],
        cause: Some("connect-host-unreachable"),
        says: "a rule there forbids it",
        evidence: &[("attempts/0/icmp/kind", "\"admin-prohibited\""), ("attempts/0/icmp/from", "\"10.1.0.1\"")],
        psql: "No route to host",
        ..FAULT
    },
    Fault {
        id: "T06d",
        about: "the firewall of the host answers administratively prohibited",
        set_up: &[(
            Server,
            "nft 'add table inet t; add chain inet t c { type filter hook input priority 0; }; add rule inet t c tcp dport {port} reject with icmp type admin-prohibited'",
        )],
        cause: Some("connect-host-unreachable"),
        evidence: &[("attempts/0/icmp/kind", "\"admin-prohibited\""), ("attempts/0/icmp/from", "\"10.2.0.2\"")],
        psql: "No route to host",
        ..FAULT
    },
    Fault {
        id: "T06e",
        about: "the host answers protocol unreachable",
        set_up: &[(
            Server,
            "nft 'add table inet t; add chain inet t c { type filter hook input priority 0; }; add rule inet t c tcp dport {port} reject with icmp type prot-unreachable'",
        )],
        cause: Some("connect-host-unreachable"),
        evidence: &[("attempts/0/icmp/kind", "\"protocol-unreachable\""), ("attempts/0/icmp/from", "\"10.2.0.2\"")],
        psql: "Protocol not available",
        ..FAULT
    },
    Fault {
        id: "T07a",
        about: "a router answers network unreachable",
        set_up: &[(
            Router,
            "nft 'add table inet t; add chain inet t c { type filter hook forward priority 0; }; add rule inet t c tcp dport {port} reject with icmp type net-unreachable'",
        )],
        cause: Some("connect-network-unreachable"),
        evidence: &[("attempts/0/icmp/kind", "\"net-unreachable\""), ("attempts/0/icmp/from", "\"10.1.0.1\"")],
        psql: "Network is unreachable",
        ..FAULT
    },
    Fault {
        id: "T07b",
        about: "a firewall answers network prohibited",
        set_up: &[(
            Router,
            "nft 'add table inet t; add chain inet t c { type filter hook forward priority 0; }; add rule inet t c tcp dport {port} reject with icmp type net-prohibited'",
        )],
        cause: Some("connect-network-unreachable"),
        says: "a rule there forbids it",
        evidence: &[("attempts/0/icmp/kind", "\"net-prohibited\""), ("attempts/0/icmp/from", "\"10.1.0.1\"")],
        psql: "Network is unreachable",
        ..FAULT
    },
    Fault {
        id: "T07c",
        about: "the router itself has no route",
        set_up: &[(Router, "ip route add unreachable 10.9.0.0/24")],
        undo: &[(Router, "ip route del unreachable 10.9.0.0/24")],
        target: "host=10.9.0.1",
        cause: Some("connect-host-unreachable"),
        evidence: &[("attempts/0/icmp/kind", "\"host-unreachable\""), ("attempts/0/icmp/from", "\"10.1.0.1\"")],
        psql: "No route to host",
        ..FAULT
    },
    Fault {
        id: "T07d",
        about: "a route of the router prohibits",
        set_up: &[(Router, "ip route add prohibit 10.9.0.0/24")],
        undo: &[(Router, "ip route del prohibit 10.9.0.0/24")],
        target: "host=10.9.0.1",
        cause: Some("connect-host-unreachable"),
        says: "a rule there forbids it",
        evidence: &[("attempts/0/icmp/kind", "\"admin-prohibited\""), ("attempts/0/icmp/from", "\"10.1.0.1\"")],
        psql: "No route to host",
        ..FAULT
    },
    Fault {
        id: "T07e",
        about: "a route of the router leads nowhere",
        set_up: &[(Router, "ip route add blackhole 10.9.0.0/24")],
        undo: &[(Router, "ip route del blackhole 10.9.0.0/24")],
        target: "host=10.9.0.1",
        cause: Some("connect-timed-out"),
        evidence: &[("host_answers", "false")],
        waits: true,
        timeout_ms: 1500,
        psql: "timeout expired",
        ..FAULT
    },
    Fault {
        id: "T26",
        about: "the address of the client is not on the allow list",
        set_up: &[(
            Router,
            "nft 'add table inet t; add chain inet t c { type filter hook forward priority 0; }; add rule inet t c ip saddr != 192.0.2.0/24 tcp dport {port} drop'",
        )],
        cause: Some("connect-timed-out"),
        waits: true,
        timeout_ms: 1500,
        psql: "timeout expired",
        ..FAULT
    },
];

/// The server does not accept; its queue is filled beforehand.
pub const QUEUE_FULL: &[Fault] = &[Fault {
    id: "T13",
    about: "the queue of connections to accept is full",
    cause: Some("connect-timed-out"),
    waits: true,
    timeout_ms: 1500,
    psql: "timeout expired",
    ..FAULT
}];
