//! `check`: settings → report → output.

use std::time::Instant;

use crate::cli::{CheckArgs, Format};
use crate::commands::output::Output;
use crate::commands::password;
use crate::diagnose::code::Code;
use crate::error::Trouble;
use crate::render::progress::Progress;
use crate::render::{human, json};
use crate::report::Report;
use crate::settings::{self, Sources};
use crate::target::{Secret, Target};

/// Runs the subcommand.
pub async fn run(args: CheckArgs) -> Result<u8, Trouble> {
    let (format, strict) = (args.format, args.strict);
    let mut output = Output::open(args.output.as_deref())?;
    let sources = sources(args).await?;
    let mut target = match settings::read(&sources) {
        Ok(target) => target,
        Err(failure) => return finish(&Report::refused(&failure, strict), format, &mut output),
    };
    let report = check(&target, format, strict, &mut output).await?;
    if report.cause != Some(Code::LoginPasswordMissing) {
        return finish(&report, format, &mut output);
    }
    // Like psql: only now is it known that a password is wanted. Nothing secret has been sent so far.
    let Some(typed) = password::from_terminal(&target.user) else {
        return finish(&report, format, &mut output);
    };
    target.password = Some(typed);
    target.sources.insert("password", "terminal".to_owned());
    let report = check(&target, format, strict, &mut output).await?;
    finish(&report, format, &mut output)
}

async fn sources(args: CheckArgs) -> Result<Sources<'static>, Trouble> {
    let began = Instant::now();
    let password = if args.password_stdin {
        Some((password::from_stdin(args.timeout).await?, "--password-stdin"))
    } else if let Some(command) = &args.password_command {
        Some((password::from_command(command, args.timeout).await?, "--password-command"))
    } else {
        None
    };
    // A keyword/value string that the shell has taken apart is put together again.
    let target = (!args.target.is_empty()).then(|| Secret::new(args.target.join(" ")));
    Ok(Sources {
        target,
        flags: args.keywords.0,
        password,
        // The wait for the password counts.
        timeout: Some(args.timeout.saturating_sub(began.elapsed())),
        connect_timeout: args.connect_timeout,
        environment: Some(&|name| std::env::var(name).ok()),
    })
}

/// For people the lines appear as the stages end; every other format is written whole at the end.
async fn check(target: &Target, format: Format, strict: bool, output: &mut Output) -> Result<Report, Trouble> {
    let lines = (format == Format::Human).then(|| output.writer());
    let mut progress = Progress::new(target, lines);
    let report = crate::check(target, strict, &mut progress).await;
    match progress.failed.take() {
        Some(error) => output.judge(error).map(|()| report),
        None => Ok(report),
    }
}

fn finish(report: &Report, format: Format, output: &mut Output) -> Result<u8, Trouble> {
    let unread = report.target.host.is_none();
    output.write(|out| match format {
        Format::Json => json::render(report, out),
        Format::Human if unread => human::render(report, out),
        Format::Human => human::rest(report, out),
    })?;
    Ok(report.exit_code)
}
