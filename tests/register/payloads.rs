//! From each form of TARGET to the body, without a call: `--dry-run`.

use serde_json::{Value, json};

use crate::run::{PASSWORD, register, with};

fn file(directory: &tempfile::TempDir, text: &str) -> String {
    let path = directory.path().join("body.json");
    std::fs::write(&path, text).unwrap();
    format!("@{}", path.display())
}

/// The bodies of the platform's tutorials, placeholders filled in.
fn tutorials() -> [(Value, Value); 3] {
    let spec = |id: &str| json!({"id": id, "version": "1.0"});
    let (postgresql, redshift) = ("74a1c565-4e59-48d7-9d67-7c03b8a13137", "3416976c-a9ca-4bba-901a-1f08f66978ff");
    let basic = |password: &str, more: Value| {
        let mut params = json!({"server": "db.test", "port": "5432", "database": "orders", "username": "alice", "password": password});
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"specName": "Basic Authentication", "params": params})
    };
    let string = |password: &str, end: &str| {
        let string = format!(
            "Server=db.test;Database=orders;Port=5432;UID=alice;Password={password};EncryptionMethod=1;ValidateServerCertificate=0{end}"
        );
        json!({"specName": "Connection String Based Authentication", "params": {"connectionString": string}})
    };
    let body = |name: &str, auth: Value, id: &str| json!({"name": name, "description": "of the tutorial", "auth": auth, "connectionSpec": spec(id)});
    [
        (body("theirs", string(PASSWORD, ""), postgresql), body("orders", string("xxxx", ";"), postgresql)),
        (
            body("theirs", basic(PASSWORD, json!({"sslMode": "Verify Ca"})), postgresql),
            body("orders", basic("xxxx", json!({"sslMode": "Verify Ca"})), postgresql),
        ),
        (body("theirs", basic(PASSWORD, json!({})), redshift), body("orders", basic("xxxx", json!({})), redshift)),
    ]
}

#[tokio::test]
async fn the_bodies_of_the_tutorials_are_sent_as_they_are_under_the_name() {
    let directory = tempfile::tempdir().unwrap();
    for (body, shown) in tutorials() {
        let arguments = [file(&directory, &body.to_string()), "--name=orders".to_owned(), "--dry-run".to_owned()];
        let outcome = with(&arguments, &[("PGPASSWORD", "")]).await;
        assert_eq!((outcome.fact("action"), outcome.fact("payload")), (&json!("dry-run"), &shown), "{outcome:?}");
        assert_eq!((outcome.code, outcome.stage()["status"].as_str()), (Some(0), Some("skipped")));
    }
}

#[tokio::test]
async fn the_missing_quote_of_the_redshift_tutorial_is_pointed_at() {
    let directory = tempfile::tempdir().unwrap();
    let text = "{\n  \"name\": \"n\",\n  \"description\": \"base connection,\n  \"auth\": {}\n}";
    let arguments = [file(&directory, text), "--name=orders".to_owned(), "--dry-run".to_owned()];
    let outcome = register(&arguments).await;
    assert_eq!((outcome.report["cause"].as_str(), outcome.code), (Some("input-malformed"), Some(4)), "{outcome:?}");
    assert_eq!(outcome.finding("input-malformed")["evidence"]["line"], 3);
    assert_eq!(outcome.stage()["status"], "skipped");
}

#[tokio::test]
async fn what_cannot_be_registered_ends_at_input() {
    let string = "Server=db.test;UID=alice;Database=orders";
    let rows: [&[&str]; 4] = [
        &["host=/run/postgresql user=alice"],
        &[string, "--sslmode=require"],
        &["redshift://alice@c.test/dev", "--auth=connection-string"],
        &["postgresql://alice@db.test/orders", "--auth=connection-string", "--cloud=aws"],
    ];
    for arguments in rows {
        let outcome = register(&[arguments, &["--name=orders", "--dry-run"]].concat()).await;
        assert_eq!(
            (outcome.report["cause"].as_str(), outcome.code),
            (Some("input-not-registrable"), Some(4)),
            "{outcome:?}"
        );
        assert_eq!(outcome.stage()["status"], "skipped");
    }
}

#[tokio::test]
async fn a_setting_that_has_no_counterpart_is_named() {
    let target = "postgresql://alice@db.test/orders?channel_binding=require&hostaddr=192.0.2.7";
    let outcome = register(&[target, "--name=orders", "--dry-run"]).await;
    let finding = outcome.finding("register-setting-lost");
    assert_eq!(finding["evidence"]["keywords"], json!(["hostaddr", "channel_binding"]));
    assert_eq!(outcome.code, Some(0));
}

#[tokio::test]
async fn a_name_is_wanted_and_a_platform_has_to_be_one() {
    let rows: [&[&str]; 3] = [
        &["host=db.test"],
        &["host=db.test", "--name="],
        &["host=db.test", "--name=orders", "--platform=http://platform.example.com", "--org=X@AdobeOrg", "--api-key=k"],
    ];
    for arguments in rows {
        assert_eq!(register(arguments).await.code, Some(2), "{arguments:?}");
    }
}
