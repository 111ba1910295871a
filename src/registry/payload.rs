//! From what was checked to the body of `POST /connections`, exactly as the platform documents it for each of its sources.
//!
//! A string or a body of the platform's own is sent as it is; so nothing else may have had a say in what was checked.

use serde_json::Value;

use crate::registry::api::{ConnectionRequest, ConnectionSpec, RequestError};
use crate::registry::auth::{Auth, BASIC, BasicAuth, CONNECTION_STRING, CONNECTION_STRING_PARAM, azure_ssl_mode};
use crate::settings::{Given, InputFailure, NotRegistrable, Payload, string};
use crate::target::{Engine, Secret, SslMode, Target};

/// What the endpoint does not say of the connection.
#[derive(Debug, Clone)]
pub struct Wishes {
    /// `--name`
    pub name: String,
    /// `--description`
    pub description: Option<String>,
    /// `--auth`; otherwise it follows from the form of TARGET.
    pub form: Option<AuthForm>,
    /// `--cloud`
    pub cloud: Cloud,
}

/// The two ways to say how to log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthForm {
    /// [`CONNECTION_STRING`]
    ConnectionString,
    /// [`BASIC`]
    Basic,
}

/// Where the platform itself runs; the two document `sslMode` differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cloud {
    /// Words, as in libpq.
    Azure,
    /// Whether TLS is demanded; there is no connection string.
    Aws,
}

/// Settings that decide where and how a connection is made, and that neither form of the platform has.
const WITHOUT_COUNTERPART: [&str; 13] = [
    "hostaddr",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "sslcrl",
    "sslcrldir",
    "sslnegotiation",
    "ssl_min_protocol_version",
    "ssl_max_protocol_version",
    "channel_binding",
    "require_auth",
    "options",
    "target_session_attrs",
];

/// The request that would register this endpoint.
pub fn request(given: &Given, target: &Target, wishes: &Wishes) -> Result<ConnectionRequest, InputFailure> {
    if target.endpoint.is_unix() {
        return Err(InputFailure::NotRegistrable(NotRegistrable::Socket));
    }
    if let Given::Body(payload) = given {
        let body = payload.json()?;
        let wanted = wishes.form.is_none_or(|form| Some(form) == form_of(&body));
        if wanted && may_be_sent_as_it_is(given, &body, target, wishes)? {
            return as_it_is(payload, body, target, wishes);
        }
    }
    let connection_spec = match target.engine {
        Engine::Postgresql => ConnectionSpec::postgresql(),
        Engine::Redshift => ConnectionSpec::redshift(),
    };
    let auth = match (form(given, target, wishes)?, given) {
        (AuthForm::ConnectionString, Given::String(text))
            if may_be_sent_as_it_is(given, &Value::Null, target, wishes)? =>
        {
            that_very_string(text, target)
        }
        (AuthForm::ConnectionString, _) => Auth::connection_string(string::of(target)),
        (AuthForm::Basic, _) => basic(target, wishes.cloud),
    };
    Ok(ConnectionRequest { name: wishes.name.clone(), description: wishes.description.clone(), auth, connection_spec })
}

/// The settings in force that the request says nothing of, by keyword.
pub fn left_out(target: &Target) -> Vec<&'static str> {
    let in_force = |keyword: &&&str| match (**keyword, target.parameters.get(**keyword)) {
        (_, None) => false,
        // What the platform does anyway, and what is libpq's own way to say it.
        ("sslrootcert", Some(roots)) => roots != "system",
        (_, Some(_)) => true,
    };
    let mut left_out: Vec<_> = WITHOUT_COUNTERPART.iter().filter(in_force).copied().collect();
    if !target.alternatives.is_empty() {
        left_out.insert(0, "host");
    }
    left_out
}

/// The request as it may be shown: every secret masked, also those within a connection string.
pub fn masked(request: &ConnectionRequest) -> Value {
    let mut body = request.masked();
    let text = request.auth.secret(CONNECTION_STRING_PARAM).and_then(|text| string::masked(text.expose()));
    if let (Some(shown), Some(text)) = (body.pointer_mut("/auth/params/connectionString"), text) {
        *shown = text.into();
    }
    body
}

