//! Real answers of `getaddrinfo(3)` and real errors of `connect(2)`: the real program in a network namespace, with a
//! name server and routes of the test's own.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::duplicate_mod,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends at the first surprise"
)]

#[path = "support/accuracy.rs"]
mod accuracy;
#[path = "support/dns.rs"]
mod dns;
#[path = "names/doubted.rs"]
mod doubted;
#[path = "names/explained.rs"]
mod explained;
#[path = "support/installed.rs"]
#[expect(dead_code, reason = "of what is installed, psql alone is run here")]
mod installed;
#[path = "support/namespace.rs"]
mod namespace;
#[path = "support/program.rs"]
mod program;

use accuracy::{Asked, Play};
use namespace::{command, inside};
use pgpreflight::lab::{Lab, Scenario};
use program::{program, run};
use serde_json::Value;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

#[test]
fn a_name_is_as_good_as_its_name_server_says() {
    if inside("a_name_is_as_good_as_its_name_server_says") {
        dns::serve();
        on_a_runtime(names());
    }
}

async fn names() {
    // What is wrong, host, time-out in milliseconds, cause, and what the evidence has for `eai_code`.
    let rows = [
        ("The name does not exist", "nowhere.test", 5000, "resolve-name-not-found", None),
        ("The name has no address", "mail-only.test", 5000, "resolve-no-address", None),
        ("The name server fails", "servfail.test", 5000, "resolve-server-failure", Some(-3)),
        ("The name server refuses", "refused.test", 5000, "resolve-server-failure", Some(-3)),
        ("The name server is silent, and time is short", "silent.test", 300, "resolve-timed-out", None),
        ("The name server is silent", "silent.test", 5000, "resolve-timed-out", None),
    ];
    for (fault, host, timeout, cause, eai) in rows {
        let report = check(&format!("host={host}"), timeout).await;
        enter(fault, (&format!("host={host}"), timeout), &report, &[cause]);
        assert_eq!(field(&report, "/cause"), cause, "{host}: {report}");
        assert_eq!(field(&report, "/exit_code"), 10, "{host}");
        assert_eq!(field(&report, "/findings/0/evidence/host"), host);
        let code = report.pointer("/findings/0/evidence/eai_code").and_then(Value::as_i64);
        assert_eq!(code, eai, "{host}");
        let elapsed = field(&report, "/elapsed_ms").as_f64().unwrap();
        assert!(elapsed < f64::from(timeout) + 250.0, "{host} took {elapsed} ms");
    }

    let lab = trusting().await;
    let port = lab.address().port();
    let report = check(&format!("host=db.test port={port}"), 5000).await;
    assert_eq!(field(&report, "/stages/1/facts/addresses"), &serde_json::json!(["127.0.0.1"]), "{report}");
    assert_eq!(field(&report, "/stages/2/status"), "passed");

    // The server listens at the first of the two addresses alone.
    let report = check(&format!("host=two.test port={port}"), 5000).await;
    assert_eq!(field(&report, "/stages/1/facts/addresses"), &serde_json::json!(["127.0.0.1", "127.0.0.2"]));
    assert_eq!(field(&report, "/stages/2/facts/address"), &format!("127.0.0.1:{port}"));
    // The lab answers no inspection.
    let codes = ["session-no-reply", "connect-some-addresses-fail"];
    enter("One of two addresses is dead", (&format!("host=two.test port={port}"), 5000), &report, &codes);
    let finding = finding(&report, "connect-some-addresses-fail");
    let failed = finding.pointer("/evidence/failed").unwrap();
    assert_eq!(failed, &serde_json::json!([{ "address": format!("127.0.0.2:{port}"), "outcome": "refused" }]));
}

#[test]
fn the_next_address_of_a_name_is_tried_after_silence_alone() {
    if inside("the_next_address_of_a_name_is_tried_after_silence_alone") {
        dns::serve();
        on_a_runtime(addresses());
    }
}

