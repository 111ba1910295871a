//! What `getaddrinfo` merges under one number is told apart by what the name servers say; psql beside each row tells
//! whether a client can find the name at all.

use serde_json::{Value, json};
use tokio::process::Command;

use crate::namespace::{inside, replace};
use crate::{check, dns, enter, field, installed, on_a_runtime, run, trusting};

/// The host, the cause, what the evidence has, and what one of the reasons says.
type Row = (&'static str, &'static str, Value, &'static str);

/// A silent name server that is asked first, and one where nothing is.
const SILENT: &str = "nameserver 127.0.0.53\noptions timeout:1 attempts:1\n";
const NOBODY: &str = "nameserver 127.0.0.54\noptions timeout:1 attempts:1\n";

#[test]
fn what_the_name_servers_say_tells_causes_apart() {
    if inside("explained::what_the_name_servers_say_tells_causes_apart") {
        dns::serve();
        on_a_runtime(causes());
    }
}

async fn causes() {
    let rows: Vec<Row> = vec![
        (
            "nowhere.test",
            "resolve-name-not-found",
            json!({
                "response_code": "NXDOMAIN",
                "name_servers": [{ "server": "127.0.0.1", "name": "nowhere.test", "outcome": "NXDOMAIN" }],
            }),
            "the name server 127.0.0.1 answered for `nowhere.test`: NXDOMAIN",
        ),
        ("mail-only.test", "resolve-no-address", json!({ "response_code": "NOERROR" }), "no address"),
        ("alias-of-mail.test", "resolve-no-address", json!({}), "by alias to `mail-only.test`"),
        (
            "dangling.test",
            "resolve-dangling-alias",
            json!({ "alias": "dangling.test", "target": "gone.test", "response_code": "NXDOMAIN" }),
            "dangling.test → gone.test",
        ),
        (
            "dangling-chain.test",
            "resolve-dangling-alias",
            json!({ "alias": "link.test", "target": "gone.test", "aliases": ["dangling-chain.test", "link.test", "gone.test"] }),
            "",
        ),
        (
            "dangling-bare.test",
            "resolve-dangling-alias",
            json!({ "alias": "dangling-bare.test", "target": "gone.test" }),
            "",
        ),
        // The answer that does not fit is fetched by TCP.
        ("dangling-long.test", "resolve-dangling-alias", json!({ "target": "gone.test" }), ""),
        (
            "dangling-rds.test",
            "resolve-dangling-alias",
            json!({}),
            "a name of Amazon RDS: the instance or cluster was deleted",
        ),
        ("dangling-redshift.test", "resolve-dangling-alias", json!({}), "a name of Amazon Redshift"),
        ("dangling-azure.test", "resolve-dangling-alias", json!({}), "a name of Azure Database for PostgreSQL"),
        ("orders.abc123.eu-west-1.rds.amazonaws.com", "resolve-name-not-found", json!({}), "a name of Amazon RDS"),
        (
            "servfail.test",
            "resolve-server-failure",
            json!({ "eai_code": -3, "response_code": "SERVFAIL", "dnssec": null }),
            "SERVFAIL",
        ),
        (
            "refused.test",
            "resolve-server-failure",
            json!({ "eai_code": -3, "response_code": "REFUSED", "dnssec": null }),
            "REFUSED",
        ),
        (
            "bogus.test",
            "resolve-server-failure",
            json!({ "dnssec": true }),
            "told not to check them (CD=1), the server answers",
        ),
        (
            "bogus-told.test",
            "resolve-server-failure",
            json!({ "dnssec": true }),
            "the server says so (extended error 6)",
        ),
        ("garbage.test", "resolve-server-failure", json!({}), "is no DNS message"),
        (
            "silent.test",
            "resolve-timed-out",
            json!({ "name_servers": [{ "server": "127.0.0.1", "name": "silent.test", "outcome": "silent" }] }),
            "the name server 127.0.0.1 did not answer",
        ),
        ("host.docker.internal", "resolve-name-not-found", json!({}), "on Linux it has to be mapped"),
        ("printer.local", "resolve-name-not-found", json!({}), "multicast DNS"),
        ("db..test", "resolve-name-invalid", json!({ "name_servers": null }), ""),
    ];
    for row in &rows {
        holds(row, 5000).await;
    }
    // The time is up before `getaddrinfo` has given up.
    holds(&("silent.test", "resolve-timed-out", json!({}), "the name server 127.0.0.1 did not answer"), 300).await;
}

#[test]
fn name_servers_that_do_not_answer_are_named() {
    if inside("explained::name_servers_that_do_not_answer_are_named") {
        dns::serve();
        on_a_runtime(dead_servers());
    }
}

async fn dead_servers() {
    let server = |server: &str, outcome: &str| json!({ "server": server, "name": "db.test", "outcome": outcome });
    replace("/etc/resolv.conf", SILENT.as_bytes());
    let silent = json!({ "name_servers": [server("127.0.0.53", "silent")] });
    holds(&("db.test", "resolve-timed-out", silent.clone(), "127.0.0.53 did not answer"), 5000).await;
    holds(&("db.test", "resolve-timed-out", silent, "127.0.0.53 did not answer"), 400).await;

    replace("/etc/resolv.conf", NOBODY.as_bytes());
    let nobody = json!({ "name_servers": [server("127.0.0.54", "unreachable")] });
    holds(&("db.test", "resolve-timed-out", nobody, "nothing listens at the name server's address 127.0.0.54"), 5000)
        .await;

    // Nothing that names a server: libc asks this machine, and so do we.
    for odd in [&b""[..], b"\xff\xfe\0nameserver 999.1.1.1\nnameserver\noptions timeout:x\n"] {
        replace("/etc/resolv.conf", odd);
        holds(&("nowhere.test", "resolve-name-not-found", json!({ "response_code": "NXDOMAIN" }), "127.0.0.1"), 5000)
            .await;
    }
    // This machine does not ask DNS at all.
    replace("/etc/nsswitch.conf", b"hosts: files\n");
    let none = ("nowhere.test", "resolve-name-not-found", json!({ "response_code": "NXDOMAIN" }), "");
    holds(&none, 5000).await;
    let known = ("db.test", "resolve-name-not-found", json!({}), "a name server does know the name");
    holds(&known, 5000).await;
    replace("/etc/nsswitch.conf", b"hosts: dns\n");

    // The second of two answers: the name is found, and it is told who was silent.
    let lab = trusting().await;
    let port = lab.address().port();
    replace("/etc/resolv.conf", format!("{SILENT}nameserver 127.0.0.1\n").as_bytes());
    let report = check(&format!("host=db.test port={port}"), 5000).await;
    assert_eq!(report["cause"].as_str().filter(|cause| *cause != "session-no-reply"), None, "{report}");
    let asked = json!([server("127.0.0.53", "silent"), { "server": "127.0.0.1", "name": "db.test", "outcome": "NOERROR", "addresses": ["127.0.0.1"] }]);
    let told = report.pointer("/stages/1/facts/name_servers");
    assert!(told.is_none_or(|told| *told == asked), "{report}");
    holds(
        &("dangling.test", "resolve-dangling-alias", json!({ "target": "gone.test" }), "127.0.0.53 did not answer"),
        5000,
    )
    .await;
}

/// The report of a host has this cause and evidence, in time; psql finds no such host either.
async fn holds((host, cause, evidence, reason): &Row, timeout: u32) {
    let report = check(&format!("host={host}"), timeout).await;
    enter(&format!("Looking up {host}"), (&format!("host={host}"), timeout), &report, &[cause]);
    assert_eq!(field(&report, "/cause"), cause, "{host}: {report}");
    assert_eq!(field(&report, "/exit_code"), 10, "{host}");
    assert_eq!(field(&report, "/findings").as_array().unwrap().len(), 1, "{host}: {report}");
    let finding = field(&report, "/findings/0");
    for (key, value) in evidence.as_object().unwrap() {
        assert_eq!(&finding["evidence"][key], value, "{host} {key}: {report}");
    }
    let reasons = field(finding, "/because").as_array().unwrap();
    assert!(reasons.iter().any(|told| told.as_str().unwrap().contains(reason)), "{host}: {report}");
    let elapsed = field(&report, "/elapsed_ms").as_f64().unwrap();
    assert!(elapsed < f64::from(timeout) + 250.0, "{host} took {elapsed} ms");

    let mut psql = Command::new(installed::client("psql"));
    psql.env_clear().args(["-w", &format!("host={host} user=alice dbname=orders"), "-c", "select 1"]);
    let ran = run(psql, b"").await;
    assert!(ran.stderr.contains("could not translate host name"), "{host}: {ran:?}");
}
