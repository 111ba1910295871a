//! The objects of the Flow Service API that client and server share: the request, the stored connection, the answers.
//!
//! Source: Adobe's `OpenAPI` document of the Flow Service (`ConnectionDTO`, `ConnectionItemDTO`) and its source tutorials.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::registry::auth::{Auth, MaskedAuth};

/// `connectionSpec.id` of the PostgreSQL source, `postgre-sql` by name.
pub const POSTGRESQL_SPEC: &str = "74a1c565-4e59-48d7-9d67-7c03b8a13137";

/// `connectionSpec.id` of the Amazon Redshift source, `amazon-redshift` by name.
pub const REDSHIFT_SPEC: &str = "3416976c-a9ca-4bba-901a-1f08f66978ff";

/// `connectionSpec.version` of both; always sent, because the platform's documents disagree on leaving it out.
pub const SPEC_VERSION: &str = "1.0";

/// The body of `POST /connections`. `Debug` shows no secret, and there is no `Serialize`: see [`ConnectionRequest::masked`].
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Value")]
pub struct ConnectionRequest {
    /// What people know the connection by; need not be unique.
    pub name: String,
    /// Free text.
    pub description: Option<String>,
    /// How to log in to the database.
    pub auth: Auth,
    /// The source that the database is.
    pub connection_spec: ConnectionSpec,
}

impl ConnectionRequest {
    /// The body as it may be shown: every secret is the platform's placeholder.
    pub fn masked(&self) -> Value {
        let auth = self.auth.masked();
        let params = auth.params().clone();
        self.body(serde_json::json!({"specName": auth.spec_name(), "params": params}))
    }

    /// The body as it is sent, secrets included.
    pub(crate) fn exposed(&self) -> Value {
        self.body(self.auth.exposed())
    }

    fn body(&self, auth: Value) -> Value {
        let mut body = Map::new();
        body.insert("name".to_owned(), self.name.as_str().into());
        if let Some(description) = &self.description {
            body.insert("description".to_owned(), description.as_str().into());
        }
        body.insert("auth".to_owned(), auth);
        let ConnectionSpec { id, version } = &self.connection_spec;
        body.insert("connectionSpec".to_owned(), serde_json::json!({"id": id, "version": version}));
        Value::Object(body)
    }
}

impl TryFrom<Value> for ConnectionRequest {
    type Error = RequestError;

    /// Taken apart by hand, because serde's own errors quote the value that they did not expect. Unknown fields are skipped.
    fn try_from(body: Value) -> Result<Self, RequestError> {
        let Value::Object(mut body) = body else {
            return Err(RequestError::NotAnObject { field: "the body" });
        };
        let not_text = |field: &str| RequestError::NotText { field: field.to_owned() };
        let Some(Value::String(name)) = body.remove("name") else {
            return Err(not_text("name"));
        };
        let description = match body.remove("description") {
            None | Some(Value::Null) => None,
            Some(Value::String(description)) => Some(description),
            Some(_) => return Err(not_text("description")),
        };
        let Some(Value::Object(mut spec)) = body.remove("connectionSpec") else {
            return Err(RequestError::NotAnObject { field: "connectionSpec" });
        };
        let Some(Value::String(id)) = spec.remove("id") else {
            return Err(not_text("connectionSpec.id"));
        };
        let version = match spec.remove("version") {
            None | Some(Value::Null) => SPEC_VERSION.to_owned(),
            Some(Value::String(version)) => version,
            Some(_) => return Err(not_text("connectionSpec.version")),
        };
        let auth = Auth::try_from(body.remove("auth").unwrap_or_default())?;
        Ok(Self { name, description, auth, connection_spec: ConnectionSpec { id, version } })
    }
}

/// Which source a connection is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionSpec {
    /// [`POSTGRESQL_SPEC`], [`REDSHIFT_SPEC`], or another source of the platform.
    pub id: String,
    /// [`SPEC_VERSION`].
    pub version: String,
}

impl ConnectionSpec {
    /// The PostgreSQL source.
    pub fn postgresql() -> Self {
        Self { id: POSTGRESQL_SPEC.to_owned(), version: SPEC_VERSION.to_owned() }
    }

    /// The Amazon Redshift source.
    pub fn redshift() -> Self {
        Self { id: REDSHIFT_SPEC.to_owned(), version: SPEC_VERSION.to_owned() }
    }
}

