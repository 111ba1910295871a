//! The `auth` part of a base connection: documented authentication names and parameters, secrets told apart from settings.
//!
//! Only parameters that are documented as no secret are kept readable; any other name, a misspelt one included, is a secret.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::registry::api::RequestError;
use crate::target::Secret;

/// `auth.specName` of the user-and-password form, which PostgreSQL and Redshift both have.
pub const BASIC: &str = "Basic Authentication";

/// `auth.specName` of the PostgreSQL form that takes one semicolon-separated connection string.
pub const CONNECTION_STRING: &str = "Connection String Based Authentication";

/// The one parameter of [`CONNECTION_STRING`]; a secret as a whole, for it holds the password.
pub const CONNECTION_STRING_PARAM: &str = "connectionString";

/// What stands in an answer where a secret is stored: the placeholder of the platform's own samples.
pub const MASK: &str = "xxxx";

/// Parameters of the PostgreSQL and Redshift sources that are not of `format: password`.
const OPEN_PARAMS: [&str; 6] = ["server", "port", "database", "username", "sslMode", "schema"];

/// How the platform is to log in. `Debug` shows no secret, and there is no `Serialize`: see [`Auth::masked`].
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Value")]
pub struct Auth {
    /// One of [`BASIC`] and [`CONNECTION_STRING`] for the two sources; anything when read from a body.
    pub spec_name: String,
    params: Vec<(String, Param)>,
}

/// One value of `auth.params`.
#[derive(Debug, Clone)]
enum Param {
    Open(String),
    Secret(Secret),
}

/// The parameters of [`BASIC`], documented as strings all of them.
#[derive(Debug, Clone)]
pub struct BasicAuth {
    /// Host name or IP address.
    pub server: String,
    /// TCP port.
    pub port: u16,
    /// Database name.
    pub database: String,
    /// Role that logs in.
    pub username: String,
    /// Its password; required by the platform, empty where the server asks for none.
    pub password: Secret,
    /// The platform's literal (see [`azure_ssl_mode`]); Redshift has no such parameter.
    pub ssl_mode: Option<String>,
}

/// The literal of `sslMode` on Azure-hosted platforms for a libpq `sslmode`, `None` for a word that libpq does not know.
///
/// Source: the platform's PostgreSQL connector page; `Require` is missing on its API page but listed on the overview.
pub fn azure_ssl_mode(sslmode: &str) -> Option<&'static str> {
    match sslmode {
        "disable" => Some("Disable"),
        "allow" => Some("Allow"),
        "prefer" => Some("Prefer"),
        "require" => Some("Require"),
        "verify-ca" => Some("Verify Ca"),
        "verify-full" => Some("Verify Full"),
        _ => None,
    }
}

impl From<BasicAuth> for Auth {
    fn from(basic: BasicAuth) -> Self {
        let open = |name: &str, value: String| (name.to_owned(), Param::Open(value));
        let mut params = vec![
            open("server", basic.server),
            open("port", basic.port.to_string()),
            open("database", basic.database),
            open("username", basic.username),
            ("password".to_owned(), Param::Secret(basic.password)),
        ];
        params.extend(basic.ssl_mode.map(|mode| open("sslMode", mode)));
        Self { spec_name: BASIC.to_owned(), params }
    }
}

impl Auth {
    /// [`CONNECTION_STRING`] with that very string.
    pub fn connection_string(string: Secret) -> Self {
        let params = vec![(CONNECTION_STRING_PARAM.to_owned(), Param::Secret(string))];
        Self { spec_name: CONNECTION_STRING.to_owned(), params }
    }

    /// What may be shown: every setting, and [`MASK`] for every secret.
    pub fn masked(&self) -> MaskedAuth {
        let shown = |param: &Param| match param {
            Param::Open(value) => Value::from(value.as_str()),
            Param::Secret(_) => Value::from(MASK),
        };
        let params = self.params.iter().map(|(name, param)| (name.clone(), shown(param))).collect();
        MaskedAuth { spec_name: self.spec_name.clone(), params }
    }

    /// The parameters that are no secrets, in the order given.
    pub fn settings(&self) -> impl Iterator<Item = (&str, &str)> {
        self.params.iter().filter_map(|(name, param)| match param {
            Param::Open(value) => Some((name.as_str(), value.as_str())),
            Param::Secret(_) => None,
        })
    }

