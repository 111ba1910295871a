//! What a refusal comes to: by its code where it has one, else by its HTTP status.
//!
//! Source: the platform's troubleshooting guide (gateway) and its table of Flow Service errors.

use serde_json::Value;

use crate::registry::service::{Absence, Fault, Said, Stranger};

/// What stands before the provider's own words when a database could not be got into.
const PROVIDER: &str = "Error from flow provider";

/// A refusal in the service's words, as it was read from the answer.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Refusal {
    /// In its words.
    pub said: Said,
    /// `report.request-id`
    pub request_id: Option<String>,
    /// `report.preflight` of our own service.
    pub preflight: Option<Value>,
}

impl Refusal {
    /// Reads the body; None where it is no refusal of the gateway or the Flow Service.
    pub fn read(body: &Value) -> Option<Self> {
        let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
        let sentence = ["/report/detailed-message", "/errorMessage", "/detail", "/message", "/title"];
        let said = sentence.iter().find_map(|pointer| text(pointer));
        let flow = text("/type").and_then(|kind| kind.split_once("FLOW-")).map(|(_, code)| code.to_owned());
        // A string on one page of the platform's, a number on another.
        let gateway = body.get("error_code").and_then(|code| match code {
            Value::String(code) => Some(code.clone()),
            Value::Number(code) => Some(code.to_string()),
            _ => None,
        });
        let code = flow.or(gateway).filter(|code| is_code(code));
        if said.is_none() && code.is_none() {
            return None;
        }
        let said = Said { code, text: said.unwrap_or_default().to_owned() };
        let request_id = text("/report/request-id").map(str::to_owned);
        Some(Self { said, request_id, preflight: body.pointer("/report/preflight").cloned() })
    }
}

/// `1439-404`, `401013`
fn is_code(code: &str) -> bool {
    (1..=16).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_digit() || b == b'-')
}

/// What it comes to.
pub(in crate::registry) fn fault(status: u16, said: Said, preflight: Option<Value>) -> Fault {
    match said.code.as_deref().unwrap_or_default() {
        "403010" => Fault::TokenMissing,
        "401013" | "2000-401" | "2114-400" | "2115-400" => Fault::TokenRejected(said),
        "403000" | "403003" => Fault::ApiKeyRejected(said),
        "400003" | "403025" | "2001-401" | "2002-401" => Fault::OrganizationRejected(said),
        "2100-404" | "2101-404" | "2105-400" | "2110-400" | "2111-403" => Fault::SandboxUnknown(said),
        "2118-403" | "2120-403" | "2121-403" => Fault::Forbidden { permission: None, said },
        "1404-412" => Fault::VersionConflict(said),
        "1101-404" | "1439-404" | "1439-400" => Fault::NotFound,
        "1308-400" => Fault::DatabaseRefused { said, preflight },
        "1100-400" if said.text.contains(PROVIDER) || preflight.is_some() => Fault::DatabaseRefused { said, preflight },
        "1300-400" | "1301-400" | "1302-400" | "1304-400" | "1312-400" | "1403-400" | "1405-400" | "1413-400"
        | "1414-400" | "1415-400" | "1416-400" | "1418-400" | "1434-400" | "1455-400" => {
            Fault::PayloadRejected { field: field(&said.text), said }
        }
        _ => by_status(status, said),
    }
}

fn by_status(status: u16, said: Said) -> Fault {
    match status {
        401 => Fault::TokenRejected(said),
        403 => Fault::Forbidden { permission: None, said },
        // A refusal of some other service: the Flow Service says 1439-404.
        404 if said.code.is_none() => Fault::NotTheService(Stranger::Shape { status, lacks: "the code of a refusal" }),
        404 => Fault::NotFound,
        412 => Fault::VersionConflict(said),
        500..=599 => Fault::Unavailable(Absence::Status { status, said }),
        _ => Fault::Other { status, said },
    }
}