fn form(given: &Given, target: &Target, wishes: &Wishes) -> Result<AuthForm, InputFailure> {
    let without = match (target.engine, wishes.cloud) {
        (Engine::Redshift, _) => Some("the Amazon Redshift source"),
        (Engine::Postgresql, Cloud::Aws) => Some("a platform that runs on AWS"),
        (Engine::Postgresql, Cloud::Azure) => None,
    };
    match (wishes.form, given, without) {
        (Some(AuthForm::ConnectionString), _, Some(of)) => {
            Err(InputFailure::NotRegistrable(NotRegistrable::NoConnectionString { of }))
        }
        (Some(form), ..) => Ok(form),
        (None, Given::String(_), None) => Ok(AuthForm::ConnectionString),
        (None, ..) => Ok(AuthForm::Basic),
    }
}

fn basic(target: &Target, cloud: Cloud) -> Auth {
    let mode = target.tls.mode;
    let ssl_mode = (target.engine == Engine::Postgresql).then(|| ssl_mode(mode, cloud).to_owned());
    Auth::from(BasicAuth {
        server: target.endpoint.host().to_owned(),
        port: target.endpoint.port(),
        database: target.database.clone(),
        username: target.user.clone(),
        password: target.password.clone().unwrap_or_else(|| Secret::new(String::new())),
        ssl_mode,
    })
}

/// The platform's word for a mode. On AWS there are two: whether TLS is demanded.
pub fn ssl_mode(mode: SslMode, cloud: Cloud) -> &'static str {
    match cloud {
        Cloud::Azure => azure_ssl_mode(mode.as_str()).unwrap_or("Prefer"),
        Cloud::Aws if mode >= SslMode::Require => "true",
        Cloud::Aws => "false",
    }
}

fn that_very_string(text: &Secret, target: &Target) -> Auth {
    Auth::connection_string(match &target.password {
        Some(password) if !string::has_password(text.expose()) => string::with_password(text.expose(), password),
        _ => text.clone(),
    })
}

/// The body under the name that is wished for, and with the password if it has none.
fn as_it_is(
    payload: &Payload,
    mut body: Value,
    target: &Target,
    wishes: &Wishes,
) -> Result<ConnectionRequest, InputFailure> {
    let has_password = has_password(&body);
    let string = param(&body, CONNECTION_STRING_PARAM).unwrap_or_default();
    let filled = |password: &Secret| match form_of(&body) {
        Some(AuthForm::ConnectionString) => {
            (CONNECTION_STRING_PARAM, string::with_password(&string, password).expose().to_owned())
        }
        _ => ("password", password.expose().to_owned()),
    };
    let added = target.password.as_ref().filter(|_| !has_password).map(filled);
    if let (Some((name, value)), Some(Value::Object(params))) = (added, body.pointer_mut("/auth/params")) {
        params.insert(name.to_owned(), value.into());
    }
    if let Some(body) = body.as_object_mut() {
        body.insert("name".to_owned(), wishes.name.as_str().into());
        let description = wishes.description.as_deref().map(Value::from);
        body.extend(description.map(|description| ("description".to_owned(), description)));
    }
    ConnectionRequest::try_from(body).map_err(|error| unreadable(payload, &error))
}

/// Whether what was checked is what stands in the string or the body, and nothing else; a password may come from
/// elsewhere if it has none. With `--auth` it is written anew where that is not so.
fn may_be_sent_as_it_is(given: &Given, body: &Value, target: &Target, wishes: &Wishes) -> Result<bool, InputFailure> {
    let (what, has_password, engine) = match given {
        Given::String(text) => ("the connection string", string::has_password(text.expose()), None),
        _ => ("the file that TARGET names", has_password(body), engine_of(body)),
    };
    let says = |keyword: &&str| match *keyword {
        "password" => has_password,
        // Redshift's form has no word for it.
        "sslmode" => target.engine == Engine::Postgresql,
        _ => true,
    };
    let keywords = ["host", "port", "dbname", "user", "sslmode", "password"];
    let elsewhere = keywords.into_iter().filter(says).filter_map(|keyword| {
        let source = target.sources.get(keyword)?;
        (source != "target" && source != "default").then(|| (keyword, source.clone()))
    });
    let mut by: Vec<_> = elsewhere.collect();
    if engine.is_some_and(|engine| engine != target.engine) {
        by.push(("engine", "--engine".to_owned()));
    }
    if by.is_empty() || wishes.form.is_some() {
        return Ok(by.is_empty());
    }
    Err(InputFailure::NotRegistrable(NotRegistrable::Contradicted { given: what, by }))
}

fn has_password(body: &Value) -> bool {
    match form_of(body) {
        Some(AuthForm::ConnectionString) => {
            param(body, CONNECTION_STRING_PARAM).is_some_and(|text| string::has_password(&text))
        }
        _ => param(body, "password").is_some(),
    }
}

