//! The faults, as tables: what is done to the network, and what has to be said of it. The numbers are those of the corpus
//! of causes; a letter after one tells variants of it apart, and `-` stands for none.

use crate::world::Place::{self, Client, Router, Server};

/// One fault, and what it has to be told as.
pub struct Fault {
    /// Its number.
    pub id: &'static str,
    /// What is wrong.
    pub about: &'static str,
    /// Lines of shell that bring it about.
    pub set_up: &'static [(Place, &'static str)],
    /// Lines that take it back, beside the filters, which go by themselves.
    pub undo: &'static [(Place, &'static str)],
    /// Keywords of libpq.
    pub target: &'static str,
    /// The code; None where nothing is wrong.
    pub cause: Option<&'static str>,
    /// What the summary or a reason says.
    pub says: &'static str,
    /// Evidence of the cause, by pointer, as JSON.
    pub evidence: &'static [(&'static str, &'static str)],
    /// Whether nothing tells it before the deadline.
    pub waits: bool,
    /// The time allowed, in milliseconds.
    pub timeout_ms: u32,
    /// What psql says of it.
    pub psql: &'static str,
}

const FAULT: Fault = Fault {
    id: "",
    about: "",
    set_up: &[],
    undo: &[],
    target: "host=10.2.0.2",
    cause: None,
    says: "",
    evidence: &[],
    waits: false,
    timeout_ms: 5000,
    psql: "",
};

/// Something on the way, or the host, refuses or says nothing.
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

/// The client's own machine refuses.
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

/// No way to the address, or nobody there.
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

/// The same over IPv6, whose messages are others.
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

