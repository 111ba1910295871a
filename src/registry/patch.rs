//! JSON Patch (RFC 6902) as far as the platform takes it: `add`, `replace` and `remove` on what a connection lets change.

use serde_json::{Map, Value};

use super::specs;
use crate::registry::api::{Connection, RequestError, State};
use crate::registry::auth::{Auth, MASK};
use crate::registry::problem::Problem;
use crate::registry::record::Change;

/// Applies a patch to a connection. The second value says whether the way to log in is another one now.
pub fn apply(patch: &Value, connection: &Connection, auth: &Auth) -> Result<(Change, bool), Problem> {
    let Value::Array(operations) = patch else {
        return Err(refused("The body has to be a list of operations"));
    };
    if operations.is_empty() {
        return Err(Problem::new("1405-400", "Invalid request", "The request body is null or empty."));
    }
    let mut draft = Draft {
        name: connection.name.clone(),
        description: connection.description.clone(),
        state: connection.state.clone(),
        auth: auth.exposed(),
        logs_in_otherwise: false,
    };
    for operation in operations {
        draft.apply(operation)?;
    }
    specs::accept_texts(&draft.name, draft.description.as_deref())?;
    let auth = Auth::try_from(draft.auth).map_err(|error| malformed(&error))?;
    if draft.logs_in_otherwise {
        specs::accept_auth(&connection.connection_spec, &auth)?;
    }
    let change = Change { name: draft.name, description: draft.description, state: draft.state, auth };
    Ok((change, draft.logs_in_otherwise))
}

struct Draft {
    name: String,
    description: Option<String>,
    state: State,
    auth: Value,
    logs_in_otherwise: bool,
}

impl Draft {
    fn apply(&mut self, operation: &Value) -> Result<(), Problem> {
        let text = |name: &str| operation.get(name).and_then(Value::as_str).ok_or_else(|| missing(name));
        let (op, path) = (text("op")?.to_ascii_lowercase(), text("path")?);
        let value = match op.as_str() {
            "add" | "replace" => Some(operation.get("value").ok_or_else(|| missing("value"))?.clone()),
            "remove" => None,
            _ => return Err(Problem::new("1434-400", "Invalid request", UNSUPPORTED)),
        };
        let path: Vec<&str> = path.strip_prefix('/').unwrap_or_default().split('/').collect();
        match path.as_slice() {
            ["name"] => self.name = string(value, "/name")?,
            ["description"] => self.description = value.map(|value| string(Some(value), "/description")).transpose()?,
            ["state"] => self.state = state(value)?,
            ["connectionSpec", ..] => return Err(Problem::new("1414-400", "Invalid request", SPEC_STAYS)),
            ["auth"] => self.auth = value.ok_or_else(|| refused("The path /auth cannot be removed"))?,
            ["auth", rest @ ..] => self.change_auth(rest, value)?,
            _ => return Err(refused("The path of an operation is not one that can be changed")),
        }
        if path.first() == Some(&"auth") {
            self.logs_in_otherwise = true;
            // Somebody has read the mask back, and would make it the password.
            let masked = |params: &Value| params.as_object().is_some_and(|params| params.values().any(|it| it == MASK));
            if self.auth.get("params").is_some_and(masked) {
                return Err(specs::invalid_value("auth.params"));
            }
        }
        Ok(())
    }

    fn change_auth(&mut self, path: &[&str], value: Option<Value>) -> Result<(), Problem> {
        let auth = self.auth.as_object_mut().ok_or_else(|| refused("The path /auth holds no object"))?;
        match (path, value) {
            (["specName"], Some(value)) => drop(auth.insert("specName".to_owned(), value)),
            // All former parameters go, also where only some are given.
            (["params"], Some(value)) => drop(auth.insert("params".to_owned(), value)),
            (["params", name], value) => {
                let params = auth.entry("params").or_insert_with(|| Map::new().into());
                let params = params.as_object_mut().ok_or_else(|| refused("The path /auth/params holds no object"))?;
                match value {
                    Some(value) => drop(params.insert((*name).to_owned(), value)),
                    None => drop(params.shift_remove(*name)),
                }
            }
            _ => return Err(refused("The path of an operation is not one that can be changed")),
        }
        Ok(())
    }
}

const UNSUPPORTED: &str = "The operation is not supported. Use add, replace or remove.";
const SPEC_STAYS: &str = "The connection spec of a connection cannot be updated.";

fn string(value: Option<Value>, path: &str) -> Result<String, Problem> {
    match value {
        Some(Value::String(text)) => Ok(text),
        _ => Err(refused(&format!("The value of {path} has to be a text"))),
    }
}

fn state(value: Option<Value>) -> Result<State, Problem> {
    match serde_json::from_value(value.unwrap_or_default()) {
        Ok(state @ (State::Enabled | State::Disabled)) => Ok(state),
        _ => Err(refused("The value of /state has to be enabled or disabled")),
    }
}

