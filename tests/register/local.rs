//! The local store directly.

use tokio::join;

use crate::play;
use crate::run::{PASSWORD, register, target, with};

fn store(directory: &tempfile::TempDir) -> String {
    format!("--store={}", directory.path().join("registry.db").display())
}

#[tokio::test]
async fn what_is_ready_is_registered_once() {
    let (lab, directory) = (play::start("").await, tempfile::tempdir().unwrap());
    let arguments = [target(&lab), "--name=orders".to_owned(), store(&directory)];
    let created = register(&arguments).await;
    assert_eq!((created.code, created.fact("action").as_str()), (Some(0), Some("created")), "{created:?}");
    assert_eq!(created.stage()["status"], "passed");
    // The check's own login, and that of the driver.
    assert_eq!(lab.credentials_seen(), 2);
    let again = register(&arguments).await;
    assert_eq!((again.fact("action"), again.fact("id")), (&"unchanged".into(), created.fact("id")), "{again:?}");
    let differs = [target(&lab), "--name=orders".to_owned(), store(&directory), "--description=x".to_owned()];
    let taken = register(&differs).await;
    assert_eq!((taken.report["cause"].as_str(), taken.code), (Some("register-name-taken"), Some(16)), "{taken:?}");
    let updated = register(&[&differs[..], &["--update".to_owned()]].concat()).await;
    assert_eq!((updated.fact("action"), updated.fact("id")), (&"updated".into(), created.fact("id")), "{updated:?}");
    let settled = register(&[&differs[..], &["--update".to_owned()]].concat()).await;
    assert_eq!(settled.fact("action"), "unchanged", "{settled:?}");
    let bytes = std::fs::read(directory.path().join("registry.db")).unwrap();
    assert!(!String::from_utf8_lossy(&bytes).contains(PASSWORD));
}

#[tokio::test]
async fn of_two_at_the_same_time_one_creates() {
    let (lab, directory) = (play::start("").await, tempfile::tempdir().unwrap());
    let arguments = [target(&lab), "--name=orders".to_owned(), store(&directory)];
    let (one, other) = join!(register(&arguments), register(&arguments));
    let mut actions = [one.fact("action").to_string(), other.fact("action").to_string()];
    actions.sort();
    assert_eq!(actions, ["\"created\"", "\"unchanged\""], "{one:?} {other:?}");
    assert_eq!(one.fact("id"), other.fact("id"));
}

#[tokio::test]
async fn what_is_not_ready_is_not_registered() {
    let (lab, directory) = (play::start("").await, tempfile::tempdir().unwrap());
    let arguments = [target(&lab), "--name=orders".to_owned(), store(&directory)];
    let refused = with(&arguments, &[("PGPASSWORD", "another")]).await;
    assert_eq!((refused.code, refused.stage()["status"].as_str()), (Some(13), Some("skipped")), "{refused:?}");
    let created = register(&arguments).await;
    assert_eq!(created.fact("action"), "created", "there was none");
}

#[tokio::test]
async fn a_string_is_compared_but_for_its_password() {
    let (lab, directory) = (play::start("").await, tempfile::tempdir().unwrap());
    let port = lab.address().port();
    let string =
        |more: &str| format!("Server=127.0.0.1;Port={port};Database=orders;UID=alice;EncryptionMethod=1{more}");
    let run = |string: String| {
        let arguments = [string, "--name=orders".to_owned(), store(&directory)];
        async move { register(&arguments).await }
    };
    assert_eq!(run(string("")).await.fact("action"), "created");
    assert_eq!(run(string("")).await.fact("action"), "unchanged");
    let other = run(string(";ValidateServerCertificate=0")).await;
    assert_eq!(other.report["cause"], "register-name-taken", "{other:?}");
}

#[tokio::test]
async fn people_see_what_was_done() {
    let (lab, directory) = (play::start("").await, tempfile::tempdir().unwrap());
    let arguments = [target(&lab), "--name=orders".to_owned(), store(&directory), "--format=human".to_owned()];
    let created = register(&arguments).await;
    assert!(created.text.contains("✓ register") && created.text.contains("created "), "{}", created.text);
    let rows = created.text.lines().filter(|line| line.contains("EncryptionMethod=1;ValidateServerCertificate=1"));
    assert_eq!(rows.count(), 0, "the table of modes is not asked for");
}
