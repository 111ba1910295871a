//! What is dialled for callers, by the address that is dialled in the end.

use serde_json::{Value, json};

use crate::play;
use crate::schemas;
use crate::service::{Service, basic, place};

fn to(server: &str, port: u16) -> Value {
    let params = json!({"server": server, "port": port, "database": "orders", "username": "alice",
        "password": "wonderland"});
    basic("orders", &params)
}

/// `test` is false and `explore` is refused, and the report says that nothing was sent.
async fn is_not_dialled(service: &Service, server: &str, port: u16) {
    let id = service.created(&to(server, port)).await;
    assert_eq!(service.get(&format!("/connections/{id}/test")).await.json(), json!({"result": false}), "{server}");
    let report = service.get(&format!("/connections/{id}/preflight")).await;
    let stage = report.text_at("/failed_stage");
    assert!(["input", "resolve", "connect"].contains(&stage.as_str()), "{server}: {report:?}");
    if stage == "connect" {
        assert_eq!(report.at("/cause"), "connect-blocked-locally", "{server}: {report:?}");
    }
    let explored = service.get(&format!("/connections/{id}/explore?objectType=root")).await;
    schemas::is_problem(&explored.json(), "1100-400");
}

#[tokio::test]
async fn metadata_link_local_itself_and_sockets_are_not_dialled_in_any_spelling() {
    let place = place();
    let service = Service::start(place.path(), &["--preflight", "record"]).await;
    for server in [
        "169.254.169.254",
        "::ffff:169.254.169.254",
        "::ffff:a9fe:a9fe",
        "fe80::1",
        "fd00:ec2::254",
        "100.100.100.200",
        "192.0.0.192",
        "2852039166",
        "0xa9fea9fe",
        "0251.0376.0251.0376",
        "169.254.43518",
        "/var/run/postgresql",
        "/tmp",
    ] {
        is_not_dialled(&service, server, 80).await;
    }
    for server in ["127.0.0.1", "localhost", "::ffff:127.0.0.1", "0.0.0.0", "0", "127.1"] {
        is_not_dialled(&service, server, service.address.port()).await;
    }
}

#[tokio::test]
async fn loopback_is_dialled_only_by_a_service_on_loopback() {
    let (here, lab) = (place(), play::start("").await);
    let port = lab.address().port();
    let service = Service::start(here.path(), &[]).await;
    for server in ["127.0.0.1", "localhost"] {
        assert_eq!(service.create(&to(server, port)).await.status, 201, "{server}");
    }
    let dialled = lab.connections();
    let there = place();
    let store = there.path().join("registry.db").display().to_string();
    let everywhere = ["--listen", "0.0.0.0:0", "--store", &store, "--preflight", "record"];
    let mut outside = start_everywhere(there.path(), &everywhere).await;
    outside.address.set_ip("127.0.0.1".parse().unwrap());
    for server in ["127.0.0.1", "localhost", "::1", "127.0.0.2", "0.0.0.0", "::ffff:127.0.0.1"] {
        is_not_dialled(&outside, server, port).await;
    }
    assert_eq!(lab.connections(), dialled);
}

#[tokio::test]
async fn networks_allowed_and_denied_say_more() {
    let lab = play::start("").await;
    let port = lab.address().port();
    for arguments in [["--deny-network", "127.0.0.0/8"], ["--allow-network", "10.0.0.0/8"]] {
        let place = place();
        let service = Service::start(place.path(), &[&arguments[..], &["--preflight", "record"]].concat()).await;
        is_not_dialled(&service, "127.0.0.1", port).await;
    }
    assert_eq!(lab.connections(), 0);
    let place = place();
    let service = Service::start(place.path(), &["--allow-network", "127.0.0.0/30"]).await;
    assert_eq!(service.create(&to("127.0.0.1", port)).await.status, 201);
}

/// A command line has one `--listen`: the last counts nothing, so this one is made anew.
async fn start_everywhere(directory: &std::path::Path, arguments: &[&str]) -> Service {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_pgpreflight"));
    let log = std::fs::File::create(directory.join("log")).unwrap();
    command.env_clear().env("HOME", directory).arg("serve").args(arguments);
    command.arg("--clients").arg(directory.join("clients.toml"));
    command.kill_on_drop(true).stdout(std::process::Stdio::piped()).stderr(log);
    Service::run(command, directory).await
}
