//! `/openapi.json` describes the calls that there are, and what they answer.

use jsonschema::Validator;
use serde_json::{Value, json};

use crate::play;
use crate::service::{BASE, Service, basic, params, place};

#[tokio::test]
async fn every_call_that_is_described_is_there_and_no_other_method() {
    let place = place();
    let service = Service::start(place.path(), &["--preflight", "off"]).await;
    let description = service.raw("GET /openapi.json", &[], None).await.json();
    assert_eq!(description["info"]["version"], env!("CARGO_PKG_VERSION"));
    let paths = description["paths"].as_object().unwrap();
    assert_eq!(paths.len(), 13);
    for (path, calls) in paths {
        let real = path.replace("{id}", "00000000-0000-4000-8000-000000000000");
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            let answer = service.raw(&format!("{method} {real}"), &service.headers(), Some("")).await;
            let described = calls.get(method.to_ascii_lowercase());
            assert_eq!(answer.status != 405, described.is_some(), "{method} {path}: {answer:?}");
            if let Some(described) = described {
                let known = described["responses"].get(answer.status.to_string());
                assert!(known.is_some(), "{method} {path} answers {}, which is not described", answer.status);
            }
        }
    }
}

#[tokio::test]
async fn answers_are_as_they_are_described() {
    let (place, lab) = (place(), play::start("").await);
    let service = Service::start(place.path(), &[]).await;
    let description = service.raw("GET /openapi.json", &[], None).await.json();
    let is = |schema: &str, value: &Value| {
        let root = json!({"$ref": format!("#/components/schemas/{schema}"), "components": description["components"]});
        let validator = Validator::new(&root).unwrap();
        let errors: Vec<String> = validator.iter_errors(value).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{schema}: {errors:?} in {value}");
    };
    let body = basic("orders", &params(&lab));
    is("ConnectionRequest", &body);
    let created = service.create(&body).await;
    is("Created", &created.json());
    let id = created.text_at("/id");
    is("ConnectionList", &service.get("/connections?limit=1").await.json());
    is("ConnectionList", &service.get(&format!("/connections/{id}")).await.json());
    is("Count", &service.get("/connections?count=true").await.json());
    is("Report", &service.get(&format!("/connections/{id}/preflight")).await.json());
    is("SpecList", &service.get("/connectionSpecs").await.json());
    is("Problem", &service.get("/connections?orderby=x").await.json());
    is("GatewayError", &service.raw(&format!("GET {BASE}/connections"), &[], None).await.json());
    is("Token", &service.new_token(crate::service::CLIENT).await.json());
    is("TokenError", &service.new_token("nobody").await.json());
    is("Status", &service.raw("GET /readyz", &[], None).await.json());
}
