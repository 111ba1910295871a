//! Fifty clients create two thousand connections, and the service is killed in the middle: what it has acknowledged is
//! there afterwards, and nothing twice.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use tokio::sync::Mutex;

use crate::http::Http;
use crate::service::{BASE, Service, anywhere, place};
use crate::stores;

const CLIENTS: usize = 50;
const CONNECTIONS: usize = 2000;

#[tokio::test]
async fn a_kill_in_a_storm_loses_no_acknowledged_connection_of_the_embedded_store() {
    let place = place();
    let store = place.path().join("registry.db").display().to_string();
    storm(place.path(), &store).await;
}

#[tokio::test]
async fn a_kill_in_a_storm_loses_no_acknowledged_connection_of_a_postgresql_store() {
    let (place, cluster) = (place(), stores::server());
    storm(place.path(), &stores::url(&cluster)).await;
}

async fn storm(directory: &Path, store: &str) {
    let arguments = ["--store", store, "--preflight", "off"];
    let mut service = Service::start_with(directory, &arguments).await;
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    let begun = Arc::new(AtomicUsize::new(0));

    let clients = create(&service, &acknowledged, &begun, CONNECTIONS / 2);
    for client in clients {
        client.await.unwrap();
    }
    // The second half is cut off in its middle; whoever has no answer by then knows nothing.
    let clients = create(&service, &acknowledged, &begun, CONNECTIONS);
    while acknowledged.lock().await.len() < CONNECTIONS * 3 / 4 {
        tokio::task::yield_now().await;
    }
    service.child.kill().await.unwrap();
    for client in clients {
        client.await.unwrap();
    }

    let service = Service::start_with(directory, &arguments).await;
    let acknowledged = acknowledged.lock().await;
    assert!(acknowledged.len() >= CONNECTIONS * 3 / 4, "{}", acknowledged.len());
    let listed = walk(&service).await;
    let unique: BTreeSet<&String> = listed.iter().collect();
    assert_eq!(unique.len(), listed.len(), "one is there twice");
    let lost: Vec<&String> = acknowledged.iter().filter(|id| !unique.contains(id)).collect();
    assert!(lost.is_empty(), "{} of {} are lost: {lost:?}", lost.len(), acknowledged.len());
    assert_eq!(acknowledged.iter().collect::<BTreeSet<_>>().len(), acknowledged.len(), "an id was given twice");
    // Its secrets open: it is there as a whole.
    for id in [&acknowledged[0], &acknowledged[acknowledged.len() - 1]] {
        assert_eq!(service.get(&format!("/connections/{id}/test")).await.status, 200);
    }
}

fn create(
    service: &Service,
    acknowledged: &Arc<Mutex<Vec<String>>>,
    begun: &Arc<AtomicUsize>,
    until: usize,
) -> Vec<tokio::task::JoinHandle<()>> {
    let client = |_| {
        let (address, headers) = (service.address, service.headers());
        let (acknowledged, begun) = (Arc::clone(acknowledged), Arc::clone(begun));
        tokio::spawn(async move {
            let Ok(mut http) = Http::connect(address).await else { return };
            loop {
                let number = begun.fetch_add(1, Ordering::Relaxed);
                if number >= until {
                    begun.fetch_sub(1, Ordering::Relaxed);
                    return;
                }
                let body = anywhere(&format!("orders {number}")).to_string();
                // After the kill there are no answers any more.
                let Ok(answer) = http.call(&format!("POST {BASE}/connections"), &headers, Some(&body)).await else {
                    return;
                };
                assert_eq!(answer.status, 201, "{answer:?}");
                acknowledged.lock().await.push(answer.text_at("/id"));
            }
        })
    };
    (0..CLIENTS).map(client).collect()
}

async fn walk(service: &Service) -> Vec<String> {
    let (mut path, mut ids) = ("/connections?limit=100".to_owned(), Vec::new());
    loop {
        let page = service.get(&path).await.json();
        ids.extend(page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        match page.pointer("/_links/next/href").and_then(Value::as_str) {
            Some(next) => next.clone_into(&mut path),
            None => return ids,
        }
    }
}
