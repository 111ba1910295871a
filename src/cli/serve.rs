//! `serve`: what can be typed.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use ipnet::IpNet;

/// `serve`
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct ServeArgs {
    /// Another job than to serve.
    #[command(subcommand)]
    pub task: Option<ServeTask>,

    /// Address and port to listen at; port 0 takes any that is free
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8642")]
    pub listen: SocketAddr,

    /// Where connections are kept
    #[command(flatten)]
    pub store: StoreArgs,

    /// Who may call: TOML, a table `client` each, with id, secret (or secret_file) and organizations; made when left out
    #[arg(long, value_name = "FILE")]
    pub clients: Option<PathBuf>,

    /// A sandbox that there is; repeat for more
    #[arg(long, value_name = "NAME", default_values = ["prod", "dev"])]
    pub sandbox: Vec<String>,

    /// What storing a connection does first: refuse one that is not ready, store it with the report, or not dial at all
    #[arg(long, value_enum, default_value_t = PreflightMode::Require)]
    pub preflight: PreflightMode,

    /// Dial databases only in this network; repeat for more
    #[arg(long, value_name = "CIDR")]
    pub allow_network: Vec<IpNet>,

    /// Never dial databases in this network; repeat for more
    #[arg(long, value_name = "CIDR")]
    pub deny_network: Vec<IpNet>,

    /// A name that callers know the service by, beside addresses and localhost; repeat for more
    #[arg(long, value_name = "NAME")]
    pub server_name: Vec<String>,
}

/// Other jobs of `serve`.
#[derive(Debug, Subcommand)]
pub enum ServeTask {
    /// Seal all stored secrets under a new key; services that have the store open go on
    RotateKey(StoreArgs),
}

/// Where connections are kept.
#[derive(Clone, Debug, Args)]
pub struct StoreArgs {
    /// SQLite file, or postgresql://… for several services; default: a file in the user's state directory
    #[arg(long, value_name = "FILE|URL")]
    pub store: Option<String>,

    /// The key that seals stored secrets, made when absent; default: the store's path plus .key
    #[arg(long, value_name = "FILE")]
    pub key_file: Option<PathBuf>,
}

/// What comes before a connection is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PreflightMode {
    /// Check, and refuse what is not ready
    Require,
    /// Check, and store with the report
    Record,
    /// Store without dialling
    Off,
}
