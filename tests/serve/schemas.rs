//! What answers look like: the properties and types of the platform's OpenAPI document, written down anew and closed, so
//! that a property that the platform does not have is an error too.

use jsonschema::Validator;
use serde_json::{Value, json};

fn text() -> Value {
    json!({"type": "string", "minLength": 1})
}

fn validate(schema: &Value, value: &Value) {
    let validator = Validator::new(schema).unwrap();
    let errors: Vec<String> = validator.iter_errors(value).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?} in {value}");
}

fn etag() -> Value {
    json!({"type": "string", "pattern": "^\"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\"$"})
}

fn uuid() -> Value {
    json!({"type": "string", "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"})
}

fn item() -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["id", "createdAt", "updatedAt", "createdBy", "updatedBy", "createdClient", "updatedClient",
            "sandboxId", "sandboxName", "imsOrgId", "name", "connectionSpec", "state", "auth", "version", "etag"],
        "properties": {
            "id": uuid(), "createdAt": {"type": "integer", "minimum": 1_700_000_000_000_u64},
            "updatedAt": {"type": "integer", "minimum": 1_700_000_000_000_u64},
            "createdBy": text(), "updatedBy": text(), "createdClient": text(), "updatedClient": text(),
            "sandboxId": uuid(), "sandboxName": text(), "imsOrgId": text(), "name": text(), "description": text(),
            "connectionSpec": {
                "type": "object", "required": ["id", "version"], "additionalProperties": false,
                "properties": {"id": uuid(), "version": text()}},
            "state": {"enum": ["enabled", "disabled"]},
            "auth": {
                "type": "object", "required": ["specName"], "additionalProperties": false,
                "properties": {"specName": text(), "params": {"type": "object"}}},
            "version": etag(), "etag": etag()}})
}

/// `GET /connections` and `GET /connections/{id}`
pub fn is_list(value: &Value) {
    let links = json!({
        "type": "object", "additionalProperties": false,
        "properties": {"next": {
            "type": "object", "required": ["href"], "additionalProperties": false,
            "properties": {"href": {"type": "string", "pattern": "^/connections\\?continuationToken=[A-Za-z0-9_-]+$"}}}}});
    validate(
        &json!({
            "type": "object", "required": ["items"], "additionalProperties": false,
            "properties": {"items": {"type": "array", "items": item()}, "_links": links}}),
        value,
    );
}

/// `POST /connections` and `PATCH /connections/{id}`
pub fn is_created(value: &Value) {
    validate(
        &json!({
            "type": "object", "required": ["id", "etag"], "additionalProperties": false,
            "properties": {"id": uuid(), "etag": etag()}}),
        value,
    );
}

/// `GET /connections/{id}/test`
pub fn is_test(value: &Value) {
    validate(
        &json!({
            "type": "object", "required": ["result"], "additionalProperties": false,
            "properties": {"result": {"type": "boolean"}}}),
        value,
    );
}

/// `explore` of the root
pub fn is_root(value: &Value) {
    let entry = json!({
        "type": "object", "required": ["type", "name", "path", "canPreview", "canFetchSchema"],
        "additionalProperties": false,
        "properties": {"type": {"const": "table"}, "name": text(), "path": text(), "canPreview": {"type": "boolean"},
            "canFetchSchema": {"type": "boolean"}}});
    validate(&json!({"type": "array", "items": entry}), value);
}

/// `explore` of a table
pub fn is_table(value: &Value) {
    let xdm = json!({
        "type": "object", "required": ["type"], "additionalProperties": false,
        "properties": {"type": {"enum": ["string", "integer", "number", "boolean"]}, "format": text()}});
    let column = json!({
        "type": "object", "required": ["name", "type", "xdm"], "additionalProperties": false,
        "properties": {"name": text(), "type": {"enum": ["string", "integer", "double", "boolean"]},
            "meta:xdmType": text(), "xdm": xdm}});
    validate(
        &json!({
            "type": "object", "required": ["format", "schema"], "additionalProperties": false,
            "properties": {
                "format": {"const": "flat"},
                "schema": {
                    "type": "object", "required": ["columns"], "additionalProperties": false,
                    "properties": {"columns": {"type": "array", "minItems": 1, "items": column}}},
                "data": {"type": "array", "items": {"type": "object"}}}}),
        value,
    );
}

/// An error of the Flow Service
pub fn is_problem(value: &Value, code: &str) {
    let status: u16 = code.rsplit_once('-').unwrap().1.parse().unwrap();
    validate(
        &json!({
            "type": "object", "required": ["type", "title", "status", "report", "errorMessage", "errorDetails"],
            "additionalProperties": false,
            "properties": {
                "type": {"const": format!("https://ns.adobe.com/aep/errors/FLOW-{code}")},
                "title": text(), "status": {"const": status}, "errorMessage": text(), "errorDetails": text(),
                "report": {
                    "type": "object", "required": ["detailed-message", "request-id"], "additionalProperties": false,
                    "properties": {"detailed-message": text(), "request-id": uuid(), "id": uuid(), "type": text(),
                        "preflight": {"type": "object"}}}}}),
        value,
    );
}
