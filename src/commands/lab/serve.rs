//! `lab serve`: endpoints side by side, until somebody ends them.

use std::io::{self, Write};
use std::net::IpAddr;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::signals::Signals;
use super::{BAD_INVOCATION, complain, directory, list, loopback, named, start};
use crate::cli::{LabFormat, LabServeArgs};
use crate::commands::output::Output;
use crate::error::Trouble;
use crate::lab::catalog::Fault;
use crate::lab::dial::Dial;
use crate::lab::{Lab, Place};
use crate::render::layout::{BAD, COPY, FAINT, STRONG};

/// Everything that is served; dropping it ends it and leaves nothing behind.
struct Served {
    endpoints: Vec<(Fault, Lab, Dial)>,
    addresses: Vec<IpAddr>,
    _directory: TempDir,
}

/// Serves, and ends with 0 when asked to.
pub async fn run(faults: Vec<Fault>, args: LabServeArgs) -> Result<u8, Trouble> {
    for name in &args.faults {
        if let Err(unknown) = named(&faults, name) {
            return Ok(complain(&unknown));
        }
    }
    let chosen = chosen(faults, &args.faults);
    let last_port = args.port_base.map(|base| usize::from(base) + chosen.len() - 1);
    if let Some(last) = last_port.filter(|last| *last > usize::from(u16::MAX)) {
        anstream::eprintln!("{BAD}error:{BAD:#} {} faults from there on end at port {last}", chosen.len());
        return Ok(BAD_INVOCATION);
    }
    let mut signals = Signals::listen()?;
    raise_open_files();
    let served = serve(chosen, &args).await?;
    let mut output = Output::open(None)?;
    output.write(|out| match args.format {
        LabFormat::Human => human(&served, out),
        LabFormat::Json => {
            let endpoints: Vec<Value> =
                served.endpoints.iter().map(|(fault, _, dial)| described(fault, dial)).collect();
            writeln!(out, "{}", json!({ "schema": 1, "endpoints": endpoints }))
        }
    })?;
    signals.next().await;
    Ok(0)
}

/// Those that are named, each once and in the order of the list; all when none is.
fn chosen(faults: Vec<Fault>, names: &[String]) -> Vec<Fault> {
    let wanted = |fault: &Fault| names.is_empty() || names.iter().any(|name| name == fault.name);
    faults.into_iter().filter(wanted).collect()
}

async fn serve(faults: Vec<Fault>, args: &LabServeArgs) -> Result<Served, Trouble> {
    let directory = directory()?;
    let addresses = args.listen.map_or_else(loopback, |address| vec![address]);
    let mut endpoints = Vec::new();
    for (fault, ahead) in faults.into_iter().zip(0..) {
        let place = Place {
            addresses: addresses.clone(),
            port: args.port_base.map_or(0, |base| base.saturating_add(ahead)),
            directory: directory.path().to_owned(),
            name: fault.name.to_owned(),
        };
        let (lab, dial) = start(&fault, &place).await?;
        endpoints.push((fault, lab, dial));
    }
    Ok(Served { endpoints, addresses, _directory: directory })
}

fn described(fault: &Fault, dial: &Dial) -> Value {
    let mut described = list::described(fault);
    if let Value::Object(fields) = &mut described {
        fields.insert("host".to_owned(), json!(dial.host));
        fields.insert("port".to_owned(), json!(dial.port));
        fields.insert("user".to_owned(), json!(dial.user));
        fields.insert("password".to_owned(), json!(dial.password));
        fields.insert("dbname".to_owned(), json!(dial.dbname));
        fields.insert("sslrootcert".to_owned(), json!(dial.root));
        fields.insert("keywords".to_owned(), json!(dial.others));
        fields.insert("uri".to_owned(), json!(dial.uri()));
    }
    described
}

fn human(served: &Served, out: &mut dyn Write) -> io::Result<()> {
    for (fault, _, dial) in &served.endpoints {
        let code = fault.code().unwrap_or("ready");
        writeln!(out, "{:>5}  {STRONG}{}{STRONG:#}  {FAINT}{code}{FAINT:#}", dial.port, fault.name)?;
        writeln!(out, "       {COPY}{}{COPY:#}", dial.uri())?;
    }
    let addresses: Vec<String> = served.addresses.iter().map(ToString::to_string).collect();
    let (count, addresses) = (served.endpoints.len(), addresses.join(" and "));
    let endpoints = if count == 1 { "endpoint" } else { "endpoints" };
    writeln!(out, "\n{count} {endpoints} at {addresses}; Ctrl-C ends them.")
}

/// Every endpoint and every connection takes a descriptor. Where the limit cannot be raised, fewer clients get in.
fn raise_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}
