//! How the service ends: when it is told to, and when it cannot begin.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;

use crate::play;
use crate::service::{BASE, BOUND, Service, anywhere, basic, command, params, place};

#[tokio::test]
async fn told_to_end_it_finishes_what_it_has_begun_and_ends_with_0() {
    for signal in [Signal::TERM, Signal::INT] {
        let (place, lab) = (place(), play::start("byte_at_a_time = 1").await);
        let mut service = Service::start(place.path(), &[]).await;
        let mut idle = service.connect().await;
        idle.call("GET /healthz", &[], None).await.unwrap();
        let body = basic("orders", &params(&lab)).to_string();
        let mut calling = service.connect().await;
        let headers = service.headers();
        let start = format!("POST {BASE}/connections");
        let call = tokio::spawn(async move { calling.call(&start, &headers, Some(&body)).await });
        while lab.connections() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        service.signal(signal);
        let answer = call.await.unwrap().unwrap();
        assert_eq!(answer.status, 201, "{answer:?}");
        let status = tokio::time::timeout(BOUND, service.child.wait()).await.unwrap().unwrap();
        assert_eq!(status.code(), Some(0));
        assert!(idle.ends_within(BOUND).await);
        let again = Service::start(place.path(), &[]).await;
        assert_eq!(again.get("/connections?count=true").await.json(), json!({"count": 1}));
    }
}

#[tokio::test]
async fn what_is_never_finished_does_not_hold_up_the_end() {
    let place = place();
    let mut service = Service::start(place.path(), &["--preflight", "off"]).await;
    let mut head = format!("POST {BASE}/connections HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n");
    for (name, value) in service.headers() {
        head.extend([&name, ": ", &value, "\r\n"]);
    }
    let mut half = service.connect().await;
    half.send(b"GET / HT").await.unwrap();
    let mut body = service.connect().await;
    body.send(format!("{head}\r\n{{").as_bytes()).await.unwrap();
    service.get("/connections").await;
    let began = std::time::Instant::now();
    service.signal(Signal::TERM);
    let status = tokio::time::timeout(BOUND, service.child.wait()).await.unwrap().unwrap();
    assert_eq!(status.code(), Some(0));
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_key_that_does_not_open_the_store_ends_it_before_it_listens() {
    let place = place();
    let store = place.path().join("registry.db").display().to_string();
    let key = place.path().join("registry.db.key");
    let mut service = Service::start(place.path(), &["--preflight", "off"]).await;
    service.created(&anywhere("orders")).await;
    service.child.kill().await.unwrap();
    let right = std::fs::read(&key).unwrap();
    std::fs::remove_file(&key).unwrap();
    let missing = command(place.path(), &["--store", &store]).output().await.unwrap();
    assert_eq!((missing.status.code(), missing.stdout.as_slice()), (Some(3), &b""[..]));
    assert!(!key.exists(), "no new one is made");
    pgpreflight::registry::seal::Sealer::read_or_make(&key).unwrap();
    let wrong = command(place.path(), &["--store", &store]).output().await.unwrap();
    assert_eq!((wrong.status.code(), wrong.stdout.as_slice()), (Some(3), &b""[..]));
    let said = String::from_utf8(wrong.stderr).unwrap();
    assert!(said.contains("does not open the store"), "{said}");
    let elsewhere = place.path().join("elsewhere.key");
    std::fs::write(&elsewhere, right).unwrap();
    let service = Service::start(place.path(), &["--key-file", &elsewhere.display().to_string()]).await;
    assert_eq!(service.get("/connections?count=true").await.json(), json!({"count": 1}));
}

#[tokio::test]
async fn the_key_is_rotated_under_a_running_service() {
    let (place, lab) = (place(), play::start("").await);
    let store = place.path().join("registry.db").display().to_string();
    let mut service = Service::start(place.path(), &[]).await;
    let first = service.created(&basic("orders", &params(&lab))).await;
    let key = std::fs::read(place.path().join("registry.db.key")).unwrap();
    let mut rotate = tokio::process::Command::new(env!("CARGO_BIN_EXE_pgpreflight"));
    let rotated = rotate.env_clear().args(["serve", "rotate-key", "--store", &store]).output().await.unwrap();
    assert_eq!(rotated.status.code(), Some(0), "{rotated:?}");
    assert_ne!(std::fs::read(place.path().join("registry.db.key")).unwrap(), key);
    let second = service.created(&basic("orders", &params(&lab))).await;
    for id in [&first, &second] {
        assert_eq!(service.get(&format!("/connections/{id}/test")).await.json(), json!({"result": true}));
    }
    service.child.kill().await.unwrap();
    let again = Service::start(place.path(), &[]).await;
    for id in [&first, &second] {
        assert_eq!(again.get(&format!("/connections/{id}/test")).await.json(), json!({"result": true}));
    }
}

#[tokio::test]
async fn without_clients_it_makes_one_and_says_where() {
    let place = place();
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_pgpreflight"));
    let log = std::fs::File::create(place.path().join("log")).unwrap();
    command.env_clear().env("HOME", place.path()).args(["serve", "--listen", "127.0.0.1:0"]);
    command.kill_on_drop(true).stdout(std::process::Stdio::piped()).stderr(log);
    let mut child = command.spawn().unwrap();
    let mut lines = tokio::io::AsyncBufReadExt::lines(tokio::io::BufReader::new(child.stdout.take().unwrap()));
    let line = tokio::time::timeout(BOUND, lines.next_line()).await.unwrap().unwrap().unwrap();
    let path = place.path().join(".local/state/pgpreflight/clients.toml");
    assert_eq!(line, format!("clients: {}", path.display()));
    let line = tokio::time::timeout(BOUND, lines.next_line()).await.unwrap().unwrap().unwrap();
    assert!(line.starts_with("listening: http://127.0.0.1:"), "{line}");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(path.with_file_name("registry.db").exists() && path.with_file_name("registry.db.key").exists());
    child.kill().await.unwrap();
}
