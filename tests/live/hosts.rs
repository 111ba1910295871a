//! Lists of hosts: a primary, a standby that follows it, a server that starts up, and a port where nobody listens, in
//! every order and for every `target_session_attrs`. psql on libpq 18 is asked the same.

use std::net::TcpListener;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::answer::Answer;
use crate::client::{self, PASSWORD, Settings, WRONG, psql_on};
use crate::cluster::{Cluster, ClusterConfig, majors};
use crate::faults::states::restart_as_standby;
use crate::server::{Server, on_all_majors};

const WISHES: [&str; 6] = ["any", "read-write", "read-only", "primary", "standby", "prefer-standby"];

/// Nobody listens there on any machine that runs tests.
const DEAD: u16 = 1;

const ROLE: &str = "reader";

/// The servers that a list is made of.
struct Hosts {
    primary: Cluster,
    standby: Cluster,
    starting: Server,
}

impl Hosts {
    fn start(major: u32) -> Self {
        let hba = ["local replication postgres trust", "host all all 127.0.0.1/32 md5"].map(str::to_owned).to_vec();
        let settings = [("wal_level", "replica"), ("max_wal_senders", "4"), ("hot_standby", "on")];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let mut primary = Cluster::start(major, &ClusterConfig { hba, settings, ..ClusterConfig::default() });
        primary.sql(&format!("create role {ROLE} login password '{PASSWORD}'"));
        let standby = primary.start_standby();
        let mut starting = Server::start(major, &[]);
        restart_as_standby(&mut starting, &[("restore_command", "sleep 60")], "starting");
        Self { primary, standby, starting }
    }

    fn ports(&self) -> [u16; 4] {
        [self.primary.port(), self.standby.port(), self.starting.cluster.port(), DEAD]
    }

    fn home(&self) -> PathBuf {
        self.primary.socket_dir().join("home")
    }

    /// How often the role has been let in, at the primary and at the standby.
    fn logins(&self) -> [usize; 2] {
        let wanted = format!("connection authorized: user={ROLE} ");
        [&self.primary, &self.standby].map(|server| server.log().matches(&wanted).count())
    }
}

fn list(ports: &[u16]) -> Settings {
    let repeat = |text: &str| vec![text; ports.len()].join(",");
    let numbers: Vec<String> = ports.iter().map(u16::to_string).collect();
    Settings::new(DEAD, ROLE)
        .set("host", repeat("localhost"))
        .set("hostaddr", repeat("127.0.0.1"))
        .set("port", numbers.join(","))
        .with("sslmode=disable")
}

/// Every list of up to so many of these, without repetition.
fn lists(ports: [u16; 4], longest: usize) -> Vec<Vec<u16>> {
    let mut lists: Vec<Vec<u16>> = ports.iter().map(|port| vec![*port]).collect();
    for length in 1..longest {
        let longer: Vec<Vec<u16>> = lists
            .iter()
            .filter(|list| list.len() == length)
            .flat_map(|list| {
                ports.iter().filter(|port| !list.contains(port)).map(|port| [&list[..], &[*port]].concat())
            })
            .collect();
        lists.extend(longer);
    }
    lists
}

#[test]
fn every_wish_in_every_order() {
    on_all_majors(|major| {
        let hosts = Hosts::start(major);
        let mut connected = 0;
        // A third host adds an order of the same steps: it is enough to see that once.
        let newest = majors().into_iter().max() == Some(major);
        for ports in lists(hosts.ports(), if newest { 3 } else { 2 }) {
            for wish in WISHES {
                connected += usize::from(agrees(major, &hosts, &ports, wish));
            }
        }
        // Of 40 lists (16) 25 (7) have the primary in them, as many the standby, and 36 (12) one or both, which is what
        // `any` and `prefer-standby` want.
        assert_eq!(connected, if newest { 2 * 36 + 4 * 25 } else { 2 * 12 + 4 * 7 }, "PostgreSQL {major}");
    });
}

/// Asks both clients. Whether they connect is the same, and where to; so is what is said of each host if they do not.
fn agrees(major: u32, hosts: &Hosts, ports: &[u16], wish: &str) -> bool {
    let settings = list(ports).set("target_session_attrs", wish);
    let psql = psql_on(18, &hosts.home(), "select inet_server_port()", &settings);
    let before = hosts.logins();
    let answer = client::check(&hosts.home(), &settings);
    let (said, shown) = (String::from_utf8_lossy(&psql.stderr), String::from_utf8_lossy(&psql.stdout));
    assert_eq!(answer.cause().is_none(), psql.status.success(), "PostgreSQL {major}: psql: {said}\n{answer}");
    for (before, after) in before.into_iter().zip(hosts.logins()) {
        assert!(after - before <= 1, "PostgreSQL {major}: {} logins at one server: {answer}", after - before);
    }
    if psql.status.success() {
        assert_eq!(answer.report["target"]["port"].to_string(), shown.trim(), "PostgreSQL {major}: {answer}");
        return true;
    }
    // libpq goes round a second time where a standby is preferred.
    let reasons: Vec<&str> = said.lines().filter_map(code_of).take(ports.len()).collect();
    assert_eq!(outcomes(&answer), reasons, "PostgreSQL {major}: psql: {said}\n{answer}");
    false
}

