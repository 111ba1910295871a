//! `connections`: what can be typed.

use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand};

use super::{AuthName, CheckArgs, CloudName, Format, PlatformArgs, duration};

/// `connections`
#[derive(Debug, Args)]
pub struct ConnectionsArgs {
    /// What to do with them.
    #[command(subcommand)]
    pub task: ConnectionsTask,
}

/// The jobs of `connections`.
#[derive(Debug, Subcommand)]
pub enum ConnectionsTask {
    /// List those of a sandbox, the newest first
    List(ListArgs),
    /// Show one, its secrets masked
    Show(OneArgs),
    /// Let the service log in to the database of one, and tell whether it gets in
    Test(OneArgs),
    /// List the tables of one's database, or the columns of a table with their XDM types
    Explore(ExploreArgs),
    /// Change the name or description of one, or how it logs in
    Update(Box<UpdateArgs>),
    /// Delete some
    Delete(DeleteArgs),
}

/// What every call needs.
#[derive(Debug, Args)]
pub struct CallArgs {
    /// Where to.
    #[command(flatten)]
    pub platform: PlatformArgs,

    /// Limit for the whole run, waits for a busy service included
    #[arg(long, value_name = "DUR", value_parser = duration, default_value = "60s")]
    pub timeout: Duration,

    /// Form of the output
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

/// `connections list`
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Only those of exactly this name
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub name: Option<String>,

    /// Only those with this property, such as state==enabled; repeat for more, all of which then apply
    #[arg(long, value_name = "FILTER")]
    pub property: Vec<String>,

    /// No more than so many
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: Option<u32>,

    /// How it is called.
    #[command(flatten)]
    pub call: CallArgs,
}

/// `connections show` and `connections test`
#[derive(Debug, Args)]
pub struct OneArgs {
    /// Its id, or its name where only one has it
    #[arg(value_name = "ID|NAME", value_parser = NonEmptyStringValueParser::new())]
    pub connection: String,

    /// How it is called.
    #[command(flatten)]
    pub call: CallArgs,
}

/// `connections explore`
#[derive(Debug, Args)]
pub struct ExploreArgs {
    /// Its id, or its name where only one has it
    #[arg(value_name = "ID|NAME", value_parser = NonEmptyStringValueParser::new())]
    pub connection: String,

    /// A table as the list of tables has it, such as public.orders
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    pub table: Option<String>,

    /// With some rows of the table
    #[arg(long, requires = "table")]
    pub preview: bool,

    /// How it is called.
    #[command(flatten)]
    pub call: CallArgs,
}

/// `connections update`
#[derive(Debug, Args)]
#[command(mut_arg("target", |arg| arg.help(
    "New way to log in, in any form that `check` takes; all former parameters go. `register --update` checks it first"
)))]
#[command(mut_arg("timeout", |arg| arg.default_value("60s").help("Limit for the whole run")))]
#[command(mut_arg("format", |arg| arg.help("Form of the output")))]
#[command(mut_arg("output", |arg| arg.help("Write the output to a file instead of standard output")))]
#[command(mut_arg("dry_run", |arg| arg.hide(true)))]
#[command(mut_arg("all_modes", |arg| arg.hide(true)))]
#[command(mut_arg("driver", |arg| arg.hide(true)))]
#[command(mut_arg("strict", |arg| arg.hide(true)))]
#[command(mut_arg("connect_timeout", |arg| arg.hide(true)))]
pub struct UpdateArgs {
    /// Its id, or its name where only one has it
    #[arg(value_name = "ID|NAME", value_parser = NonEmptyStringValueParser::new())]
    pub connection: String,

    /// Its new name
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub name: Option<String>,

    /// Its new description; an empty one takes the old one away
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,

    /// Change this version only, quotes included as it was shown [default: the version that there is now]
    #[arg(long, value_name = "ETAG")]
    pub etag: Option<String>,

    /// How the platform is to log in [default: connection-string if TARGET is one of the platform's, else basic]
    #[arg(long, value_enum)]
    pub auth: Option<AuthName>,

    /// Where the platform runs, which decides how sslMode is written
    #[arg(long, value_enum, default_value_t = CloudName::Azure)]
    pub cloud: CloudName,

    /// Where it is.
    #[command(flatten)]
    pub platform: PlatformArgs,

    /// TARGET, as of `check`.
    #[command(flatten)]
    pub check: CheckArgs,
}

/// `connections delete`
#[derive(Debug, Args)]
pub struct DeleteArgs {
    /// The ids, or the names where only one has each
    #[arg(value_name = "ID|NAME", required = true, value_parser = NonEmptyStringValueParser::new())]
    pub connections: Vec<String>,

    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,

    /// How it is called.
    #[command(flatten)]
    pub call: CallArgs,
}