/// A parameter of a body that is not empty, as text.
fn param(body: &Value, name: &str) -> Option<String> {
    match body.pointer("/auth/params")?.get(name)? {
        Value::Null => None,
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        other => Some(other.to_string()),
    }
}

fn form_of(body: &Value) -> Option<AuthForm> {
    match body.pointer("/auth/specName")?.as_str()? {
        CONNECTION_STRING => Some(AuthForm::ConnectionString),
        BASIC => Some(AuthForm::Basic),
        _ => None,
    }
}

fn engine_of(body: &Value) -> Option<Engine> {
    let id = body.pointer("/connectionSpec/id")?.as_str()?;
    let is = |spec: ConnectionSpec| spec.id.eq_ignore_ascii_case(id);
    if is(ConnectionSpec::postgresql()) {
        return Some(Engine::Postgresql);
    }
    is(ConnectionSpec::redshift()).then_some(Engine::Redshift)
}

/// The settings could be read from it; what is left to go wrong is beside them.
fn unreadable(payload: &Payload, error: &RequestError) -> InputFailure {
    match error {
        RequestError::NotText { field } if field == "description" => payload.wrong("description", "has to be a text"),
        RequestError::NotText { field } if field == "connectionSpec.version" => {
            payload.wrong("connectionSpec.version", "has to be a text")
        }
        RequestError::ParamName { .. } => payload.wrong("auth.params", "has a parameter with a name that is none"),
        _ => payload.wrong("auth.params", "has to hold texts"),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test says by panicking what did not hold")]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::registry::api::{POSTGRESQL_SPEC, REDSHIFT_SPEC};
    use crate::registry::auth::MASK;
    use crate::settings::{self, Sources};

    fn wishes(form: Option<AuthForm>, cloud: Cloud) -> Wishes {
        Wishes { name: "orders".to_owned(), description: None, form, cloud }
    }

    fn requested(sources: &Sources<'_>, wishes: &Wishes) -> Result<ConnectionRequest, InputFailure> {
        request(&Given::of(sources), &settings::read(sources)?, wishes)
    }

    fn by_string(text: &str) -> Sources<'static> {
        Sources { target: Some(Secret::new(text.to_owned())), ..Sources::default() }
    }

    fn by_file(body: &Value) -> Sources<'static> {
        let payload = Payload { path: "body.json".into(), body: body.to_string().into_bytes() };
        Sources { payload: Some(payload), ..Sources::default() }
    }

    #[test]
    fn each_source_has_the_parameters_that_are_documented() {
        let uri = "postgresql://ingest:hunter2@db.test/orders?sslmode=require";
        let redshift = "redshift://ingest:hunter2@c.test/dev";
        let basic = |more: Value| {
            let mut params = json!({"server": "db.test", "port": "5432", "database": "orders", "username": "ingest", "password": MASK});
            params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            json!({"specName": "Basic Authentication", "params": params})
        };
        let string = "Server=db.test;Database=orders;Port=5432;UID=ingest;Password=xxxx;EncryptionMethod=1;\
                      ValidateServerCertificate=0;";
        let rows = [
            (uri, None, Cloud::Azure, POSTGRESQL_SPEC, basic(json!({"sslMode": "Require"}))),
            (uri, None, Cloud::Aws, POSTGRESQL_SPEC, basic(json!({"sslMode": "true"}))),
            (
                redshift,
                None,
                Cloud::Azure,
                REDSHIFT_SPEC,
                json!({"specName": "Basic Authentication", "params": {
                    "server": "c.test", "port": "5439", "database": "dev", "username": "ingest", "password": MASK}}),
            ),
            (
                uri,
                Some(AuthForm::ConnectionString),
                Cloud::Azure,
                POSTGRESQL_SPEC,
                json!({"specName": "Connection String Based Authentication", "params": {"connectionString": string}}),
            ),
        ];
        for (target, form, cloud, spec, auth) in rows {
            let request = requested(&by_string(target), &wishes(form, cloud)).unwrap();
            let expected = json!({"name": "orders", "auth": auth, "connectionSpec": {"id": spec, "version": "1.0"}});
            assert_eq!(masked(&request), expected);
            assert!(!masked(&request).to_string().contains("hunter2"));
        }
    }

    #[test]
    fn the_platforms_own_string_is_sent_to_the_letter() {
        let text = "Server=db.test;Database=o;Port=5432;UID=u;Password=hunter2;EncryptionMethod=6;X=1";
        let sent = |form, cloud| {
            let request = requested(&by_string(text), &wishes(form, cloud)).unwrap();
            request.auth.secret(CONNECTION_STRING_PARAM).map(|text| text.expose().to_owned())
        };
        assert_eq!(sent(None, Cloud::Azure).as_deref(), Some(text));
        assert_eq!(sent(Some(AuthForm::Basic), Cloud::Azure), None);
        assert_eq!(sent(None, Cloud::Aws), None, "there is none on AWS");
    }

    #[test]
    fn a_file_is_sent_as_it_is_under_the_name() {
        let body = json!({"name": "theirs", "description": "kept", "auth": {"specName": BASIC, "params": {
            "server": "db.test", "port": "5433", "database": "o", "username": "u", "password": "hunter2",
            "sslMode": "Verify-Full", "more": "hunter3"}}, "connectionSpec": {"id": POSTGRESQL_SPEC, "version": "1.0"}});
        let request = requested(&by_file(&body), &wishes(None, Cloud::Aws)).unwrap();
        assert_eq!(Some(&request.auth.exposed()), body.get("auth"));
        assert_eq!((request.name.as_str(), request.description.as_deref()), ("orders", Some("kept")));
        let rebuilt = requested(&by_file(&body), &wishes(Some(AuthForm::ConnectionString), Cloud::Azure)).unwrap();
        assert_eq!(rebuilt.auth.spec_name, CONNECTION_STRING);
    }

    #[test]
    fn a_password_from_elsewhere_is_added_to_what_has_none() {
        let password = Some((Secret::new("hun;ter2".to_owned()), "--password-stdin"));
        let params = json!({"server": "db.test", "database": "o", "username": "u"});
        let spec = json!({"id": POSTGRESQL_SPEC, "version": "1.0"});
        let file = by_file(&json!({"auth": {"specName": BASIC, "params": params}, "connectionSpec": spec}));
        let basic = Sources { password: password.clone(), ..file };
        let request = requested(&basic, &wishes(None, Cloud::Azure)).unwrap();
        assert_eq!(request.auth.secret("password").unwrap().expose(), "hun;ter2");
        let string = Sources { password, ..by_string("Server=db.test;UID=u;Database=o") };
        let request = requested(&string, &wishes(None, Cloud::Azure)).unwrap();
        let sent = request.auth.secret(CONNECTION_STRING_PARAM).unwrap().expose();
        assert_eq!(sent, "Server=db.test;UID=u;Database=o;Password={hun;ter2};");
    }

    #[test]
    fn what_would_be_registered_is_what_is_checked_or_nothing() {
        let string = by_string("Server=db.test;UID=u;Password=p;Database=o");
        let flag = Sources { flags: vec![("sslmode", "require".to_owned())], ..string.clone() };
        let password = Sources { password: Some((Secret::new("q".to_owned()), "--password-stdin")), ..string };
        let socket = by_string("host=/run/postgresql user=u");
        let redshift = by_string("redshift://u@c.test/dev");
        let named = |sources: &Sources<'_>, form| match requested(sources, &wishes(form, Cloud::Azure)).unwrap_err() {
            InputFailure::NotRegistrable(NotRegistrable::Contradicted { by, .. }) => format!("{by:?}"),
            InputFailure::NotRegistrable(other) => format!("{other:?}"),
            _ => String::new(),
        };
        assert_eq!(named(&flag, None), r#"[("sslmode", "--sslmode")]"#);
        assert_eq!(named(&password, None), r#"[("password", "--password-stdin")]"#);
        assert_eq!(named(&socket, None), "Socket");
        let string = Some(AuthForm::ConnectionString);
        assert_eq!(named(&redshift, string), r#"NoConnectionString { of: "the Amazon Redshift source" }"#);
        let anew = requested(&flag, &wishes(string, Cloud::Azure)).unwrap();
        assert!(masked(&anew).to_string().contains("EncryptionMethod=1"), "made of what is checked");
    }

    #[test]
    fn what_has_no_counterpart_is_named() {
        let target = |text: &str| settings::read(&by_string(text)).unwrap();
        assert_eq!(left_out(&target("host=a,b user=u hostaddr=10.0.0.1,10.0.0.2")), ["host", "hostaddr"]);
        assert_eq!(left_out(&target("host=a channel_binding=require sslrootcert=system")), ["channel_binding"]);
        assert!(left_out(&target("host=a user=u application_name=x sslmode=require")).is_empty());
    }
}
