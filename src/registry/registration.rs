//! Registering exactly once: look whether it is there, make or change it, look again where nobody knows whether it was
//! made, and ask the platform whether it gets into the database itself.

use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep, timeout_at};
use uuid::Uuid;

use crate::registry::api::{Action, Connection, ConnectionRequest, Created, Object, Registered};
use crate::registry::auth::CONNECTION_STRING;
use crate::registry::service::{Absence, Fault, PatchOperation, Service, ServiceError};
use crate::registry::store::{Difference, StoreError, shown_differences};

/// When it is looked, after an answer that leaves open whether the connection was made.
const LOOKS: [Duration; 3] = [Duration::ZERO, Duration::from_secs(1), Duration::from_secs(2)];

/// And how often after that, where there was no answer: the service may still be at it, so that it is not sent again.
const THEN_EVERY: Duration = Duration::from_secs(2);

/// How much of the time that is left one attempt to create may use up: else nobody could look afterwards.
const SHARE: f64 = 0.67;

/// What is to be registered, and how.
#[derive(Debug)]
pub struct Wanted<'a> {
    /// The body of the request.
    pub request: &'a ConnectionRequest,
    /// One that differs is changed.
    pub update: bool,
    /// When everything has to be done.
    pub deadline: Instant,
    /// The report of the check that went before, as JSON text.
    pub report: String,
}

/// How it went.
#[derive(Debug, Default)]
pub struct Registration {
    /// The connection that stands for the endpoint now.
    pub done: Option<Registered>,
    /// Whether it is this endpoint could not be seen.
    pub not_compared: bool,
    /// How many had the name before.
    pub namesakes: usize,
    /// How often the request to create it was sent.
    pub sent: u32,
    /// What the service itself makes of the connection.
    pub seen_by_service: Option<SeenByService>,
    /// Why it did not come about.
    pub failure: Option<Failure>,
}

/// What the service itself makes of the connection.
#[derive(Debug)]
pub struct SeenByService {
    /// It gets in. An error where it did not say.
    pub test: Result<bool, ServiceError>,
    /// How many tables it sees, where it gets in.
    pub tables: Option<Result<usize, ServiceError>>,
    /// The report of its own check, where it is a service of ours.
    pub preflight: Option<Value>,
}

/// Why it did not come about.
#[derive(Debug)]
pub enum Failure {
    /// The name is that of another connection.
    Taken {
        /// The newest that has it.
        id: Uuid,
        /// At least one.
        differences: Vec<Difference>,
    },
    /// The service said no, or nothing.
    Service(ServiceError),
}

impl From<ServiceError> for Failure {
    fn from(error: ServiceError) -> Self {
        match *error.fault {
            Fault::Store(StoreError::NameTaken { id, differences, .. }) => Self::Taken { id, differences },
            _ => Self::Service(error),
        }
    }
}

/// Registers.
pub async fn register(service: &Service, wanted: &Wanted<'_>) -> Registration {
    let mut registration = Registration::default();
    match settle(service, wanted, &mut registration).await {
        Ok(done) => registration.done = Some(done),
        Err(failure) => registration.failure = Some(failure),
    }
    let Some(done) = registration.done.clone() else {
        return registration;
    };
    // The local store is used from this process: it would check what has just been checked, and keeps that report.
    if let Service::Local(local) = service {
        if done.action != Action::Unchanged {
            local.keep_report(done.id, &wanted.report).await;
        }
        return registration;
    }
    let mut seen = ask(service, done.id).await;
    // A password that has changed since cannot be seen, but that it does not let anybody in.
    if wanted.update && done.action == Action::Unchanged && matches!(seen.test, Ok(false)) {
        match change(service, wanted, done.id).await {
            Ok(done) => registration.done = Some(done),
            Err(failure) => registration.failure = Some(failure),
        }
        seen = ask(service, done.id).await;
    }
    registration.seen_by_service = Some(seen);
    registration
}

async fn settle(
    service: &Service,
    wanted: &Wanted<'_>,
    registration: &mut Registration,
) -> Result<Registered, Failure> {
    let Wanted { request, update, .. } = wanted;
    if let Service::Local(local) = service
        && let Some(settled) = local.register(request).await
    {
        return match settled.map_err(Failure::from) {
            Ok(Registered { id, action: Action::Unchanged, .. })
                if *update && !local.has_secrets_of(id, request).await? =>
            {
                change(service, wanted, id).await
            }
            Err(Failure::Taken { id, differences }) => {
                registration.namesakes = service.find(&request.name, &request.connection_spec.id).await?.len();
                if *update && registration.namesakes == 1 {
                    return change(service, wanted, id).await;
                }
                Err(Failure::Taken { id, differences })
            }
            other => other,
        };
    }
    let known = service.find(&request.name, &request.connection_spec.id).await?;
    registration.namesakes = known.len();
    match compared(&known, request) {
        Compared::None => create(service, wanted, &known, &mut registration.sent).await,
        Compared::Same(id, etag) => Ok(Registered { id, etag, action: Action::Unchanged }),
        Compared::Unseen(id, _) if *update && known.len() == 1 => change(service, wanted, id).await,
        Compared::Unseen(id, etag) => {
            registration.not_compared = true;
            Ok(Registered { id, etag, action: Action::Unchanged })
        }
        Compared::Other(id, _) if *update && known.len() == 1 => change(service, wanted, id).await,
        Compared::Other(id, differences) => Err(Failure::Taken { id, differences }),
    }
}

