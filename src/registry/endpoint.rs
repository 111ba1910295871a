//! The database that a connection stands for. No variable, file, socket or user of this machine says anything for a caller.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;

use crate::registry::api::ConnectionSpec;
use crate::registry::auth::Auth;
use crate::settings::{self, InputFailure, Payload, Sources};
use crate::target::{Endpoint, Target};

/// How long one check may take.
pub const TIMEOUT: Duration = Duration::from_secs(15);

/// How long each address may take: less than the check, so that it is what is told of.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// What reports call the place where the settings stand.
const PLACE: &str = "the request body";

/// What to dial.
pub fn target(auth: &Auth, spec: &ConnectionSpec) -> Result<Target, InputFailure> {
    let body = json!({"auth": auth.exposed(), "connectionSpec": spec}).to_string().into_bytes();
    let sources = Sources {
        payload: Some(Payload { path: PathBuf::from(PLACE), body }),
        timeout: Some(TIMEOUT),
        connect_timeout: Some(CONNECT_TIMEOUT),
        environment: None,
        ..Sources::default()
    };
    let target = settings::read(&sources)?;
    let refused = |what| InputFailure::Payload { path: PathBuf::from(PLACE), field: "auth.params", what };
    // libpq's defaults would be a socket and the user of this machine.
    if target.candidates().iter().any(|candidate| matches!(candidate.endpoint, Endpoint::Unix { .. })) {
        return Err(refused("has to name the host of a server"));
    }
    if target.sources.get("user").is_none_or(|source| source != "target") {
        return Err(refused("has to name a user"));
    }
    Ok(target)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test says by panicking what did not hold")]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::registry::auth::{BASIC, CONNECTION_STRING};
    use crate::target::{Engine, Secret};

    fn basic(params: &Value) -> Result<Target, InputFailure> {
        let auth = serde_json::from_value(json!({"specName": BASIC, "params": params})).unwrap();
        target(&auth, &ConnectionSpec::postgresql())
    }

    fn by_string(string: &str) -> Result<Target, InputFailure> {
        let params = json!({"connectionString": string});
        let auth = serde_json::from_value(json!({"specName": CONNECTION_STRING, "params": params})).unwrap();
        target(&auth, &ConnectionSpec::postgresql())
    }

    fn summary(target: &Target) -> String {
        let Target { endpoint, database, user, password, tls, .. } = target;
        let password = password.as_ref().map(Secret::expose).unwrap_or_default();
        format!("{}:{} {database} {user} {password} {} {:?}", endpoint.host(), endpoint.port(), tls.mode, tls.roots)
    }

    #[test]
    fn parameters_of_basic_authentication_become_a_target() {
        let params = json!({"server": "db.test", "port": "5433", "database": "d", "username": "u", "password": "p"});
        let with_mode = |mode: &str| {
            let mut params = params.clone();
            params.as_object_mut().unwrap().insert("sslMode".to_owned(), mode.into());
            summary(&basic(&params).unwrap())
        };
        assert_eq!(summary(&basic(&params).unwrap()), "db.test:5433 d u p prefer None");
        assert_eq!(with_mode("Verify Full"), "db.test:5433 d u p verify-full System");
        assert_eq!(with_mode("verify_ca"), "db.test:5433 d u p verify-ca System");
        assert_eq!(with_mode("true"), "db.test:5433 d u p require None");
    }

    #[test]
    fn the_string_of_the_tutorial_becomes_a_target() {
        let string = |rest: &str| {
            let string = format!("Server=db.test;Database=d;Port=5433;UID=u;Password={{p;}}}}'w}};{rest}");
            summary(&by_string(&string).unwrap())
        };
        assert_eq!(string(""), "db.test:5433 d u p;}'w disable None");
        assert_eq!(string("EncryptionMethod=6"), "db.test:5433 d u p;}'w prefer None");
        assert_eq!(string("EncryptionMethod=1;ValidateServerCertificate=0"), "db.test:5433 d u p;}'w require None");
        assert_eq!(string("EncryptionMethod=1;ValidateServerCertificate=1"), "db.test:5433 d u p;}'w verify-ca System");
        let full = "EncryptionMethod=1;ValidateServerCertificate=1;HostNameInCertificate=db.test";
        assert_eq!(string(full), "db.test:5433 d u p;}'w verify-full System");
    }

    #[test]
    fn redshift_has_a_port_of_its_own() {
        let params = json!({"server": "db.test", "database": "d", "username": "u", "password": "p"});
        let auth = serde_json::from_value(json!({"specName": BASIC, "params": params})).unwrap();
        let target = target(&auth, &ConnectionSpec::redshift()).unwrap();
        assert_eq!((target.engine, target.endpoint.port()), (Engine::Redshift, 5439));
    }

    #[test]
    fn nothing_of_this_machine_is_named_by_a_caller() {
        let server = |server: &str| json!({"server": server, "database": "d", "username": "u", "password": "p"});
        for host in ["/tmp", "", "/var/run/postgresql", "@abstract"] {
            assert!(basic(&server(host)).is_err(), "{host}");
        }
        assert!(basic(&json!({"server": "db.test", "database": "d", "password": "p"})).is_err(), "whose name is it?");
        for string in [
            "host=db.test user=u dbname=d sslrootcert=/etc/passwd",
            "postgresql://u@db.test/d?sslrootcert=/etc/passwd",
            "service=x",
            "Server=/tmp;Database=d;UID=u",
            "Database=d;UID=u",
        ] {
            assert!(by_string(string).is_err(), "{string}");
        }
        let ignored = by_string("Server=db.test;Database=d;UID=u;sslrootcert=/etc/passwd;passfile=/x").unwrap();
        assert_eq!(summary(&ignored), "db.test:5432 d u  disable None");
    }
}
