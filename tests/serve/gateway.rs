//! What stands before every call: tokens, keys, organisations, sandboxes, hosts; and what is open to anybody.

use serde_json::json;

use crate::schemas;
use crate::service::{BASE, CLIENT, ORGANIZATION, OTHER_ORGANIZATION, SECRET, Service, anywhere, place};

#[tokio::test]
async fn a_call_is_refused_by_the_first_thing_that_is_wrong_with_it() {
    let place = place();
    let service = Service::start(place.path(), &["--preflight", "off"]).await;
    let rows = [
        ("Authorization", "", 403, json!({"error_code": "403010", "message": "Oauth token is missing."})),
        ("Authorization", "Bearer x", 401, json!({"error_code": "401013", "message": "Oauth token is not valid"})),
        ("Authorization", &service.token, 401, json!({"error_code": "401013", "message": "Oauth token is not valid"})),
        ("x-api-key", "", 403, json!({"error_code": "403000", "message": "Api Key is required"})),
        ("x-api-key", "nobody", 403, json!({"error_code": "403003", "message": "Api Key is invalid"})),
        ("x-api-key", "other-client", 403, json!({"error_code": "403003", "message": "Api Key is invalid"})),
        ("x-gw-ims-org-id", "", 400, json!({"error_code": "400003", "message": "Missing header"})),
        ("x-gw-ims-org-id", "X@AdobeOrg", 403, json!({"error_code": "403025", "message": "Profile is not valid"})),
    ];
    for (name, value, status, body) in rows {
        let headers = service.headers_with(name, value);
        for start in ["GET /connections", "POST /connections", "GET /connections/x/test", "GET /connectionSpecs"] {
            let (method, path) = start.split_once(' ').unwrap();
            let answer = service.raw(&format!("{method} {BASE}{path}"), &headers, None).await;
            assert_eq!((answer.status, answer.json()), (status, body.clone()), "{name}: {value}");
        }
    }
    for (value, code) in [("", "2105-400"), ("*", "2111-403"), ("stage", "2100-404"), ("Prod", "2100-404")] {
        let headers = service.headers_with("x-sandbox-name", value);
        let answer = service.raw(&format!("GET {BASE}/connections"), &headers, None).await;
        schemas::is_problem(&answer.json(), code);
    }
    for value in ["text/plain", "", "application/x-www-form-urlencoded"] {
        let headers = service.headers_with("Content-Type", value);
        let body = anywhere("orders").to_string();
        let answer = service.raw(&format!("POST {BASE}/connections"), &headers, Some(&body)).await;
        assert_eq!((answer.status, answer.text_at("/title")), (400, "BadRequestError".to_owned()));
        // On a GET, clients send what they like.
        assert_eq!(service.raw(&format!("GET {BASE}/connections"), &headers, None).await.status, 200);
    }
}

#[tokio::test]
async fn tokens_are_issued_for_the_right_secret_by_body_or_query() {
    let place = place();
    let service = Service::start(place.path(), &["--preflight", "off"]).await;
    let issued = service.new_token(CLIENT).await;
    assert_eq!(
        (issued.status, issued.at("/token_type"), issued.at("/expires_in")),
        (200, json!("bearer"), json!(86399))
    );
    assert_eq!(issued.headers["cache-control"], "no-store");
    let whole = format!("grant_type=client_credentials&client_id={CLIENT}&client_secret={SECRET}");
    let by_query = service.raw(&format!("POST /ims/token/v3?{whole}"), &[], None).await;
    assert_eq!(by_query.status, 200, "{by_query:?}");
    let rows = [
        (whole.replace(SECRET, "wrong"), 401, "invalid_client"),
        (whole.replace(CLIENT, "nobody"), 401, "invalid_client"),
        (whole.replace(CLIENT, ""), 401, "invalid_client"),
        (whole.replace("client_credentials", "password"), 400, "unsupported_grant_type"),
        (String::new(), 400, "invalid_request"),
    ];
    let headers = [("Content-Type".to_owned(), "application/x-www-form-urlencoded".to_owned())];
    for (form, status, error) in rows {
        let answer = service.raw("POST /ims/token/v3", &headers, Some(&form)).await;
        assert_eq!((answer.status, answer.text_at("/error")), (status, error.to_owned()), "{form}");
    }
}

#[tokio::test]
async fn a_token_is_good_after_a_restart_and_not_at_another_instance() {
    let (here, there) = (place(), place());
    let mut service = Service::start(here.path(), &["--preflight", "off"]).await;
    let other = Service::start(there.path(), &["--preflight", "off"]).await;
    let headers = service.headers();
    assert_eq!(other.raw(&format!("GET {BASE}/connections"), &headers, None).await.status, 401);
    service.child.kill().await.unwrap();
    let again = Service::start(here.path(), &["--preflight", "off"]).await;
    assert_eq!(again.raw(&format!("GET {BASE}/connections"), &headers, None).await.status, 200);
}

