//! Parse, run, exit code.

use std::process::ExitCode;

use anstream::eprintln;
use clap::Parser as _;
use pgpreflight::cli::{Cli, Task};
use pgpreflight::commands;
use pgpreflight::error::{EXIT_CODE, Trouble};
use pgpreflight::render::layout::BAD;
use tokio::runtime::Builder;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(code) => ExitCode::from(code),
        Err(trouble) => {
            eprintln!("{BAD}error:{BAD:#} {trouble}");
            ExitCode::from(EXIT_CODE)
        }
    }
}

fn run(cli: Cli) -> Result<u8, Trouble> {
    let mut builder = match cli.command {
        Task::Serve(_) => Builder::new_multi_thread(),
        _ => Builder::new_current_thread(),
    };
    let runtime = builder.enable_all().build().map_err(Trouble::Runtime)?;
    let done = runtime.block_on(commands::run(cli));
    // A getaddrinfo that is still under way must not hold up the end.
    runtime.shutdown_background();
    done
}
