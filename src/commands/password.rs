//! Passwords that come neither from TARGET nor from the environment.

use std::io::{self, BufRead as _, IsTerminal as _};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use super::credentials::{self, Credentials};
use crate::error::Trouble;
use crate::target::Secret;

/// The first line of standard input, if it comes in time.
pub async fn from_stdin(patience: Duration) -> Result<Secret, Trouble> {
    let reading = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line).map(|_| first_line(&line))
    });
    match timeout(patience, reading).await {
        Ok(Ok(read)) => read.map_err(Trouble::PasswordInput),
        Ok(Err(_)) | Err(_) => Err(Trouble::PasswordInput(io::ErrorKind::TimedOut.into())),
    }
}

/// What a shell command prints of a password.
pub async fn from_command(line: &str, patience: Duration) -> Result<Credentials, Trouble> {
    Ok(credentials::read(&output_of(shell(line), patience).await?))
}

/// The token that a shell command prints, on as many lines as it likes.
pub async fn token_from_command(line: &str, patience: Duration) -> Result<Secret, Trouble> {
    let output = output_of(shell(line), patience).await?;
    Ok(Secret::new(output.split_whitespace().collect()))
}

fn shell(line: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", line]);
    command
}

/// What a command prints, if it ends well and in time.
pub async fn output_of(mut command: Command, patience: Duration) -> Result<String, Trouble> {
    let child = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(Trouble::PasswordCommand)?;
    let Ok(ended) = timeout(patience, child.wait_with_output()).await else {
        return Err(Trouble::PasswordCommandFailed(format!("did not end within {} s", patience.as_secs_f64())));
    };
    let output = ended.map_err(Trouble::PasswordCommand)?;
    if !output.status.success() {
        return Err(Trouble::PasswordCommandFailed(format!("ended with {}", output.status)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Asks on the terminal, if there is one to ask on.
pub fn from_terminal(user: &str) -> Option<Secret> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return None;
    }
    let typed = rpassword::prompt_password(format!("Password for user {user}: ")).ok()?;
    Some(Secret::new(typed)).filter(|secret| !secret.expose().is_empty())
}

fn first_line(text: &str) -> Secret {
    Secret::new(text.lines().next().unwrap_or_default().to_owned())
}
