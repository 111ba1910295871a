//! The body of the Flow Service's `POST /connections`, as the platform's tutorials have it: either auth spec of its
//! PostgreSQL source, and the one of its Amazon Redshift source.

mod json;

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::failure::InputFailure;
use super::form::Reading;
use super::uri::Pairs;
use crate::target::{Engine, Oddity, Secret};

/// A body is shorter than this, in bytes.
pub const LONGEST: u64 = 1 << 20;

/// The platform's connection specs of the two sources.
const SPECS: [(&str, Engine); 2] = [
    ("74a1c565-4e59-48d7-9d67-7c03b8a13137", Engine::Postgresql),
    ("3416976c-a9ca-4bba-901a-1f08f66978ff", Engine::Redshift),
];

const BY_STRING: &str = "Connection String Based Authentication";
const BASIC: &str = "Basic Authentication";

/// A file that TARGET names.
#[derive(Clone, Debug)]
pub struct Payload {
    /// Where it is.
    pub path: PathBuf,
    /// What is in it.
    pub body: Vec<u8>,
}

impl Payload {
    /// The body as JSON, secrets included.
    pub fn json(&self) -> Result<Value, InputFailure> {
        json::parse(&self.path, &self.body)
    }

    /// What is wrong with one of its fields.
    pub fn wrong(&self, field: &'static str, what: &'static str) -> InputFailure {
        wrong(&self.path, field, what)
    }
}

/// What a body describes a connection by.
#[derive(Debug)]
pub enum Described {
    /// The platform's connection string.
    String(Secret),
    /// Its parameters one by one.
    Basic(Reading),
}

/// Reads a body.
pub fn read(payload: &Payload) -> Result<Described, InputFailure> {
    let path = payload.path.as_path();
    let body = json::parse(path, &payload.body)?;
    let body = Object { path, map: body.as_object().ok_or_else(|| wrong(path, "/", "has to be an object"))? };
    let spec = body.object("connectionSpec")?;
    let id = spec.text("connectionSpec.id", "id")?.ok_or_else(|| wrong(path, "connectionSpec.id", "is missing"))?;
    let engine = SPECS.iter().find(|(known, _)| known.eq_ignore_ascii_case(&id)).map(|(_, engine)| *engine);
    let engine = engine.ok_or_else(|| {
        wrong(path, "connectionSpec.id", "is neither the PostgreSQL nor the Amazon Redshift source of the platform")
    })?;
    let auth = body.object("auth")?;
    let name = auth.text("auth.specName", "specName")?.unwrap_or_default();
    let params = Object { path, map: auth.object("params")?.map };
    match (name.as_str(), engine) {
        (BASIC, _) => params.basic(engine).map(Described::Basic),
        (BY_STRING, Engine::Postgresql) => {
            let string = params.text("auth.params.connectionString", "connectionString")?;
            string
                .map(|string| Described::String(Secret::new(string)))
                .ok_or_else(|| wrong(path, "auth.params.connectionString", "is missing"))
        }
        (_, Engine::Redshift) => Err(wrong(path, "auth.specName", "has to be `Basic Authentication`")),
        (_, Engine::Postgresql) => Err(wrong(
            path,
            "auth.specName",
            "has to be `Connection String Based Authentication` or `Basic Authentication`, to the letter",
        )),
    }
}

fn wrong(path: &Path, field: &'static str, what: &'static str) -> InputFailure {
    InputFailure::Payload { path: path.to_owned(), field, what }
}

/// An object of the body.
#[derive(Clone, Copy)]
struct Object<'a> {
    path: &'a Path,
    map: &'a Map<String, Value>,
}

impl Object<'_> {
    fn object(self, name: &'static str) -> Result<Self, InputFailure> {
        let field = if name == "params" { "auth.params" } else { name };
        let value = self.map.get(name).ok_or_else(|| wrong(self.path, field, "is missing"))?;
        let map = value.as_object().ok_or_else(|| wrong(self.path, field, "has to be an object"))?;
        Ok(Self { path: self.path, map })
    }

    /// A text, or a number or truth value in its place; an empty one is as good as none.
    fn text(self, field: &'static str, name: &str) -> Result<Option<String>, InputFailure> {
        let text = match self.map.get(name) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            Some(Value::Bool(truth)) => truth.to_string(),
            Some(Value::Array(_) | Value::Object(_)) => return Err(wrong(self.path, field, "has to be a text")),
        };
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    fn basic(self, engine: Engine) -> Result<Reading, InputFailure> {
        const PARAMS: [(&str, &str, &str); 5] = [
            ("auth.params.server", "server", "host"),
            ("auth.params.port", "port", "port"),
            ("auth.params.database", "database", "dbname"),
            ("auth.params.username", "username", "user"),
            ("auth.params.password", "password", "password"),
        ];
        let mut reading = Reading::default();
        reading.manner.engine = Some(engine);
        for (field, name, keyword) in PARAMS {
            match self.text(field, name)? {
                Some(text) => reading.pairs.push((keyword, text)),
                // The port has a default, and the password may come from elsewhere.
                None if matches!(name, "port" | "password") => {}
                None => return Err(wrong(self.path, field, "is missing")),
            }
        }
        self.ssl_mode(engine, &mut reading)?;
        for name in self.map.keys().filter(|name| !PARAMS.iter().any(|(_, known, _)| known == name)) {
            let known = *name == "schema" || (*name == "sslMode" && engine == Engine::Postgresql);
            if !known {
                reading.manner.odd(unknown(name));
            }
        }
        Ok(reading)
    }

    /// `sslMode` in the spellings of either cloud; only PostgreSQL's source has it.
    fn ssl_mode(self, engine: Engine, reading: &mut Reading) -> Result<(), InputFailure> {
        const FIELD: &str = "auth.params.sslMode";
        let Some(text) = self.text(FIELD, "sslMode")?.filter(|_| engine == Engine::Postgresql) else {
            return Ok(());
        };
        let bare: String = text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
        let mode = match bare.as_str() {
            "disable" => "disable",
            "allow" => "allow",
            // On AWS: whether TLS is demanded.
            "prefer" | "false" => "prefer",
            "require" | "true" => "require",
            "verifyca" => "verify-ca",
            "verifyfull" => "verify-full",
            _ => {
                let what = "has to be Disable, Allow, Prefer, Require, Verify Ca or Verify Full, on AWS true or false";
                return Err(wrong(self.path, FIELD, what));
            }
        };
        let pairs: &mut Pairs = &mut reading.pairs;
        pairs.push(("sslmode", mode.to_owned()));
        reading.manner.own_roots = true;
        Ok(())
    }
}

