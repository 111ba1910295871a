//! `lab`: misbehaving endpoints for people and for tests of other clients.

mod explored;
mod list;
mod run;
mod serve;
mod signals;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener};

use crate::cli::{LabArgs, LabTask};
use crate::commands::nearest;
use crate::dialect::{POSTGRESQL, REDSHIFT};
use crate::error::Trouble;
use crate::lab::catalog::{self, Fault};
use crate::lab::dial::Dial;
use crate::lab::scenario::Engine;
use crate::lab::{Lab, Place};
use crate::render::layout::BAD;

/// The exit code of an invocation that names what does not exist.
const BAD_INVOCATION: u8 = 2;

/// Runs the subcommand.
pub async fn run(args: LabArgs) -> Result<u8, Trouble> {
    let faults = catalog::faults().map_err(|error| Trouble::Lab(error.to_string()))?;
    match args.task {
        LabTask::List { format } => list::run(&faults, format),
        LabTask::Serve(args) => serve::run(faults, args).await,
        LabTask::Run(args) => run::run(&faults, args).await,
    }
}

/// Starts one endpoint, and tells its client where it is.
async fn start(fault: &Fault, place: &Place) -> Result<(Lab, Dial), Trouble> {
    let trouble = |error| Trouble::Lab(format!("{}: {error}", fault.name));
    let dialect = match fault.engine() {
        Engine::Postgresql => &POSTGRESQL,
        Engine::Redshift => &REDSHIFT,
    };
    let mut scenario = fault.scenario(&dialect.questions());
    if scenario.session.otherwise.is_none() {
        scenario.session.queries.extend(explored::queries(dialect.catalog));
    }
    let lab = Lab::start_at(scenario, place).await.map_err(trouble)?;
    let dial = fault.client.at(lab.address(), lab.root_pem_path(), lab.certificate_pem_path());
    Ok((lab, dial))
}

/// The fault of this name, or what to say when there is none.
fn named<'f>(faults: &'f [Fault], name: &str) -> Result<&'f Fault, String> {
    let found = faults.iter().find(|fault| fault.name == name);
    found.ok_or_else(|| nearest::unknown(name, faults.iter().map(|fault| fault.name)))
}

fn complain(unknown: &str) -> u8 {
    anstream::eprintln!("{BAD}error:{BAD:#} there is no fault {unknown}");
    anstream::eprintln!("`pgpreflight lab list` lists them all");
    BAD_INVOCATION
}

/// Both loopback addresses, as far as this machine has them: clients take `localhost` for either.
fn loopback() -> Vec<IpAddr> {
    let mut addresses = vec![IpAddr::V4(Ipv4Addr::LOCALHOST)];
    if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok() {
        addresses.push(IpAddr::V6(Ipv6Addr::LOCALHOST));
    }
    addresses
}

/// A directory for the certificates, removed when this is dropped.
fn directory() -> Result<tempfile::TempDir, Trouble> {
    let made = tempfile::Builder::new().prefix("pgpreflight-lab-").tempdir();
    made.map_err(|error| Trouble::Lab(format!("cannot make a directory for the certificates: {error}")))
}
