//! What anybody may ask: whether the service lives and is ready, its numbers, its description, and a small page.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue};
use axum::http::{Request, Response, StatusCode};
use axum::response::IntoResponse;
use serde_json::{Value, json};

use super::Service;
use super::answer;
use super::connections::Refusal;
use super::log::{Level, log};
use crate::registry::problem::Problem;
use crate::registry::query::Query;
use crate::registry::scope::Scope;
use crate::registry::{list, specs};

/// The service in the words of OpenAPI.
pub const DESCRIPTION: &str = include_str!("openapi.json");

/// `GET /healthz`: the process answers.
pub async fn healthz() -> Response<Body> {
    answer::json(StatusCode::OK, &json!({"status": "ok"}))
}

/// `GET /readyz`: and so does its store.
pub async fn readyz(State(service): State<Arc<Service>>) -> Response<Body> {
    match service.storage.count(&Scope::local(), Query::default()).await {
        Ok(_) => answer::json(StatusCode::OK, &json!({"status": "ready"})),
        Err(error) => {
            log(Level::Error, "store", json!({"error": error.to_string()}));
            answer::json(StatusCode::SERVICE_UNAVAILABLE, &json!({"status": "the store does not answer"}))
        }
    }
}

/// `GET /metrics`
pub async fn metrics(State(service): State<Arc<Service>>) -> Response<Body> {
    match service.metrics.render() {
        Ok(text) => text_of("application/openmetrics-text; version=1.0.0; charset=utf-8", text),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// `GET /openapi.json`
pub async fn openapi() -> Response<Body> {
    answer::json_bytes(StatusCode::OK, DESCRIPTION)
}

/// `GET /`
pub async fn page() -> Response<Body> {
    let page = include_str!("page.html").replace("{version}", env!("CARGO_PKG_VERSION"));
    let mut response = text_of("text/html; charset=utf-8", page);
    let policy = HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    response
}

/// `GET /connectionSpecs`: of a filter only `id` and `name` count here, for there are two.
pub async fn connection_specs(request: Request<Body>) -> Result<Response<Body>, Refusal> {
    let query = request.uri().query().unwrap_or_default();
    let mut found: Vec<&Value> = specs::all().iter().collect();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match name.as_ref() {
            "property" if !value.is_empty() => {
                let (field, wanted) = value.split_once("==").ok_or_else(list::unknown_parameter)?;
                let wanted: Vec<&str> = wanted.split(',').map(|wanted| wanted.trim_matches('"')).collect();
                let is = |spec: &&Value| spec.get(field).and_then(Value::as_str).is_some_and(|it| wanted.contains(&it));
                found.retain(is);
            }
            "property" | "limit" | "orderby" | "continuationToken" | "count" => {}
            _ => return Err(list::unknown_parameter().into()),
        }
    }
    Ok(answer::json(StatusCode::OK, &json!({"items": found, "_links": {}})))
}

/// `GET /connectionSpecs/{id}`
pub async fn connection_spec(Path(id): Path<String>) -> Result<Response<Body>, Refusal> {
    let spec = specs::find(&id).ok_or_else(|| {
        let detail = "The requested connectionSpecs resource is not found. Verify the resource ID before trying again.";
        Problem::new("1439-404", "Resource not found", detail)
    })?;
    Ok(answer::json(StatusCode::OK, &json!({"items": [spec]})))
}

fn text_of(content_type: &'static str, text: String) -> Response<Body> {
    let mut response = Response::new(text.into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
