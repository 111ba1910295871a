//! Amazon Redshift from the check to the registered connection and back into its tables: the stand-in that `lab serve`
//! plays, by every way to log in that a platform can keep.

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::lab_served::{Endpoint, Served};
use crate::program::{program, run};
use crate::run::{Outcome, PASSWORD, register};
use crate::served::serve;

const SPEC: &str = "3416976c-a9ca-4bba-901a-1f08f66978ff";

/// The scenario, the method that it asks for, and what is remarked on at the login.
const WAYS: [(&str, &str, &[&str]); 3] = [
    ("sound-redshift", "md5", &[]),
    ("sound-redshift-cleartext", "password", &[]),
    ("sound-redshift-digest", "redshift-digest", &["login-amazon-drivers-only"]),
];

async fn stand_ins() -> Served {
    let names = WAYS.map(|(name, ..)| name);
    Served::start(program([&["lab", "serve", "--format=json"], &names[..], &["sound-redshift-idp"]].concat())).await
}

fn target(endpoint: &Endpoint) -> String {
    format!("redshift://alice@127.0.0.1:{}/orders?sslmode=require", endpoint.port)
}

fn endpoint<'a>(lab: &'a Served, name: &str) -> &'a Endpoint {
    lab.endpoints.iter().find(|endpoint| endpoint.fault == name).unwrap()
}

fn of_login(outcome: &Outcome) -> Vec<&str> {
    let findings = outcome.report["findings"].as_array().unwrap();
    findings.iter().filter(|one| one["stage"] == "login").map(|one| one["code"].as_str().unwrap()).collect()
}

fn method(outcome: &Outcome) -> &Value {
    let stages = outcome.report["stages"].as_array().unwrap();
    &stages.iter().find(|stage| stage["stage"] == "login").unwrap()["facts"]["method"]
}

async fn connections(arguments: &[&str]) -> Value {
    let told = run(program([&["connections"], arguments, &["--format=json"]].concat()), b"").await;
    assert_eq!(told.code, Some(0), "{arguments:?}: {told:?}");
    assert!(!told.stdout.contains(PASSWORD), "{told:?}");
    serde_json::from_str(&told.stdout).unwrap()
}

#[tokio::test]
async fn it_is_registered_tested_and_explored_however_it_asks_for_the_password() {
    let lab = stand_ins().await;
    for (name, asked, remarked) in WAYS {
        let directory = tempfile::tempdir().unwrap();
        let store = format!("--store={}", directory.path().join("registry.db").display());
        let target = target(endpoint(&lab, name));
        let created = register(&[target.as_str(), "--name=warehouse", &store]).await;
        assert_eq!((created.code, created.fact("action")), (Some(0), &json!("created")), "{created:?}");
        assert_eq!((method(&created), of_login(&created)), (&json!(asked), remarked.to_vec()), "{created:?}");
        let again = register(&[target.as_str(), "--name=warehouse", &store]).await;
        assert_eq!((again.fact("action"), again.fact("id")), (&json!("unchanged"), created.fact("id")), "{again:?}");

        let id = created.fact("id").as_str().unwrap();
        let shown = connections(&["show", id, &store]).await;
        assert!(shown.to_string().contains(SPEC), "{shown}");
        assert!(connections(&["test", id, &store]).await.to_string().contains("true"));
        let root = connections(&["explore", id, &store]).await;
        let paths: Vec<&Value> = root.as_array().unwrap().iter().map(|table| &table["path"]).collect();
        assert_eq!(paths, ["public.customers", "public.orders"], "{root}");
        let table = connections(&["explore", id, "public.customers", "--preview", &store]).await;
        let columns = table["schema"]["columns"].as_array().unwrap();
        assert_eq!(columns[0]["meta:xdmType"], "int", "{table}");
        assert_eq!(table["data"], json!([{"id": 1, "name": "Ada"}, {"id": 2, "name": "Grace"}]));
    }
    lab.end(Signal::TERM).await;
}

#[tokio::test]
async fn a_service_gets_into_it_as_the_check_did() {
    let lab = stand_ins().await;
    for (name, ..) in WAYS {
        let served = serve(&[]).await;
        let created = served.register(&target(endpoint(&lab, name)), &[]).await;
        assert_eq!((created.code, created.fact("action")), (Some(0), &json!("created")), "{created:?}");
        assert_eq!((created.fact("platform_test"), created.fact("platform_tables")), (&json!(true), &json!(2)));
    }
    lab.end(Signal::TERM).await;
}

/// Its source takes no `EncryptionMethod`, so none is proposed.
#[tokio::test]
async fn no_setting_is_proposed_that_its_source_does_not_have() {
    let lab = stand_ins().await;
    let mut command = program(["check", &target(endpoint(&lab, "sound-redshift")), "--all-modes"]);
    command.env("PGPASSWORD", PASSWORD);
    let told = run(command, b"").await;
    let strongest = "strongest that works: sslmode=require; the platform has no setting of TLS for";
    assert!(told.code == Some(0) && told.stdout.contains(strongest), "{told:?}");
    lab.end(Signal::TERM).await;
}

/// A platform keeps a user and a password, for good. Nothing is dialled for what it could not keep.
#[tokio::test]
async fn what_a_platform_cannot_keep_is_not_registered() {
    let lab = stand_ins().await;
    let directory = tempfile::tempdir().unwrap();
    let store = format!("--store={}", directory.path().join("registry.db").display());
    let port = endpoint(&lab, "sound-redshift-idp").port;
    let of_iam = format!("redshift://IAM%3Aalice@127.0.0.1:{port}/orders?sslmode=require");
    let with_expiry = "--password-command=echo '{\"dbUser\": \"IAM:alice\", \"dbPassword\": \"wonderland\", \
                       \"expiration\": \"2099-01-01T00:00:00Z\"}'";
    let plain = target(endpoint(&lab, "sound-redshift"));
    let rows: [(&[&str], &str); 2] = [(&[&of_iam], "temporary"), (&[&plain, with_expiry], "temporary")];
    for (arguments, said) in rows {
        let refused = register(&[arguments, &["--name=warehouse", &store]].concat()).await;
        assert_eq!((refused.report["cause"].as_str(), refused.code), (Some("input-not-registrable"), Some(4)));
        assert!(refused.report["findings"][0]["summary"].as_str().unwrap().contains(said), "{refused:?}");
    }
    let by_token = format!("redshift://127.0.0.1:{port}/orders?sslmode=require&user=alice");
    let arguments = ["register", &by_token, "--token-command=echo wonderland", "--name=warehouse", &store];
    let refused = run(program([&arguments[..], &["--format=json"]].concat()), b"").await;
    assert!(refused.code == Some(4) && refused.stdout.contains("a token of an identity provider"), "{refused:?}");
    lab.end(Signal::TERM).await;
}
