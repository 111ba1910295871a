//! `PATCH /connections/{id}`.

use serde_json::json;

use crate::play;
use crate::schemas;
use crate::service::{BASE, Service, anywhere, basic, params, place};

#[tokio::test]
async fn a_change_needs_the_etag_as_it_was_received() {
    let place = place();
    let service = Service::start(place.path(), &["--preflight", "off"]).await;
    let created = service.create(&anywhere("orders")).await;
    let (id, etag) = (created.text_at("/id"), created.text_at("/etag"));
    assert!(etag.starts_with('"') && etag.ends_with('"'), "{etag}");
    let rename = |name: &str| json!([{"op": "replace", "path": "/name", "value": name}]);

    let body = rename("x").to_string();
    let missing = service.raw(&format!("PATCH {BASE}/connections/{id}"), &service.headers(), Some(&body)).await;
    schemas::is_problem(&missing.json(), "1403-400");
    for wrong in ["\"x\"", "*", &etag.to_uppercase()] {
        schemas::is_problem(&service.patch(&id, wrong, &rename("x")).await.json(), "1404-412");
    }

    let changed = service.patch(&id, &etag, &rename("renamed")).await;
    schemas::is_created(&changed.json());
    assert_eq!((changed.status, changed.text_at("/id")), (200, id.clone()));
    let next = changed.text_at("/etag");
    assert_ne!(next, etag);
    schemas::is_problem(&service.patch(&id, &etag, &rename("x")).await.json(), "1404-412");

    // Samples leave the quotes out, or send the etag as a query parameter, with a slash before it.
    let unquoted = service.patch(&id, next.trim_matches('"'), &rename("again")).await;
    let last = unquoted.text_at("/etag").replace('"', "%22");
    let start = format!("PATCH {BASE}/connections/{id}/?if-match={last}");
    let by_query = service.raw(&start, &service.headers(), Some(&rename("last").to_string())).await;
    assert_eq!(by_query.status, 200, "{by_query:?}");
    let read = service.get(&format!("/connections/{id}")).await;
    assert_eq!((read.at("/items/0/name"), read.at("/items/0/etag")), (json!("last"), by_query.at("/etag")));
}

#[tokio::test]
async fn of_many_changes_with_one_etag_one_is_made() {
    let place = place();
    let service = Service::start(place.path(), &["--preflight", "off"]).await;
    let created = service.create(&anywhere("orders")).await;
    let (id, etag) = (created.text_at("/id"), created.text_at("/etag"));
    let bodies: Vec<_> = (0..12).map(|n| json!([{"op": "replace", "path": "/name", "value": n.to_string()}])).collect();
    let mut statuses = Vec::new();
    let calls = bodies.iter().map(|body| service.patch(&id, &etag, body));
    let mut running = Box::pin(async {
        let mut pending: Vec<_> = calls.map(Box::pin).collect();
        // All are begun before any has ended.
        let mut done = Vec::new();
        std::future::poll_fn(|context| {
            pending.retain_mut(|call| match call.as_mut().poll(context) {
                std::task::Poll::Ready(answer) => {
                    done.push(answer.status);
                    false
                }
                std::task::Poll::Pending => true,
            });
            if pending.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
        .await;
        done
    });
    statuses.append(&mut running.as_mut().await);
    statuses.sort_unstable();
    assert_eq!((statuses[0], statuses[1..].iter().all(|status| *status == 412)), (200, true), "{statuses:?}");
}

#[tokio::test]
async fn a_new_way_to_log_in_is_checked_before_it_is_stored() {
    let (place, lab) = (place(), play::start("").await);
    let service = Service::start(place.path(), &[]).await;
    let created = service.create(&basic("orders", &params(&lab))).await;
    let (id, etag) = (created.text_at("/id"), created.text_at("/etag"));
    let dialled = lab.connections();
    let rename = json!([{"op": "replace", "path": "/name", "value": "renamed"}]);
    let etag = service.patch(&id, &etag, &rename).await.text_at("/etag");
    assert_eq!(lab.connections(), dialled, "a name is no reason to dial");

    let mut wrong = params(&lab);
    wrong["password"] = json!("not the password");
    let refused = service.patch(&id, &etag, &json!([{"op": "replace", "path": "/auth/params", "value": wrong}])).await;
    schemas::is_problem(&refused.json(), "1100-400");
    assert_eq!(refused.at("/report/preflight/cause"), "login-password-rejected");
    let read = service.get(&format!("/connections/{id}")).await;
    assert_eq!(read.text_at("/items/0/etag"), etag, "nothing has changed");

    // All parameters go where they are replaced: without a password it is refused.
    let mut few = params(&lab);
    few.as_object_mut().unwrap().remove("password");
    let few = service.patch(&id, &etag, &json!([{"op": "replace", "path": "/auth/params", "value": few}])).await;
    schemas::is_problem(&few.json(), "1304-400");

    let mut right = params(&lab);
    right["sslMode"] = json!("Require");
    let changed = service.patch(&id, &etag, &json!([{"op": "replace", "path": "/auth/params", "value": right}])).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    assert_eq!(service.get(&format!("/connections/{id}")).await.at("/items/0/auth/params/sslMode"), "Require");
    assert_eq!(service.get(&format!("/connections/{id}/preflight")).await.at("/target/sslmode"), "require");
}

#[tokio::test]
async fn what_cannot_be_changed_is_refused_by_the_platforms_codes() {
    let place = place();
    let service = Service::start(place.path(), &["--preflight", "off"]).await;
    let created = service.create(&anywhere("orders")).await;
    let (id, etag) = (created.text_at("/id"), created.text_at("/etag"));
    for (body, code) in [
        (json!([{"op": "move", "from": "/name", "path": "/description"}]), "1434-400"),
        (json!([{"op": "replace", "path": "/connectionSpec/id", "value": "x"}]), "1414-400"),
        (json!([{"op": "replace", "path": "/name"}]), "1455-400"),
        (json!([{"op": "replace", "path": "/etag", "value": "x"}]), "1455-400"),
        (json!({"op": "replace", "path": "/name", "value": "x"}), "1455-400"),
        // What a careless client has read back.
        (json!([{"op": "replace", "path": "/auth/params/password", "value": "xxxx"}]), "1312-400"),
        (json!([]), "1405-400"),
    ] {
        schemas::is_problem(&service.patch(&id, &etag, &body).await.json(), code);
    }
    assert_eq!(service.get(&format!("/connections/{id}")).await.text_at("/items/0/etag"), etag);
}
