//! `lab`: what can be typed, and its page.

use std::ffi::OsString;
use std::net::IpAddr;

use clap::{Args, Subcommand, ValueEnum};

/// Shown by `lab --help`.
pub(super) const PAGE: &str = "\
Play misbehaving PostgreSQL endpoints on loopback, one per fault: practice, and a test bed for any client.

Each endpoint is a small server that speaks the PostgreSQL protocol to the letter, but for the one thing that is \
wrong with it: a certificate that expired, a rule of pg_hba.conf that is missing, a server that says `S` and then \
nothing. psql, psycopg, pgJDBC, node-postgres and tokio-postgres show what they show when it happens for real, so a \
test can hold a client, a pool or a retry policy to it. No server, no container and no privileges are needed.

An endpoint begins anew with every connection, and takes any number of them at a time. Behind a login it answers what \
drivers and pools send on their own: `select 1`, `select version()`, transactions, SET and SHOW, prepared statements. \
It has no tables. The passwords it knows are public and protect nothing.

The same scenarios are the tests of `pgpreflight check`: the code beside each fault is what a check of it must say, \
and `pgpreflight explain CODE` is the page on it.";

const EXAMPLES: &str = "\
Examples:
  pgpreflight lab list
  pgpreflight lab run certificate-expired -- psql {uri} -c 'select 1'
  pgpreflight lab run login-server-full -- pytest tests/test_retry.py
  pgpreflight lab serve --port-base 15400 --format json
  pgpreflight lab run login-no-hba-entry -- pgpreflight check {uri}";

/// `lab`
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct LabArgs {
    /// What to do.
    #[command(subcommand)]
    pub task: LabTask,
}

/// The subcommands of `lab`.
#[derive(Debug, Subcommand)]
pub enum LabTask {
    /// List the faults: name, what is wrong, and the code that a check gives
    List {
        /// Form of the list
        #[arg(long, value_enum, default_value_t = LabFormat::Human)]
        format: LabFormat,
    },
    /// Serve faults, each at a port of its own, until Ctrl-C or SIGTERM
    Serve(LabServeArgs),
    /// Run a client against one fault, and end with its exit code
    Run(LabRunArgs),
}

/// `lab serve`
#[derive(Debug, Args)]
pub struct LabServeArgs {
    /// Names of faults; all of them when none is named
    #[arg(value_name = "FAULT")]
    pub faults: Vec<String>,

    /// Address to listen at; the certificates then name it too [default: 127.0.0.1, and ::1 where there is one]
    ///
    /// An address that is not loopback lets others in: endpoints have no secrets, but are meant to be misused.
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<IpAddr>,

    /// Port of the first fault, one more for each after it [default: any that are free]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub port_base: Option<u16>,

    /// Form of the list of endpoints; with json it is one line, written when all of them listen
    #[arg(long, value_enum, default_value_t = LabFormat::Human)]
    pub format: LabFormat,
}

/// `lab run`
#[derive(Debug, Args)]
#[command(after_help = "\
In COMMAND, {uri}, {host}, {port}, {user}, {password}, {dbname}, {sslrootcert} and {sslmode} stand for those of the \
endpoint. PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE, PGSSLMODE and what else the fault needs are set for it; \
other PG* variables that say where to or as whom are not handed on. Its exit code is passed on: 128 and the number for \
a signal, 126 and 127 when it cannot be started.")]
pub struct LabRunArgs {
    /// Name of a fault; `sound` is a server with which nothing is wrong
    pub fault: String,

    /// The client and its arguments
    #[arg(value_name = "COMMAND", last = true, required = true)]
    pub command: Vec<OsString>,
}

/// Forms of the lists of `lab`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LabFormat {
    /// For people
    Human,
    /// One line
    Json,
}
