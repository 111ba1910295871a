//! `--preflight require|record|off`, `/test` and `/preflight`.

use jsonschema::Validator;
use serde_json::json;

use crate::play;
use crate::schemas;
use crate::service::{Service, basic, params, place};

#[tokio::test]
async fn require_refuses_what_is_not_ready_and_says_why() {
    let (place, lab) = (place(), play::start("").await);
    let service = Service::start(place.path(), &[]).await;
    let mut wrong = params(&lab);
    wrong["password"] = json!("not the password");
    let seen = lab.credentials_seen();
    let refused = service.create(&basic("orders", &wrong)).await;
    assert_eq!(lab.credentials_seen(), seen + 1, "one attempt");
    schemas::is_problem(&refused.json(), "1100-400");
    let message = refused.text_at("/errorMessage");
    assert!(message.starts_with("The request could not be processed. Error from flow provider: "), "{message}");
    let report = refused.at("/report/preflight");
    let schema = serde_json::from_str(pgpreflight::report::JSON_SCHEMA).unwrap();
    assert!(Validator::new(&schema).unwrap().is_valid(&report), "{report}");
    assert_eq!(
        (report["verdict"].clone(), report["cause"].clone()),
        (json!("not-ready"), json!("login-password-rejected"))
    );
    assert_eq!(service.get("/connections?count=true").await.json(), json!({"count": 0}));
    // A password that a server would take is not asked twice either.
    assert_eq!(service.create(&basic("orders", &params(&lab))).await.status, 201);
    assert_eq!(lab.credentials_seen(), seen + 2);
}

#[tokio::test]
async fn record_stores_what_is_not_ready_with_its_report() {
    let place = place();
    let service = Service::start(place.path(), &["--preflight", "record"]).await;
    let id = service.created(&crate::service::anywhere("orders")).await;
    let report = service.get(&format!("/connections/{id}/preflight")).await;
    assert_eq!((report.at("/verdict"), report.at("/cause")), (json!("not-ready"), json!("connect-refused")));
    assert_eq!(service.get(&format!("/connections/{id}/test")).await.json(), json!({"result": false}));
}

#[tokio::test]
async fn off_stores_without_dialling_and_the_report_is_made_when_it_is_asked_for() {
    let (place, lab) = (place(), play::start("").await);
    let service = Service::start(place.path(), &["--preflight", "off"]).await;
    let id = service.created(&basic("orders", &params(&lab))).await;
    assert_eq!(lab.connections(), 0);
    let report = service.get(&format!("/connections/{id}/preflight")).await;
    assert_eq!((report.at("/verdict"), report.at("/exit_code")), (json!("warnings"), json!(0)), "{report:?}");
    let dialled = lab.connections();
    let again = service.get(&format!("/connections/{id}/preflight")).await;
    assert_eq!((again.text == report.text, lab.connections()), (true, dialled), "it is kept");
    assert_eq!(service.get(&format!("/connections/{id}/test")).await.json(), json!({"result": true}));
    assert!(lab.connections() > dialled, "test dials");
    let tested = service.get(&format!("/connections/{id}/preflight")).await;
    assert_ne!(tested.at("/started_at"), report.at("/started_at"), "it is that of the test");
}

#[tokio::test]
async fn names_need_not_be_unique() {
    let place = place();
    let service = Service::start(place.path(), &["--preflight", "off"]).await;
    let body = crate::service::anywhere("orders");
    assert_ne!(service.created(&body).await, service.created(&body).await);
}

/// No variable and no file of whoever runs the service says anything for a caller.
#[tokio::test]
async fn the_environment_of_the_service_is_not_the_callers() {
    let (place, lab) = (place(), play::start("").await);
    let mut command = crate::service::command(place.path(), &["--preflight", "record", "--store"]);
    command.arg(place.path().join("registry.db"));
    let port = lab.address().port().to_string();
    std::fs::write(place.path().join("pgpass"), "*:*:*:*:wonderland\n").unwrap();
    command.envs([("PGUSER", "alice"), ("PGPASSWORD", "wonderland"), ("PGPORT", &port), ("PGSSLMODE", "verify-full")]);
    command.env("PGPASSFILE", place.path().join("pgpass")).env("PGOPTIONS", "-c x=y").env("PGHOST", "127.0.0.1");
    let service = Service::run(command, place.path()).await;
    let mut without = params(&lab);
    without["password"] = json!("");
    let id = service.created(&basic("orders", &without)).await;
    let report = service.get(&format!("/connections/{id}/preflight")).await;
    assert_eq!(report.at("/cause"), "login-password-missing", "{report:?}");
    assert_eq!(report.at("/target/sslmode"), "prefer");
    let string = json!({"connectionString": format!("Server=127.0.0.1;Port={port};Database=orders;UID=")});
    let body = json!({
        "name": "x", "auth": {"specName": "Connection String Based Authentication", "params": string},
        "connectionSpec": {"id": crate::service::POSTGRESQL, "version": "1.0"}});
    let id = service.created(&body).await;
    let report = service.get(&format!("/connections/{id}/preflight")).await;
    assert_eq!(report.at("/failed_stage"), "input", "no user of this machine stands in: {report:?}");
}
