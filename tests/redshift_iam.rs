//! `--iam` by the real program, with a command of the name `aws` that says what it was asked for, and then answers.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test ends at the first surprise")]

#[path = "support/program.rs"]
mod program;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use pgpreflight::lab::Lab;
use program::{Run, program, run};
use serde_json::Value;
use tempfile::TempDir;

const HOST: &str = "examplecluster.abc123.eu-west-1.redshift.amazonaws.com";

/// Checks the lab's Redshift, by Redshift's name for it.
async fn check(lab: &Lab, directory: &TempDir, host: &str) -> Run {
    let target = format!(
        "host={host} hostaddr=127.0.0.1 port={} dbname=orders user=alice sslmode=require",
        lab.address().port()
    );
    let mut command = program(["check", "--iam", "--format=json", &target]);
    command.env("PATH", format!("{}:/usr/bin:/bin", directory.path().display()));
    run(command, b"").await
}

fn aws(directory: &Path, script: &str) {
    let path = directory.join("aws");
    std::fs::write(&path, format!("#!/bin/sh\necho \"$@\" > {}\n{script}\n", directory.join("asked").display()))
        .unwrap();
    std::fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
}

#[tokio::test]
async fn the_aws_command_is_asked_for_user_and_password() {
    let scenario = "engine = \"redshift\"\nauthentication = \"md5\"\nusers = { \"IAM:alice\" = \"wonderland\" }";
    let lab = Lab::start(toml::from_str(scenario).unwrap()).await.unwrap();
    let directory = tempfile::tempdir().unwrap();

    aws(
        directory.path(),
        r#"echo '{"DbUser": "IAM:alice", "DbPassword": "wonderland", "Expiration": "2099-01-01T00:00:00Z"}'"#,
    );
    let Run { stdout, stderr, .. } = check(&lab, &directory, HOST).await;
    let report: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(
        (&report["target"]["user"], report["target"]["sources"]["user"].as_str()),
        (&"IAM:alice".into(), Some("--iam"))
    );
    assert_eq!(report["stages"][4]["facts"]["password_checked"], true, "{stdout}{stderr}");
    let asked = std::fs::read_to_string(directory.path().join("asked")).unwrap();
    let expected =
        "redshift get-cluster-credentials --cluster-identifier examplecluster --db-user alice --db-name orders";
    assert_eq!(asked.trim(), format!("{expected} --region eu-west-1 --output json"));

    // What it complains of is its own to say, and ours is that there is no password.
    aws(directory.path(), "echo 'Unable to locate credentials' >&2; exit 253");
    let failed = check(&lab, &directory, HOST).await;
    assert_eq!(failed.code, Some(3));
    assert!(
        failed.stderr.contains("Unable to locate credentials") && failed.stderr.contains("exit status: 253"),
        "{failed:?}"
    );

    let unknown = check(&lab, &directory, "dwh.example.test").await;
    assert_eq!(unknown.code, Some(2));
    assert!(unknown.stderr.contains("--password-command"), "{unknown:?}");
}
