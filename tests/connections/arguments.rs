//! What is refused before anything is sent.

use crate::program::{program, run};

const TOKEN: &str = "marker-token-4711";

#[tokio::test]
async fn a_token_goes_only_to_where_it_is_safe() {
    let rows = [
        ("http://platform.adobe.io", "because the host is not this machine"),
        ("ftp://platform.adobe.io", "has to begin with https://"),
        ("platform.adobe.io", "is not a URL such as"),
        ("https://user:hunter2@platform.adobe.io", "has a user or password in it"),
        ("https://platform.adobe.io?token=hunter2", "has a query or fragment"),
    ];
    for flag in ["--platform", "--ims"] {
        for (url, says) in rows {
            let other =
                if flag == "--ims" { ["--platform", "https://127.0.0.1:1"] } else { ["--ims", "https://x.test"] };
            let mut command = program(["connections", "list", "--org", "X@AdobeOrg", "--api-key", "k", flag, url]);
            command.args(other).env("PGPREFLIGHT_TOKEN", TOKEN);
            let ran = run(command, b"").await;
            assert_eq!(ran.code, Some(2), "{flag} {url}: {ran:?}");
            assert!(ran.stderr.contains(says) && ran.stderr.contains(flag), "{flag} {url}: {}", ran.stderr);
            assert!(!ran.stderr.contains("hunter2") && !ran.stderr.contains(TOKEN), "{}", ran.stderr);
        }
    }
}

#[tokio::test]
async fn what_cannot_be_called_is_said_at_once() {
    let place = tempfile::tempdir().unwrap();
    let store = place.path().join("registry.db").display().to_string();
    let rows: [(&[&str], &str); 9] = [
        (&["list", "--platform", "https://x.test"], "--org"),
        (&["list", "--platform", "https://x.test", "--org", "X@AdobeOrg"], "--api-key"),
        (&["list", "--platform", "https://x.test", "--org", "a b", "--api-key", "k"], "--org is empty"),
        (&["list", "--platform", "https://x.test", "--org", "X", "--api-key", "k\u{e9}"], "--api-key is empty"),
        (&["list", "--platform", "https://x.test", "--org", "X", "--store", "y"], "cannot be used with"),
        (&["list", "--limit", "0"], "--limit"),
        (&["explore", "x", "--preview"], "TABLE"),
        (&["delete", "x", "--store", &store], "--yes"),
        (&["update", "x", "--store", &store], "nothing is to be changed"),
    ];
    for (arguments, says) in rows {
        let mut command = program(["connections"]);
        command.args(arguments).env("PGPREFLIGHT_TOKEN", TOKEN);
        let ran = run(command, b"").await;
        assert_eq!(ran.code, Some(2), "{arguments:?}: {ran:?}");
        assert!(ran.stderr.contains(says) && !ran.stderr.contains(TOKEN), "{arguments:?}: {}", ran.stderr);
    }
}
