//! What a platform answers, read with patience: other sources have other parameters, and samples leave fields out.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::registry::api::{Connection, Created};

/// A connection. Only what nothing can be done without is needed: its id.
pub(super) fn connection(value: &Value) -> Option<Connection> {
    let id = value.get("id")?.as_str()?.parse::<Uuid>().ok()?;
    let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let number = |name: &str| value.get(name).and_then(Value::as_i64).unwrap_or_default();
    let etag = Some(text("/etag")).filter(|etag| !etag.is_empty()).unwrap_or_else(|| text("/version"));
    let mut whole = json!({
        "id": id, "createdAt": number("createdAt"), "updatedAt": number("updatedAt"),
        "name": text("/name"), "etag": etag, "version": etag,
        "state": Some(text("/state")).filter(|state| !state.is_empty()).unwrap_or("unknown"),
        "connectionSpec": {"id": text("/connectionSpec/id"), "version": text("/connectionSpec/version")},
        "auth": {"specName": text("/auth/specName"), "params": params(value)}});
    let owner = ["createdBy", "updatedBy", "createdClient", "updatedClient", "sandboxId", "sandboxName", "imsOrgId"];
    let object = whole.as_object_mut()?;
    for name in owner.into_iter().chain(["description"]) {
        object.extend(value.get(name).filter(|it| it.is_string()).map(|it| (name.to_owned(), it.clone())));
    }
    serde_json::from_value(whole).ok()
}

/// Parameters that are single values under names that parameters have; of other sources some are objects.
fn params(value: &Value) -> Map<String, Value> {
    let params = value.pointer("/auth/params").and_then(Value::as_object);
    let sound = |(name, value): &(&String, &Value)| {
        !value.is_object()
            && !value.is_array()
            && (1..=64).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    params.into_iter().flatten().filter(sound).map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// `{id, etag}`
pub(super) fn created(value: &Value) -> Option<Created> {
    let id = value.get("id")?.as_str()?.parse().ok()?;
    let etag = value.get("etag").and_then(Value::as_str).unwrap_or_default().to_owned();
    Some(Created { id, etag })
}

/// The items of a list. One that is no connection is passed over; a list that is none is None.
pub(super) fn items(value: &Value) -> Option<Vec<Connection>> {
    Some(value.get("items")?.as_array()?.iter().filter_map(connection).collect())
}

/// The token of the next page, out of a link that may be relative, absolute, or have further parameters.
pub(super) fn next_page(value: &Value) -> Option<String> {
    let href = value.pointer("/_links/next/href")?.as_str()?;
    let (_, query) = href.split_once('?')?;
    let query = query.split('#').next().unwrap_or_default();
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    let token = pairs.find(|(name, _)| name == "continuationToken").map(|(_, token)| token.into_owned());
    token.filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_to_the_next_page_is_found_however_it_is_written() {
        let rows = [
            (json!({}), None),
            (json!({"_links": {}}), None),
            (json!({"_links": null}), None),
            (json!({"_links": {"next": {}}}), None),
            (json!({"_links": {"next": {"href": ""}}}), None),
            (json!({"_links": {"next": {"href": "/connections?continuationToken="}}}), None),
            (json!({"_links": {"next": {"href": "/connections?continuationToken=abc"}}}), Some("abc")),
            (json!({"_links": {"next": {"href": "?limit=5&continuationToken=a%2Bb%3D&x=y#z"}}}), Some("a+b=")),
            (
                json!({"_links": {"next": {"href": "https://elsewhere.test/connections?continuationToken=abc"}}}),
                Some("abc"),
            ),
        ];
        for (body, expected) in rows {
            assert_eq!(next_page(&body).as_deref(), expected, "{body}");
        }
    }

    #[test]
    fn a_connection_of_any_source_is_read_and_nothing_of_its_secrets() {
        let id = "0b1b2c3d-0000-4000-8000-000000000001";
        let full = json!({
            "id": id, "createdAt": 1, "updatedAt": 2, "name": "n", "description": "d", "state": "initializing",
            "createdBy": "x@AdobeID", "sandboxName": "prod", "version": "\"v\"", "etag": "\"e\"",
            "connectionSpec": {"id": "s", "version": "1.0"},
            "auth": {"specName": "OAuth", "params": {"server": "db", "token": "hunter2", "options": {"a": "hunter2"}}}});
        let read = connection(&full).map(|it| serde_json::to_value(it).unwrap_or_default()).unwrap_or_default();
        assert_eq!(read.pointer("/state"), Some(&json!("initializing")));
        assert_eq!(read.pointer("/etag"), Some(&json!("\"e\"")));
        assert_eq!(read.pointer("/auth/params"), Some(&json!({"server": "db", "token": "xxxx"})));
        assert_eq!(read.pointer("/createdBy"), Some(&json!("x@AdobeID")));
        let bare = connection(&json!({"id": id, "version": "\"v\""}));
        assert_eq!(bare.map(|it| it.etag).as_deref(), Some("\"v\""));
        for other in [json!({}), json!({"id": "x"}), json!({"id": 1}), json!("x")] {
            assert!(connection(&other).is_none(), "{other}");
        }
    }
}
