//! What callers are answered where something is wrong: the gateway's bodies, and those of the Flow Service behind it.
//!
//! Source of codes and forms: the platform's troubleshooting guide, its table of Flow Service errors, and its samples.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse;
use serde::Serialize;
use serde_json::json;

use crate::registry::problem::Problem;

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

impl Problem {
    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status_code()).unwrap_or(StatusCode::BAD_REQUEST)
    }

    /// The whole answer.
    pub fn render(&self, request_id: &str) -> Response<Body> {
        json(self.status(), &self.body(request_id))
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
