//! Names that are found and lead to the wrong place: sinkholes, old lines in the hosts file, name servers that answer for
//! names that do not exist, search domains.

use pgpreflight::lab::{Lab, Scenario};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::namespace::{command, inside, replace};
use crate::{check, dns, enter, field, finding, on_a_runtime, trusting};

#[test]
fn a_public_name_that_leads_nowhere_is_warned_of() {
    if inside("doubted::a_public_name_that_leads_nowhere_is_warned_of") {
        dns::serve();
        on_a_runtime(sinkholes());
    }
}

async fn sinkholes() {
    // Nothing listens there, or there is no way: the cause stands where it shows, and is explained by the name.
    let rows = [
        ("zero.example.org", "0.0.0.0", "connect-refused"),
        ("zero6.example.org", "::", "connect-refused"),
        ("loopback.example.org", "127.0.0.1", "connect-refused"),
        ("loopback6.example.org", "::1", "connect-refused"),
        ("documentation.example.org", "192.0.2.1", "connect-network-unreachable"),
    ];
    for (host, address, cause) in rows {
        let target = format!("host={host} port=1");
        let report = check(&target, 5000).await;
        enter(&format!("A public name leads to {address}"), (&target, 5000), &report, &[cause, "resolve-sinkhole"]);
        assert_eq!(field(&report, "/cause"), cause, "{host}: {report}");
        let sinkhole = &finding(&report, "resolve-sinkhole")["evidence"];
        assert_eq!(sinkhole, &json!({ "given_by": "dns", "host": host, "address": address }), "{report}");
        let told = field(&report, "/findings/0/because/0").as_str().unwrap();
        assert!(told.contains(&format!("`{host}` leads to {address}")), "{report}");
    }
    // A server of this machine answers: it is warned of, and nothing was asked of DNS beside.
    let lab = trusting().await;
    let port = lab.address().port();
    for host in ["zero.example.org", "loopback.example.org"] {
        let report = check(&format!("host={host} port={port}"), 5000).await;
        assert_eq!(finding(&report, "resolve-sinkhole")["evidence"]["given_by"], "likely-dns", "{report}");
        assert_eq!(report.pointer("/stages/1/facts/name_servers"), None, "{report}");
    }
    // It is another server than the one that was meant.
    let wrong = "authentication = 'trust'\nlogin_error = { at = 'after-auth-ok', C = '3D000', R = 'InitPostgres', M = 'no such database' }";
    let wrong = Lab::start(toml::from_str::<Scenario>(wrong).unwrap()).await.unwrap();
    let report = check(&format!("host=loopback.example.org port={}", wrong.address().port()), 5000).await;
    assert_eq!(field(&report, "/cause"), "login-database-missing", "{report}");
    assert!(field(&report, "/findings/0/because/0").as_str().unwrap().contains("resolve-sinkhole"), "{report}");

    // Names that are this machine's own affair are not warned of.
    replace("/etc/nsswitch.conf", b"hosts: files dns\n");
    replace("/etc/hosts", b"127.0.0.1 localhost\n127.0.1.1 own.example.org own\n0.0.0.0 blocked.example.org\n");
    for host in ["localhost", "db.test", "127.0.0.1", "own.example.org", "own"] {
        let report = check(&format!("host={host} port=1"), 5000).await;
        assert_eq!(field(&report, "/cause"), "connect-refused", "{host}: {report}");
        assert_eq!(field(&report, "/findings").as_array().unwrap().len(), 1, "{host}: {report}");
        assert_eq!(report.pointer("/findings/0/evidence/hosts_line").is_some(), host.starts_with("own"), "{report}");
    }
    // A list of blocked names is no host that a person wrote down.
    let report = check("host=blocked.example.org port=1", 5000).await;
    let blocked = &finding(&report, "resolve-sinkhole")["evidence"];
    assert_eq!((&blocked["given_by"], &blocked["hosts_line"]), (&json!("hosts-file"), &json!(3)), "{report}");
}

#[test]
fn a_hosts_line_that_dns_contradicts_explains_the_failure() {
    if inside("doubted::a_hosts_line_that_dns_contradicts_explains_the_failure") {
        dns::serve();
        on_a_runtime(old_line());
    }
}

async fn old_line() {
    replace("/etc/nsswitch.conf", b"hosts: files dns\n");
    replace(
        "/etc/hosts",
        b"127.0.0.1 localhost\n\n127.0.0.1 moved.example.org # before the failover\n127.0.0.1 db.test\n",
    );
    let report = check("host=moved.example.org port=1", 5000).await;
    assert_eq!(field(&report, "/cause"), "connect-refused", "{report}");
    let evidence = field(&report, "/findings/0/evidence");
    assert_eq!(evidence["hosts_line"], 3, "{report}");
    assert_eq!(evidence["dns_addresses"], json!(["10.7.7.7"]), "{report}");
    assert_eq!(
        field(&report, "/findings/0/fixes/0"),
        "client: take the line out of /etc/hosts\n    sudo sed -i '3d' /etc/hosts"
    );
    // The same in both places.
    let report = check("host=db.test port=1", 5000).await;
    assert_eq!(report.pointer("/findings/0/evidence/dns_addresses"), None, "{report}");
    // Applied as printed, the fix takes the other way. (A file that is mounted cannot be renamed over, which sed does.)
    replace("/etc/hosts", b"127.0.0.1 localhost\n\n127.0.0.1 db.test\n");
    let report = check("host=moved.example.org port=1", 5000).await;
    assert_eq!(field(&report, "/stages/1/facts/addresses"), &json!(["10.7.7.7"]), "{report}");
}