async fn addresses() {
    let good = trusting().await;
    for (fault, connect_timeout, cause) in [
        ("login = { at = 'before-auth', does = 'silent' }", "1", None),
        ("transport = 'accept-then-silent'", "1", None),
        // libpq goes on to the next host, and not to the next address of this one.
        (
            "login_error = { at = 'before-auth', C = '57P03', R = 'x', M = 'the database system is starting up' }",
            "9",
            Some("login-starting-up"),
        ),
        ("login = { at = 'before-auth', does = 'close' }", "9", Some("login-closed")),
        ("hba = { plain = 'reject' }", "9", Some("login-tls-required")),
    ] {
        let lab = Lab::start(toml::from_str::<Scenario>(fault).unwrap()).await.unwrap();
        let port = lab.address().port();
        // The second address leads to the good server.
        let listener = TcpListener::bind(("127.0.0.2", port)).await.unwrap();
        let to = good.address();
        let leading = tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let mut far = TcpStream::connect(to).await.unwrap();
                // Whoever leaves first ends it.
                tokio::spawn(async move { drop(copy_bidirectional(&mut near, &mut far).await) });
            }
        });
        let report = check(&format!("host=two.test port={port} connect_timeout={connect_timeout}"), 5000).await;
        leading.abort();
        assert_eq!(report["cause"].as_str().filter(|found| *found != "session-no-reply"), cause, "{fault}: {report}");
        let address = if cause.is_none() { "127.0.0.2" } else { "127.0.0.1" };
        assert_eq!(field(&report, "/stages/2/facts/address"), &format!("{address}:{port}"), "{fault}: {report}");
        if cause.is_none() {
            let hosts = field(&report, "/stages/2/facts/hosts");
            assert_eq!(hosts.pointer("/0/outcome").unwrap(), "login-no-reply", "{fault}: {report}");
            assert_eq!(hosts.pointer("/1/host").unwrap(), "two.test", "{fault}: {report}");
        }
    }
}

#[test]
fn a_route_that_is_not_there_is_told_from_one_that_forbids() {
    if inside("a_route_that_is_not_there_is_told_from_one_that_forbids") {
        dns::serve();
        on_a_runtime(routes());
    }
}

async fn routes() {
    // A route that is to be added, the host, and the cause.
    let rows = [
        ("", "192.0.2.1", "connect-network-unreachable"),
        ("", "far.test", "connect-network-unreachable"),
        ("", "six.test", "connect-network-unreachable"),
        ("", "2001:db8::1", "connect-network-unreachable"),
        ("unreachable 192.0.2.0/24", "192.0.2.1", "connect-host-unreachable"),
        ("prohibit 198.51.100.0/24", "198.51.100.1", "connect-blocked-locally"),
        ("blackhole 203.0.113.0/24", "203.0.113.1", "connect-blocked-locally"),
    ];
    for (route, host, cause) in rows {
        if !route.is_empty() {
            command("ip", &[&["route", "add"], route.split(' ').collect::<Vec<_>>().as_slice()].concat());
        }
        let report = check(&format!("host={host}"), 5000).await;
        let fault = if route.is_empty() { "no route".to_owned() } else { format!("route {route}") };
        enter(&format!("{host} with {fault}"), (&format!("host={host}"), 5000), &report, &[cause]);
        assert_eq!(field(&report, "/cause"), cause, "{route} {host}: {report}");
        assert_eq!(field(&report, "/exit_code"), 11, "{host}");
        assert!(field(&report, "/elapsed_ms").as_f64().unwrap() < 1000.0, "{host}");
    }
    // A machine with IPv6 switched off: EADDRNOTAVAIL, and still nothing has run out.
    command("ip", &["-6", "address", "flush", "dev", "lo"]);
    let report = check("host=::1", 5000).await;
    assert_eq!(field(&report, "/cause"), "connect-network-unreachable", "{report}");
}

fn on_a_runtime(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap().block_on(test);
}

async fn trusting() -> Lab {
    Lab::start(toml::from_str::<Scenario>("authentication = 'trust'").unwrap()).await.unwrap()
}

async fn check(target: &str, timeout: u32) -> Value {
    let target = format!("user=alice dbname=orders sslmode=disable {target}");
    let ran = run(program(["check", &target, "--format=json", &format!("--timeout={timeout}ms")]), b"").await;
    let report: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
    assert_eq!(report["exit_code"].as_i64(), ran.code.map(i64::from));
    assert_eq!(ran.stderr, "");
    report
}

/// Adds it to the table of accuracy.
fn enter(fault: &str, (target, timeout): (&str, u32), report: &Value, codes: &[&str]) {
    let play = Play {
        fault: fault.to_owned(),
        source: "namespace".to_owned(),
        variant: None,
        healthy: false,
        expected: codes.iter().map(|code| (*code).to_owned()).collect(),
        timeout: timeout.into(),
    };
    let conninfo = format!("user=alice dbname=orders sslmode=disable {target}");
    accuracy::record(play, report, &Asked { conninfo, ..Asked::default() });
}

fn field<'a>(report: &'a Value, pointer: &str) -> &'a Value {
    report.pointer(pointer).unwrap_or_else(|| panic!("no {pointer} in {report}"))
}

fn finding<'a>(report: &'a Value, code: &str) -> &'a Value {
    let mut findings = field(report, "/findings").as_array().unwrap().iter();
    findings.find(|finding| finding["code"] == code).unwrap_or_else(|| panic!("no {code} in {report}"))
}