#[tokio::test]
async fn one_sandbox_or_organization_does_not_see_another() {
    let place = place();
    let service = Service::start(place.path(), &["--preflight", "off", "--sandbox", "prod", "--sandbox", "blue"]).await;
    let id = service.created(&anywhere("orders")).await;
    let etag = service.get(&format!("/connections/{id}")).await.text_at("/items/0/etag");
    for (name, value) in [("x-sandbox-name", "blue"), ("x-gw-ims-org-id", OTHER_ORGANIZATION)] {
        let mut headers = service.headers_with(name, value);
        headers.push(("If-Match".to_owned(), etag.clone()));
        let list = service.raw(&format!("GET {BASE}/connections"), &headers, None).await;
        assert_eq!(list.json(), json!({"items": [], "_links": {}}));
        let patch = r#"[{"op": "replace", "path": "/name", "value": "stolen"}]"#;
        for (method, call, body) in [
            ("GET", "", None),
            ("GET", "/test", None),
            ("GET", "/explore?objectType=root", None),
            ("GET", "/preflight", None),
            ("PATCH", "", Some(patch)),
            ("DELETE", "", None),
        ] {
            let answer = service.raw(&format!("{method} {BASE}/connections/{id}{call}"), &headers, body).await;
            schemas::is_problem(&answer.json(), "1439-404");
        }
    }
    let read = service.get(&format!("/connections/{id}")).await;
    assert_eq!(
        (read.text_at("/items/0/name"), read.text_at("/items/0/imsOrgId")),
        ("orders".into(), ORGANIZATION.into())
    );
    // `dev` is there only where nobody says which there are.
    let dev =
        service.raw(&format!("GET {BASE}/connections"), &service.headers_with("x-sandbox-name", "dev"), None).await;
    schemas::is_problem(&dev.json(), "2100-404");
}

#[tokio::test]
async fn a_foreign_host_is_refused_and_no_page_of_another_origin_is_let_in() {
    let place = place();
    let service = Service::start(place.path(), &["--preflight", "off"]).await;
    for path in ["/", "/healthz", "/metrics", &format!("{BASE}/connections")] {
        for host in ["evil.test", &format!("evil.test:{}", service.address.port()), "10.0.0.1"] {
            let answer = service.raw(&format!("GET {path}"), &service.headers_with("Host", host), None).await;
            assert_eq!(answer.status, 421, "{host}");
        }
        for host in ["localhost", &format!("localhost:{}", service.address.port()), "[::1]"] {
            let answer = service.raw(&format!("GET {path}"), &service.headers_with("Host", host), None).await;
            assert_eq!(answer.status, 200, "{host}");
        }
        let mut headers = service.headers_with("Origin", "https://evil.test");
        headers.push(("Access-Control-Request-Method".to_owned(), "GET".to_owned()));
        for method in ["GET", "OPTIONS"] {
            let answer = service.raw(&format!("{method} {path}"), &headers, None).await;
            assert!(!answer.headers.keys().any(|name| name.starts_with("access-control")), "{answer:?}");
        }
    }
    let mut connection = service.connect().await;
    connection.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil.test\r\n\r\n").await.unwrap();
    assert_ne!(connection.answer().await.unwrap().status, 200);
}

#[tokio::test]
async fn what_is_open_shows_no_name_endpoint_or_secret() {
    let place = place();
    let service = Service::start(place.path(), &["--preflight", "record"]).await;
    let id = service.created(&anywhere("marker-name")).await;
    service.get(&format!("/connections/{id}/test")).await;
    service.get("/marker-path").await;
    for (path, kind) in [
        ("/", "text/html"),
        ("/healthz", "application/json"),
        ("/readyz", "application/json"),
        ("/openapi.json", "application/json"),
        ("/metrics", "application/openmetrics-text"),
    ] {
        let answer = service.raw(&format!("GET {path}"), &[], None).await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.headers["content-type"].starts_with(kind), "{answer:?}");
        for hidden in ["marker", "127.0.0.1", CLIENT, SECRET, ORGANIZATION, &id] {
            assert!(!answer.text.contains(hidden), "{path} shows {hidden}: {}", answer.text);
        }
    }
    let metrics = service.raw("GET /metrics", &[], None).await.text;
    for line in [
        r#"pgpreflight_requests_total{method="POST",route="/data/foundation/flowservice/connections",status="201"} 1"#,
        r#"pgpreflight_checks_total{verdict="not-ready"} 2"#,
        "pgpreflight_checks_in_flight 0",
    ] {
        assert!(metrics.contains(line), "{line} is not in {metrics}");
    }
}

#[tokio::test]
async fn an_address_that_is_not_loopback_needs_clients_to_be_named() {
    let place = place();
    let store = place.path().join("registry.db");
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_pgpreflight"));
    command.env_clear().args(["serve", "--listen", "0.0.0.0:0", "--store"]).arg(&store);
    let output = command.output().await.unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("--clients"));
    assert!(!store.exists());
}
