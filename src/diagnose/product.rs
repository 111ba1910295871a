//! What kind of server it is, and whether it is the kind that was expected.

use super::code::Code;
use super::finding::{Finding, Side};
use crate::dialect::REDSHIFT_VERSION;
use crate::probe::trace::{Failure, LoginSeen, Method, SessionSeen, Trace};
use crate::target::{Engine, RedshiftHost, Target};
use crate::wire::message::ServerError;

const REDSHIFT: &str = "Redshift";

/// By a word in `version()` or in `server_version`. Greenplum, EnterpriseDB and YugabyteDB begin with `PostgreSQL` too.
const BY_VERSION: [(&str, &str); 9] = [
    ("Redshift", REDSHIFT),
    ("Greenplum", "Greenplum"),
    ("CockroachDB", "CockroachDB"),
    ("-YB-", "YugabyteDB"),
    ("Yugabyte", "YugabyteDB"),
    ("EnterpriseDB", "EnterpriseDB"),
    ("openGauss", "openGauss"),
    ("CrateDB", "CrateDB"),
    ("/bouncer", "PgBouncer"),
];

/// By a ParameterStatus that no other has.
const BY_PARAMETER: [(&str, &str); 4] = [
    ("padb_version", REDSHIFT),
    ("crdb_version", "CockroachDB"),
    ("crate_version", "CrateDB"),
    ("kwdb_version", "KWDB"),
];

/// The product, by its own name for itself; `PostgreSQL` where nothing says otherwise.
pub fn name<'a>(session: &'a SessionSeen, login: &LoginSeen) -> &'a str {
    let by_version = BY_VERSION
        .iter()
        .find(|(word, _)| session.version.contains(word) || session.server_version.contains(word))
        .map(|(_, name)| *name);
    by_version
        .or_else(|| by_parameter(login))
        .or_else(|| (session.server_version == REDSHIFT_VERSION).then_some(REDSHIFT))
        .or(session.product.as_deref())
        .or_else(|| session.version.split_whitespace().next())
        .unwrap_or("PostgreSQL")
}

/// The product, as far as the login tells it.
pub fn by_parameter(login: &LoginSeen) -> Option<&'static str> {
    BY_PARAMETER.iter().find(|(parameter, _)| login.parameter(parameter).is_some()).map(|(_, name)| *name)
}

/// Which of its editions a Redshift is, where its host name tells.
pub fn edition(target: &Target, trace: &Trace) -> Option<&'static str> {
    let place = RedshiftHost::of(target.endpoint.host()).filter(|_| engine(target, trace) == Engine::Redshift)?;
    Some(place.edition())
}

/// The engine that answers, as far as it has shown itself; else the one that was asked for.
pub fn engine(target: &Target, trace: &Trace) -> Engine {
    if let Some(session) = &trace.session {
        return if name(session, &trace.login) == REDSHIFT { Engine::Redshift } else { Engine::Postgresql };
    }
    let version = trace.login.parameter("server_version");
    if by_parameter(&trace.login) == Some(REDSHIFT) || version == Some(REDSHIFT_VERSION) || speaks_padb(trace) {
        return Engine::Redshift;
    }
    if version.is_some() { Engine::Postgresql } else { target.engine }
}

/// Before a login, Redshift is known by what only it asks for, and by its errors.
fn speaks_padb(trace: &Trace) -> bool {
    let asked = matches!(trace.login.method, Some(Method::RedshiftDigest | Method::RedshiftToken));
    let mut errors = [&trace.failure, &trace.fell_back_from].into_iter().flatten().filter_map(Failure::server_error);
    asked || errors.any(is_padb)
}

/// The source file that the error comes from is Redshift's: `padb` was the name of the product it was made from.
pub fn is_padb(error: &ServerError) -> bool {
    error.field('F').is_some_and(|file| file.to_ascii_lowercase().contains("padb"))
}

/// Another engine answers than the one that was asked for.
pub fn mismatch(target: &Target, trace: &Trace) -> Option<Finding> {
    let product = name(trace.session.as_ref()?, &trace.login);
    let is_redshift = product == REDSHIFT;
    let (asked, engine) = match target.engine {
        Engine::Redshift if !is_redshift => ("Amazon Redshift", "postgresql"),
        Engine::Postgresql if is_redshift => ("PostgreSQL", "redshift"),
        _ => return None,
    };
    let finding = Finding::new(Code::SessionEngineMismatch, format!("{asked} was expected, and {product} answers"))
        .because(format!("its version() is: {}", trace.session.as_ref()?.version))
        .because(
            "types, system tables and drivers of the two differ; a port or a host name may be that of another server",
        )
        .fix(Side::Client, "say what it is", [format!("--engine {engine}")])
        .advise(Side::Client, "or correct the host and the port (Redshift: 5439, PostgreSQL: 5432)")
        .evidence("engine", target.engine.as_str())
        .evidence("product", product);
    Some(finding)
}