/// A parameter that neither auth spec has. Only a plain word is told.
fn unknown(name: &str) -> Oddity {
    let plain = name.len() <= 40 && name.chars().all(|c| c.is_ascii_alphabetic());
    if plain { Oddity::KeyIgnored(name.to_owned(), None) } else { Oddity::DriverSetting }
}

#[cfg(test)]
#[expect(clippy::panic, reason = "a test says by panicking what did not hold")]
mod tests {
    use super::*;

    const POSTGRESQL: &str = "74a1c565-4e59-48d7-9d67-7c03b8a13137";
    const REDSHIFT: &str = "3416976c-a9ca-4bba-901a-1f08f66978ff";

    fn read(body: &str) -> Result<Described, InputFailure> {
        super::read(&Payload { path: PathBuf::from("body.json"), body: body.as_bytes().to_vec() })
    }

    fn body(spec: &str, auth: &str, params: &str) -> String {
        format!(
            r#"{{"name": "n", "auth": {{"specName": "{auth}", "params": {params}}},
               "connectionSpec": {{"id": "{spec}", "version": "1.0"}}}}"#
        )
    }

    #[test]
    fn basic_authentication_is_read_in_the_spellings_of_both_clouds() {
        let spellings = [
            ("\"Disable\"", "disable"),
            ("\"Prefer\"", "prefer"),
            ("\"Verify Ca\"", "verify-ca"),
            ("\"Verify-Full\"", "verify-full"),
            ("\"true\"", "require"),
            ("false", "prefer"),
        ];
        for (spelling, mode) in spellings {
            let params = format!(
                r#"{{"server": "db", "port": "5432", "database": "o", "username": "a", "password": "p", "sslMode": {spelling}}}"#
            );
            let Ok(Described::Basic(reading)) = read(&body(POSTGRESQL, BASIC, &params)) else {
                panic!("{spelling}");
            };
            let expected = [("host", "db"), ("port", "5432"), ("dbname", "o"), ("user", "a"), ("password", "p")];
            let expected = expected.into_iter().chain([("sslmode", mode)]).map(|(key, value)| (key, value.to_owned()));
            assert_eq!(reading.pairs, expected.collect::<Vec<_>>());
            assert_eq!((reading.manner.engine, reading.manner.oddities), (Some(Engine::Postgresql), vec![]));
        }
    }

    #[test]
    fn redshift_has_no_word_on_tls() {
        let params = r#"{"server": "c", "port": 5439, "database": "dev", "username": "a", "password": "p", "schema": "s",
                         "sslMode": "Require"}"#;
        let Ok(Described::Basic(reading)) = read(&body(REDSHIFT, BASIC, params)) else {
            panic!("not read");
        };
        assert_eq!(reading.pairs.len(), 5);
        assert_eq!(reading.manner.oddities, [Oddity::KeyIgnored("sslMode".to_owned(), None)]);
    }

    #[test]
    fn what_is_missing_is_named() {
        let full = r#"{"server": "db", "database": "o", "username": "a"}"#;
        let rows = [
            ("[]".to_owned(), "/"),
            ("{}".to_owned(), "connectionSpec"),
            (body("other", BASIC, full), "connectionSpec.id"),
            (body(POSTGRESQL, "basic authentication", full), "auth.specName"),
            (body(REDSHIFT, BY_STRING, full), "auth.specName"),
            (body(POSTGRESQL, BASIC, "[]"), "auth.params"),
            (body(POSTGRESQL, BASIC, r#"{"database": "o", "username": "a"}"#), "auth.params.server"),
            (body(POSTGRESQL, BASIC, r#"{"server": ["db"], "database": "o", "username": "a"}"#), "auth.params.server"),
            (body(POSTGRESQL, BY_STRING, full), "auth.params.connectionString"),
        ];
        for (body, expected) in rows {
            let failure = read(&body).err();
            assert!(matches!(&failure, Some(InputFailure::Payload { field, .. }) if *field == expected), "{failure:?}");
        }
    }
}