fn missing(field: &str) -> Problem {
    refused(&format!("Missing field {field}"))
}

fn malformed(error: &RequestError) -> Problem {
    refused(&error.to_string())
}

fn refused(reason: &str) -> Problem {
    let detail = format!("The patch request could not be validated: {reason}.");
    Problem::new("1455-400", "Invalid request", detail)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test says by panicking what did not hold")]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::registry::api::ConnectionRequest;
    use crate::registry::scope::Scope;
    use crate::registry::store::Store;

    fn patched(patch: &Value) -> Result<(Change, bool), String> {
        let body = json!({
            "name": "orders", "description": "old",
            "auth": {"specName": "Basic Authentication", "params":
                {"server": "db", "port": "5432", "database": "d", "username": "u", "password": "hunter2"}},
            "connectionSpec": {"id": crate::registry::api::POSTGRESQL_SPEC}});
        let request: ConnectionRequest = serde_json::from_value(body).unwrap();
        let mut store = Store::in_memory().unwrap();
        let id = store.create(&Scope::local(), &request, None).unwrap().id;
        let (connection, auth) = store.credentials(&Scope::local(), id).unwrap().unwrap();
        apply(patch, &connection, &auth).map_err(|problem| format!("{problem:?}"))
    }

    #[test]
    fn the_patch_of_the_tutorial_replaces_all_parameters() {
        let params = json!({"server": "db2", "database": "d", "username": "u", "password": "new"});
        let patch = json!([
            {"op": "replace", "path": "/auth/params", "value": params},
            {"op": "replace", "path": "/name", "value": "renamed"},
            {"op": "add", "path": "/description", "value": "new"}]);
        let (change, logs_in_otherwise) = patched(&patch).unwrap();
        assert_eq!((change.name.as_str(), change.description.as_deref()), ("renamed", Some("new")));
        let settings: Vec<_> = change.auth.settings().collect();
        assert_eq!(settings, [("server", "db2"), ("database", "d"), ("username", "u")]);
        assert_eq!(change.auth.secret("password").unwrap().expose(), "new");
        assert!(logs_in_otherwise);
    }

    #[test]
    fn what_is_not_named_stays() {
        let (change, logs_in_otherwise) = patched(&json!([{"op": "remove", "path": "/description"}])).unwrap();
        assert_eq!((change.name.as_str(), change.description, logs_in_otherwise), ("orders", None, false));
        assert_eq!(change.auth.secret("password").unwrap().expose(), "hunter2");
        let one = json!([{"op": "REPLACE", "path": "/auth/params/port", "value": 5433}]);
        let (change, logs_in_otherwise) = patched(&one).unwrap();
        assert!(change.auth.settings().any(|setting| setting == ("port", "5433")) && logs_in_otherwise);
        assert_eq!(change.auth.secret("password").unwrap().expose(), "hunter2");
    }

    #[test]
    fn what_cannot_be_changed_is_refused_by_code_and_not_quoted() {
        let one = |op: &str, path: &str, value: Value| json!([{"op": op, "path": path, "value": value}]);
        let params = |password: &str| json!({"server": "db", "database": "d", "username": "u", "password": password});
        let rows = [
            (json!({"op": "replace"}), "1455-400"),
            (json!([]), "1405-400"),
            (json!([{"path": "/name", "value": "x"}]), "1455-400"),
            (json!([{"op": "replace", "path": "/name"}]), "1455-400"),
            (one("move", "/name", json!("x")), "1434-400"),
            (one("replace", "/connectionSpec", json!({})), "1414-400"),
            (one("replace", "/connectionSpec/id", json!("x")), "1414-400"),
            (one("replace", "/id", json!("hunter2")), "1455-400"),
            (one("replace", "", json!("hunter2")), "1455-400"),
            (one("replace", "/name", json!(["hunter2"])), "1455-400"),
            (one("replace", "/name", json!(" ")), "1304-400"),
            (one("replace", "/state", json!("hunter2")), "1455-400"),
            (one("remove", "/name", Value::Null), "1455-400"),
            (one("replace", "/auth/params", json!("hunter2")), "1455-400"),
            (one("replace", "/auth/params", json!({"server": "db"})), "1304-400"),
            (one("replace", "/auth/params", params("xxxx")), "1312-400"),
            (one("replace", "/auth/params/hunter2/x", json!("x")), "1455-400"),
            (one("remove", "/auth/params/server", Value::Null), "1304-400"),
            (one("replace", "/auth/specName", json!("hunter2")), "1415-400"),
        ];
        for (patch, code) in rows {
            let refusal = patched(&patch).unwrap_err();
            assert!(refusal.contains(code) && !refusal.contains("hunter2"), "{patch}: {refusal}");
        }
    }
}
