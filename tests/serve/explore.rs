//! `explore` of real databases: root, tables, previews, and what is refused.

use pgpreflight::lab::pki::{Identity, Spec};
use serde_json::{Value, json};

use crate::cluster::{Cluster, ClusterConfig, Tls, majors};
use crate::schemas;
use crate::service::{REDSHIFT, Service, basic, place};

const PASSWORD: &str = "Kx7#marker right";

const TABLES: &str = r#"
    create role reader login password 'Kx7#marker right';
    create schema shop; create schema "odd.schema"; create schema hidden;
    create domain price as numeric(10, 2);
    create table shop.orders (id bigint, small smallint, "int" integer, total price, ratio double precision, paid boolean,
        placed date, at timestamptz, local timestamp, note text, tags text[], doc jsonb, "Quoted ""Name""" text, gone text);
    alter table shop.orders drop column gone;
    insert into shop.orders values
        (9007199254740993, -1, 7, 12.50, 0.5, true, '2026-01-02', '2026-01-02 03:04:05+00', '2026-01-02 03:04:05',
         repeat('x', 5000), '{a,b}', '{"a": 1}', 'q'),
        (2, 2, 2, 'NaN', 'Infinity', false, null, null, null, null, null, null, null);
    insert into shop.orders select from generate_series(1, 100);
    create view shop."Recent Orders" as select * from shop.orders;
    create materialized view shop.totals as select sum(total) as sum from shop.orders;
    create table "odd.schema"."odd ""table""" (x int);
    create table shop.secret (x int);
    create table hidden.orders (x int);
    create table shop.parts (x int) partition by range (x);
    grant usage on schema shop, "odd.schema" to reader;
    grant select on shop.orders, shop."Recent Orders", shop.totals, shop.parts, "odd.schema"."odd ""table""" to reader;
"#;

fn cluster(major: u32, hba: &str, tls: Option<Tls>) -> Cluster {
    let settings = vec![("password_encryption".to_owned(), "'scram-sha-256'".to_owned())];
    let cluster =
        Cluster::start(major, &ClusterConfig { hba: vec![hba.to_owned()], settings, tls, ..ClusterConfig::default() });
    cluster.sql(TABLES);
    cluster
}

fn reader(cluster: &Cluster) -> Value {
    json!({"server": "127.0.0.1", "port": cluster.port(), "database": "postgres", "username": "reader",
        "password": PASSWORD})
}

