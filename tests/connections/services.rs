//! Every job of `connections` against a real `serve` on either store, and on the stores directly: one life of a connection.

use std::path::Path;

use serde_json::{Value, json};

use crate::cluster::{Cluster, ClusterConfig, majors};
use crate::program::{Run, program, run};
use crate::service::{CLIENT, ORGANIZATION, SECRET, Service, basic, place};

const PASSWORD: &str = "Kx7#marker right";

const TABLES: &str = "
    create role reader login password 'Kx7#marker right';
    create schema shop;
    create table shop.orders (id bigint, placed date, note text);
    insert into shop.orders values (1, '2026-01-02', 'first');
    grant usage on schema shop to reader;
    grant select on shop.orders to reader;
";

fn cluster() -> Cluster {
    let hba = vec!["host all all 127.0.0.1/32 scram-sha-256".to_owned()];
    let settings = vec![("password_encryption".to_owned(), "'scram-sha-256'".to_owned())];
    let cluster =
        Cluster::start(*majors().last().unwrap(), &ClusterConfig { hba, settings, ..ClusterConfig::default() });
    cluster.sql(TABLES);
    cluster
}

fn body(cluster: &Cluster) -> Value {
    let params = json!({"server": "127.0.0.1", "port": cluster.port().to_string(), "database": "postgres",
        "username": "reader", "password": PASSWORD});
    basic("orders", &params)
}

/// How a service is called.
struct Caller {
    arguments: Vec<String>,
}

impl Caller {
    fn remote(service: &Service) -> Self {
        let url = format!("http://{}", service.address);
        let arguments = ["--platform", &url, "--ims", &url, "--org", ORGANIZATION, "--client-id", CLIENT];
        Self { arguments: arguments.map(str::to_owned).to_vec() }
    }

    fn local(directory: &Path) -> Self {
        let store = directory.join("registry.db").display().to_string();
        Self { arguments: ["--store", &store, "--org", ORGANIZATION].map(str::to_owned).to_vec() }
    }

    async fn run(&self, arguments: &[&str]) -> Run {
        let mut command = program(["connections"]);
        command.args(arguments).args(&self.arguments).env("PGPREFLIGHT_CLIENT_SECRET", SECRET);
        let ran = run(command, b"").await;
        for shown in [&ran.stdout, &ran.stderr] {
            assert!(!shown.contains(PASSWORD) && !shown.contains(SECRET), "{arguments:?}: {ran:?}");
        }
        ran
    }

    async fn json(&self, arguments: &[&str]) -> Value {
        let ran = self.run(&[arguments, &["--format", "json"]].concat()).await;
        serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {arguments:?}: {ran:?}"))
    }

    async fn code(&self, arguments: &[&str]) -> String {
        let answer = self.json(arguments).await;
        answer["findings"][0]["code"].as_str().unwrap_or_else(|| panic!("{arguments:?}: {answer}")).to_owned()
    }
}

/// What can be done with a connection, told and counted the same way by whoever keeps it.
async fn live(caller: &Caller, id: &str, cluster: &Cluster) {
    let listed = caller.json(&["list"]).await;
    assert_eq!(listed["items"][0]["id"], id, "{listed}");
    assert_eq!(caller.json(&["list", "--name", "order"]).await["items"], json!([]));
    assert_eq!(caller.json(&["list", "--property", "state==disabled"]).await["items"], json!([]));
    let table = caller.run(&["list", "--limit", "1"]).await;
    assert!(table.stdout.contains("postgre-sql") && table.stdout.contains("/ postgres"), "{table:?}");

    let shown = caller.json(&["show", "orders"]).await;
    assert_eq!(shown["auth"]["params"]["password"], "xxxx", "{shown}");
    assert_eq!(shown, caller.json(&["show", id]).await);

    let tested = caller.json(&["test", id]).await;
    assert_eq!((&tested["result"], &tested["preflight"]["exit_code"]), (&json!(true), &json!(0)), "{tested}");
    let told = caller.run(&["test", "orders"]).await;
    assert!(told.code == Some(0) && told.stdout.contains("gets into the database"), "{told:?}");

    let tables = caller.run(&["explore", id]).await;
    assert!(tables.code == Some(0) && tables.stdout.contains("shop.orders"), "{tables:?}");
    let columns = caller.run(&["explore", id, "shop.orders", "--preview"]).await;
    for word in ["placed", "date", "long", "first", "2026-01-02"] {
        assert!(columns.stdout.contains(word), "{word}: {columns:?}");
    }
    assert_eq!(caller.code(&["explore", id, "shop.nothing"]).await, "register-payload-rejected");

    let old = shown["etag"].as_str().unwrap();
    let updated = caller.json(&["update", id, "--name", "shop", "--description", ""]).await;
    assert!(updated["etag"].is_string() && updated["etag"] != old, "{updated}");
    let renamed = caller.json(&["show", "shop"]).await;
    assert_eq!((&renamed["etag"], renamed.get("description")), (&updated["etag"], None), "{renamed}");
    assert_eq!(caller.code(&["update", id, "--name", "late", "--etag", old]).await, "register-version-conflict");
    assert_eq!(caller.json(&["test", id]).await["result"], true, "the way to log in is the same");

    logs_in_otherwise(caller, id, cluster.port()).await;

    assert_eq!(caller.json(&["list", "--sandbox", "dev"]).await["items"], json!([]));
    assert_eq!(caller.code(&["show", id, "--sandbox", "dev"]).await, "register-connection-not-found");
    assert_eq!(caller.run(&["delete", id]).await.code, Some(2));
    assert_eq!(caller.json(&["delete", "shop", id, "--yes"]).await["deleted"], json!([id]));
    assert_eq!(caller.code(&["delete", id, "--yes"]).await, "register-connection-not-found");
}

