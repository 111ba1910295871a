//! What the Flow Service refuses, by the platform's codes and in the shape of its answers.
//!
//! Source of codes and forms: the platform's table of Flow Service errors, and its samples.

use serde_json::{Value, json};
use uuid::Uuid;

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

    /// The etag is not the latest.
    pub fn outdated() -> Self {
        let detail = "The version of the connection does not match. Please retrieve the latest etag and try again.";
        Self::new("1404-412", "Version not matching", detail)
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

    /// `1439-404`: a number of the platform's, and the HTTP status.
    pub fn code(&self) -> &'static str {
        self.0.code
    }

    /// The sentence for people.
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// The report that says why, taken out.
    pub fn take_preflight(&mut self) -> Option<Value> {
        self.0.preflight.take()
    }

    /// The HTTP status, which ends the code.
    pub fn status_code(&self) -> u16 {
        let (_, status) = self.0.code.split_once('-').unwrap_or_default();
        status.parse().unwrap_or(400)
    }

    /// The body of the answer.
    pub fn body(&self, request_id: &str) -> Value {
        let Details { code, title, detail, id, preflight } = &*self.0;
        let mut report = json!({"detailed-message": detail, "request-id": request_id});
        if let Some(report) = report.as_object_mut() {
            if let Some(id) = id {
                report.insert("id".to_owned(), id.as_str().into());
                report.insert("type".to_owned(), "connections".into());
            }
            report.extend(preflight.iter().map(|preflight| ("preflight".to_owned(), preflight.clone())));
        }
        json!({
            "type": format!("https://ns.adobe.com/aep/errors/FLOW-{code}"),
            "title": title, "status": self.status_code(), "report": report,
            "errorMessage": detail, "errorDetails": detail})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_is_in_the_code() {
        assert_eq!(Problem::new("1404-412", "", "").status_code(), 412);
        assert_eq!(Problem::no_id().status_code(), 404);
    }
}
