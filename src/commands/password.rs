//! Passwords that come neither from TARGET nor from the environment.

use std::io::{self, BufRead as _, IsTerminal as _};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

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

/// The first line that a shell command prints.
pub async fn from_command(command: &str, patience: Duration) -> Result<Secret, Trouble> {
    let child = Command::new("sh")
        .args(["-c", command])
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
    Ok(first_line(&String::from_utf8_lossy(&output.stdout)))
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