/// All parameters are those of the new target, in the form that it has on the platform.
async fn logs_in_otherwise(caller: &Caller, id: &str, port: u16) {
    let string = format!("Server=127.0.0.1;Database=postgres;Port={port};UID=reader;Password={PASSWORD}");
    let keywords = format!("host=127.0.0.1 port={port} dbname=postgres user=reader password='{PASSWORD}'");
    for (target, form) in [
        (
            &string,
            json!({"specName": "Connection String Based Authentication", "params": {"connectionString": "xxxx"}}),
        ),
        (
            &keywords,
            json!({"specName": "Basic Authentication", "params": {"server": "127.0.0.1", "port": port.to_string(),
                "database": "postgres", "username": "reader", "password": "xxxx", "sslMode": "Prefer"}}),
        ),
    ] {
        let updated = caller.json(&["update", id, target]).await;
        assert!(updated["etag"].is_string(), "{updated}");
        assert_eq!(caller.json(&["show", id]).await["auth"], form);
        assert_eq!(caller.json(&["test", id]).await["result"], true, "{form}");
    }
    let broken = caller.run(&["update", id, "Server=127.0.0.1;Port=x;Password=Kx7#marker right"]).await;
    assert!(broken.code == Some(4) && broken.stdout.contains("input-"), "{broken:?}");
    let elsewhere = caller.run(&["update", id, &keywords, "--engine", "redshift"]).await;
    assert!(elsewhere.code == Some(2) && elsewhere.stderr.contains("another source"), "{elsewhere:?}");
}

#[tokio::test]
async fn a_connection_lives_the_same_way_in_a_service_and_in_its_store() {
    let (place, cluster) = (place(), cluster());
    let service = Service::start(place.path(), &["--preflight", "off"]).await;
    let id = service.created(&body(&cluster)).await;
    live(&Caller::remote(&service), &id, &cluster).await;
    let id = service.created(&body(&cluster)).await;
    live(&Caller::local(place.path()), &id, &cluster).await;
}

#[tokio::test]
async fn a_connection_lives_the_same_way_in_postgresql() {
    let (place, cluster) = (place(), cluster());
    let key = place.path().join("pg.key").display().to_string();
    let store =
        format!("postgresql://postgres@127.0.0.1:{}/postgres?host={}", cluster.port(), cluster.socket_dir().display());
    let stored = ["--store", &store, "--key-file", &key];
    let service = Service::start_with(place.path(), &[&["--preflight", "off"], &stored[..]].concat()).await;
    let id = service.created(&body(&cluster)).await;
    live(&Caller::remote(&service), &id, &cluster).await;
    let id = service.created(&body(&cluster)).await;
    let arguments = stored.iter().chain(&["--org", ORGANIZATION]).map(|text| (*text).to_owned()).collect();
    live(&Caller { arguments }, &id, &cluster).await;
}

/// A database that does not let the service in, and names that several have.
#[tokio::test]
async fn what_is_wrong_is_told_with_the_reasons_of_the_preflight() {
    let (place, cluster) = (place(), cluster());
    let service = Service::start(place.path(), &["--preflight", "off"]).await;
    let mut wrong = body(&cluster);
    wrong["auth"]["params"]["password"] = json!("Qz3#marker wrong");
    let id = service.created(&wrong).await;
    service.created(&wrong).await;
    for caller in [Caller::remote(&service), Caller::local(place.path())] {
        let tested = caller.run(&["test", &id]).await;
        assert_eq!(tested.code, Some(16), "{tested:?}");
        assert!(tested.stdout.contains("error[login-password-rejected]"), "{tested:?}");
        assert!(!tested.stdout.contains("marker wrong"), "{tested:?}");
        assert_eq!(caller.code(&["explore", &id]).await, "register-database-refused");
        let target = format!("host=127.0.0.1 port={} user=reader password=nonsense-4711", cluster.port());
        let updated = caller.run(&["update", &id, &target]).await;
        // The service was told to store whatever comes; the local store tries it first, as a service does by itself.
        let expected = if caller.arguments[0] == "--store" { Some(16) } else { Some(0) };
        assert!(updated.code == expected && !updated.stdout.contains("nonsense"), "{updated:?}");
        let several = caller.run(&["show", "orders"]).await;
        assert!(several.code == Some(2) && several.stderr.contains(&id), "{several:?}");
    }
}

#[tokio::test]
async fn a_store_that_cannot_be_used_is_trouble_of_our_own() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("registry.db");
    std::fs::write(&path, "this is no database, and long enough to be seen as none").unwrap();
    let ran = run(program(["connections", "list", "--store", &path.display().to_string()]), b"").await;
    assert!(ran.code == Some(3) && ran.stderr.contains("not a store"), "{ran:?}");
}
