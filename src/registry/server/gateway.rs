//! What stands before every call: the token, the API key, the organisation, the sandbox. And where tokens come from.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, HeaderMap, HeaderValue};
use axum::http::{Request, Response, StatusCode};
use axum::middleware::Next;
use axum::response::IntoResponse;
use jiff::Timestamp;
use serde_json::json;

use super::answer::{self, Gateway};
use super::connections::Refusal;
use super::token::LIFETIME;
use super::{Service, body};
use crate::registry::problem::Problem;
use crate::registry::scope::Scope;

/// Lets a call pass that says who makes it, and where; else answers in the order in which the platform looks.
pub async fn admit(State(service): State<Arc<Service>>, mut request: Request<Body>, next: Next) -> Response<Body> {
    match scope(&service, request.headers()) {
        Ok(scope) => {
            request.extensions_mut().insert(scope.clone());
            let mut response = next.run(request).await;
            response.extensions_mut().insert(scope);
            response
        }
        Err(refusal) => refusal.into_response(),
    }
}

fn scope(service: &Service, headers: &HeaderMap) -> Result<Scope, Refusal> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim).unwrap_or_default();
    let required = |name: &str, refusal| Some(text(name)).filter(|text| !text.is_empty()).ok_or(refusal);
    let gateway = |refusal| Refusal::Gateway(refusal);
    let authorization = required(AUTHORIZATION.as_str(), Gateway::TokenMissing).map_err(gateway)?;
    let token = bearer(authorization).ok_or(Gateway::TokenInvalid).map_err(gateway)?;
    let client = service.tokens.read(token, &service.clients, Timestamp::now());
    let client = client.ok_or(Gateway::TokenInvalid).map_err(gateway)?;
    if required("x-api-key", Gateway::KeyMissing).map_err(gateway)? != client.id {
        return Err(gateway(Gateway::KeyInvalid));
    }
    let organization = required("x-gw-ims-org-id", Gateway::OrganizationMissing).map_err(gateway)?;
    if !client.is_in(organization) {
        return Err(gateway(Gateway::OrganizationForeign));
    }
    let sandbox = text("x-sandbox-name");
    if sandbox.is_empty() {
        let detail =
            "The header x-sandbox-name is missing in the request. Please add the header in the request and try again.";
        return Err(Problem::new("2105-400", "Invalid request", detail).into());
    }
    if sandbox == "*" {
        return Err(Problem::new("2111-403", "Forbidden", "The sandbox name * is restricted.").into());
    }
    if !service.sandboxes.iter().any(|known| known == sandbox) {
        return Err(Problem::new("2100-404", "Resource not found", unknown_sandbox(sandbox)).into());
    }
    Ok(Scope { organization: organization.to_owned(), sandbox: sandbox.to_owned(), client: client.id.clone() })
}

/// With the name where it can be one.
fn unknown_sandbox(name: &str) -> String {
    let a_name = name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let named = if a_name { format!(" with the name '{name}'") } else { String::new() };
    format!("The sandbox{named} could not be found. Please provide a valid sandbox name and try again.")
}

fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// `POST /ims/token/v3`: client credentials (RFC 6749, section 4.4) from the body or the query.
pub async fn token(State(service): State<Arc<Service>>, request: Request<Body>) -> Response<Body> {
    let query = request.uri().query().unwrap_or_default().to_owned();
    let form = matches!(body::content_type(request.headers()), None | Some("application/x-www-form-urlencoded"));
    let bytes = match body::whole(request).await {
        Ok(bytes) => bytes,
        Err(error) => return error.into_response(),
    };
    if !form && !bytes.is_empty() {
        return refused(StatusCode::BAD_REQUEST, "invalid_request", "the body has to be a form");
    }
    let pairs = form_urlencoded::parse(query.as_bytes()).chain(form_urlencoded::parse(&bytes));
    let given: BTreeMap<String, String> = pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
    let text = |name: &str| given.get(name).map(String::as_str).unwrap_or_default();
    match text("grant_type") {
        "client_credentials" => {}
        "" => return refused(StatusCode::BAD_REQUEST, "invalid_request", "grant_type is missing"),
        _ => {
            let reason = "grant_type has to be client_credentials";
            return refused(StatusCode::BAD_REQUEST, "unsupported_grant_type", reason);
        }
    }
    let client = service.clients.find(text("client_id")).filter(|client| client.has_secret(text("client_secret")));
    let Some(client) = client else {
        return refused(StatusCode::UNAUTHORIZED, "invalid_client", "client_id or client_secret is wrong");
    };
    let Ok(token) = service.tokens.issue(client, Timestamp::now()) else {
        return refused(StatusCode::INTERNAL_SERVER_ERROR, "server_error", "no token could be made");
    };
    let body = json!({"access_token": token, "token_type": "bearer", "expires_in": LIFETIME.as_secs()});
    not_kept(answer::json(StatusCode::OK, &body))
}

fn refused(status: StatusCode, error: &str, description: &str) -> Response<Body> {
    not_kept(answer::json(status, &json!({"error": error, "error_description": description})))
}

fn not_kept(mut response: Response<Body>) -> Response<Body> {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
