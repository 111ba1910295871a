//! `register`: a check, and if the endpoint is ready the base connection, made exactly once.

use serde_json::Map;
use tokio::time::Instant;

use crate::Wanted;
use crate::cli::{AuthName, CloudName, RegisterArgs};
use crate::commands::check;
use crate::commands::output::Output;
use crate::commands::platform::{self, Manner};
use crate::diagnose::finding::Finding;
use crate::diagnose::registration::{self as remarks, Asked, Form};
use crate::error::Trouble;
use crate::registry::api::{ConnectionRequest, REDSHIFT_SPEC};
use crate::registry::auth::CONNECTION_STRING;
use crate::registry::payload::{self, AuthForm, Cloud, Wishes};
use crate::registry::registration::{self, Failure, Registration};
use crate::registry::service::{Fault, Service};
use crate::report::registration::{Outcome, facts, would_be};
use crate::report::{Report, Verdict};
use crate::settings::{self, Given, InputFailure};
use crate::target::Target;

/// Runs the subcommand.
pub async fn run(args: RegisterArgs) -> Result<u8, Trouble> {
    let began = Instant::now();
    let wishes = wishes(&args);
    let RegisterArgs { update, platform, check: args, .. } = args;
    let deadline = began + args.timeout;
    let (format, strict, dry_run, all_modes) = (args.format, args.strict, args.aside.dry_run, args.aside.all_modes);
    let mut output = Output::open(args.output.as_deref())?;
    let sources = match check::sources(args).await? {
        Ok(sources) => sources,
        Err(misuse) => return Ok(misuse.tell()),
    };
    let given = Given::of(&sources);
    let wanted = Wanted { strict, modes: Some(settings::modes::plans(&sources)), driver: true };
    let mut target = match settings::read(&sources) {
        Ok(target) => target,
        Err(failure) => {
            let report = check::refused(&failure, &shown(wanted, all_modes)).not_registered(Map::new());
            return check::finish(&report, format, &mut output);
        }
    };
    let request = match to_register(&given, &target, &wishes) {
        Ok(request) => request,
        Err(failure) => {
            return check::finish(&Report::not_registrable(&target, &failure, strict), format, &mut output);
        }
    };
    if dry_run {
        let lost = remarks::setting_lost(&payload::left_out(&target)).into_iter().collect();
        let report = Report::dry_run(&target, strict).with_findings(lost, strict);
        return check::finish(&report.not_registered(would_be(payload::masked(&request))), format, &mut output);
    }
    let service = match platform::service(&platform, Manner { deadline, tries_first: false }).await? {
        Ok(service) => service,
        Err(misuse) => return Ok(misuse.tell()),
    };
    let mut report = check::walk(&mut target, format, &wanted, &mut output).await?;
    let host = dialled(&report, &target);
    // With the host of a list that the check was made with, and the password that was asked for on the way.
    let request = match to_register(&given, &host, &wishes) {
        Ok(request) => request,
        Err(failure) => return check::finish(&report.unfit(&failure, strict), format, &mut output),
    };
    if report.verdict != Verdict::NotReady {
        let before = before(&report, &host, &request, &service);
        report = report.with_findings(before, strict);
    }
    if !all_modes {
        report.modes.clear();
    }
    if report.verdict == Verdict::NotReady || (strict && report.verdict == Verdict::Warnings) {
        return check::finish(&report.not_registered(Map::new()), format, &mut output);
    }
    let sent = Instant::now();
    let of_check = serde_json::to_string(&report).unwrap_or_default();
    let wanted = registration::Wanted { request: &request, update, deadline, report: of_check };
    let registration = Box::pin(registration::register(&service, &wanted)).await;
    own_trouble(&registration)?;
    let asked = Asked { name: &request.name, update, near: service.is_near() };
    let findings = remarks::findings(&registration, &asked);
    let outcome = Outcome { elapsed: sent.elapsed(), facts: facts(&registration), findings };
    check::finish(&report.registered(outcome, strict), format, &mut output)
}

fn wishes(args: &RegisterArgs) -> Wishes {
    Wishes {
        name: args.name.clone(),
        description: args.description.clone(),
        form: args.auth.map(AuthForm::from),
        cloud: args.cloud.into(),
    }
}

impl From<AuthName> for AuthForm {
    fn from(name: AuthName) -> Self {
        match name {
            AuthName::ConnectionString => Self::ConnectionString,
            AuthName::Basic => Self::Basic,
        }
    }
}

impl From<CloudName> for Cloud {
    fn from(name: CloudName) -> Self {
        match name {
            CloudName::Azure => Self::Azure,
            CloudName::Aws => Self::Aws,
        }
    }
}

/// What would be registered, if it can be.
fn to_register(given: &Given, target: &Target, wishes: &Wishes) -> Result<ConnectionRequest, InputFailure> {
    match remarks::not_lasting(target) {
        Some(credentials) => Err(InputFailure::NotRegistrable(credentials)),
        None => payload::request(given, target, wishes),
    }
}

/// The table of modes is made in any case, for the sake of the strongest setting; it is shown where it was asked for.
fn shown(wanted: Wanted, all_modes: bool) -> Wanted {
    Wanted { modes: wanted.modes.filter(|_| all_modes), ..wanted }
}

/// The host of a list that the check was made with.
fn dialled(report: &Report, target: &Target) -> Target {
    let is_it = |candidate: &Target| {
        report.target.host.as_deref() == Some(candidate.endpoint.host())
            && report.target.port == Some(candidate.endpoint.port())
    };
    let place = target.candidates().iter().position(is_it).unwrap_or_default();
    // What is said of settings that are left out is said of the list.
    Target { alternatives: target.alternatives.clone(), ..target.candidate(place) }
}

/// What can be said before anything is sent.
fn before(report: &Report, host: &Target, request: &ConnectionRequest, service: &Service) -> Vec<Finding> {
    let lost = remarks::setting_lost(&payload::left_out(host));
    let addresses = report.addresses().filter(|_| !service.is_near());
    let private = addresses.and_then(remarks::private_address);
    let stronger = remarks::stronger_mode(host, form(request), &report.modes, report.objections());
    lost.into_iter().chain(private).chain(stronger).collect()
}

/// How the request says what TLS is wanted.
fn form(request: &ConnectionRequest) -> Form {
    let ssl_mode = request.auth.settings().find(|(name, _)| *name == "sslMode").map(|(_, value)| value);
    match ssl_mode {
        _ if request.connection_spec.id == REDSHIFT_SPEC => Form::None,
        _ if request.auth.spec_name == CONNECTION_STRING => Form::String,
        Some("true" | "false") => Form::Switch,
        _ => Form::Words,
    }
}

/// A store of this machine that fails is nothing that the endpoint or a platform can be blamed for.
fn own_trouble(registration: &Registration) -> Result<(), Trouble> {
    if let Some(Failure::Service(error)) = &registration.failure
        && let Fault::Store(error) = &*error.fault
    {
        return Err(Trouble::Registry(error.to_string()));
    }
    Ok(())
}
