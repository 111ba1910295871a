//! A password goes in and never comes out: not in an answer, a log, a file of the store, or a list of processes.

use std::path::Path;

use serde_json::{Value, json};

use crate::echo::{Spellings, places};
use crate::play;
use crate::service::{BASE, POSTGRESQL, SECRET, Service, basic, params, place};

const MARKER: &str = "Zq7kWx9JvR2m";

#[tokio::test]
async fn a_password_that_goes_in_does_not_come_out() {
    let place = place();
    let spellings = Spellings::of(MARKER);
    let lab = play::start(&format!("[users]\nalice = '{MARKER}'")).await;
    for preflight in ["require", "record", "off"] {
        let mut service = Service::start(place.path(), &["--preflight", preflight]).await;
        let mut good = params(&lab);
        good["password"] = json!(MARKER);
        let port = lab.address().port();
        let string =
            format!("Server=127.0.0.1;Database=orders;Port={port};UID=alice;Password={MARKER};EncryptionMethod=6");
        let by_string = json!({
            "name": "orders", "auth": {"specName": "Connection String Based Authentication", "params":
                {"connectionString": string}}, "connectionSpec": {"id": POSTGRESQL, "version": "1.0"}});
        let mut seen = Vec::new();
        for body in [basic("orders", &good), by_string] {
            let created = service.create(&body).await;
            assert_eq!(created.status, 201, "{created:?}");
            let (id, etag) = (created.text_at("/id"), created.text_at("/etag"));
            for call in ["", "/test", "/preflight", "/explore?objectType=root", "/explore?objectType=table&object=x"] {
                seen.push(format!("{:?}", service.get(&format!("/connections/{id}{call}")).await));
            }
            let path = format!("/auth/{MARKER}");
            for patch in [
                json!([{"op": "replace", "path": "/auth/params", "value": good}]),
                json!([{"op": "replace", "path": path, "value": MARKER}]),
                json!([{"op": MARKER, "path": MARKER, "value": MARKER}]),
            ] {
                seen.push(format!("{:?}", service.patch(&id, &etag, &patch).await));
            }
        }
        seen.push(format!("{:?}", service.get("/connections").await));
        seen.push(format!("{:?}", service.raw("GET /metrics", &[], None).await));
        for file in ["cmdline", "environ"] {
            seen.push(read(format!("/proc/{}/{file}", service.child.id().unwrap()).as_ref()));
        }
        spellings.absent_from(&seen.concat(), preflight);
        service.child.kill().await.unwrap();
    }
    let (mut names, mut all) = (Vec::new(), String::new());
    for entry in std::fs::read_dir(place.path()).unwrap() {
        let path = entry.unwrap().path();
        let text = read(&path);
        spellings.absent_from(&text, &path.display().to_string());
        all += &text;
        names.push(path.file_name().unwrap().to_string_lossy().into_owned());
    }
    for name in ["registry.db", "registry.db.key", "log"] {
        assert!(names.iter().any(|found| found == name), "{names:?}");
    }
    assert!(all.contains("of a test"), "it was looked for where it would be");
    assert!(!read(&place.path().join("log")).contains(SECRET));
}

/// Wherever somebody puts it by mistake, it is not repeated.
#[tokio::test]
async fn a_password_in_the_wrong_place_is_not_repeated() {
    let place = place();
    let spellings = Spellings::of(MARKER);
    let service = Service::start(place.path(), &[]).await;
    let mut seen = Vec::new();
    let sound = crate::service::anywhere("orders");
    for pointer in [
        "/auth",
        "/auth/specName",
        "/auth/params",
        "/auth/params/port",
        "/connectionSpec",
        "/connectionSpec/id",
        "/connectionSpec/version",
    ] {
        for value in [json!(MARKER), json!([MARKER]), json!({MARKER: MARKER})] {
            let mut body = sound.clone();
            *body.pointer_mut(pointer).unwrap() = value;
            let answer = service.create(&body).await;
            assert!((400..500).contains(&answer.status), "{body}: {answer:?}");
            seen.push(format!("{answer:?}"));
        }
    }
    let broken = format!("{{\"auth\": {{\"params\": {{\"password\": \"{MARKER}\" \"{MARKER}\"");
    for body in [broken.as_str(), MARKER, &format!("\"{MARKER}\""), &format!("[{MARKER}]")] {
        let answer = service.raw(&format!("POST {BASE}/connections"), &service.headers(), Some(body)).await;
        seen.push(format!("{answer:?}"));
    }
    for path in [
        format!("/connections/{MARKER}"),
        format!("/connections/{MARKER}/test"),
        format!("/{MARKER}"),
        format!("/connections?{MARKER}={MARKER}"),
        format!("/connections?property={MARKER}"),
        format!("/connections?orderby={MARKER}"),
        format!("/connections?limit={MARKER}"),
        format!("/connections?continuationToken={MARKER}"),
        format!("/connectionSpecs/{MARKER}"),
    ] {
        let answer = service.get(&path).await;
        assert!((400..500).contains(&answer.status), "{path}: {answer:?}");
        seen.push(format!("{answer:?}"));
    }
    for name in ["Authorization", "x-api-key", "x-gw-ims-org-id", "Content-Type", "If-Match", "Host"] {
        let headers = service.headers_with(name, &format!("Bearer {MARKER}"));
        seen.push(format!("{:?}", service.raw(&format!("PATCH {BASE}/connections/x"), &headers, Some("[]")).await));
    }
    let form = format!("grant_type=client_credentials&client_id={MARKER}&client_secret={MARKER}");
    seen.push(format!("{:?}", service.raw(&format!("POST /ims/token/v3?{form}"), &[], None).await));
    spellings.absent_from(&seen.concat(), "answers");
    spellings.absent_from(&service.log(), "log");
}

/// A server may echo what it was sent, in any spelling, to a check and to the driver.
#[tokio::test]
async fn a_server_that_echoes_the_password_is_not_quoted() {
    let (place, spellings) = (place(), Spellings::of(MARKER));
    let service = Service::start(place.path(), &["--preflight", "record"]).await;
    let sound =
        pgpreflight::lab::Scenario { users: [("alice".to_owned(), MARKER.to_owned())].into(), ..Default::default() };
    let mut seen = Vec::new();
    for spelling in spellings.whole.iter().take(3) {
        for (place, scenario) in places(spelling, &sound) {
            let lab = pgpreflight::lab::Lab::start(scenario).await.unwrap();
            let mut good = params(&lab);
            good["password"] = json!(MARKER);
            let id = service.created(&basic("orders", &good)).await;
            for call in ["/preflight", "/explore?objectType=root"] {
                let answer = service.get(&format!("/connections/{id}{call}")).await;
                spellings.absent_from(&texts(&answer.json()), place);
                seen.push(answer.text);
            }
        }
    }
    spellings.absent_from(&seen.concat(), "answers");
    spellings.absent_from(&service.log(), "log");
}

fn read(path: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned()
}

/// All texts of an answer, without their escapes.
fn texts(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{text}\n"),
        Value::Array(values) => values.iter().map(texts).collect(),
        Value::Object(map) => map.iter().flat_map(|(key, value)| [format!("{key}\n"), texts(value)]).collect(),
        _ => String::new(),
    }
}
