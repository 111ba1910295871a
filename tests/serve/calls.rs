//! The calls of the platform's tutorials, each as its page prints it but for host and credentials.

use serde_json::{Value, json};

use crate::play;
use crate::schemas;
use crate::service::{BASE, CLIENT, ORGANIZATION, POSTGRESQL, REDSHIFT, Service, basic, params, place};

/// `POST /connections` of the tutorials, placeholders filled in: by connection string, by basic authentication on
/// Azure-hosted and on AWS-hosted platforms, and of Redshift on both (its missing quote put right).
fn tutorial_bodies(port: u16) -> Vec<String> {
    let string = |rest: &str| {
        format!(
            r#"{{
        "name": "Test connection for PostgreSQL",
        "description": "Test connection for PostgreSQL",
        "auth": {{
            "specName": "Connection String Based Authentication",
            "params": {{
                "connectionString": "Server=127.0.0.1;Database=orders;Port={port};UID=alice;Password=wonderland{rest}"
            }}
        }},
        "connectionSpec": {{
            "id": "74a1c565-4e59-48d7-9d67-7c03b8a13137",
            "version": "1.0"
        }}
    }}"#
        )
    };
    let basic = |spec: &str, rest: &str| {
        format!(
            r#"{{
        "name": "base connection",
        "description": "base connection",
        "auth": {{
            "specName": "Basic Authentication",
            "params": {{
                "server": "127.0.0.1",
                "port": "{port}",
                "database": "orders",
                "password": "wonderland",
                "username": "alice"{rest}
            }}
        }},
        "connectionSpec": {{
            "id": "{spec}",
            "version": "1.0"
        }}
    }}"#
        )
    };
    vec![
        string(""),
        string(";EncryptionMethod=1;ValidateServerCertificate=0"),
        string(";EncryptionMethod=6"),
        basic(POSTGRESQL, r#", "sslMode": "Require""#),
        basic(POSTGRESQL, r#", "sslMode": "false""#),
        basic(REDSHIFT, ""),
        basic(REDSHIFT, r#", "schema": "public""#),
    ]
}

#[tokio::test]
async fn the_bodies_of_the_tutorials_make_connections() {
    let (place, lab) = (place(), play::start("").await);
    let service = Service::start(place.path(), &[]).await;
    for body in tutorial_bodies(lab.address().port()) {
        let created = service.raw(&format!("POST {BASE}/connections"), &service.headers(), Some(&body)).await;
        assert_eq!(created.status, 201, "{body}: {created:?}");
        schemas::is_created(&created.json());
        let id = created.text_at("/id");
        assert_eq!(created.headers.get("location").unwrap(), &format!("{BASE}/connections/{id}"));
        let read = service.get(&format!("/connections/{id}")).await;
        schemas::is_list(&read.json());
        assert_eq!(read.at("/items/0/etag"), created.at("/etag"));
        assert_eq!(read.at("/items/0/version"), created.at("/etag"));
        assert!(!read.text.contains("wonderland") && read.text.contains("xxxx"), "{read:?}");
        let sent: Value = serde_json::from_str(&body).unwrap();
        for field in ["name", "description", "connectionSpec"] {
            assert_eq!(read.at(&format!("/items/0/{field}")), *sent.get(field).unwrap());
        }
        let test = service.get(&format!("/connections/{id}/test")).await;
        schemas::is_test(&test.json());
        assert_eq!(test.json(), json!({"result": true}));
    }
}

#[tokio::test]
async fn the_redshift_body_as_it_is_printed_is_not_json_and_is_told_where() {
    let place = place();
    let service = Service::start(place.path(), &["--preflight", "off"]).await;
    let body = "{\n\"name\": \"amazon-redshift base connection\",\n\"description\": \"base connection for \
        amazon-redshift,\n\"auth\": {}\n}";
    let answer = service.raw(&format!("POST {BASE}/connections"), &service.headers(), Some(body)).await;
    schemas::is_problem(&answer.json(), "1405-400");
    assert!(answer.text_at("/errorMessage").contains("line 3, column 53"), "{answer:?}");
}

#[tokio::test]
async fn every_path_is_taken_with_and_without_a_slash_at_its_end() {
    let (place, lab) = (place(), play::start("").await);
    let service = Service::start(place.path(), &[]).await;
    for slash in ["", "/"] {
        let start = format!("POST {BASE}/connections{slash}");
        let body = basic("orders", &params(&lab)).to_string();
        let id = service.raw(&start, &service.headers(), Some(&body)).await.text_at("/id");
        for path in ["/connections", "/connectionSpecs"] {
            assert_eq!(service.get(&format!("{path}{slash}")).await.status, 200, "{path}{slash}");
        }
        assert_eq!(service.get(&format!("/connectionSpecs/{POSTGRESQL}{slash}")).await.status, 200);
        for call in ["", "/test", "/preflight"] {
            assert_eq!(service.get(&format!("/connections/{id}{call}{slash}")).await.status, 200, "{call}{slash}");
        }
        let deleted = service.delete(&format!("/connections/{id}{slash}")).await;
        assert_eq!((deleted.status, deleted.text.as_str()), (204, ""));
        let gone = service.get(&format!("/connections/{id}")).await;
        schemas::is_problem(&gone.json(), "1439-404");
        assert_eq!(gone.text_at("/report/id"), id);
        assert_eq!(service.delete(&format!("/connections/{id}{slash}")).await.status, 404);
    }
}

#[tokio::test]
async fn what_a_connection_cannot_be_is_refused_by_the_platforms_codes() {
    let place = place();
    let service = Service::start(place.path(), &["--preflight", "off"]).await;
    let with = |pointer: &str, value: Value| {
        let mut body = crate::service::anywhere("orders");
        *body.pointer_mut(pointer).unwrap() = value;
        body
    };
    let rows = [
        (with("/connectionSpec/id", json!("00000000-0000-0000-0000-000000000000")), "1413-400"),
        (with("/connectionSpec/version", json!("2.0")), "1413-400"),
        (with("/auth/specName", json!("OAuth")), "1415-400"),
        (with("/auth/params/server", json!("")), "1304-400"),
        (with("/auth", Value::Null), "1304-400"),
        (with("/name", Value::Null), "1304-400"),
        (with("/name", json!(7)), "1312-400"),
        (with("/auth/params/port", json!("many")), "1312-400"),
        (with("/connectionSpec", json!("x")), "1312-400"),
        (json!([]), "1100-400"),
        (Value::Null, "1405-400"),
    ];
    for (body, code) in rows {
        let answer = service.create(&body).await;
        schemas::is_problem(&answer.json(), code);
        assert_eq!(answer.text_at("/report/request-id"), answer.headers["x-request-id"]);
    }
    let draft = format!("POST {BASE}/connections?mode=draft");
    let body = crate::service::anywhere("orders").to_string();
    schemas::is_problem(&service.raw(&draft, &service.headers(), Some(&body)).await.json(), "1451-400");
    assert_eq!(service.get("/connections").await.json(), json!({"items": [], "_links": {}}));
}

#[tokio::test]
async fn a_version_that_is_left_out_is_the_one_there_is() {
    let place = place();
    let service = Service::start(place.path(), &["--preflight", "off"]).await;
    let mut body = crate::service::anywhere("orders");
    body["connectionSpec"].as_object_mut().unwrap().remove("version");
    let id = service.created(&body).await;
    let read = service.get(&format!("/connections/{id}")).await;
    assert_eq!(read.at("/items/0/connectionSpec/version"), "1.0");
    assert_eq!(read.at("/items/0/imsOrgId"), ORGANIZATION);
    for field in ["createdBy", "updatedBy", "createdClient", "updatedClient"] {
        assert_eq!(read.at(&format!("/items/0/{field}")), CLIENT, "{field}");
    }
}

#[tokio::test]
async fn the_sources_are_listed_and_found() {
    let place = place();
    let service = Service::start(place.path(), &[]).await;
    let names = |answer: &crate::http::Answer| {
        let items = answer.at("/items").as_array().unwrap().clone();
        items.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&service.get("/connectionSpecs?property=").await), ["postgre-sql", "amazon-redshift"]);
    for query in ["name==amazon-redshift", "name==%22amazon-redshift%22", "id==3416976c-a9ca-4bba-901a-1f08f66978ff"] {
        let answer = service.get(&format!("/connectionSpecs?property={query}")).await;
        assert_eq!(names(&answer), ["amazon-redshift"], "{query}");
    }
    assert_eq!(names(&service.get(&format!("/connectionSpecs/{POSTGRESQL}")).await), ["postgre-sql"]);
    let unknown = service.get("/connectionSpecs/00000000-0000-0000-0000-000000000000").await;
    schemas::is_problem(&unknown.json(), "1439-404");
}
