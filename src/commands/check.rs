//! `check`: settings → report → output.

use std::io::{self, Read as _};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::Wanted;
use crate::cli::{CheckArgs, EngineName, Format};
use crate::commands::credentials::Credentials;
use crate::commands::misuse::Misuse;
use crate::commands::output::Output;
use crate::commands::{iam, password};
use crate::diagnose::code::Code;
use crate::error::Trouble;
use crate::render::progress::Progress;
use crate::render::{human, json};
use crate::report::Report;
use crate::settings::{self, InputFailure, LONGEST, Payload, Sources};
use crate::target::{Engine, Secret, Target};

/// The variable that holds a token of an identity provider.
const TOKEN: &str = "PGPREFLIGHT_IDP_TOKEN";

const NO_CLUSTER: &str = "--iam knows the cluster or workgroup by its host name alone, and this is none of Redshift's; \
                          give the aws command yourself, by --password-command";

/// Runs the subcommand.
pub async fn run(args: CheckArgs) -> Result<u8, Trouble> {
    let format = args.format;
    let mut wanted = Wanted { strict: args.strict, modes: None, driver: args.aside.driver };
    let (all_modes, dry_run) = (args.aside.all_modes, args.aside.dry_run);
    let mut output = Output::open(args.output.as_deref())?;
    let sources = match sources(args).await? {
        Ok(sources) => sources,
        Err(misuse) => return Ok(misuse.tell()),
    };
    wanted.modes = all_modes.then(|| settings::modes::plans(&sources));
    let mut target = match settings::read(&sources) {
        Ok(target) => target,
        Err(failure) => return finish(&refused(&failure, &wanted), format, &mut output),
    };
    if dry_run {
        return finish(&Report::dry_run(&target, wanted.strict), format, &mut output);
    }
    let report = walk(&mut target, format, &wanted, &mut output).await?;
    finish(&report, format, &mut output)
}

/// The check, and once more with a password from the terminal if one is wanted.
pub(super) async fn walk(
    target: &mut Target,
    format: Format,
    wanted: &Wanted,
    output: &mut Output,
) -> Result<Report, Trouble> {
    let report = check(target, format, wanted, output).await?;
    if report.cause != Some(Code::LoginPasswordMissing) {
        return Ok(report);
    }
    // Like psql: only now is it known that a password is wanted. Nothing secret has been sent so far.
    let Some(typed) = password::from_terminal(&target.user) else {
        return Ok(report);
    };
    target.password = Some(typed);
    target.sources.insert("password", "terminal".to_owned());
    check(target, format, wanted, output).await
}

/// Whether credentials could be asked for. Where the settings cannot be read, that is what is told later.
async fn ask_aws(sources: &mut Sources<'_>) -> Result<bool, Trouble> {
    let Ok(target) = settings::read(sources) else {
        return Ok(true);
    };
    let began = Instant::now();
    let Some(made) = iam::credentials(&target, target.limits.timeout).await? else {
        return Ok(false);
    };
    sources.timeout = Some(target.limits.timeout.saturating_sub(began.elapsed()));
    take(made, "--iam", sources);
    Ok(true)
}

fn take(made: Credentials, source: &'static str, sources: &mut Sources<'_>) {
    sources.password = Some((made.password, source));
    sources.user = made.user;
    sources.password_until = made.until;
}

/// Where the settings could not be read.
pub(super) fn refused(failure: &InputFailure, wanted: &Wanted) -> Report {
    match &wanted.modes {
        Some(plans) => Report::refused_in_modes(failure, wanted.strict, plans),
        None => Report::refused(failure, wanted.strict),
    }
}

