//! Callers that send too much, too deep, too slowly, or too many at a time.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use crate::schemas;
use crate::service::{BASE, Service, anywhere, place};

#[tokio::test]
async fn a_body_that_is_too_large_or_too_deep_is_refused() {
    let place = place();
    let service = Service::start(place.path(), &["--preflight", "off"]).await;
    let start = format!("POST {BASE}/connections");
    let mut large = anywhere("orders");
    large["padding"] = json!("x".repeat(1024 * 1024));
    let answer = service.raw(&start, &service.headers(), Some(&large.to_string())).await;
    assert_eq!(answer.status, 413, "{answer:?}");
    // Without a length that says so before.
    let mut connection = service.connect().await;
    let mut head = format!("{start} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n");
    for (name, value) in service.headers() {
        head.extend([&name, ": ", &value, "\r\n"]);
    }
    connection.send(format!("{head}\r\n").as_bytes()).await.unwrap();
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    for _ in 0..17 {
        if connection.send(chunk.as_bytes()).await.is_err() {
            break;
        }
    }
    assert_eq!(connection.answer().await.unwrap().status, 413);

    for (levels, status) in [(64, 400), (65, 400), (10_000, 400), (400_000, 400)] {
        let nested = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        let answer = service.raw(&start, &service.headers(), Some(&nested)).await;
        assert_eq!(answer.status, status, "{levels}");
        assert_eq!(answer.text_at("/errorMessage").contains("deep"), levels > 64, "{levels}");
    }
    let mut fine = anywhere("orders");
    fine["padding"] = json!("x".repeat(1000 * 1024));
    assert_eq!(service.create(&fine).await.status, 201);
}

#[tokio::test]
async fn a_request_that_is_never_finished_is_put_out() {
    let place = place();
    let service = Service::start(place.path(), &["--preflight", "off"]).await;
    let mut heads = service.connect().await;
    let mut bodies = service.connect().await;
    heads.send(format!("POST {BASE}/connections HTTP/1.1\r\nHost: local").as_bytes()).await.unwrap();
    let mut head = format!("POST {BASE}/connections HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n");
    for (name, value) in service.headers() {
        head.extend([&name, ": ", &value, "\r\n"]);
    }
    bodies.send(format!("{head}\r\n{{").as_bytes()).await.unwrap();
    let began = Instant::now();
    let limit = Duration::from_secs(60);
    let (head_ended, body_ended) = tokio::join!(heads.ends_within(limit), bodies.ends_within(limit));
    assert!(head_ended && body_ended, "{:?}", began.elapsed());
    assert!(began.elapsed() > Duration::from_secs(5), "slow callers are given a while");
}

#[tokio::test]
async fn five_hundred_slow_callers_do_not_hold_up_another() {
    let place = place();
    let service = Service::start(place.path(), &["--preflight", "off"]).await;
    for number in 0..120 {
        service.created(&anywhere(&format!("orders {number}"))).await;
    }
    let whole = |path: &str| {
        let mut head = format!("GET {BASE}{path} HTTP/1.1\r\nHost: localhost\r\n");
        for (name, value) in service.headers() {
            head.extend([&name, ": ", &value, "\r\n"]);
        }
        head + "\r\n"
    };
    let mut slow = Vec::new();
    for number in 0..500 {
        let mut connection = service.connect().await;
        let request = match number % 3 {
            0 => "GET / HT".to_owned(),
            1 => format!("POST {BASE}/connections HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n"),
            // Asks for much, many times, and takes nothing of it.
            _ => whole("/connections?limit=100").repeat(20),
        };
        connection.send(request.as_bytes()).await.unwrap();
        slow.push(connection);
    }
    for _ in 0..20 {
        let began = Instant::now();
        let answer = service.get("/connections?limit=100").await;
        assert_eq!(answer.status, 200);
        schemas::is_list(&answer.json());
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    }
    assert_eq!(service.create(&anywhere("another")).await.status, 201);
    assert_eq!(slow.len(), 500);
    assert!(resident_kib(&service) < 200 * 1024, "{} KiB", resident_kib(&service));
}

#[tokio::test]
async fn idle_it_takes_little_memory() {
    let place = place();
    let service = Service::start(place.path(), &["--preflight", "off"]).await;
    service.created(&anywhere("orders")).await;
    service.get("/connections").await;
    // Unoptimised and with its symbols; the release build needs half of it.
    assert!(resident_kib(&service) < 30 * 1024, "{} KiB", resident_kib(&service));
}

fn resident_kib(service: &Service) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", service.child.id().unwrap())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
