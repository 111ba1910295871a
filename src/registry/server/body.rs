//! Bodies of requests: of a known type, not too large, not too deep, and there in time. Nothing of them is ever quoted.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use axum::http::{Request, Response};
use axum::response::IntoResponse;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::timeout;

use super::answer::Gateway;
use crate::registry::problem::Problem;

/// The largest body, in bytes.
const LARGEST: usize = 1024 * 1024;

/// How many objects and lists may stand in each other.
const DEEPEST: usize = 64;

/// How long a body may take to come.
const TIME: Duration = Duration::from_secs(30);

/// Why there is no body.
#[derive(Debug)]
pub enum BodyError {
    /// Not the type that the call takes.
    Type,
    /// Larger than [`LARGEST`].
    TooLarge,
    /// Not all there within [`TIME`], or cut off.
    Unfinished,
    /// Nothing, or `null`.
    Empty,
    /// Nested deeper than [`DEEPEST`].
    TooDeep,
    /// Not JSON.
    Malformed {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
    },
}

impl IntoResponse for BodyError {
    fn into_response(self) -> Response<Body> {
        let problem = match self {
            Self::Type => return Gateway::ContentType.into_response(),
            Self::TooLarge => Problem::new("1100-413", "Request too large", "The request body is larger than 1 MiB."),
            Self::Unfinished => {
                Problem::new("1100-408", "Request timed out", "The request body did not arrive in time.")
            }
            Self::Empty => Problem::new("1405-400", "Invalid request", "The request body is null or empty."),
            Self::TooDeep => Problem::invalid("The request body is nested too deeply: at most 64 levels are read."),
            Self::Malformed { line, column } => Problem::new(
                "1405-400",
                "Invalid request",
                format!("The request body is not valid JSON: line {line}, column {column}."),
            ),
        };
        problem.into_response()
    }
}

/// The JSON in a body.
pub async fn json(request: Request<Body>) -> Result<Value, BodyError> {
    let typed = content_type(request.headers());
    if !matches!(typed, Some("application/json" | "application/json-patch+json")) {
        return Err(BodyError::Type);
    }
    let bytes = whole(request).await?;
    if bytes.trim_ascii().is_empty() {
        return Err(BodyError::Empty);
    }
    if depth(&bytes) > DEEPEST {
        return Err(BodyError::TooDeep);
    }
    match serde_json::from_slice(&bytes) {
        Ok(Value::Null) => Err(BodyError::Empty),
        Ok(value) => Ok(value),
        Err(error) => Err(malformed(&bytes, &error)),
    }
}

/// A line that ends within a string is at fault itself, not the one after it.
fn malformed(bytes: &[u8], error: &serde_json::Error) -> BodyError {
    let (line, column) = (error.line(), error.column());
    if column > 0 || line < 2 {
        return BodyError::Malformed { line, column };
    }
    let before = bytes.split(|byte| *byte == b'\n').nth(line - 2);
    BodyError::Malformed { line: line - 1, column: before.map_or(1, |before| before.len() + 1) }
}

/// All of a body.
pub async fn whole(request: Request<Body>) -> Result<Bytes, BodyError> {
    let declared = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|length| length > LARGEST as u64) {
        return Err(BodyError::TooLarge);
    }
    let ending = request.extensions().get::<Ending>().cloned();
    let collecting = timeout(TIME, Limited::new(request.into_body(), LARGEST).collect());
    let collected = tokio::select! {
        biased;
        collected = collecting => collected,
        () = told_to_end(ending) => return Err(BodyError::Unfinished),
    };
    match collected {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(BodyError::TooLarge),
        Ok(Err(_)) | Err(_) => Err(BodyError::Unfinished),
    }
}

/// Travels with a request: whether the service has been told to end. Then no more is waited for.
#[derive(Clone)]
pub struct Ending(pub watch::Receiver<bool>);

async fn told_to_end(ending: Option<Ending>) {
    if let Some(Ending(mut ending)) = ending
        && ending.wait_for(|ending| *ending).await.is_ok()
    {
        return;
    }
    std::future::pending::<()>().await;
}

/// The type of a body, without its parameters.
pub fn content_type(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    Some(text.split(';').next().unwrap_or_default().trim())
}

/// How deep objects and lists stand in each other, whether or not the rest is JSON.
fn depth(json: &[u8]) -> usize {
    let (mut depth, mut deepest, mut quoted, mut escaped) = (0_usize, 0, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test says by panicking what did not hold")]
mod tests {
    use super::*;

    fn request(content_type: &str, body: impl Into<Body>) -> Request<Body> {
        Request::builder().header("content-type", content_type).body(body.into()).unwrap()
    }

    #[test]
    fn depth_counts_what_is_not_in_strings() {
        for (json, expected) in [("7", 0), ("[[]]", 2), (r#"{"a":[{}]}"#, 3), (r#"["[[\"[["]"#, 1), ("]]]]", 0)] {
            assert_eq!(depth(json.as_bytes()), expected, "{json}");
        }
    }

    #[tokio::test]
    async fn a_body_is_read_or_refused_by_what_is_wrong_with_it() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        let rows = [
            ("application/json", "{}".to_owned(), None),
            ("application/json; charset=utf-8", "{}".to_owned(), None),
            ("application/json", nested(64), None),
            ("application/json", nested(65), Some("TooDeep")),
            ("application/json", nested(100_000), Some("TooDeep")),
            ("application/json", "[".repeat(65), Some("TooDeep")),
            ("text/plain", "{}".to_owned(), Some("Type")),
            ("application/json", " \n".to_owned(), Some("Empty")),
            ("application/json", "null".to_owned(), Some("Empty")),
            ("application/json", "{\n\"a\": x}".to_owned(), Some("Malformed { line: 2, column: 6 }")),
            ("application/json", "{\"a\":\n\"x\n}".to_owned(), Some("Malformed { line: 2, column: 3 }")),
            ("application/json", format!("\"{}\"", "x".repeat(LARGEST)), Some("TooLarge")),
        ];
        for (content_type, body, expected) in rows {
            let error = json(request(content_type, body)).await.err().map(|error| format!("{error:?}"));
            assert_eq!(error.as_deref(), expected);
        }
    }
}
