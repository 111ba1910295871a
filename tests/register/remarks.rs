//! What is said beside the check before anything is sent.

use crate::play;
use crate::run::{register, with};

/// TLS of the lab, with its root as the system's.
async fn said(mode: &str, arguments: &[&str]) -> crate::run::Outcome {
    let (lab, directory) = (play::start("").await, tempfile::tempdir().unwrap());
    let target = format!("host=localhost port={} dbname=orders user=alice sslmode={mode}", lab.address().port());
    let store = format!("--store={}", directory.path().join("registry.db").display());
    let root = lab.root_pem_path().display().to_string();
    with(&[&[target.as_str(), "--name=orders", &store], arguments].concat(), &[("SSL_CERT_FILE", &root)]).await
}

#[tokio::test]
async fn the_strongest_setting_that_works_is_proposed() {
    let rows: [(&str, &[&str], &str); 3] = [
        ("require", &[], "\"sslMode\": \"Verify Full\""),
        (
            "require",
            &["--auth=connection-string"],
            "EncryptionMethod=1;ValidateServerCertificate=1;HostNameInCertificate=localhost",
        ),
        ("disable", &["--cloud=aws"], "\"sslMode\": \"true\""),
    ];
    for (mode, arguments, proposed) in rows {
        let outcome = said(mode, arguments).await;
        let finding = outcome.finding("register-stronger-mode");
        assert_eq!((&finding["evidence"]["strongest"], &finding["severity"]), (&proposed.into(), &"note".into()));
        assert_eq!(outcome.fact("action"), "created", "{outcome:?}");
    }
}

#[tokio::test]
async fn where_nothing_is_stronger_nothing_is_proposed() {
    for (mode, argument) in [("verify-full", "--sslrootcert=system"), ("require", "--cloud=aws")] {
        let outcome = said(mode, &[argument]).await;
        assert!(!outcome.codes().contains(&"register-stronger-mode"), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_name_that_is_refused_is_not_proposed() {
    let lab = play::start("certificate = \"wrong-name\"").await;
    let directory = tempfile::tempdir().unwrap();
    let target = format!("host=127.0.0.1 port={} dbname=orders user=alice sslmode=require", lab.address().port());
    let store = format!("--store={}", directory.path().join("registry.db").display());
    let root = lab.root_pem_path().display().to_string();
    let outcome = with(&[target.as_str(), "--name=orders", &store], &[("SSL_CERT_FILE", &root)]).await;
    let finding = outcome.finding("register-stronger-mode");
    assert_eq!(finding["evidence"]["strongest"], "\"sslMode\": \"Verify Ca\"", "{outcome:?}");
}

/// A platform elsewhere cannot reach a database on this machine; nothing is sent, for there is no token.
#[tokio::test]
async fn a_platform_elsewhere_does_not_reach_a_private_address() {
    let lab = play::start("").await;
    let target = crate::run::target(&lab);
    let arguments =
        [&target, "--name=orders", "--platform=https://platform.example.com", "--org=X@AdobeOrg", "--api-key=k"];
    let outcome = register(&arguments).await;
    assert_eq!(outcome.codes(), ["register-token-missing", "register-private-address"], "{outcome:?}");
    let strict = register(&[&arguments[..], &["--strict"]].concat()).await;
    assert_eq!((strict.code, strict.stage()["status"].as_str()), (Some(1), Some("skipped")), "{strict:?}");
}
