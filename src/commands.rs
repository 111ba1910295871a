//! One file per subcommand.

pub mod check;
pub mod connections;
mod credentials;
pub mod demo;
pub mod explain;
mod iam;
pub mod lab;
mod misuse;
mod nearest;
mod output;
mod password;
mod place;
pub mod platform;
pub mod register;
pub mod serve;

use crate::cli::{Cli, Task};
use crate::error::Trouble;

/// Runs what was typed, and says with what to end.
pub async fn run(cli: Cli) -> Result<u8, Trouble> {
    match cli.command {
        Task::Check(args) => check::run(*args).await,
        Task::Register(args) => register::run(*args).await,
        Task::Connections(args) => connections::run(*args).await,
        Task::Serve(args) => serve::run(*args).await,
        Task::Explain(args) => explain::run(&args),
        Task::Lab(args) => lab::run(args).await,
        Task::Demo => demo::run().await,
    }
}
