//! What is sent, held to Adobe's OpenAPI document of the service (`ConnectionDTO`, `PatchInstruction`), written down anew
//! and closed to what the tutorials of the two sources send.

use jsonschema::Validator;
use serde_json::{Value, json};

/// `POST /connections` of one of the two sources.
pub fn is_request(body: &Value) {
    let text = json!({"type": "string", "minLength": 1});
    let params = |names: &[&str], needed: &[&str]| {
        let properties: serde_json::Map<_, _> = names.iter().map(|name| ((*name).to_owned(), text.clone())).collect();
        json!({"type": "object", "properties": properties, "required": needed, "additionalProperties": false})
    };
    let basic = ["server", "port", "database", "username", "password"];
    let auth = |spec: &str, params: Value| {
        json!({
            "type": "object", "required": ["specName", "params"], "additionalProperties": false,
            "properties": {"specName": {"const": spec}, "params": params}})
    };
    let schema = |id: &str, auth: Value| {
        json!({
            "type": "object", "required": ["name", "auth", "connectionSpec"], "additionalProperties": false,
            "properties": {
                "name": text, "description": text, "auth": auth,
                "connectionSpec": {
                    "type": "object", "required": ["id", "version"], "additionalProperties": false,
                    "properties": {"id": {"const": id}, "version": {"const": "1.0"}}}}})
    };
    let mut postgresql = params(&[&basic[..], &["sslMode"]].concat(), &[&basic[..], &["sslMode"]].concat());
    postgresql["properties"]["sslMode"] =
        json!({"enum": ["Disable", "Allow", "Prefer", "Require", "Verify Ca", "Verify Full", "true", "false"]});
    let all = json!({"oneOf": [
        schema(
            "74a1c565-4e59-48d7-9d67-7c03b8a13137",
            auth("Connection String Based Authentication", params(&["connectionString"], &["connectionString"]))),
        schema("74a1c565-4e59-48d7-9d67-7c03b8a13137", auth("Basic Authentication", postgresql)),
        schema("3416976c-a9ca-4bba-901a-1f08f66978ff", auth("Basic Authentication", params(&basic, &basic)))]});
    assert!(Validator::new(&all).unwrap().is_valid(body), "{body}");
}

/// `PATCH /connections/{id}`
pub fn is_patch(body: &Value) {
    let schema = json!({
        "type": "array", "minItems": 1,
        "items": {
            "type": "object", "required": ["op", "path"], "additionalProperties": false,
            "properties": {
                "op": {"enum": ["add", "replace", "remove"]},
                "path": {"enum": ["/auth/params", "/auth/specName", "/name", "/description"]}, "value": {}}}});
    assert!(Validator::new(&schema).unwrap().is_valid(body), "{body}");
}
