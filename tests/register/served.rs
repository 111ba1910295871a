//! A real `serve`, and a real PostgreSQL behind it.

use std::process::Stdio;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Child;
use tokio::time::timeout;

use crate::cluster::{Cluster, ClusterConfig, majors};
use crate::program::program;
use crate::run::{CLIENT_SECRET, Outcome, PASSWORD, with};

const ORGANIZATION: &str = "TEST@AdobeOrg";

/// One of the tests, in a directory of its own.
pub struct Served {
    url: String,
    directory: tempfile::TempDir,
    _child: Child,
}

/// Starts it with these further arguments.
pub async fn serve(more: &[&str]) -> Served {
    let directory = tempfile::tempdir().unwrap();
    let clients = directory.path().join("clients.toml");
    let client = format!("[[client]]\nid = 'key'\nsecret = '{CLIENT_SECRET}'\norganizations = ['{ORGANIZATION}']\n");
    std::fs::write(&clients, client).unwrap();
    let store = directory.path().join("registry.db");
    let paths = [clients, store].map(|path| path.display().to_string());
    let mut command = program(["serve", "--listen", "127.0.0.1:0", "--clients", &paths[0], "--store", &paths[1]]);
    let mut child = command.args(more).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let url = loop {
        let line = timeout(Duration::from_secs(60), lines.next_line()).await.expect("it starts").unwrap().unwrap();
        if let Some(url) = line.strip_prefix("listening: ") {
            break url.to_owned();
        }
    };
    Served { url, directory, _child: child }
}

impl Served {
    /// Registers at it.
    pub async fn register(&self, target: &str, more: &[&str]) -> Outcome {
        let arguments = [
            target,
            "--name=orders",
            "--platform",
            &self.url,
            "--ims",
            &self.url,
            "--org",
            ORGANIZATION,
            "--client-id=key",
        ];
        with(&[&arguments[..], more].concat(), &[("PGPREFLIGHT_CLIENT_SECRET", CLIENT_SECRET)]).await
    }
}

fn database() -> Cluster {
    let hba = vec!["host all all 127.0.0.1/32 scram-sha-256".to_owned()];
    let settings = vec![("password_encryption".to_owned(), "'scram-sha-256'".to_owned())];
    let config = ClusterConfig { hba, settings, tls: None, ..ClusterConfig::default() };
    let cluster = Cluster::start(*majors().last().unwrap(), &config);
    cluster.sql(&format!(
        "create role ingest login password '{PASSWORD}'; create table orders (id int); create table items (id int); \
         grant select on orders, items to ingest"
    ));
    cluster
}

#[tokio::test]
async fn a_real_database_is_registered_once_and_the_service_gets_in_too() {
    let (cluster, served) = (database(), serve(&[]).await);
    let target = format!("host=127.0.0.1 port={} dbname=postgres user=ingest", cluster.port());
    let created = served.register(&target, &[]).await;
    assert_eq!((created.code, created.fact("action").as_str()), (Some(0), Some("created")), "{created:?}");
    assert_eq!((created.fact("platform_test"), created.fact("platform_tables")), (&json!(true), &json!(2)));
    let again = served.register(&target, &[]).await;
    assert_eq!((again.fact("action"), again.fact("id")), (&json!("unchanged"), created.fact("id")), "{again:?}");
    let taken = served.register(&target, &["--sslmode=disable"]).await;
    assert_eq!(taken.report["cause"], "register-name-taken", "{taken:?}");
    let updated = served.register(&target, &["--sslmode=disable", "--update"]).await;
    assert_eq!((updated.code, updated.fact("action").as_str()), (Some(0), Some("updated")), "{updated:?}");
    assert_ne!(updated.fact("etag"), created.fact("etag"));
    for entry in std::fs::read_dir(served.directory.path()).unwrap() {
        let path = entry.unwrap().path();
        let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
        assert!(!text.contains(PASSWORD), "{}", path.display());
    }
}

#[tokio::test]
async fn a_service_that_may_not_dial_there_refuses_and_says_why() {
    let (cluster, served) = (database(), serve(&["--deny-network=127.0.0.0/8"]).await);
    let target = format!("host=127.0.0.1 port={} dbname=postgres user=ingest", cluster.port());
    let refused = served.register(&target, &[]).await;
    assert_eq!(
        (refused.report["cause"].as_str(), refused.code),
        (Some("register-database-refused"), Some(16)),
        "{refused:?}"
    );
    let finding = refused.finding("register-database-refused");
    assert_eq!(finding["evidence"]["cause"], "connect-blocked-locally", "{finding}");
}