#[test]
fn a_name_server_that_answers_for_just_any_name_is_found_out() {
    if inside("doubted::a_name_server_that_answers_for_just_any_name_is_found_out") {
        command("ip", &["address", "add", &format!("{}/32", dns::PAGE), "dev", "lo"]);
        dns::serve();
        on_a_runtime(hijacked());
    }
}

async fn hijacked() {
    let listener = TcpListener::bind((dns::PAGE, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let page = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            drop(stream.read(&mut [0; 64]).await);
            drop(stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await);
        }
    });
    let report = check(&format!("host=nowhere.hijacked port={port} sslmode=require"), 5000).await;
    page.abort();
    assert_eq!(field(&report, "/cause"), "tls-not-postgres", "{report}");
    assert_eq!(field(&report, "/findings/0/evidence/made_up_name_resolves"), true, "{report}");
    assert!(
        field(&report, "/findings/0/because/0").as_str().unwrap().contains("a name made up on the spot"),
        "{report}"
    );
}

#[test]
fn what_a_search_domain_did_is_told() {
    if inside("doubted::what_a_search_domain_did_is_told") {
        dns::serve();
        on_a_runtime(searched());
    }
}

async fn searched() {
    replace("/etc/resolv.conf", b"nameserver 127.0.0.1\nsearch corp.test\noptions timeout:1 attempts:1 ndots:5\n");
    let report = check("host=db port=1", 5000).await;
    assert_eq!(field(&report, "/stages/1/facts/canonical_name"), "db.corp.test", "{report}");
    assert_eq!(field(&report, "/stages/1/facts/search_domain"), "corp.test");
    assert_eq!(field(&report, "/cause"), "connect-refused");
    assert_eq!(field(&report, "/findings/0/evidence/search_domain"), "corp.test");
    // An alias that is found by way of a search domain, and leads nowhere.
    let report = check("host=old", 5000).await;
    assert_eq!(field(&report, "/cause"), "resolve-dangling-alias", "{report}");
    assert_eq!(field(&report, "/findings/0/evidence/aliases"), &json!(["old.corp.test", "link.test", "gone.test"]));
    // With a dot at its end the name is whole.
    let report = check("host=db.", 5000).await;
    assert_eq!(field(&report, "/cause"), "resolve-name-not-found", "{report}");
    // Every name that was tried is told.
    let report = check("host=nowhere.test", 5000).await;
    let asked = field(&report, "/findings/0/evidence/name_servers").as_array().unwrap();
    let names: Vec<&str> = asked.iter().map(|asked| asked["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["nowhere.test", "nowhere.test.corp.test"]);
}

#[test]
fn a_list_of_hosts_goes_on_past_a_dangling_alias() {
    if inside("doubted::a_list_of_hosts_goes_on_past_a_dangling_alias") {
        dns::serve();
        on_a_runtime(lists());
    }
}

async fn lists() {
    let lab = trusting().await;
    let port = lab.address().port();
    let report = check(&format!("host=dangling.test,servfail.test,db.test port={port}"), 5000).await;
    assert_eq!(report["cause"].as_str().filter(|cause| *cause != "session-no-reply"), None, "{report}");
    let outcomes: Vec<&Value> =
        field(&report, "/stages/2/facts/hosts").as_array().unwrap().iter().map(|host| &host["outcome"]).collect();
    assert_eq!(outcomes[..2], ["resolve-dangling-alias", "resolve-server-failure"], "{report}");
    assert_eq!(field(&report, "/target/host"), "db.test");
    let report = check("host=dangling.test,loopback.example.org,mail-only.test port=1", 5000).await;
    assert_eq!(field(&report, "/cause"), "connect-refused", "{report}");
    assert_eq!(finding(&report, "resolve-sinkhole")["evidence"]["given_by"], "dns", "{report}");
    let others = field(&report, "/findings/0/evidence/others").as_array().unwrap();
    let others: Vec<&Value> = others.iter().map(|other| &other["outcome"]).collect();
    assert_eq!(others, ["resolve-dangling-alias", "resolve-no-address"], "{report}");
}

#[test]
fn an_answer_that_takes_its_time_delays_nothing_else() {
    if inside("doubted::an_answer_that_takes_its_time_delays_nothing_else") {
        dns::serve();
        on_a_runtime(slow());
    }
}

async fn slow() {
    let lab = trusting().await;
    let port = lab.address().port();
    let report = check(&format!("host=slow.test port={port}"), 5000).await;
    assert_eq!(field(&report, "/stages/2/status"), "passed", "{report}");
    let took = field(&report, "/stages/1/elapsed_ms").as_f64().unwrap();
    assert!(took >= dns::DELAY.as_secs_f64() * 1000.0, "{report}");
    // Too late for getaddrinfo within the time, and nothing is waited for past that.
    let report = check(&format!("host=slow.test port={port}"), 150).await;
    assert_eq!(field(&report, "/cause"), "resolve-timed-out", "{report}");
    assert!(field(&report, "/elapsed_ms").as_f64().unwrap() < 400.0, "{report}");
}