    /// The parameters that are secrets, in the order given.
    pub fn secrets(&self) -> impl Iterator<Item = (&str, &Secret)> {
        self.params.iter().filter_map(|(name, param)| match param {
            Param::Open(_) => None,
            Param::Secret(secret) => Some((name.as_str(), secret)),
        })
    }

    /// The value of one secret parameter.
    pub fn secret(&self, name: &str) -> Option<&Secret> {
        self.secrets().find(|(given, _)| *given == name).map(|(_, secret)| secret)
    }

    /// The body with its secrets, for a patch to be applied to.
    pub(crate) fn exposed(&self) -> Value {
        let text = |param: &Param| match param {
            Param::Open(value) => Value::from(value.as_str()),
            Param::Secret(secret) => Value::from(secret.expose()),
        };
        let params: Map<_, _> = self.params.iter().map(|(name, param)| (name.clone(), text(param))).collect();
        serde_json::json!({"specName": self.spec_name, "params": params})
    }

    /// The secrets as one JSON object, name to value: what is sealed.
    pub(crate) fn secrets_text(&self) -> Secret {
        let secrets: Map<_, _> =
            self.secrets().map(|(name, secret)| (name.to_owned(), secret.expose().into())).collect();
        Secret::new(Value::Object(secrets).to_string())
    }

    /// The opposite of [`Auth::masked`] and [`Auth::secrets_text`]; `None` when the two do not belong together.
    pub(crate) fn unmasked(masked: MaskedAuth, secrets_text: &Secret) -> Option<Self> {
        let mut secrets: Map<String, Value> = serde_json::from_str(secrets_text.expose()).ok()?;
        let mut restore = |(name, shown): (String, Value)| {
            let value = if OPEN_PARAMS.contains(&name.as_str()) { shown } else { secrets.remove(&name)? };
            let Value::String(text) = value else { return None };
            Some(named(name, text))
        };
        let params = masked.params.into_iter().map(&mut restore).collect::<Option<_>>()?;
        secrets.is_empty().then_some(Self { spec_name: masked.spec_name, params })
    }
}

/// A parameter by what its name says it is.
fn named(name: String, text: String) -> (String, Param) {
    let param = if OPEN_PARAMS.contains(&name.as_str()) { Param::Open(text) } else { Param::Secret(Secret::new(text)) };
    (name, param)
}

impl TryFrom<Value> for Auth {
    type Error = RequestError;

    /// Taken apart by hand, because serde's own errors quote the value that they did not expect.
    fn try_from(body: Value) -> Result<Self, RequestError> {
        let Value::Object(mut body) = body else {
            return Err(RequestError::NotAnObject { field: "auth" });
        };
        let Some(Value::String(spec_name)) = body.remove("specName") else {
            return Err(RequestError::NotText { field: "auth.specName".to_owned() });
        };
        let params = match body.remove("params") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(params)) => params,
            Some(_) => return Err(RequestError::NotAnObject { field: "auth.params" }),
        };
        let params = params.into_iter().enumerate().filter_map(param).collect::<Result<_, _>>()?;
        Ok(Self { spec_name, params })
    }
}

