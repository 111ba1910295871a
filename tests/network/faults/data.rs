//! The connection is set up, and what follows goes wrong.

use super::{FAULT, Fault};
use crate::world::Place::{Client, Router, Server};

/// After the handshake of TCP.
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
        id: "T23",
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
        id: "T23b",
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
