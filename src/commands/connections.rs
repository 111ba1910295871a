//! `connections`: arguments → a call to the service → what it answered, or why it did not.

mod delete;
mod named;
mod update;

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use self::named::named;
use crate::cli::{ConnectionsArgs, ConnectionsTask, ExploreArgs, Format, ListArgs, OneArgs, PlatformArgs};
use crate::commands::misuse::Misuse;
use crate::commands::output::Output;
use crate::commands::platform::{self, Manner};
use crate::diagnose::register;
use crate::error::Trouble;
use crate::registry::api::Object;
use crate::registry::service::{ListQuery, Service, ServiceError};
use crate::render::connections as render;

/// With what a run ends that the service has failed.
const FAILED: u8 = 16;

/// How a run ends that is not done.
enum End {
    /// Badly typed.
    Misused(Misuse),
    /// The service failed.
    Refused(ServiceError),
    /// Our own trouble.
    Troubled(Trouble),
}

impl From<ServiceError> for End {
    fn from(error: ServiceError) -> Self {
        Self::Refused(error)
    }
}

impl From<Trouble> for End {
    fn from(trouble: Trouble) -> Self {
        Self::Troubled(trouble)
    }
}

impl From<Misuse> for End {
    fn from(misuse: Misuse) -> Self {
        Self::Misused(misuse)
    }
}

/// Runs the subcommand.
pub async fn run(args: ConnectionsArgs) -> Result<u8, Trouble> {
    let (platform, timeout, format) = call(&args.task);
    let mut output = Output::open(file(&args.task))?;
    let manner = Manner { deadline: Instant::now() + timeout, tries_first: true };
    let done = match platform::service(platform, manner).await? {
        Ok(service) => work(args.task, &service, &mut output).await,
        Err(misuse) => Err(misuse.into()),
    };
    match done {
        Ok(code) => Ok(code),
        Err(End::Misused(misuse)) => Ok(misuse.tell()),
        Err(End::Troubled(trouble)) => Err(trouble),
        Err(End::Refused(error)) => refused(&error, format, &mut output),
    }
}

/// Where to, how long, and in which form it is told.
fn call(task: &ConnectionsTask) -> (&PlatformArgs, Duration, Format) {
    let call = match task {
        ConnectionsTask::List(args) => &args.call,
        ConnectionsTask::Show(args) | ConnectionsTask::Test(args) => &args.call,
        ConnectionsTask::Explore(args) => &args.call,
        ConnectionsTask::Delete(args) => &args.call,
        ConnectionsTask::Update(args) => return (&args.platform, args.check.timeout, args.check.format),
    };
    (&call.platform, call.timeout, call.format)
}

/// The file that it is told to.
fn file(task: &ConnectionsTask) -> Option<&Path> {
    if let ConnectionsTask::Update(args) = task { args.check.output.as_deref() } else { None }
}

async fn work(task: ConnectionsTask, service: &Service, output: &mut Output) -> Result<u8, End> {
    match task {
        ConnectionsTask::List(args) => list(args, service, output).await,
        ConnectionsTask::Show(args) => show(&args, service, output).await,
        ConnectionsTask::Test(args) => test(&args, service, output).await,
        ConnectionsTask::Explore(args) => explore(args, service, output).await,
        ConnectionsTask::Update(args) => update::run(*args, service, output).await,
        ConnectionsTask::Delete(args) => delete::run(args, service, output).await,
    }
}

/// A failure of the service, told as `check` tells its findings.
fn refused(error: &ServiceError, format: Format, output: &mut Output) -> Result<u8, Trouble> {
    let Some(finding) = register::explain(error) else {
        return Err(Trouble::Registry(error.to_string()));
    };
    output.write(|out| match format {
        Format::Human => render::failure(&finding, out),
        Format::Json => writeln!(out, "{}", json!({"schema": 1, "exit_code": FAILED, "findings": [finding]})),
    })?;
    Ok(FAILED)
}

async fn list(args: ListArgs, service: &Service, output: &mut Output) -> Result<u8, End> {
    let limit = args.limit.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let mut wanted = args.name.as_deref().map_or_else(ListQuery::default, |name| ListQuery::named(name, None));
    wanted.properties.extend(args.property);
    // What the filter lets through is looked at once more, and only then counted.
    wanted.limit = limit.filter(|_| args.name.is_none());
    let mut found = service.list(&wanted).await?;
    if let Some(name) = &args.name {
        found.retain(|connection| connection.name == *name);
        found.truncate(limit.unwrap_or(usize::MAX));
    }
    output.write(|out| match args.call.format {
        Format::Human => render::list(&found, out),
        Format::Json => writeln!(out, "{}", json!({"schema": 1, "items": found})),
    })?;
    Ok(0)
}

async fn show(args: &OneArgs, service: &Service, output: &mut Output) -> Result<u8, End> {
    let connection = named(&args.connection, service).await?;
    output.write(|out| match args.call.format {
        Format::Human => render::one(&connection, out),
        Format::Json => writeln!(out, "{}", json!(connection)),
    })?;
    Ok(0)
}

/// Their word, and of a service of ours the reasons as well.
async fn test(args: &OneArgs, service: &Service, output: &mut Output) -> Result<u8, End> {
    let connection = named(&args.connection, service).await?;
    let result = service.test(connection.id).await?;
    // The result stands, whether there are reasons to be had or not.
    let preflight = service.preflight(connection.id).await.unwrap_or_default();
    output.write(|out| match args.call.format {
        Format::Human => render::tested(&connection, result, preflight.as_ref(), out),
        Format::Json => {
            let id = connection.id;
            writeln!(out, "{}", json!({"schema": 1, "id": id, "result": result, "preflight": preflight}))
        }
    })?;
    Ok(if result { 0 } else { FAILED })
}

async fn explore(args: ExploreArgs, service: &Service, output: &mut Output) -> Result<u8, End> {
    let connection = named(&args.connection, service).await?;
    let object = match args.table {
        Some(path) => Object::Table { path, preview: args.preview },
        None => Object::Root,
    };
    let found: Value = service.explore(connection.id, &object).await?;
    output.write(|out| match (args.call.format, &object) {
        (Format::Json, _) => writeln!(out, "{found}"),
        (Format::Human, Object::Root) => render::tables(&found, out),
        (Format::Human, Object::Table { .. }) => render::columns(&found, out),
    })?;
    Ok(0)
}
