//! The sources that connections are of. Assembled from the platform's public documents; clients select by id and by the
//! names of the authentications.

use std::sync::LazyLock;

use serde_json::Value;

use super::endpoint;
use crate::registry::api::{ConnectionRequest, ConnectionSpec, SPEC_VERSION};
use crate::registry::auth::Auth;
use crate::registry::problem::Problem;
use crate::settings::InputFailure;

static SPECS: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let texts = [include_str!("specs/postgre-sql.json"), include_str!("specs/amazon-redshift.json")];
    texts.iter().filter_map(|text| serde_json::from_str(text).ok()).collect()
});

/// Longest name, and longest setting that is not a secret, in bytes.
const LONGEST: usize = 1024;

/// Longest description, in bytes.
const LONGEST_DESCRIPTION: usize = 8192;

/// All of them.
pub fn all() -> &'static [Value] {
    &SPECS
}

/// By id.
pub fn find(id: &str) -> Option<&'static Value> {
    SPECS.iter().find(|spec| spec.get("id").and_then(Value::as_str) == Some(id))
}

/// Whether a request is one that its source takes.
pub fn accept(request: &ConnectionRequest) -> Result<(), Problem> {
    accept_texts(&request.name, request.description.as_deref())?;
    accept_auth(&request.connection_spec, &request.auth)
}

/// Name and description.
pub fn accept_texts(name: &str, description: Option<&str>) -> Result<(), Problem> {
    if name.trim().is_empty() {
        return Err(missing("name"));
    }
    if name.len() > LONGEST || description.is_some_and(|description| description.len() > LONGEST_DESCRIPTION) {
        return Err(Problem::invalid("The name has more than 1,024 bytes, or the description more than 8,192."));
    }
    Ok(())
}

/// An authentication that the source has, with its mandatory parameters, and values that they can have.
pub fn accept_auth(spec: &ConnectionSpec, auth: &Auth) -> Result<(), Problem> {
    let known = find(&spec.id).filter(|_| spec.version == SPEC_VERSION).ok_or_else(|| {
        let detail = "The spec ID provided is  invalid. Please provide a valid spec ID and try again.";
        Problem::new("1413-400", "Invalid request", detail)
    })?;
    let forms = known.get("authSpec").and_then(Value::as_array).into_iter().flatten();
    let form = forms.into_iter().find(|form| form.get("name").and_then(Value::as_str) == Some(&auth.spec_name));
    let Some(form) = form else {
        // What stands there is not repeated: it may be a password by mistake.
        let detail = format!("The auth spec could not be found for the connection spec ID {}.", spec.id);
        return Err(Problem::new("1415-400", "Invalid request", detail));
    };
    for name in form.pointer("/spec/required").and_then(Value::as_array).into_iter().flatten() {
        let name = name.as_str().unwrap_or_default();
        let setting = auth.settings().find(|(given, _)| *given == name).map(|(_, value)| value);
        // Servers that ask for no password are given an empty one.
        let given = setting.is_some_and(|value| !value.trim().is_empty())
            || auth.secret(name).is_some_and(|secret| name == "password" || !secret.expose().is_empty());
        if !given {
            return Err(missing(name));
        }
    }
    for (name, value) in auth.settings() {
        let sound = match name {
            "port" => value.trim().parse::<u16>().is_ok_and(|port| port > 0),
            "sslMode" => !names_unknown_mode(auth, spec),
            _ => value.len() <= LONGEST,
        };
        if !sound {
            return Err(invalid_value(name));
        }
    }
    Ok(())
}

fn names_unknown_mode(auth: &Auth, spec: &ConnectionSpec) -> bool {
    matches!(endpoint::target(auth, spec), Err(InputFailure::Payload { field: "auth.params.sslMode", .. }))
}

/// A field without which nothing can be done.
pub fn missing(field: &str) -> Problem {
    let detail = format!("The mandatory field {field} is not provided. Please provide a value and try again.");
    Problem::new("1304-400", "Invalid request", detail)
}

/// A parameter whose value it cannot have.
pub fn invalid_value(field: &str) -> Problem {
    let detail = format!("The value of the parameter {field} is invalid. Please provide a valid value and try again.");
    Problem::new("1312-400", "Invalid request", detail)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test says by panicking what did not hold")]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::registry::api::{POSTGRESQL_SPEC, REDSHIFT_SPEC};
    use crate::registry::auth::{BASIC, CONNECTION_STRING};

    fn refusal(spec: &str, auth: &Value) -> Option<String> {
        let body = json!({"name": "orders", "auth": auth, "connectionSpec": {"id": spec, "version": "1.0"}});
        let request: ConnectionRequest = serde_json::from_value(body).unwrap();
        accept(&request).err().map(|problem| format!("{problem:?}"))
    }

    #[test]
    fn both_sources_are_there_with_their_authentications() {
        assert_eq!(all().len(), 2);
        for (id, name) in [(POSTGRESQL_SPEC, "postgre-sql"), (REDSHIFT_SPEC, "amazon-redshift")] {
            assert_eq!(find(id).unwrap().get("name").unwrap(), name);
        }
        let basic = json!({"specName": BASIC, "params":
            {"server": "db", "database": "d", "username": "u", "password": ""}});
        let string = json!({"specName": CONNECTION_STRING, "params": {"connectionString": "Server=db"}});
        assert_eq!(refusal(POSTGRESQL_SPEC, &basic), None);
        assert_eq!(refusal(REDSHIFT_SPEC, &basic), None);
        assert_eq!(refusal(POSTGRESQL_SPEC, &string), None);
        assert!(refusal(REDSHIFT_SPEC, &string).unwrap().contains("1415-400"));
    }

    #[test]
    fn what_a_source_does_not_take_is_refused_by_code_and_not_quoted() {
        let params = json!({"server": "db", "database": "d", "username": "u", "password": "hunter2"});
        let with = |name: &str, value: Value| {
            let mut params = params.clone();
            params.as_object_mut().unwrap().insert(name.to_owned(), value);
            json!({"specName": BASIC, "params": params})
        };
        let rows = [
            ("hunter2", with("server", json!("db")), "1413-400"),
            (POSTGRESQL_SPEC, json!({"specName": "hunter2", "params": params}), "1415-400"),
            (POSTGRESQL_SPEC, with("server", json!(" ")), "1304-400"),
            (POSTGRESQL_SPEC, with("username", Value::Null), "1304-400"),
            (POSTGRESQL_SPEC, with("port", json!("hunter2")), "1312-400"),
            (POSTGRESQL_SPEC, with("port", json!(0)), "1312-400"),
            (POSTGRESQL_SPEC, with("sslMode", json!("hunter2")), "1312-400"),
        ];
        for (spec, auth, code) in rows {
            let refusal = refusal(spec, &auth).unwrap();
            assert!(refusal.contains(code) && !refusal.contains("hunter2"), "{auth}: {refusal}");
        }
    }
}
