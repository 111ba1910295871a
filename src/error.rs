//! Our own trouble: what is neither the target's fault nor the caller's. It ends the process with exit code 3.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// The exit code of every [`Trouble`].
pub const EXIT_CODE: u8 = 3;

/// What went wrong on this side.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The report could not be written.
    #[error("cannot write the report to {}: {source}", place.display())]
    Output {
        /// The file, or `standard output`.
        place: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file that TARGET names could not be read. Its name is not shown: it may be a password that stands there by
    /// mistake.
    #[error("cannot read the file that TARGET names after @: {0}")]
    TargetFile(io::Error),
    /// `--password-stdin`, and standard input could not be read.
    #[error("cannot read the password from standard input: {0}")]
    PasswordInput(io::Error),
    /// `--password-command` could not be started.
    #[error("cannot run the password command: {0}")]
    PasswordCommand(io::Error),
    /// `--password-command` failed or took too long. Its output is not shown.
    #[error("the password command {0}; run it by hand to see why")]
    PasswordCommandFailed(String),
    /// The asynchronous runtime could not be started.
    #[error("cannot start: {0}")]
    Runtime(io::Error),
    /// The lab endpoint of the demo could not be started.
    #[error("cannot start the lab endpoint: {0}")]
    Lab(String),
    /// The service cannot listen there.
    #[error("cannot listen at {address}: {source}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The registry failed.
    #[error("the local registry failed: {0}")]
    Registry(String),
}
