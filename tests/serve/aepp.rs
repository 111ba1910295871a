//! PyPI `aepp`, the platform's Python client, against the service and a real database.

use tokio::process::Command;
use tokio::time::timeout;

use crate::cluster::{Cluster, ClusterConfig, cache, majors};
use crate::service::{BOUND, CLIENT, ORGANIZATION, SECRET, Service, place};

#[tokio::test]
async fn the_platforms_python_client_works_unchanged() {
    let hba = vec!["host all all 127.0.0.1/32 scram-sha-256".to_owned()];
    let settings = vec![("password_encryption".to_owned(), "'scram-sha-256'".to_owned())];
    let cluster = Cluster::start(
        *majors().last().unwrap(),
        &ClusterConfig { hba, settings, tls: None, ..ClusterConfig::default() },
    );
    cluster.sql(
        "create role ingest login password 'wonderland'; create table orders (id int, at timestamptz); \
         insert into orders values (1, now()); grant select on orders to ingest",
    );
    let place = place();
    let service = Service::start(place.path(), &[]).await;
    let python = cache().join("aepp/bin/python");
    assert!(python.is_file(), "{} is missing: run `make setup`", python.display());
    let params = serde_json::json!({
        "server": "127.0.0.1", "port": cluster.port().to_string(), "database": "postgres", "username": "ingest",
        "password": "wonderland"});
    let mut client = Command::new(python);
    client.env_clear().env("HOME", place.path()).env("PARAMS", params.to_string()).current_dir(place.path());
    client.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/serve/platform_client.py"));
    client.args([format!("http://{}", service.address).as_str(), CLIENT, SECRET, ORGANIZATION]).kill_on_drop(true);
    let output = timeout(BOUND, client.output()).await.expect("it ends in time").unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
