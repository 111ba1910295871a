//! `lab run`: one endpoint for as long as a client runs.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use super::signals::Signals;
use super::{complain, directory, loopback, named, start};
use crate::cli::LabRunArgs;
use crate::error::Trouble;
use crate::lab::Place;
use crate::lab::catalog::Fault;
use crate::lab::dial::Dial;
use crate::render::layout::BAD;
use crate::settings::keywords::KEYWORDS;

/// What shells end with when a command is not there, and when it cannot be started for another reason.
const NOT_FOUND: u8 = 127;
const NOT_STARTED: u8 = 126;

/// Keywords that say where to dial, as whom, and what to demand. What the caller's environment has of them would lead
/// the client away from the endpoint; time limits, the application's name and the like are handed on.
const DECIDED_HERE: [&str; 15] = [
    "service",
    "user",
    "password",
    "channel_binding",
    "dbname",
    "host",
    "hostaddr",
    "port",
    "options",
    "sslmode",
    "sslnegotiation",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "require_auth",
];

/// Runs the client; its exit code is ours.
pub async fn run(faults: &[Fault], args: LabRunArgs) -> Result<u8, Trouble> {
    let fault = match named(faults, &args.fault) {
        Ok(fault) => fault,
        Err(unknown) => return Ok(complain(&unknown)),
    };
    let mut signals = Signals::listen()?;
    let directory = directory()?;
    let place =
        Place { addresses: loopback(), port: 0, directory: directory.path().to_owned(), name: fault.name.to_owned() };
    let (_lab, dial) = start(fault, &place).await?;
    let Some((program, arguments)) = args.command.split_first() else {
        return Ok(NOT_FOUND); // the command line demands one
    };
    let program = fill(&dial, program);
    let mut command = Command::new(&program);
    command.args(arguments.iter().map(|argument| fill(&dial, argument))).kill_on_drop(true);
    set_environment(&mut command, &dial);
    let status = match attended(command, &mut signals).await {
        Ok(status) => status,
        Err(error) => {
            let code = if error.kind() == io::ErrorKind::NotFound { NOT_FOUND } else { NOT_STARTED };
            anstream::eprintln!("{BAD}error:{BAD:#} cannot run `{}`: {error}", program.display());
            return Ok(code);
        }
    };
    Ok(exit_code(status))
}

/// Placeholders are filled in where an argument is text; others are handed on as they are.
fn fill(dial: &Dial, argument: &OsStr) -> OsString {
    argument.to_str().map_or_else(|| argument.to_owned(), |text| dial.fill(text).into())
}

/// libpq's variables, and with them those of every driver that reads them.
fn set_environment(command: &mut Command, dial: &Dial) {
    let given = dial.keywords();
    for keyword in KEYWORDS {
        let Some(variable) = keyword.variable else { continue };
        match given.get(keyword.name) {
            Some(value) => drop(command.env(variable, value)),
            None if DECIDED_HERE.contains(&keyword.name) => drop(command.env_remove(variable)),
            None => {}
        }
    }
}

/// Starts the client and waits for its end. A signal that is meant to end us is passed on to it, so that it ends first;
/// Ctrl-C reaches it by the terminal already.
async fn attended(mut command: Command, signals: &mut Signals) -> io::Result<ExitStatus> {
    let mut child = command.spawn()?;
    loop {
        tokio::select! {
            ended = child.wait() => return ended,
            signal = signals.next() => if signal != Signal::INT {
                pass_on(&child, signal);
            }
        }
    }
}

fn pass_on(child: &Child, signal: Signal) {
    let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    if let Some(pid) = pid {
        // It may have ended just now.
        let _ = kill_process(pid, signal);
    }
}

/// As a shell has it: 128 and the signal's number.
fn exit_code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)
}
