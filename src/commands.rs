//! One file per subcommand.

pub mod check;
pub mod demo;
pub mod explain;
pub mod lab;
mod nearest;
mod output;
mod password;
pub mod serve;

use crate::cli::{Cli, Task};
use crate::error::Trouble;

/// Runs what was typed, and says with what to end.
pub async fn run(cli: Cli) -> Result<u8, Trouble> {
    match cli.command {
        Task::Check(args) => check::run(*args).await,
        Task::Serve(args) => serve::run(*args).await,
        Task::Explain(args) => explain::run(&args),
        Task::Lab(args) => lab::run(args).await,
        Task::Demo => demo::run().await,
    }
}