/// The connection is set up, and what follows goes wrong.
pub const DATA: &[Fault] = &[
    Fault {
        id: "T14",
        about: "the server is frozen",
        set_up: &[(Server, "kill -STOP {pid}")],
        undo: &[(Server, "kill -CONT {pid}")],
        target: "host=10.2.0.2 sslmode=require",
        cause: Some("tls-no-reply"),
        evidence: &[("acknowledged", "true")],
        waits: true,
        timeout_ms: 1500,
        psql: "timeout expired",
        ..FAULT
    },
    Fault {
        id: "T14b",
        about: "the server is frozen, and asked in plain text",
        set_up: &[(Server, "kill -STOP {pid}")],
        undo: &[(Server, "kill -CONT {pid}")],
        target: "host=10.2.0.2 sslmode=disable",
        cause: Some("login-no-reply"),
        says: "it arrived",
        evidence: &[("acknowledged", "true")],
        waits: true,
        timeout_ms: 1500,
        psql: "timeout expired",
    },
    Fault {
        id: "T18",
        about: "everything after the handshake of TCP is dropped",
        set_up: &[(
            Router,
            "nft 'add table inet t; add chain inet t c { type filter hook forward priority 0; }; add rule inet t c tcp dport {port} tcp flags & psh == psh drop'",
        )],
        target: "host=10.2.0.2 sslmode=require",
        cause: Some("tls-request-lost"),
        evidence: &[("acknowledged", "false")],
        waits: true,
        timeout_ms: 1500,
        psql: "timeout expired",
        ..FAULT
    },
    Fault {
        id: "T18b",
        about: "the same, by the firewall of the host",
        set_up: &[(
            Server,
            "nft 'add table inet t; add chain inet t c { type filter hook input priority 0; }; add rule inet t c tcp dport {port} tcp flags & psh == psh drop'",
        )],
        target: "host=10.2.0.2 sslmode=require",
        cause: Some("tls-request-lost"),
        evidence: &[("acknowledged", "false")],
        waits: true,
        timeout_ms: 1500,
        psql: "timeout expired",
        ..FAULT
    },
    Fault {
        id: "T18c",
        about: "the same, by a filter of this machine",
        set_up: &[(
            Client,
            "nft 'add table inet t; add chain inet t c { type filter hook output priority 0; }; add rule inet t c tcp dport {port} tcp flags & psh == psh drop'",
        )],
        target: "host=10.2.0.2 sslmode=require",
        cause: Some("tls-request-lost"),
        says: "has not left this machine",
        evidence: &[("acknowledged", "false")],
        waits: true,
        timeout_ms: 1500,
        psql: "timeout expired",
        ..FAULT
    },
    Fault {
        id: "T18d",
        about: "the same, asked in plain text",
        set_up: &[(
            Router,
            "nft 'add table inet t; add chain inet t c { type filter hook forward priority 0; }; add rule inet t c tcp dport {port} tcp flags & psh == psh drop'",
        )],
        target: "host=10.2.0.2 sslmode=disable",
        cause: Some("login-no-reply"),
        says: "it gets lost",
        evidence: &[("acknowledged", "false")],
        waits: true,
        timeout_ms: 1500,
        psql: "timeout expired",
        ..FAULT
    },
    Fault {
        id: "T19",
        about: "the first data is answered with a reset",
        set_up: &[(
            Router,
            "nft 'add table inet t; add chain inet t c { type filter hook forward priority 0; }; add rule inet t c tcp dport {port} tcp flags & psh == psh reject with tcp reset'",
        )],
        target: "host=10.2.0.2 sslmode=require",
        cause: Some("tls-closed-before-reply"),
        evidence: &[("reset", "true")],
        psql: "server closed the connection unexpectedly",
        ..FAULT
    },
    Fault {
        id: "T19b",
        about: "the ClientHello is answered with a reset",
        set_up: &[(
            Router,
            "nft 'add table inet t; add chain inet t c { type filter hook forward priority 0; }; add rule inet t c tcp dport {port} @th,256,8 0x16 reject with tcp reset'",
        )],
        target: "host=10.2.0.2 sslmode=require",
        cause: Some("tls-handshake-closed"),
        evidence: &[("reset", "true")],
        ..FAULT
    },
    Fault {
        id: "T20",
        about: "large packets of the server are dropped",
        set_up: &[(
            Router,
            "nft 'add table inet t; add chain inet t c { type filter hook forward priority 0; }; add rule inet t c tcp sport {port} meta length > 1400 drop'",
        )],
        target: "host=10.2.0.2 sslmode=require",
        cause: Some("tls-handshake-silent"),
        says: "behind a gap",
        evidence: &[("acknowledged", "true")],
        waits: true,
        timeout_ms: 1500,
        psql: "timeout expired",
        ..FAULT
    },
    Fault {
        id: "T20b",
        about: "the ClientHello is dropped",
        set_up: &[(
            Router,
            "nft 'add table inet t; add chain inet t c { type filter hook forward priority 0; }; add rule inet t c tcp dport {port} @th,256,8 0x16 drop'",
        )],
        target: "host=10.2.0.2 sslmode=require",
        cause: Some("tls-handshake-silent"),
        says: "it gets lost",
        evidence: &[("acknowledged", "false")],
        waits: true,
        timeout_ms: 1500,
        psql: "timeout expired",
        ..FAULT
    },
    Fault {
        id: "T21",
        about: "the first large answer is dropped",
        set_up: &[(
            Router,
            "nft 'add table inet t; add chain inet t c { type filter hook forward priority 0; }; add rule inet t c tcp sport {port} meta length > 1200 drop'",
        )],
        target: "host=10.2.0.2 sslmode=disable",
        cause: Some("session-large-result-stalls"),
        evidence: &[("acknowledged", "true")],
        waits: true,
        timeout_ms: 1500,
        psql: "hangs",
        ..FAULT
    },
    Fault {
        id: "T22",
        about: "questions are dropped after the login",
        set_up: &[(
            Router,
            "nft 'add table inet t; add chain inet t c { type filter hook forward priority 0; }; add rule inet t c tcp dport {port} @th,256,8 0x51 drop'",
        )],
        target: "host=10.2.0.2 sslmode=disable",
        cause: Some("session-no-reply"),
        says: "it gets lost",
        evidence: &[("acknowledged", "false")],
        waits: true,
        timeout_ms: 1500,
        psql: "hangs",
        ..FAULT
    },
    Fault {
        id: "T22b",
        about: "questions are answered with a reset after the login",
        set_up: &[(
            Router,
            "nft 'add table inet t; add chain inet t c { type filter hook forward priority 0; }; add rule inet t c tcp dport {port} @th,256,8 0x51 reject with tcp reset'",
        )],
        target: "host=10.2.0.2 sslmode=disable",
        cause: Some("session-no-reply"),
        psql: "connection to server was lost",
        ..FAULT
    },
    Fault {
        id: "A08",
        about: "address translation: the server sees another address",
        set_up: &[(
            Router,
            "nft 'add table ip n; add chain ip n c { type nat hook postrouting priority 100; }; add rule ip n c oifname r2 masquerade'",
        )],
        target: "host=10.2.0.2 user=alice sslmode=disable",
        cause: Some("login-no-hba-entry"),
        says: "10.2.0.1",
        psql: "no pg_hba.conf entry for host \"10.2.0.1\"",
        ..FAULT
    },
    Fault {
        id: "-",
        about: "the same without translation",
        target: "host=10.2.0.2 user=alice sslmode=disable",
        psql: "xxxx",
        ..FAULT
    },
];

/// The server does not accept.
pub const QUEUE_FULL: &[Fault] = &[Fault {
    id: "T13",
    about: "the queue of connections to accept is full",
    cause: Some("connect-timed-out"),
    waits: true,
    timeout_ms: 1500,
    psql: "timeout expired",
    ..FAULT
}];