/// Everything that says what to dial.
pub(super) async fn sources(args: CheckArgs) -> Result<Result<Sources<'static>, Misuse>, Trouble> {
    let began = Instant::now();
    let iam = args.redshift.iam && !args.aside.dry_run;
    let password =
        if args.password_stdin { Some((password::from_stdin(args.timeout).await?, "--password-stdin")) } else { None };
    let made = match &args.password_command {
        Some(command) => Some(password::from_command(command, args.timeout).await?),
        None => None,
    };
    let token = token(args.redshift.token_command.as_deref(), args.timeout).await?;
    // A keyword/value string that the shell has taken apart is put together again.
    let target = (!args.target.is_empty()).then(|| args.target.join(" "));
    let file = target.as_deref().and_then(|target| target.trim().strip_prefix('@')).map(PathBuf::from);
    let payload = match file {
        Some(path) => Some(payload(path, args.timeout).await?),
        None => None,
    };
    let mut sources = Sources {
        target: target.filter(|_| payload.is_none()).map(Secret::new),
        payload,
        engine: args.engine.map(|engine| match engine {
            EngineName::Postgresql => Engine::Postgresql,
            EngineName::Redshift => Engine::Redshift,
        }),
        flags: args.keywords.0,
        password,
        token,
        identity_provider: args.redshift.idp,
        // The wait for the password and the file counts.
        timeout: Some(args.timeout.saturating_sub(began.elapsed())),
        connect_timeout: args.connect_timeout,
        environment: Some(&|name| std::env::var(name).ok()),
        ..Sources::default()
    };
    if let Some(made) = made {
        take(made, "--password-command", &mut sources);
    }
    if iam && !ask_aws(&mut sources).await? {
        return Ok(Err(Misuse(NO_CLUSTER.to_owned())));
    }
    Ok(Ok(sources))
}

/// A token of an identity provider, where there is one.
async fn token(command: Option<&str>, patience: Duration) -> Result<Option<(Secret, &'static str)>, Trouble> {
    if let Some(command) = command {
        return Ok(Some((password::token_from_command(command, patience).await?, "--token-command")));
    }
    let given = std::env::var(TOKEN).ok().filter(|token| !token.trim().is_empty());
    Ok(given.map(|token| (Secret::new(token.trim().to_owned()), TOKEN)))
}

/// The file that TARGET names. It may be a pipe, in which nothing comes.
async fn payload(path: PathBuf, patience: Duration) -> Result<Payload, Trouble> {
    let named = path.clone();
    let reading = tokio::task::spawn_blocking(move || {
        let mut body = Vec::new();
        std::fs::File::open(named)?.take(LONGEST + 1).read_to_end(&mut body)?;
        Ok(body)
    });
    let read = match tokio::time::timeout(patience, reading).await {
        Ok(read) => read.unwrap_or_else(|panicked| Err(io::Error::other(panicked))),
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    };
    match read {
        Ok(body) if u64::try_from(body.len()).is_ok_and(|length| length <= LONGEST) => Ok(Payload { path, body }),
        Ok(_) => Err(Trouble::TargetFile(io::Error::other(format!("it is longer than {LONGEST} bytes")))),
        Err(error) => Err(Trouble::TargetFile(error)),
    }
}

/// For people the lines appear as the stages end; every other format is written whole at the end.
async fn check(target: &Target, format: Format, wanted: &Wanted, output: &mut Output) -> Result<Report, Trouble> {
    let lines = (format == Format::Human).then(|| output.writer());
    let mut progress = Progress::new(target, lines);
    let report = crate::check(target, wanted, &mut progress).await;
    match progress.failed.take() {
        Some(error) => output.judge(error).map(|()| report),
        None => Ok(report),
    }
}

/// Writes the report, or what is left of it.
pub(super) fn finish(report: &Report, format: Format, output: &mut Output) -> Result<u8, Trouble> {
    // Of a walk, people have seen the stages as they ended.
    let whole = !report.was_dialled();
    output.write(|out| match format {
        Format::Json => json::render(report, out),
        Format::Human if whole => human::render(report, out),
        Format::Human => human::rest(report, out),
    })?;
    Ok(report.exit_code)
}
