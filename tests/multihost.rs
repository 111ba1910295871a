//! Lists of hosts of which libpq 18 was seen to make this and that: every row of the recorded table, played by the lab.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

#[path = "support/play.rs"]
mod play;

use std::collections::BTreeMap;
use std::time::Duration;

use pgpreflight::diagnose::code::Code;
use pgpreflight::lab::Lab;
use pgpreflight::report::Verdict;
use play::check;
use serde_json::Value;

const CASES: &str = include_str!("cases/multihost.json");

/// Without what a check of one server has.
const BARE: &str = "hostaddr='' sslrootcert=''";

const PATIENCE: Duration = Duration::from_secs(10);

/// The servers of the table, by their port there.
const SERVERS: [(&str, &str); 6] = [
    ("6801", "login_error = { at = 'before-auth', C = '57P03', R = 'x', M = 'the database system is starting up' }"),
    ("6804", "login_error = { at = 'after-auth-ok', C = '3D000', R = 'InitPostgres', M = 'database does not exist' }"),
    ("6807", "login = { at = 'before-auth', does = 'close' }"),
    ("6808", "authentication = { request = { code = 13 } }"),
    ("6809", "session = { parameters = [['in_hot_standby', 'on']] }"),
    ("6218", ""),
];

/// What libpq says, and the code for it.
const WORDS: [(&str, &str); 4] = [
    ("database does not exist", "login-database-missing"),
    ("server closed the connection unexpectedly", "login-closed"),
    ("authentication method 13 not supported", "login-method-unsupported"),
    ("session is read-only", "session-wrong-role"),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_row_of_the_table() {
    let cases: Value = serde_json::from_str(CASES).unwrap();
    let cases = cases.as_array().unwrap();
    assert_eq!(cases.len(), 10);
    for case in cases {
        let text = |key: &str| case.get(key).and_then(Value::as_str).unwrap();
        let mut labs: BTreeMap<&str, Lab> = BTreeMap::new();
        for (port, fault) in SERVERS.into_iter().filter(|(port, _)| text("port").contains(port)) {
            labs.insert(port, play::start(fault).await);
        }
        let place = |port: &str| labs.get(port).map_or_else(|| port.to_owned(), |lab| lab.address().port().to_string());
        let ports: Vec<String> = text("port").split(',').map(place).collect();
        let keywords = format!("host={} port={} {} {BARE}", text("host"), ports.join(","), text("extra"));
        let report = check(labs.values().next().unwrap(), &keywords, PATIENCE).await;
        let said = text("libpq_18_6");
        let expected = WORDS.iter().find(|(words, _)| said.contains(words)).map(|(_, code)| *code);
        assert!(expected.is_some() || said == "OK", "{said} is not known");
        assert_eq!(report.cause.map(Code::as_str), expected, "{}: {report:?}", text("name"));
        // One row have a server in the list twice.
        let sent: Vec<u64> = labs.values().map(|lab| lab.credentials_seen()).collect();
        assert!(sent.iter().all(|count| *count <= 1), "{}: {sent:?}", text("name"));
    }
}

/// The list prefers a standby and has none: libpq goes round a second time, and logs in to the first once more.
#[tokio::test(flavor = "multi_thread")]
async fn the_host_that_is_fallen_back_on_is_logged_in_to_once() {
    let labs = [play::start("").await, play::start("").await];
    let ports = labs.each_ref().map(|lab| lab.address().port().to_string()).join(",");
    let keywords = format!("host=127.0.0.1,127.0.0.1 port={ports} sslmode=disable {BARE}");
    let keywords = format!("{keywords} target_session_attrs=prefer-standby");
    let report = check(labs.first().unwrap(), &keywords, PATIENCE).await;
    assert_ne!(report.verdict, Verdict::NotReady, "{report:?}");
    assert_eq!(report.target.port, Some(labs.first().unwrap().address().port()));
    assert_eq!(labs.each_ref().map(|lab| lab.credentials_seen()), [1, 1]);
}

/// A check is a future like any other: it may run on any thread, and many beside each other.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn checks_run_beside_each_other() {
    let lab = play::start("").await;
    let running: Vec<_> = (0..16)
        .map(|_| {
            let target = play::target(&lab, "sslmode=verify-full", PATIENCE);
            tokio::spawn(
                async move { pgpreflight::check(&target, &pgpreflight::Wanted::default(), &mut ()).await.verdict },
            )
        })
        .collect();
    for check in running {
        assert_eq!(check.await.unwrap(), Verdict::Ready);
    }
    assert_eq!(lab.credentials_seen(), 16);
}
