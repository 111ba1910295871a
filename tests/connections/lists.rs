//! Paging: links of every form, lists that never end, and connections that are no more than an id.

use serde_json::{Value, json};

use crate::platform::{Platform, Reply, connection, page};
use crate::program::{Run, program, run};

async fn listed(platform: &Platform, arguments: &[&str]) -> Run {
    let mut command = program(["connections", "list", "--platform", &format!("http://{}", platform.address)]);
    command.args(["--org", "X@AdobeOrg", "--api-key", "key", "--format", "json"]).args(arguments);
    command.env("PGPREFLIGHT_TOKEN", "marker-4711");
    run(command, b"").await
}

fn names(ran: &Run) -> Vec<String> {
    let answer: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
    answer["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
}

fn next(href: &str) -> Value {
    json!({"next": {"href": href}})
}

#[tokio::test]
async fn links_of_every_form_lead_to_the_end() {
    for link in [
        "/connections?continuationToken=a%2Bb",
        "?continuationToken=a%2Bb",
        "/connections?limit=7&continuationToken=a%2Bb&x=y",
        "https://elsewhere.test/connections?continuationToken=a%2Bb",
    ] {
        for end in [json!({}), Value::Null, next(""), json!({"next": null})] {
            let platform = Platform::start(vec![page(&["a", "b"], &next(link)), page(&["c"], &end)]).await;
            let ran = listed(&platform, &["--property", "state==enabled"]).await;
            assert_eq!(names(&ran), ["a", "b", "c"], "{link} {end}");
            let seen = platform.requests();
            assert_eq!(seen.len(), 2, "{link} {end}");
            assert!(seen[0].contains("property=state%3D%3Denabled&limit=100 HTTP"), "{}", seen[0]);
            assert!(seen[1].contains("?continuationToken=a%2Bb&property=state%3D%3Denabled&limit=100 "), "{}", seen[1]);
        }
    }
}

#[tokio::test]
async fn a_list_that_leads_back_to_itself_ends() {
    let around = page(&["a"], &next("?continuationToken=again"));
    let platform = Platform::start(vec![around]).await;
    let ran = listed(&platform, &[]).await;
    assert_eq!(ran.code, Some(16));
    assert!(ran.stdout.contains("register-not-the-service"), "{ran:?}");
    assert_eq!(platform.requests().len(), 2);
}

#[tokio::test]
async fn a_limit_is_kept_whatever_pages_there_are() {
    let more = page(&["a", "b", "c"], &next("?continuationToken=x"));
    for (limit, expected, requests) in [("2", 2, 1), ("3", 3, 1), ("4", 4, 2)] {
        let platform = Platform::start(vec![more.clone(), page(&["d", "e"], &json!({}))]).await;
        let ran = listed(&platform, &["--limit", limit]).await;
        assert_eq!(names(&ran).len(), expected);
        assert_eq!(platform.requests().len(), requests, "no page too many");
    }
}

#[tokio::test]
async fn a_name_is_asked_for_and_compared() {
    let rows = [
        ("orders", "property=name%3D%3Dorders&"),
        ("my orders, 2", "property=name%3D%3D%22my%20orders%2C%202%22&"),
        ("say \"hi\"", "connections?limit=100"),
    ];
    for (name, query) in rows {
        let platform = Platform::start(vec![page(&["orders", name, "Orders", "my orders"], &json!({}))]).await;
        let found = names(&listed(&platform, &["--name", name]).await);
        assert!(found.iter().all(|it| it == name) && !found.is_empty(), "{name}: {found:?}");
        assert!(platform.requests()[0].contains(query), "{name}: {:?}", platform.requests());
    }
}

#[tokio::test]
async fn connections_of_other_sources_and_with_other_fields_are_listed() {
    let mut odd = connection(1, "sftp");
    odd["auth"]["params"] = json!({"host": "x", "privateKey": "hunter2", "options": {"password": "hunter2"}});
    odd["state"] = json!("initializing");
    let bare = json!({"id": "00000000-0000-4000-8000-000000000002"});
    let items = json!([connection(0, "orders"), odd, bare, {"no": "id"}, 7]);
    let platform = Platform::start(vec![Reply::Say(200, json!({ "items": items }).to_string())]).await;
    let ran = listed(&platform, &[]).await;
    assert_eq!(names(&ran), ["orders", "sftp", ""]);
    assert!(!ran.stdout.contains("hunter2") && ran.stdout.contains("initializing"), "{ran:?}");
}
