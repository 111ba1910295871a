//! The namespaces: client (the test's own), router and server.
//!
//! ```text
//! client c0 10.1.0.2 ── 10.1.0.1 r1 router r2 10.2.0.1 ── 10.2.0.2 s0 server
//!        fd00:1::2      fd00:1::1          fd00:2::1      fd00:2::2
//! ```

use std::fs::{self, File};
use std::process::Command;
use std::thread;

use nix::sched::{CloneFlags, setns};
use pgpreflight::lab::pki::{Identity, KeyKind, Spec};

use crate::cluster::{Cluster, ClusterConfig, Tls};
use crate::namespace::command;

/// Where a command is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Where the program, psql and pg_isready run.
    Client,
    /// On the way.
    Router,
    /// Where PostgreSQL runs.
    Server,
}

/// Three machines and a running PostgreSQL 17, which offers TLS and trusts `postgres` from everywhere, `alice` from the
/// client's own address.
pub struct World {
    server: Cluster,
}

impl World {
    /// Builds it. `backlog` is the most connections that may wait for the server to accept them.
    pub fn new(backlog: u32) -> Self {
        // A directory of names for namespaces (ip-netns(8)) that is this test's alone.
        command("mount", &["-t", "tmpfs", "tmpfs", "/run"]);
        for line in CABLES.lines().map(str::trim).filter(|line| !line.is_empty()) {
            command("ip", &line.split(' ').collect::<Vec<_>>());
        }
        for place in [Place::Client, Place::Router, Place::Server] {
            within(place, || {
                set("ipv4/icmp_ratelimit", "0");
                set("ipv6/icmp/ratelimit", "0");
            });
        }
        within(Place::Router, || {
            set("ipv4/ip_forward", "1");
            set("ipv6/conf/all/forwarding", "1");
            // It asks three times for a host that is not there: in less than a second, not in three.
            set("ipv4/neigh/r2/retrans_time_ms", "250");
        });
        let server = within(Place::Server, || {
            set("core/somaxconn", &backlog.to_string());
            Cluster::start(17, &configuration())
        });
        server.sql("create role alice login");
        Self { server }
    }

    /// Runs a line of shell there; `{port}` and `{pid}` are the server's.
    pub fn run(&self, place: Place, line: &str) {
        let line = self.fill(line);
        let ran = within(place, || Command::new("sh").args(["-ec", &line]).output().unwrap());
        assert!(ran.status.success(), "{place:?}: {line}: {}", String::from_utf8_lossy(&ran.stderr));
    }

    /// Every filter is gone again.
    pub fn clear(&self) {
        for place in [Place::Client, Place::Router, Place::Server] {
            self.run(place, "nft flush ruleset");
        }
    }

    /// Puts the server's port and process in.
    pub fn fill(&self, text: &str) -> String {
        text.replace("{port}", &self.server.port().to_string()).replace("{pid}", &self.server.pid().to_string())
    }

    /// The port of the server.
    pub fn port(&self) -> u16 {
        self.server.port()
    }
}

/// Arguments of ip(8), in order.
const CABLES: &str = "
    netns add router
    netns add server
    link add c0 type veth peer name r1 netns router
    -n router link add r2 type veth peer name s0 netns server
    -n router link set lo up
    -n server link set lo up
    address add 10.1.0.2/24 dev c0
    address add fd00:1::2/64 dev c0 nodad
    -n router address add 10.1.0.1/24 dev r1
    -n router address add fd00:1::1/64 dev r1 nodad
    -n router address add 10.2.0.1/24 dev r2
    -n router address add fd00:2::1/64 dev r2 nodad
    -n server address add 10.2.0.2/24 dev s0
    -n server address add fd00:2::2/64 dev s0 nodad
    link set c0 up
    -n router link set r1 up
    -n router link set r2 up
    -n server link set s0 up
    route add default via 10.1.0.1
    -6 route add default via fd00:1::1
    -n server route add default via 10.2.0.1
    -n server -6 route add default via fd00:2::1
";

fn configuration() -> ClusterConfig {
    // A chain that fills more than one packet.
    let large = |name| Spec { key: KeyKind::Rsa2048, ..Spec::root(name) };
    let root = Identity::self_signed(&large("root")).unwrap();
    let issuer = root.issue(&large("issuer")).unwrap().issue(&large("second issuer")).unwrap();
    let identity = issuer.issue(&Spec::leaf("server")).unwrap();
    let tls = Tls { certificate: identity.chain_pem().unwrap(), key: identity.key_pem().unwrap(), ca: None, crl: None };
    ClusterConfig {
        hba: vec!["host all postgres all trust".to_owned(), "host all alice 10.1.0.2/32 trust".to_owned()],
        settings: vec![("listen_addresses".to_owned(), "'*'".to_owned())],
        tls: Some(tls),
        ..ClusterConfig::default()
    }
}

/// Does something in the network of that place. What is started there stays there.
pub fn within<T: Send>(place: Place, act: impl FnOnce() -> T + Send) -> T {
    let name = match place {
        Place::Client => return act(),
        Place::Router => "router",
        Place::Server => "server",
    };
    let enter = move || {
        setns(File::open(format!("/run/netns/{name}")).unwrap(), CloneFlags::CLONE_NEWNET).unwrap();
        act()
    };
    thread::scope(|scope| scope.spawn(enter).join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
}

/// A switch below `net` of sysctl(8), of the network that this thread is in.
fn set(name: &str, value: &str) {
    let path = format!("/proc/sys/net/{name}");
    fs::write(&path, value).unwrap_or_else(|error| panic!("{path}: {error}"));
}
