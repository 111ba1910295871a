//! What callers are answered where something is wrong: the gateway's bodies, and those of the Flow Service behind it.
//!
//! Source of codes and forms: the platform's troubleshooting guide, its table of Flow Service errors, and its samples.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

/// A JSON answer.
pub fn json(status: StatusCode, body: &impl Serialize) -> Response<Body> {
    match serde_json::to_vec(body) {
        Ok(bytes) => json_bytes(status, bytes),
        Err(_) => status.into_response(), // of our own types, none of which fails
    }
}

/// A JSON answer that is a text already.
pub fn json_bytes(status: StatusCode, bytes: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(bytes.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// What the gateway in front of the Flow Service refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gateway {
    /// No `Authorization`.
    TokenMissing,
    /// A token that is unknown, damaged, or past its time.
    TokenInvalid,
    /// No `x-api-key`.
    KeyMissing,
    /// Not the client that the token was issued to.
    KeyInvalid,
    /// No `x-gw-ims-org-id`.
    OrganizationMissing,
    /// The client does not belong to that organisation.
    OrganizationForeign,
    /// More checks than can be made.
    Busy,
    /// A body without `Content-Type: application/json`.
    ContentType,
}

impl IntoResponse for Gateway {
    fn into_response(self) -> Response<Body> {
        let (status, code, message) = match self {
            Self::TokenMissing => (StatusCode::FORBIDDEN, "403010", "Oauth token is missing."),
            Self::TokenInvalid => (StatusCode::UNAUTHORIZED, "401013", "Oauth token is not valid"),
            Self::KeyMissing => (StatusCode::FORBIDDEN, "403000", "Api Key is required"),
            Self::KeyInvalid => (StatusCode::FORBIDDEN, "403003", "Api Key is invalid"),
            Self::OrganizationMissing => (StatusCode::BAD_REQUEST, "400003", "Missing header"),
            Self::OrganizationForeign => (StatusCode::FORBIDDEN, "403025", "Profile is not valid"),
            Self::Busy => {
                let body = json!({"error_code": "429050", "message": "Too many requests"});
                let mut response = json(StatusCode::TOO_MANY_REQUESTS, &body);
                response.headers_mut().insert("retry-after", HeaderValue::from_static("1"));
                return response;
            }
            Self::ContentType => {
                let body = json!({
                    "type": "/placeholder/type/uri", "status": 400, "title": "BadRequestError",
                    "detail": "A valid content-type must be specified"});
                return json(StatusCode::BAD_REQUEST, &body);
            }
        };
        json(status, &json!({"error_code": code, "message": message}))
    }
}

/// An error of the Flow Service. The request id is added by whoever sends it.
#[derive(Debug, Clone)]
pub struct Problem(Box<Details>);

#[derive(Debug, Clone)]
struct Details {
    /// `1439-404`: a number of the platform's, and the HTTP status.
    code: &'static str,
    title: &'static str,
    detail: String,
    id: Option<String>,
    preflight: Option<Value>,
}

impl Problem {
    /// By code, with the sentence for people.
    pub fn new(code: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self(Box::new(Details { code, title, detail: detail.into(), id: None, preflight: None }))
    }

    /// The request itself is at fault, in a way that has no code of its own.
    pub fn invalid(detail: impl Into<String>) -> Self {
        Self::new("1100-400", "Invalid request", detail)
    }

    /// No such connection.
    pub fn not_found(id: Uuid) -> Self {
        let detail = format!(
            "The requested connections resource {id} is not found. Verify the resource ID before trying again."
        );
        let mut problem = Self::new("1439-404", "Resource not found", detail);
        problem.0.id = Some(id.to_string());
        problem
    }

    /// What stands where an id should is none, and not repeated: anything may stand there.
    pub fn no_id() -> Self {
        let detail = "The requested connections resource is not found. Verify the resource ID before trying again.";
        Self::new("1439-404", "Resource not found", detail)
    }

    /// The database refused, or could not be reached.
    pub fn refused(message: &str) -> Self {
        let detail = format!(
            "The request could not be processed. Error from flow provider: \
             The request could not be processed. Error message: {message}"
        );
        Self::invalid(detail)
    }

    /// With the report that says why.
    #[must_use]
    pub fn with_preflight(mut self, report: Value) -> Self {
        self.0.preflight = Some(report);
        self
    }

    /// The HTTP status, which ends the code.
    pub fn status(&self) -> StatusCode {
        let (_, status) = self.0.code.split_once('-').unwrap_or_default();
        status.parse().ok().and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(StatusCode::BAD_REQUEST)
    }

    /// The whole answer.
    pub fn render(&self, request_id: &str) -> Response<Body> {
        let Details { code, title, detail, id, preflight } = &*self.0;
        let mut report = json!({"detailed-message": detail, "request-id": request_id});
        if let Some(report) = report.as_object_mut() {
            if let Some(id) = id {
                report.insert("id".to_owned(), id.as_str().into());
                report.insert("type".to_owned(), "connections".into());
            }
            report.extend(preflight.iter().map(|preflight| ("preflight".to_owned(), preflight.clone())));
        }
        let status = self.status();
        let body = json!({
            "type": format!("https://ns.adobe.com/aep/errors/FLOW-{code}"),
            "title": title, "status": status.as_u16(), "report": report,
            "errorMessage": detail, "errorDetails": detail});
        json(status, &body)
    }
}

/// The answer is made where the request id is known; until then the problem travels beside an empty one.
impl IntoResponse for Problem {
    fn into_response(self) -> Response<Body> {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_is_in_the_code() {
        assert_eq!(Problem::new("1404-412", "", "").status(), StatusCode::PRECONDITION_FAILED);
        assert_eq!(Problem::no_id().status(), StatusCode::NOT_FOUND);
    }
}
