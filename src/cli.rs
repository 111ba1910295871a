//! What can be typed; no logic.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::StyledStr;
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches, Parser, Subcommand, ValueEnum};
use jiff::SignedDuration;

use crate::settings::keywords::{KEYWORDS, Use};

mod connections;
mod lab;
mod platform;
mod redshift;
mod register;
mod serve;

pub use connections::{
    CallArgs, ConnectionsArgs, ConnectionsTask, DeleteArgs, ExploreArgs, ListArgs, OneArgs, UpdateArgs,
};
pub use lab::{LabArgs, LabFormat, LabRunArgs, LabServeArgs, LabTask};
pub use platform::PlatformArgs;
pub use redshift::RedshiftArgs;
pub use register::{AuthName, CloudName, RegisterArgs};
pub use serve::{PreflightMode, ServeArgs, ServeTask, StoreArgs};

/// Dials a PostgreSQL endpoint, says what works, what fails, why, and what to change.
#[derive(Debug, Parser)]
#[command(name = "pgpreflight", version, propagate_version = true, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Task,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Task {
    /// Walk the stages against the live endpoint, explain and report
    Check(Box<CheckArgs>),
    /// Check first, and create the base connection if the endpoint is ready
    Register(Box<RegisterArgs>),
    /// Work on connections that are registered: list, show, test, explore, update, delete
    Connections(Box<ConnectionsArgs>),
    /// Run the local Flow Service: base connections over HTTP, each checked before it is stored
    Serve(Box<ServeArgs>),
    /// Print the page of a finding code, or without one the list of all codes
    Explain(ExplainArgs),
    /// Play misbehaving PostgreSQL endpoints on loopback, one per fault: practice, and a test bed for any client
    #[command(long_about = lab::PAGE)]
    Lab(LabArgs),
    /// Show the main job on an endpoint of its own: check it, then register it in a throw-away local registry
    Demo,
}

/// `check`
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Connection URI (postgresql://…), keyword/value string, JDBC URL, the platform's connection string, or @FILE
    /// with a body of POST /connections; left out, flags and PG* variables say it
    #[arg(value_name = "TARGET", hide_default_value = true)]
    pub target: Vec<String>,

    /// What is expected to answer [default: by the scheme, else by the host name, else postgresql]
    #[arg(long, value_enum)]
    pub engine: Option<EngineName>,

    /// Read the password from the first line of standard input
    #[arg(long, conflicts_with = "password_command")]
    pub password_stdin: bool,

    /// Run this in a shell, and take the first line it prints for the password; or the user, too, where it prints the
    /// JSON of the aws command
    #[arg(long, value_name = "CMD")]
    pub password_command: Option<String>,

    /// Limit for the whole check, such as 5s or 1m
    #[arg(long, value_name = "DUR", value_parser = duration, default_value = "15s")]
    pub timeout: Duration,

    /// Limit for the connect of each address
    #[arg(long, value_name = "DUR", value_parser = duration)]
    pub connect_timeout: Option<Duration>,

    /// Ways to log in to Amazon Redshift.
    #[command(flatten)]
    pub redshift: RedshiftArgs,

    /// What is done instead of the walk, or beside it.
    #[command(flatten)]
    pub aside: AsideArgs,

    /// End with exit code 1 when there are warnings
    #[arg(long)]
    pub strict: bool,

    /// Form of the report
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,

    /// Write the report to a file instead of standard output
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Every libpq keyword.
    #[command(flatten)]
    pub keywords: KeywordArgs,
}

/// What `check` looks at beside the walk.
#[derive(Debug, Args)]
pub struct AsideArgs {
    /// Read the settings only: show what is in force, resolve nothing, dial nothing
    #[arg(long, conflicts_with_all = ["all_modes", "driver"])]
    pub dry_run: bool,

    /// Tell what every sslmode would come to, and the platform's own settings
    #[arg(long)]
    pub all_modes: bool,

    /// Log in a second time as a Rust application would (tokio-postgres over native-tls)
    #[arg(long)]
    pub driver: bool,
}

/// `explain`
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// A code, such as login-no-hba-entry
    pub code: Option<String>,
}

/// Forms of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Human,
    /// Schema 1
    Json,
}

/// Kinds of servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum EngineName {
    /// PostgreSQL, and what speaks as it does
    Postgresql,
    /// Amazon Redshift
    Redshift,
}

/// Every libpq keyword as a flag, made from the one table of keywords.
#[derive(Debug, Default)]
pub struct KeywordArgs(pub Vec<(&'static str, String)>);

impl KeywordArgs {
    fn arguments() -> impl Iterator<Item = Arg> {
        // connect_timeout has a flag of its own, which takes a duration.
        let flags =
            KEYWORDS.iter().filter(|keyword| keyword.use_made != Use::Secret && keyword.name != "connect_timeout");
        flags.map(|keyword| {
            let default = keyword.default.filter(|default| !default.is_empty());
            let default = default.map(|default| format!(" [default: {default}]")).unwrap_or_default();
            let variable = keyword.variable.map(|name| format!(" [env: {name}]")).unwrap_or_default();
            Arg::new(keyword.name)
                .long(keyword.name)
                .value_name("VALUE")
                .allow_hyphen_values(true)
                .help(StyledStr::from(format!("{}{default}{variable}", keyword.help)))
                .help_heading("libpq keywords")
                .hide_short_help(keyword.use_made == Use::Harmless)
        })
    }
}

impl FromArgMatches for KeywordArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = KEYWORDS.iter().filter_map(|keyword| {
            let value = matches.try_get_one::<String>(keyword.name).ok().flatten()?;
            Some((keyword.name, value.clone()))
        });
        Ok(Self(given.collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for KeywordArgs {
    fn augment_args(command: Command) -> Command {
        command.args(Self::arguments())
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

/// `15s`, `500ms`, `1m 30s`; a bare number is seconds.
fn duration(text: &str) -> Result<Duration, String> {
    const FORM: &str = "write a time above zero, such as 500ms, 15s or 1m";
    let seconds = text.parse::<f64>().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let parsed = seconds.or_else(|| text.parse::<SignedDuration>().ok().and_then(|span| Duration::try_from(span).ok()));
    parsed.filter(|duration| !duration.is_zero() && *duration <= LONGEST).ok_or_else(|| FORM.to_owned())
}

/// A day: more is surely a slip, and would not fit a clock's arithmetic everywhere.
const LONGEST: Duration = Duration::from_secs(86_400);

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_definitions_hold_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn durations_are_read_as_people_write_them() {
        let rows = [("15s", 15_000), ("500ms", 500), ("1m 30s", 90_000), ("2", 2_000), ("0.5", 500)];
        for (text, expected) in rows {
            assert_eq!(duration(text), Ok(Duration::from_millis(expected)), "{text}");
        }
        for text in ["", "0", "-1s", "soon", "1y", "inf"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
