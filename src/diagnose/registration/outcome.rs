//! How a registration went → what is to be said of it.

use serde_json::Value;

use super::{DatabaseRefused, Differs, Taken, database_refused, name_taken, not_compared};
use crate::diagnose::code::Code;
use crate::diagnose::finding::{Finding, Side};
use crate::diagnose::register;
use crate::registry::api::Action;
use crate::registry::registration::{Failure, Registration, SeenByService};
use crate::registry::service::{Fault, Said, ServiceError};
use crate::registry::store::Difference;

/// What was asked for.
#[derive(Debug)]
pub struct Asked<'a> {
    /// `--name`
    pub name: &'a str,
    /// `--update`
    pub update: bool,
    /// The service runs on this machine.
    pub near: bool,
}

/// Everything that is to be said of it.
pub fn findings(registration: &Registration, asked: &Asked<'_>) -> Vec<Finding> {
    let failed = registration.failure.as_ref().and_then(|failure| explain(failure, registration, asked));
    let id = registration.done.as_ref().map(|done| done.id.to_string());
    let unseen = id.as_deref().filter(|_| registration.not_compared && failed.is_none()).map(not_compared);
    let refused = registration.seen_by_service.as_ref().filter(|_| failed.is_none()).and_then(refusal);
    let refused = refused.map(|refused| {
        let unchanged = registration.done.as_ref().is_some_and(|done| done.action == Action::Unchanged);
        database_refused(&DatabaseRefused { id, unchanged, near: asked.near, ..refused })
    });
    failed.into_iter().chain(refused).chain(unseen).collect()
}

fn explain(failure: &Failure, registration: &Registration, asked: &Asked<'_>) -> Option<Finding> {
    match failure {
        Failure::Taken { id, differences } => Some(name_taken(&Taken {
            name: asked.name.to_owned(),
            id: id.to_string(),
            differs: differences.iter().map(differs).collect(),
            namesakes: registration.namesakes.max(1),
            update: asked.update,
        })),
        Failure::Service(error) => service(error, registration, asked),
    }
}

/// None of a store of this machine that fails, which is trouble of our own.
fn service(error: &ServiceError, registration: &Registration, asked: &Asked<'_>) -> Option<Finding> {
    if let Some(refused) = database(error) {
        return Some(database_refused(&DatabaseRefused { near: asked.near, ..refused }));
    }
    let finding = register::explain(error)?;
    if registration.sent == 0 || finding.code != Code::RegisterUnavailable {
        return Some(finding);
    }
    let times = if registration.sent == 1 { "once" } else { "twice" };
    let finding = finding
        .because(format!("the request was sent {times}, and whether it was done after all could not be found out"))
        .advise(
            Side::Client,
            "run the same command again: it looks first, and what was made after all is not made twice",
        );
    Some(finding.evidence("sent", registration.sent))
}

/// The service's own test fails, or what it sees of the database.
fn refusal(seen: &SeenByService) -> Option<DatabaseRefused> {
    let cause = cause(seen.preflight.as_ref());
    match (&seen.test, &seen.tables) {
        (Ok(false), _) => Some(DatabaseRefused { cause, ..DatabaseRefused::default() }),
        (Err(error), _) | (_, Some(Err(error))) => database(error),
        _ => None,
    }
}

fn database(error: &ServiceError) -> Option<DatabaseRefused> {
    let Fault::DatabaseRefused { said: Said { code, text }, preflight } = &*error.fault else {
        return None;
    };
    let said = code.as_ref().map_or_else(|| text.clone(), |code| format!("{code}: {text}"));
    Some(DatabaseRefused { said: Some(said), cause: cause(preflight.as_ref()), ..DatabaseRefused::default() })
}

/// The code that a preflight of a service of ours ended with.
fn cause(preflight: Option<&Value>) -> Option<String> {
    preflight?.get("cause")?.as_str().map(str::to_owned)
}

fn differs(difference: &Difference) -> Differs {
    let Difference { setting, stored, requested } = difference.clone();
    Differs { setting, stored, requested }
}