/// A base connection as every answer shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Connection {
    /// Made by the service.
    pub id: Uuid,
    /// Unix time in milliseconds.
    pub created_at: i64,
    /// Unix time in milliseconds.
    pub updated_at: i64,
    /// Whose it is, and who made and changed it.
    #[serde(flatten)]
    pub owner: Owner,
    /// As requested.
    pub name: String,
    /// As requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// As requested.
    pub connection_spec: ConnectionSpec,
    /// Whether the platform would use it.
    pub state: State,
    /// Every secret masked.
    pub auth: MaskedAuth,
    /// The same string as [`Connection::etag`].
    pub version: String,
    /// What `If-Match` must be to change it; the double quotes are part of the string.
    pub etag: String,
}

/// Whose a connection is, and who made and changed it. With tokens of a service, user and client are the same.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Owner {
    /// The user that made it.
    pub created_by: String,
    /// The user that changed it last.
    pub updated_by: String,
    /// The client, by its API key, that made it.
    pub created_client: String,
    /// The client that changed it last.
    pub updated_client: String,
    /// A UUID.
    pub sandbox_id: String,
    /// Such as `prod`.
    pub sandbox_name: String,
    /// The organisation, `…@AdobeOrg`.
    pub ims_org_id: String,
}

/// The states of the `OpenAPI` document, and those of other pages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// In use; what a new connection is.
    Enabled,
    /// Kept, but not used.
    Disabled,
    /// `draft`, `initializing` and others that only the platform has.
    #[serde(untagged)]
    Other(String),
}

/// The answer to a `POST /connections` that made one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Created {
    /// Of the new connection.
    pub id: Uuid,
    /// Of the new connection, double quotes included.
    pub etag: String,
}

/// What is explored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Object {
    /// The database.
    Root,
    /// One table.
    Table {
        /// As `root` gave it.
        path: String,
        /// With rows.
        preview: bool,
    },
}

/// How a registration ended: the facts `register.id`, `register.etag` and `register.action`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Registered {
    /// Of the connection that now stands for the endpoint.
    pub id: Uuid,
    /// Of that connection, double quotes included.
    pub etag: String,
    /// What it took.
    pub action: Action,
}

/// What a registration did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// There was none of that name and source.
    Created,
    /// There was one, and it has these settings now.
    Updated,
    /// There was one already with the same settings.
    Unchanged,
}

/// Why a body is not a connection request. Names fields, never values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// A field is missing or not a JSON object.
    #[error("{field} is not an object")]
    NotAnObject {
        /// Path of the field.
        field: &'static str,
    },
    /// A field is missing or not a JSON string.
    #[error("{field} is not a text")]
    NotText {
        /// Path of the field.
        field: String,
    },
    /// The name of an auth parameter is not a word; not quoted, for a connection string may stand there by mistake.
    #[error("parameter {position} of auth.params has no name that a parameter can have")]
    ParamName {
        /// Counted from 1.
        position: usize,
    },
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test says by panicking what did not hold")]
mod tests {
    use serde_json::json;

    use super::*;

    fn body() -> Value {
        json!({
            "name": "orders", "description": "from the shop",
            "auth": {"specName": "Basic Authentication", "params": {"server": "db", "port": "5432", "password": "hunter2"}},
            "connectionSpec": {"id": POSTGRESQL_SPEC, "version": "1.0"}
        })
    }

    #[test]
    fn a_request_is_shown_as_it_was_given_but_for_its_secrets() {
        let request: ConnectionRequest = serde_json::from_value(body()).unwrap();
        let mut shown = body();
        *shown.pointer_mut("/auth/params/password").unwrap() = json!("xxxx");
        assert_eq!(request.masked(), shown);
        assert!(!format!("{request:?}").contains("hunter2"));
    }

    #[test]
    fn the_version_left_out_is_the_documented_one() {
        let mut body = body();
        body.pointer_mut("/connectionSpec").and_then(Value::as_object_mut).unwrap().remove("version");
        let request: ConnectionRequest = serde_json::from_value(body).unwrap();
        assert_eq!(request.connection_spec, ConnectionSpec::postgresql());
    }

    #[test]
    fn a_body_of_another_shape_is_refused_by_field_and_never_quoted() {
        let cases = [
            ("", json!("postgresql://u:hunter2@db"), "the body is not an object"),
            ("/name", json!({"hunter2": 1}), "name is not a text"),
            ("/description", json!(["hunter2"]), "description is not a text"),
            ("/auth", json!(null), "auth is not an object"),
            ("/connectionSpec", json!("hunter2"), "connectionSpec is not an object"),
            ("/connectionSpec/id", json!(7), "connectionSpec.id is not a text"),
            ("/connectionSpec/version", json!(1.0), "connectionSpec.version is not a text"),
        ];
        for (path, value, error) in cases {
            let mut body = body();
            *body.pointer_mut(path).unwrap() = value;
            assert_eq!(serde_json::from_value::<ConnectionRequest>(body).unwrap_err().to_string(), error);
        }
    }
}
