//! `register`: what can be typed beside the flags of `check`.

use clap::{Args, ValueEnum};

use super::{CheckArgs, PlatformArgs};

/// `register`
#[derive(Debug, Args)]
#[command(mut_arg("timeout", |arg| arg.default_value("60s").help(
    "Limit for the whole run, from the check to the platform's last answer, waits included"
)))]
#[command(mut_arg("dry_run", |arg| arg.help(
    "Read the settings only, and show what would be sent, secrets masked; dial and send nothing"
)))]
#[command(mut_arg("driver", |arg| arg.help("Always on here").hide(true)))]
#[command(mut_arg("strict", |arg| arg.help("Do not register with warnings, and end with exit code 1")))]
pub struct RegisterArgs {
    /// What the connection is to be known by
    #[arg(long, value_name = "NAME", value_parser = clap::builder::NonEmptyStringValueParser::new(), help_heading = "Registration")]
    pub name: String,

    /// Free text
    #[arg(long, value_name = "TEXT", help_heading = "Registration")]
    pub description: Option<String>,

    /// How the platform is to log in [default: connection-string if TARGET is one of the platform's, else basic]
    #[arg(long, value_enum, help_heading = "Registration")]
    pub auth: Option<AuthName>,

    /// Where the platform runs, which decides how sslMode is written
    #[arg(long, value_enum, default_value_t = CloudName::Azure, help_heading = "Registration")]
    pub cloud: CloudName,

    /// Change the connection that has the name, if it differs
    #[arg(long, help_heading = "Registration")]
    pub update: bool,

    /// Where to.
    #[command(flatten)]
    pub platform: PlatformArgs,

    /// As of `check`.
    #[command(flatten)]
    pub check: CheckArgs,
}

/// The two forms of authentication.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AuthName {
    /// Connection String Based Authentication
    ConnectionString,
    /// Basic Authentication
    Basic,
}

/// Hosts of the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CloudName {
    /// sslMode is a word, such as `Verify Full`
    Azure,
    /// sslMode is `true` or `false`, and there is no connection string
    Aws,
}
