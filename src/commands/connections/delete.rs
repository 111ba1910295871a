//! `connections delete`: asks first where there is somebody to ask.

use std::io::{self, BufRead as _, IsTerminal as _};

use serde_json::json;

use super::{End, named};
use crate::cli::{DeleteArgs, Format};
use crate::commands::misuse::Misuse;
use crate::commands::output::Output;
use crate::registry::api::Connection;
use crate::registry::service::Service;
use crate::render::connections as render;

/// Everything that is named is looked up before the first is deleted.
pub(super) async fn run(args: DeleteArgs, service: &Service, output: &mut Output) -> Result<u8, End> {
    let somebody_is_there = io::stdin().is_terminal() && io::stderr().is_terminal();
    if !args.yes && !somebody_is_there {
        return Err(Misuse("nobody can be asked here: say with --yes that they are to be deleted".to_owned()).into());
    }
    let mut meant: Vec<Connection> = Vec::new();
    for text in &args.connections {
        let connection = named(text, service).await?;
        if !meant.iter().any(|other| other.id == connection.id) {
            meant.push(connection);
        }
    }
    if !args.yes && !agreed(&meant).await {
        output.write(|out| writeln!(out, "nothing was deleted"))?;
        return Ok(0);
    }
    let mut deleted = Vec::new();
    for connection in &meant {
        let done = service.delete(connection.id).await;
        if done.is_ok() {
            deleted.push(connection.id);
        }
        let last = done.is_err() || deleted.len() == meant.len();
        output.write(|out| match args.call.format {
            Format::Human if done.is_ok() => render::deleted(connection, out),
            Format::Json if last && !deleted.is_empty() => {
                writeln!(out, "{}", json!({"schema": 1, "deleted": deleted}))
            }
            _ => Ok(()),
        })?;
        done?;
    }
    Ok(0)
}

/// Anything but a yes is a no.
async fn agreed(meant: &[Connection]) -> bool {
    for connection in meant {
        anstream::eprintln!("{}", render::in_a_line(connection));
    }
    anstream::eprint!("Delete {}? [y/N] ", if meant.len() == 1 { "it" } else { "them" });
    let answered = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line).map(|_| line)
    });
    let line = answered.await.ok().and_then(Result::ok).unwrap_or_default();
    matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}