/// What there is under the name.
enum Compared {
    None,
    /// One with the same settings; secrets do not count.
    Same(Uuid, String),
    /// One by connection string, of which nothing is shown.
    Unseen(Uuid, String),
    /// The newest, and where it differs.
    Other(Uuid, Vec<Difference>),
}

fn compared(known: &[Connection], request: &ConnectionRequest) -> Compared {
    let mut other = Compared::None;
    for connection in known {
        let differences = shown_differences(connection, request);
        let Connection { id, etag, .. } = connection.clone();
        match (differences.is_empty(), &other) {
            (true, _) if request.auth.spec_name == CONNECTION_STRING => return Compared::Unseen(id, etag),
            (true, _) => return Compared::Same(id, etag),
            (false, Compared::None) => other = Compared::Other(id, differences),
            (false, _) => {}
        }
    }
    other
}

/// Makes one, and never two: where the answer leaves open whether it was made, it is looked for before the one retry.
async fn create(
    service: &Service,
    wanted: &Wanted<'_>,
    known: &[Connection],
    sent: &mut u32,
) -> Result<Registered, Failure> {
    *sent += 1;
    let mut failed = match attempt(service, wanted).await {
        Ok(Created { id, etag }) => return Ok(Registered { id, etag, action: Action::Created }),
        Err(error) => error,
    };
    for may_retry in [true, false] {
        if !is_open(&failed) {
            return Err(failed.into());
        }
        if let Some(found) = look_again(service, wanted, known, is_silence(&failed)).await {
            return found;
        }
        // Of a stranger's answer, more of the same is to be expected.
        if !may_retry || matches!(*failed.fault, Fault::NotTheService(_)) {
            return Err(failed.into());
        }
        *sent += 1;
        failed = match attempt(service, wanted).await {
            Ok(Created { id, etag }) => return Ok(Registered { id, etag, action: Action::Created }),
            Err(error) => error,
        };
    }
    Err(failed.into())
}

async fn attempt(service: &Service, wanted: &Wanted<'_>) -> Result<Created, ServiceError> {
    let left = wanted.deadline.saturating_duration_since(Instant::now());
    let until = Instant::now() + left.mul_f64(SHARE);
    let silent = || ServiceError::new(Fault::Unavailable(Absence::Silent));
    timeout_at(until, Box::pin(service.create(wanted.request))).await.unwrap_or_else(|_| Err(silent()))
}

/// Whether it may still be under way.
fn is_silence(error: &ServiceError) -> bool {
    matches!(*error.fault, Fault::Unavailable(Absence::Silent))
}

/// Whether it may have been made all the same.
fn is_open(error: &ServiceError) -> bool {
    matches!(*error.fault, Fault::Unavailable(_) | Fault::NotTheService(_))
}

/// The connection that is there now and was not before. None where there is surely none; the error where nobody can tell.
async fn look_again(
    service: &Service,
    wanted: &Wanted<'_>,
    known: &[Connection],
    to_the_end: bool,
) -> Option<Result<Registered, Failure>> {
    let request = wanted.request;
    let mut seen = None;
    let more = std::iter::repeat(THEN_EVERY).take_while(|_| to_the_end);
    for wait in LOOKS.into_iter().chain(more) {
        if Instant::now() + wait >= wanted.deadline {
            break;
        }
        sleep(wait).await;
        let found = service.find(&request.name, &request.connection_spec.id).await;
        let Ok(mut found) = found else {
            seen = found.err();
            continue;
        };
        seen = None;
        found.retain(|one| known.iter().all(|earlier| earlier.id != one.id));
        match compared(&found, request) {
            Compared::None => {}
            Compared::Same(id, etag) | Compared::Unseen(id, etag) => {
                return Some(Ok(Registered { id, etag, action: Action::Created }));
            }
            Compared::Other(id, differences) => return Some(Err(Failure::Taken { id, differences })),
        }
    }
    // The time is over, or the service does not answer: to send it again could make a second one.
    let over = to_the_end || Instant::now() >= wanted.deadline;
    let silent = over.then(|| ServiceError::new(Fault::Unavailable(Absence::Silent)));
    seen.or(silent).map(|error| Err(error.into()))
}

/// Gives it these settings, secrets included, if nobody has changed it since it was read.
async fn change(service: &Service, wanted: &Wanted<'_>, id: Uuid) -> Result<Registered, Failure> {
    let request = wanted.request;
    let before = service.show(id).await?;
    let mut operations = Vec::new();
    if before.auth.spec_name() != request.auth.spec_name {
        operations.push(PatchOperation::SpecName(request.auth.spec_name.clone()));
    }
    operations.push(PatchOperation::Params(request.auth.clone()));
    if request.description.is_some() && request.description != before.description {
        operations.push(PatchOperation::Description(request.description.clone()));
    }
    let Created { id, etag } = service.patch(id, &before.etag, &operations).await?;
    Ok(Registered { id, etag, action: Action::Updated })
}

/// The service's own word.
async fn ask(service: &Service, id: Uuid) -> SeenByService {
    let test = service.test(id).await;
    let tables = match test {
        Ok(true) => Some(service.explore(id, &Object::Root).await.map(|tables| tables.as_array().map_or(0, Vec::len))),
        _ => None,
    };
    // What the platform lacks, a service of ours has.
    let preflight = match test {
        Ok(false) => service.preflight(id).await.ok().flatten(),
        _ => None,
    };
    SeenByService { test, tables, preflight }
}