/// Numbers and booleans are taken as the strings that the platform documents (`"port": 5432`); null is not given.
fn param((position, (name, value)): (usize, (String, Value))) -> Option<Result<(String, Param), RequestError>> {
    let a_name = (1..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if !a_name {
        return Some(Err(RequestError::ParamName { position: position + 1 }));
    }
    let text = match value {
        Value::Null => return None,
        Value::String(text) => text,
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Array(_) | Value::Object(_) => {
            return Some(Err(RequestError::NotText { field: format!("auth.params.{name}") }));
        }
    };
    Some(Ok(named(name, text)))
}

/// [`Auth`] without its secrets. It cannot hold one: also what a platform answers is masked on being read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Value", rename_all = "camelCase")]
pub struct MaskedAuth {
    spec_name: String,
    params: Map<String, Value>,
}

impl MaskedAuth {
    /// `auth.specName`.
    pub fn spec_name(&self) -> &str {
        &self.spec_name
    }

    /// `auth.params`, every secret being [`MASK`].
    pub fn params(&self) -> &Map<String, Value> {
        &self.params
    }

    /// One setting as text; `None` also for a secret.
    pub fn setting(&self, name: &str) -> Option<&str> {
        if !OPEN_PARAMS.contains(&name) {
            return None;
        }
        self.params.get(name).and_then(Value::as_str)
    }
}

impl TryFrom<Value> for MaskedAuth {
    type Error = RequestError;

    fn try_from(body: Value) -> Result<Self, RequestError> {
        Auth::try_from(body).map(|auth| auth.masked())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test says by panicking what did not hold")]
mod tests {
    use serde_json::json;

    use super::*;

    fn parsed(body: Value) -> Result<Auth, String> {
        serde_json::from_value(body).map_err(|error| error.to_string())
    }

    #[test]
    fn basic_authentication_is_written_as_the_platform_documents_it() {
        let basic = BasicAuth {
            server: "db.example.com".to_owned(),
            port: 5432,
            database: "orders".to_owned(),
            username: "ingest".to_owned(),
            password: Secret::new("hunter2".to_owned()),
            ssl_mode: azure_ssl_mode("verify-full").map(str::to_owned),
        };
        let shown = serde_json::to_value(Auth::from(basic).masked()).unwrap();
        let documented = json!({"specName": "Basic Authentication", "params": {
            "server": "db.example.com", "port": "5432", "database": "orders", "username": "ingest",
            "password": "xxxx", "sslMode": "Verify Full"}});
        assert_eq!(shown, documented);
    }

    #[test]
    fn a_connection_string_is_one_secret() {
        let auth = Auth::connection_string(Secret::new("Server=db;UID=ingest;Password=hunter2".to_owned()));
        let shown = serde_json::to_value(auth.masked()).unwrap();
        let params = json!({"connectionString": "xxxx"});
        assert_eq!(shown, json!({"specName": "Connection String Based Authentication", "params": params}));
    }

    #[test]
    fn a_parameter_that_is_not_documented_as_a_setting_is_a_secret() {
        let auth = parsed(json!({"specName": BASIC, "params": {"server": "db", "pasword": "hunter2"}})).unwrap();
        assert_eq!(auth.masked().params(), json!({"server": "db", "pasword": "xxxx"}).as_object().unwrap());
        assert!(!format!("{auth:?}").contains("hunter2"));
    }

    #[test]
    fn numbers_and_booleans_become_the_documented_strings_and_null_is_absent() {
        let params = json!({"port": 5432, "sslMode": false, "schema": null, "password": 12345});
        let auth = parsed(json!({"specName": BASIC, "params": params})).unwrap();
        assert_eq!(auth.settings().collect::<Vec<_>>(), [("port", "5432"), ("sslMode", "false")]);
        assert_eq!(auth.secret("password").unwrap().expose(), "12345");
    }

    #[test]
    fn a_malformed_body_is_refused_by_field_and_never_quoted() {
        let cases = [
            (json!("postgresql://u:hunter2@db"), "auth is not an object"),
            (json!({"params": {"password": "hunter2"}}), "auth.specName is not a text"),
            (json!({"specName": BASIC, "params": "Password=hunter2"}), "auth.params is not an object"),
            (json!({"specName": BASIC, "params": {"password": ["hunter2"]}}), "auth.params.password is not a text"),
            (
                json!({"specName": BASIC, "params": {"server": "db", "Password=hunter2": ""}}),
                "parameter 2 of auth.params has no name that a parameter can have",
            ),
        ];
        for (body, error) in cases {
            assert_eq!(parsed(body).unwrap_err(), error);
        }
    }

    #[test]
    fn what_a_platform_shows_of_a_secret_is_masked_on_being_read() {
        let answer = json!({"specName": BASIC, "params": {"server": "db", "password": "hunt***"}});
        let masked: MaskedAuth = serde_json::from_value(answer).unwrap();
        assert_eq!(
            serde_json::to_value(&masked).unwrap(),
            json!({"specName": BASIC, "params": {"server": "db", "password": "xxxx"}})
        );
        assert_eq!((masked.setting("server"), masked.setting("password")), (Some("db"), None));
    }

    #[test]
    fn masked_settings_and_secrets_make_the_whole_again_or_nothing() {
        let auth = parsed(json!({"specName": BASIC, "params": {"server": "db", "password": "hunter2"}})).unwrap();
        let whole = Auth::unmasked(auth.masked(), &auth.secrets_text()).unwrap();
        assert_eq!(whole.secret("password").unwrap().expose(), "hunter2");
        assert_eq!(whole.settings().collect::<Vec<_>>(), [("server", "db")]);
        assert!(Auth::unmasked(auth.masked(), &Secret::new("{}".to_owned())).is_none());
    }
}
