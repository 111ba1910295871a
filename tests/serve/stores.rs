//! The store in PostgreSQL: the same service, several of them, a lost server, a rotated key.

use serde_json::json;

use crate::cluster::{Cluster, ClusterConfig, majors};
use crate::play;
use crate::schemas;
use crate::service::{BASE, Service, anywhere, basic, params, place};

const MARKER: &str = "Zq7kWx9JvR2m";

/// A server with a database whose owner needs a password.
pub fn server() -> Cluster {
    let hba = vec!["host all all 127.0.0.1/32 scram-sha-256".to_owned()];
    let settings = vec![("password_encryption".to_owned(), "'scram-sha-256'".to_owned())];
    let cluster = Cluster::start(
        *majors().last().unwrap(),
        &ClusterConfig { hba, settings, tls: None, ..ClusterConfig::default() },
    );
    cluster.sql("create role registry login password 'registry password'");
    cluster.sql("create database registry owner registry");
    cluster
}

/// The URL of the store in it.
pub fn url(cluster: &Cluster) -> String {
    format!("postgresql://registry:registry%20password@127.0.0.1:{}/registry", cluster.port())
}

#[tokio::test]
async fn the_service_is_the_same_on_postgresql() {
    let (place, cluster, lab) = (place(), server(), play::start("").await);
    let service = Service::start_with(place.path(), &["--store", &url(&cluster)]).await;
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(service.created(&basic(&format!("orders {number}"), &params(&lab))).await);
    }
    let page = service.get("/connections?limit=2&orderby=-name").await;
    schemas::is_list(&page.json());
    let next = service.get(&format!("{}&limit=2", page.text_at("/_links/next/href"))).await;
    let names = |answer: &crate::http::Answer| {
        let items = answer.at("/items").as_array().unwrap().clone();
        items.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(([names(&page), names(&next)]).concat(), ["orders 4", "orders 3", "orders 2", "orders 1"]);
    assert_eq!(service.get("/connections?count=true&property=name>=orders%203").await.json(), json!({"count": 2}));
    let id = &ids[0];
    let read = service.get(&format!("/connections/{id}")).await;
    schemas::is_list(&read.json());
    let etag = read.text_at("/items/0/etag");
    let patch = json!([{"op": "replace", "path": "/name", "value": "renamed"}]);
    assert_eq!(service.patch(id, &etag, &patch).await.status, 200);
    schemas::is_problem(&service.patch(id, &etag, &patch).await.json(), "1404-412");
    assert_eq!(service.get(&format!("/connections/{id}/test")).await.json(), json!({"result": true}));
    assert_eq!(service.get(&format!("/connections/{id}/preflight")).await.at("/exit_code"), 0);
    let other = service.headers_with("x-sandbox-name", "dev");
    assert_eq!(service.raw(&format!("GET {BASE}/connections/{id}"), &other, None).await.status, 404);
    assert_eq!(service.delete(&format!("/connections/{id}")).await.status, 204);
    assert_eq!(service.get(&format!("/connections/{id}")).await.status, 404);
    let secrets = cluster.sql("\\connect registry\nselect document, report from pgpreflight.connection");
    assert!(secrets.contains("orders 1") && !secrets.contains("wonderland"), "{secrets}");
}

#[tokio::test]
async fn several_services_share_a_store_and_its_tokens() {
    let (place, cluster) = (place(), server());
    let url = url(&cluster);
    let arguments = ["--store", &url, "--preflight", "off"];
    // Of two that begin at once, one makes the schema and the key.
    let (first, second) =
        tokio::join!(Service::start_with(place.path(), &arguments), Service::start_with(place.path(), &arguments));
    let id = first.created(&anywhere("orders")).await;
    let headers = first.headers();
    let read = second.raw(&format!("GET {BASE}/connections/{id}"), &headers, None).await;
    assert_eq!((read.status, read.text_at("/items/0/id")), (200, id));
}

#[tokio::test]
async fn a_store_that_is_away_is_told_of_and_found_again() {
    let (place, mut cluster) = (place(), server());
    let service = Service::start_with(place.path(), &["--store", &url(&cluster), "--preflight", "off"]).await;
    let id = service.created(&anywhere("orders")).await;
    cluster.restart();
    let mut statuses = Vec::new();
    for _ in 0..12 {
        statuses.push(service.get(&format!("/connections/{id}")).await.status);
    }
    assert!(statuses.iter().all(|status| [200, 503].contains(status)), "{statuses:?}");
    assert_eq!(statuses.last(), Some(&200), "{statuses:?}");
    drop(cluster);
    let away = service.get(&format!("/connections/{id}")).await;
    schemas::is_problem(&away.json(), "1103-503");
    let ready = service.raw("GET /readyz", &[], None).await;
    assert_eq!(ready.status, 503);
    assert_eq!(service.raw("GET /healthz", &[], None).await.status, 200);
    assert!(!service.log().contains("registry password") && !service.log().contains("registry%20password"));
}

#[tokio::test]
async fn the_key_of_a_postgresql_store_is_rotated_under_a_running_service() {
    let (place, cluster) = (place(), server());
    let lab = play::start(&format!("[users]\nalice = '{MARKER}'")).await;
    let mut good = params(&lab);
    good["password"] = json!(MARKER);
    let key = place.path().join("shared.key").display().to_string();
    let url = url(&cluster);
    let service = Service::start_with(place.path(), &["--store", &url, "--key-file", &key]).await;
    let id = service.created(&basic("orders", &good)).await;
    let before = std::fs::read(&key).unwrap();
    let mut rotate = tokio::process::Command::new(env!("CARGO_BIN_EXE_pgpreflight"));
    rotate.env_clear().env("HOME", place.path()).args(["serve", "rotate-key", "--store", &url, "--key-file", &key]);
    let rotated = rotate.output().await.unwrap();
    assert_eq!(rotated.status.code(), Some(0), "{rotated:?}");
    assert_ne!(std::fs::read(&key).unwrap(), before);
    for id in [id, service.created(&basic("orders", &good)).await] {
        assert_eq!(service.get(&format!("/connections/{id}/test")).await.json(), json!({"result": true}));
    }
    let stored =
        cluster.sql("\\connect registry\nselect encode(secrets, 'escape'), document from pgpreflight.connection");
    assert!(!stored.contains(MARKER), "{stored}");
    std::fs::write(&key, before).unwrap();
    let refused = crate::service::command(place.path(), &["--store", &url, "--key-file", &key]).output().await.unwrap();
    assert_eq!(refused.status.code(), Some(3), "{refused:?}");
}

#[tokio::test]
async fn a_store_that_cannot_be_reached_or_read_ends_the_service_before_it_listens() {
    let place = place();
    for (store, code) in [
        ("postgresql://registry:Zq7kWx9JvR2m@127.0.0.1:1/registry", 3),
        ("postgresql://registry:Zq7kWx9JvR2m@127.0.0.1:port/registry", 2),
        ("/nonexistent/registry.db", 3),
    ] {
        let output = crate::service::command(place.path(), &["--store", store]).output().await.unwrap();
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(code), &b""[..]), "{store}: {output:?}");
        assert!(!String::from_utf8(output.stderr).unwrap().contains(MARKER));
    }
}