#[tokio::test]
async fn root_and_tables_of_every_major_are_shown_with_their_xdm_types() {
    for major in majors() {
        let (place, cluster) = (place(), cluster(major, "host all all 127.0.0.1/32 scram-sha-256", None));
        let service = Service::start(place.path(), &["--preflight", "off"]).await;
        let id = service.created(&basic("orders", &reader(&cluster))).await;
        let explore = |query: String| {
            let path = format!("/connections/{id}/explore?{query}");
            let service = &service;
            async move { service.get(&path).await }
        };
        let root = explore("objectType=root".to_owned()).await;
        schemas::is_root(&root.json());
        let listed: Vec<(String, bool)> = root.json().as_array().unwrap().iter().map(listed).collect();
        let expected = [
            (r#""odd.schema"."odd ""table""""#, true),
            ("shop.Recent Orders", true),
            ("shop.orders", true),
            ("shop.parts", true),
            ("shop.secret", false),
            ("shop.totals", true),
        ];
        assert_eq!(listed, expected.map(|(path, readable)| (path.to_owned(), readable)), "{major}");
        for (path, readable) in &listed {
            let encoded: String = form_urlencoded::byte_serialize(path.as_bytes()).collect();
            let table = explore(format!("objectType=table&object={encoded}&preview=true")).await;
            assert_eq!(table.status == 200, *readable, "{path}: {table:?}");
            let columns = explore(format!("objectType=TABLE&object={encoded}")).await;
            schemas::is_table(&columns.json());
            assert!(columns.json().get("data").is_none());
        }

        let orders = explore("objectType=table&object=shop.orders&preview=true".to_owned()).await.json();
        schemas::is_table(&orders);
        let columns = orders["schema"]["columns"].as_array().unwrap();
        let types: Vec<(&str, &str)> =
            columns.iter().map(|column| (column["name"].as_str().unwrap(), column["type"].as_str().unwrap())).collect();
        assert_eq!(
            types,
            [
                ("id", "integer"),
                ("small", "integer"),
                ("int", "integer"),
                ("total", "double"),
                ("ratio", "double"),
                ("paid", "boolean"),
                ("placed", "string"),
                ("at", "string"),
                ("local", "string"),
                ("note", "string"),
                ("tags", "string"),
                ("doc", "string"),
                ("Quoted \"Name\"", "string"),
            ]
        );
        assert_eq!(columns[7]["xdm"], json!({"type": "string", "format": "date-time"}));
        assert_eq!(
            (columns[7]["meta:xdmType"].clone(), columns[6]["meta:xdmType"].clone()),
            (json!("date-time"), json!("date"))
        );
        let data = orders["data"].as_array().unwrap();
        assert_eq!(data.len(), 10, "a preview has a bound");
        let first = &data[0];
        assert_eq!(first["id"], json!(9_007_199_254_740_993_i64));
        assert_eq!(
            (first["total"].clone(), first["paid"].clone(), first["placed"].clone()),
            (json!(12.5), json!(true), json!("2026-01-02"))
        );
        assert_eq!(first["note"].as_str().unwrap().len(), 1000, "so has a value");
        assert_eq!((first["tags"].clone(), first["Quoted \"Name\""].clone()), (json!("{a,b}"), json!("q")));
        assert_eq!(
            (data[1]["total"].clone(), data[1]["ratio"].clone(), data[1]["note"].clone()),
            (json!("NaN"), json!("Infinity"), Value::Null)
        );

        for object in
            ["shop.nothing", "hidden.orders", "orders", "shop.orders'; drop table shop.orders; --", "shop.orders.id"]
        {
            let encoded: String = form_urlencoded::byte_serialize(object.as_bytes()).collect();
            schemas::is_problem(&explore(format!("objectType=table&object={encoded}")).await.json(), "1330-400");
        }
        assert_eq!(cluster.sql("select count(*) from shop.orders"), "102");
    }
}

fn listed(entry: &Value) -> (String, bool) {
    assert_eq!(entry["name"], entry["path"]);
    (entry["path"].as_str().unwrap().to_owned(), entry["canPreview"].as_bool().unwrap())
}

#[tokio::test]
async fn what_cannot_be_explored_is_refused_by_the_platforms_codes() {
    let major = *majors().last().unwrap();
    let (place, cluster) = (place(), cluster(major, "host all all 127.0.0.1/32 scram-sha-256", None));
    let service = Service::start(place.path(), &["--preflight", "off"]).await;
    let id = service.created(&basic("orders", &reader(&cluster))).await;
    for (query, code) in [
        ("", "1359-400"),
        ("objectType=folder", "1358-400"),
        ("objectType=table", "1337-400"),
        ("objectType=root&filters=e30%3D", "1336-400"),
        ("objectType=root&x=y", "1451-400"),
    ] {
        schemas::is_problem(&service.get(&format!("/connections/{id}/explore?{query}")).await.json(), code);
    }
    let mut wrong = reader(&cluster);
    wrong["password"] = json!("Qz3#marker wrong");
    let id = service.created(&basic("wrong", &wrong)).await;
    let before = cluster.log().matches("password authentication failed").count();
    let refused = service.get(&format!("/connections/{id}/explore?objectType=root")).await;
    schemas::is_problem(&refused.json(), "1100-400");
    let report = &refused.json()["report"]["preflight"];
    assert_eq!(report["cause"], "login-password-rejected", "{refused:?}");
    let summary = report["findings"][0]["summary"].as_str().unwrap();
    assert!(refused.text_at("/errorMessage").contains(summary), "{refused:?}");
    assert_eq!(cluster.log().matches("password authentication failed").count(), before + 1, "one attempt");
}

/// The encryptions are tried in libpq's order, and each mode verifies what it says.
#[tokio::test]
async fn exploring_is_encrypted_as_the_mode_says() {
    let root = Identity::self_signed(&Spec::root("Explore Root")).unwrap();
    let spec = Spec { dns_names: vec!["localhost".to_owned()], ..Spec::leaf("localhost") };
    let server = root.issue(&spec).unwrap();
    let tls = || Tls { certificate: server.chain_pem().unwrap(), key: server.key_pem().unwrap(), ca: None, crl: None };
    let place = place();
    let roots = place.path().join("roots.pem");
    std::fs::write(&roots, root.certificate_pem().unwrap()).unwrap();
    let mut command = crate::service::command(place.path(), &["--preflight", "off", "--store"]);
    command.arg(place.path().join("registry.db")).env("SSL_CERT_FILE", &roots);
    let service = Service::run(command, place.path()).await;
    let major = *majors().last().unwrap();
    let with_tls = cluster(major, "hostssl all all 127.0.0.1/32 scram-sha-256", Some(tls()));
    let plain_only = cluster(major, "hostnossl all all 127.0.0.1/32 scram-sha-256", Some(tls()));
    let without_tls = cluster(major, "host all all 127.0.0.1/32 scram-sha-256", None);
    let rows = [
        (&with_tls, "localhost", "Disable", false),
        (&with_tls, "localhost", "Allow", true),
        (&with_tls, "localhost", "Prefer", true),
        (&with_tls, "localhost", "Require", true),
        (&with_tls, "localhost", "Verify Ca", true),
        (&with_tls, "127.0.0.1", "Verify Ca", true),
        (&with_tls, "localhost", "Verify Full", true),
        (&with_tls, "127.0.0.1", "Verify Full", false),
        (&plain_only, "localhost", "Prefer", true),
        (&plain_only, "localhost", "Allow", true),
        (&plain_only, "localhost", "Require", false),
        (&without_tls, "localhost", "Prefer", true),
        (&without_tls, "localhost", "Require", false),
    ];
    for (cluster, host, mode, expected) in rows {
        let mut params = reader(cluster);
        params["server"] = json!(host);
        params["sslMode"] = json!(mode);
        let id = service.created(&basic(mode, &params)).await;
        let explored = service.get(&format!("/connections/{id}/explore?objectType=root")).await;
        assert_eq!(explored.status == 200, expected, "{host} {mode}: {explored:?}");
        let tested = service.get(&format!("/connections/{id}/test")).await;
        assert_eq!(tested.json(), json!({"result": expected}), "test agrees: {host} {mode}");
    }
}

#[tokio::test]
async fn a_postgresql_behind_a_connection_of_redshift_is_asked_in_its_own_dialect() {
    let major = majors()[0];
    let (place, cluster) = (place(), cluster(major, "host all all 127.0.0.1/32 scram-sha-256", None));
    let service = Service::start(place.path(), &["--preflight", "off"]).await;
    let mut body = basic("orders", &reader(&cluster));
    body["connectionSpec"]["id"] = json!(REDSHIFT);
    let id = service.created(&body).await;
    let root = service.get(&format!("/connections/{id}/explore?objectType=root")).await;
    schemas::is_root(&root.json());
    assert!(root.json().as_array().unwrap().len() > 3);
}
