//! `connections update`: what is given is changed, if nobody has changed it in between.

use serde_json::json;

use super::{End, named};
use crate::cli::{CheckArgs, EngineName, Format, UpdateArgs};
use crate::commands::check;
use crate::commands::misuse::Misuse;
use crate::commands::output::Output;
use crate::registry::api::{Connection, ConnectionRequest, REDSHIFT_SPEC};
use crate::registry::payload::{self, Wishes};
use crate::registry::service::{PatchOperation, Service};
use crate::render::connections as render;
use crate::report::Report;
use crate::settings::{self, Given};

/// Shows what it has become.
pub(super) async fn run(mut args: UpdateArgs, service: &Service, output: &mut Output) -> Result<u8, End> {
    let format = args.check.format;
    let logs_in_otherwise = says_how_to_log_in(&args.check);
    if args.check.aside.dry_run {
        return Err(Misuse("--dry-run is of register --update, which also checks the endpoint".to_owned()).into());
    }
    if !logs_in_otherwise && args.name.is_none() && args.description.is_none() {
        return Err(Misuse("nothing is to be changed: give --name, --description or TARGET".to_owned()).into());
    }
    let connection = named(&args.connection, service).await?;
    let etag = args.etag.take().unwrap_or_else(|| connection.etag.clone());
    let mut operations = Vec::new();
    operations.extend(args.name.take().map(PatchOperation::Name));
    let description = args.description.take().map(|text| Some(text).filter(|text| !text.is_empty()));
    operations.extend(description.map(PatchOperation::Description));
    if logs_in_otherwise {
        let request = match request(args, &connection).await? {
            Ok(request) => request,
            Err(report) => return Ok(check::finish(&report, format, output)?),
        };
        if request.connection_spec.id != connection.connection_spec.id {
            return Err(Misuse("the connection is of another source, which cannot be changed".to_owned()).into());
        }
        let form = &request.auth.spec_name;
        operations.extend((form != connection.auth.spec_name()).then(|| PatchOperation::SpecName(form.clone())));
        operations.push(PatchOperation::Params(request.auth));
    }
    let updated = service.patch(connection.id, &etag, &operations).await?;
    match format {
        Format::Human => {
            let connection = service.show(connection.id).await?;
            output.write(|out| render::one(&connection, out))?;
        }
        Format::Json => {
            output.write(|out| writeln!(out, "{}", json!({"schema": 1, "id": updated.id, "etag": updated.etag})))?;
        }
    }
    Ok(0)
}

/// The environment alone says nothing: a new name is no reason to send a password again.
fn says_how_to_log_in(args: &CheckArgs) -> bool {
    !args.target.is_empty()
        || !args.keywords.0.is_empty()
        || args.password_stdin
        || args.password_command.is_some()
        || args.redshift.iam
}

/// What would register TARGET, or the report of why it cannot be registered.
async fn request(mut args: UpdateArgs, of: &Connection) -> Result<Result<ConnectionRequest, Report>, End> {
    let is_redshift = of.connection_spec.id == REDSHIFT_SPEC;
    args.check.engine = args.check.engine.or(is_redshift.then_some(EngineName::Redshift));
    let wishes =
        Wishes { name: of.name.clone(), description: None, form: args.auth.map(Into::into), cloud: args.cloud.into() };
    let sources = check::sources(args.check).await??;
    let given = Given::of(&sources);
    let target = match settings::read(&sources) {
        Ok(target) => target,
        Err(failure) => return Ok(Err(Report::refused(&failure, false))),
    };
    let request = payload::request(&given, &target, &wishes);
    Ok(request.map_err(|failure| Report::not_registrable(&target, &failure, false)))
}
