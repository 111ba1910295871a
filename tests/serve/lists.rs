//! `GET /connections`: pages, filters, orders, counts.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::schemas;
use crate::service::{Service, anywhere, place};

/// All names by following the links; each page is looked at.
async fn walk(service: &Service, query: &str) -> Vec<String> {
    let (mut path, mut names) = (format!("/connections?{query}"), Vec::new());
    loop {
        let answer = service.get(&path).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        schemas::is_list(&answer.json());
        let items = answer.at("/items");
        names.extend(items.as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_owned()));
        let Some(next) = answer.json().pointer("/_links/next/href").and_then(Value::as_str).map(str::to_owned) else {
            return names;
        };
        assert_eq!(next.matches(['=', '&']).count(), 1, "{next}");
        // As AEPP does: the parameters again, behind the token.
        path = format!("{next}&{query}");
    }
}

#[tokio::test]
async fn pages_hold_everything_once_in_the_order_asked_for() {
    let place = place();
    let service = Service::start(place.path(), &["--preflight", "off"]).await;
    for number in 0..23 {
        service.created(&anywhere(&format!("orders {:02}", number % 20))).await;
    }
    for query in ["limit=5", "limit=5&orderby=name", "limit=1&orderby=-name", "limit=5&orderby=name,-createdAt", ""] {
        let names = walk(&service, query).await;
        assert_eq!(names.len(), 23, "{query}");
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), 20, "{query}");
    }
    let mut ascending = walk(&service, "limit=5&orderby=name").await;
    assert!(ascending.is_sorted());
    ascending.reverse();
    assert_eq!(walk(&service, "limit=7&orderby=-name").await, ascending);
    let newest = walk(&service, "limit=3").await;
    assert_eq!((newest[0].as_str(), newest[22].as_str()), ("orders 02", "orders 00"));
    assert_eq!(service.get("/connections?count=true").await.json(), json!({"count": 23}));
    assert_eq!(service.get("/connections?limit=&count=True&orderby=").await.json(), json!({"count": 23}));
}

#[tokio::test]
async fn what_is_made_or_deleted_between_two_pages_disturbs_no_other() {
    let place = place();
    let service = Service::start(place.path(), &["--preflight", "off"]).await;
    let mut ids = Vec::new();
    for number in 0..6 {
        ids.push(service.created(&anywhere(&format!("orders {number}"))).await);
    }
    let first = service.get("/connections?limit=3").await;
    let next = first.text_at("/_links/next/href");
    service.created(&anywhere("late")).await;
    service.delete(&format!("/connections/{}", ids[3])).await; // the last of the first page
    let second = service.get(&next).await;
    let listed = |answer: &crate::http::Answer| {
        let items = answer.at("/items").as_array().unwrap().clone();
        items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(listed(&first), [ids[5].clone(), ids[4].clone(), ids[3].clone()]);
    assert_eq!(listed(&second), [ids[2].clone(), ids[1].clone(), ids[0].clone()]);
}

#[tokio::test]
async fn filters_find_what_they_say() {
    let place = place();
    let service = Service::start(place.path(), &["--preflight", "off"]).await;
    let mut ids = Vec::new();
    for name in ["a", "b", "c, d", "%_\"'"] {
        ids.push(service.created(&anywhere(name)).await);
    }
    let rows = [
        ("property=name==a", 1),
        ("property=name==%22a%22", 1),
        ("property=name==\"a\"", 1),
        ("property=name==a,b", 2),
        ("property=name==%22c,%20d%22", 1),
        ("property=name!=a", 3),
        ("property=name!=a,b", 2),
        ("property=name>=b", 2),
        ("property=name%3Ea&property=name%3Cc", 1),
        ("property=name==%25_", 0),
        ("property=state==enabled", 4),
        ("property=state==disabled", 0),
        ("property=description==of%20a%20test&property=name==a", 1),
        ("property=connectionSpec.id==74a1c565-4e59-48d7-9d67-7c03b8a13137", 4),
        ("property=connectionSpec.id==3416976c-a9ca-4bba-901a-1f08f66978ff", 0),
        (&format!("property=id=={}", ids[1]), 1),
        ("property=name=='%20OR%20'1'='1", 0),
    ];
    for (query, expected) in rows {
        assert_eq!(walk(&service, query).await.len(), expected, "{query}");
        let count = service.get(&format!("/connections?count=true&{query}")).await;
        assert_eq!(count.json(), json!({"count": expected}), "{query}");
    }
}

#[tokio::test]
async fn what_cannot_be_listed_is_refused_by_the_platforms_codes() {
    let place = place();
    let service = Service::start(place.path(), &["--preflight", "off"]).await;
    for (query, code) in [
        ("limit=20&count=true", "1401-400"),
        ("orderby=auth", "1432-400"),
        ("property=auth.params.server==x", "1449-400"),
        ("property=name~x", "1450-400"),
        ("sort=name", "1451-400"),
        ("limit=many", "1100-400"),
        ("continuationToken=x", "1100-400"),
    ] {
        schemas::is_problem(&service.get(&format!("/connections?{query}")).await.json(), code);
    }
}