/// The field that a sentence names, or is about.
fn field(text: &str) -> Option<String> {
    const ABOUT: [(&str, &str); 2] = [("The spec ID", "connectionSpec.id"), ("auth spec", "auth.specName")];
    const BEFORE: [&str; 3] = ["mandatory field ", "Missing field ", "value of the parameter "];
    if let Some((_, field)) = ABOUT.iter().find(|(words, _)| text.contains(words)) {
        return Some((*field).to_owned());
    }
    let (_, after) = BEFORE.iter().find_map(|words| text.split_once(words))?;
    let word = after.split([' ', ',']).next()?.trim_matches(['.', '\'', '"', '{', '}', '[', ']']);
    Some(word.to_owned()).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn kind(status: u16, body: &Value) -> String {
        let Some(refusal) = Refusal::read(body) else { return "none".to_owned() };
        let fault = format!("{:?}", fault(status, refusal.said, refusal.preflight));
        fault.split(['(', ' ']).next().unwrap_or_default().to_owned()
    }

    #[test]
    fn the_gateway_is_understood_with_codes_as_texts_and_as_numbers() {
        let rows = [
            (403, "403010", "TokenMissing"),
            (401, "401013", "TokenRejected"),
            (403, "403000", "ApiKeyRejected"),
            (403, "403003", "ApiKeyRejected"),
            (400, "400003", "OrganizationRejected"),
            (403, "403025", "OrganizationRejected"),
            (403, "403999", "Forbidden"),
        ];
        for (status, code, expected) in rows {
            assert_eq!(kind(status, &json!({"error_code": code, "message": "m"})), expected, "{code}");
            let number: u64 = code.parse().unwrap_or_default();
            assert_eq!(kind(status, &json!({"error_code": number, "message": "m"})), expected, "{code}");
        }
    }

    #[test]
    fn the_flow_service_is_understood_by_its_codes() {
        let provider = "The request could not be processed. Error from flow provider: Error message: x";
        let rows = [
            ("2100-404", "The sandbox with the name 'x' could not be found", "SandboxUnknown"),
            ("2105-400", "The header x-sandbox-name is missing", "SandboxUnknown"),
            ("2120-403", "Forbidden", "Forbidden"),
            ("1404-412", "Version not matching", "VersionConflict"),
            ("1439-404", "not found", "NotFound"),
            ("1100-400", provider, "DatabaseRefused"),
            ("1100-400", "The limit is not a number.", "Other"),
            ("1308-400", "Error message: x", "DatabaseRefused"),
            ("1304-400", "The mandatory field name is not provided.", "PayloadRejected"),
            ("1415-400", "The auth spec 'x' could not be found", "PayloadRejected"),
            ("1449-400", "The field is not supported", "Other"),
            ("1102-500", "Please try again later", "Unavailable"),
            ("1103-503", "Please try again later", "Unavailable"),
            ("2000-401", "token", "TokenRejected"),
            ("9999-418", "what is that", "Other"),
        ];
        for (code, text, expected) in rows {
            let (_, status) = code.split_once('-').unwrap_or_default();
            let kind_of = format!("https://ns.adobe.com/aep/errors/FLOW-{code}");
            let body = json!({"type": kind_of, "title": "t", "report": {"detailed-message": text}});
            assert_eq!(kind(status.parse().unwrap_or_default(), &body), expected, "{code}");
        }
    }

    #[test]
    fn the_sentence_is_the_first_that_there_is() {
        let mut body = json!({"report": {"detailed-message": "1", "request-id": "r"}, "errorMessage": "2",
            "detail": "3", "message": "4", "title": "5", "type": "x/FLOW-1439-404"});
        for expected in ["1", "2", "3", "4", "5"] {
            let read = Refusal::read(&body).unwrap_or_default();
            assert_eq!((read.said.text.as_str(), read.said.code.as_deref()), (expected, Some("1439-404")));
            let next = ["report", "errorMessage", "detail", "message", "title"];
            let index: usize = expected.parse().unwrap_or_default();
            drop(next.get(index - 1).and_then(|key| body.as_object_mut()?.remove(*key)));
        }
        for stranger in [json!({}), json!([]), json!("no"), json!({"status": "DOWN"}), json!({"message": " "})] {
            assert_eq!(Refusal::read(&stranger), None, "{stranger}");
        }
    }

    #[test]
    fn fields_are_found_in_the_sentences() {
        let rows = [
            ("The mandatory field server is not provided. Please", Some("server")),
            ("Missing field value", Some("value")),
            ("The value of the parameter sslMode is invalid.", Some("sslMode")),
            ("The spec ID provided is  invalid.", Some("connectionSpec.id")),
            ("The auth spec 'x' could not be found for the connection spec ID 1.", Some("auth.specName")),
            ("The request body is null or empty.", None),
        ];
        for (text, expected) in rows {
            assert_eq!(field(text).as_deref(), expected, "{text}");
        }
    }
}