/// The code for a line of psql's; None for a line that tells no failure.
fn code_of(line: &str) -> Option<&'static str> {
    const WORDS: [(&str, &str); 6] = [
        ("Connection refused", "connect-refused"),
        ("the database system is starting up", "login-starting-up"),
        ("session is read-only", "session-wrong-role"),
        ("session is not read-only", "session-wrong-role"),
        ("server is in hot standby mode", "session-wrong-role"),
        ("server is not in hot standby mode", "session-wrong-role"),
    ];
    WORDS.iter().find(|(words, _)| line.contains(words)).map(|(_, code)| *code)
}

/// The outcome of each host, in the order in which they were tried.
fn outcomes(answer: &Answer) -> Vec<&str> {
    match answer.fact("connect", "hosts").as_array() {
        Some(hosts) => hosts.iter().map(|host| host["outcome"].as_str().expect("a word")).collect(),
        None => answer.cause().into_iter().collect(),
    }
}

#[test]
fn a_wrong_password_is_sent_to_one_server() {
    on_all_majors(|major| {
        let hosts = Hosts::start(major);
        let [primary, standby, starting, dead] = hosts.ports();
        let failures = || {
            let logs = [hosts.primary.log(), hosts.standby.log()];
            logs.iter().map(|log| log.matches("password authentication failed").count()).sum::<usize>()
        };
        for (count, ports) in [[starting, primary, standby], [dead, standby, primary]].into_iter().enumerate() {
            let settings = list(&ports).with("target_session_attrs=standby").password(Some(WRONG));
            let answer = client::check(&hosts.home(), &settings);
            answer.fails_with("login-password-rejected", 13);
            assert_eq!(failures(), count + 1, "PostgreSQL {major}: {answer}");
        }
    });
}

/// Where any will do, each of them is met sooner or later: missing one in 24 runs is a matter of 1 in 8 million.
#[test]
fn hosts_are_drawn() {
    let major = majors().into_iter().max().expect("a major");
    let hosts = Hosts::start(major);
    let [primary, standby, ..] = hosts.ports();
    let settings = list(&[primary, standby]).with("load_balance_hosts=random");
    let mut met: Vec<u64> = (0..24)
        .map(|_| {
            let answer = client::check(&hosts.home(), &settings);
            answer.passes();
            answer.report["target"]["port"].as_u64().expect("a port")
        })
        .collect();
    met.sort_unstable();
    met.dedup();
    assert_eq!(met.len(), 2, "{met:?}");
    // What is wanted is found in any order.
    for _ in 0..4 {
        let answer = client::check(&hosts.home(), &settings.clone().with("target_session_attrs=standby"));
        assert_eq!(answer.report["target"]["port"], standby, "{answer}");
    }
}

/// `connect_timeout` is for each host, and exact.
#[test]
fn silent_hosts_take_their_time_and_no_more() {
    let major = majors().into_iter().max().expect("a major");
    let hosts = Hosts::start(major);
    // The kernel takes the connection, and nobody answers.
    let silent = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").expect("a port"));
    let [first, second] = silent.each_ref().map(|listener| listener.local_addr().expect("bound").port());
    for (ports, connect_timeout, cause, seconds) in [
        (vec![first, second], "1", Some("login-no-reply"), 2),
        (vec![first, hosts.primary.port()], "1", None, 1),
        (vec![hosts.primary.port(), first], "1", None, 0),
    ] {
        let settings = list(&ports).set("connect_timeout", connect_timeout);
        let psql = psql_on(18, &hosts.home(), "select 1", &settings);
        assert_eq!(psql.status.success(), cause.is_none(), "{}", String::from_utf8_lossy(&psql.stderr));
        let began = Instant::now();
        let answer = client::check(&hosts.home(), &settings);
        let took = began.elapsed();
        assert_eq!(answer.cause(), cause, "{answer}");
        let least = Duration::from_secs(seconds);
        assert!((least..least + Duration::from_millis(700)).contains(&took), "{took:?}: {answer}");
    }
    // 0 and below is for ever, and so until all time has passed.
    let settings = list(&[first, second]).set("connect_timeout", "0");
    let answer = client::check_with(&hosts.home(), &settings, &["--timeout", "300ms"]);
    answer.fails_with("login-no-reply", 13);
    assert_eq!(outcomes(&answer).len(), 1, "{answer}");
}
