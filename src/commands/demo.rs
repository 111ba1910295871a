//! `demo`: the whole main job with nothing installed. An endpoint of our own on loopback, a check that fails and says
//! what to change, the same check with that change, and the connection registered in a throw-away local registry.

use std::io::Write;

use tokio::time::Instant;

use crate::Wanted;
use crate::commands::output::Output;
use crate::dialect::POSTGRESQL;
use crate::error::Trouble;
use crate::lab::Lab;
use crate::lab::certificate::Certificate;
use crate::lab::scenario::{DEFAULT_PASSWORD, DEFAULT_USER, Scenario};
use crate::lab::session::{Cell, Query};
use crate::registry::local::LocalService;
use crate::registry::payload::{self, Cloud, Wishes};
use crate::registry::registration;
use crate::registry::scope::Scope;
use crate::registry::service::Service;
use crate::registry::storage::Storage;
use crate::registry::store::key_beside;
use crate::render::human;
use crate::render::layout::{STRONG, paragraph};
use crate::render::progress::Progress;
use crate::report::Report;
use crate::settings::{self, Given, Sources};
use crate::target::{Secret, Target};

const DATABASE: &str = "orders";

/// Runs the subcommand. Ends with 0 only if everything went as the demo says.
pub async fn run() -> Result<u8, Trouble> {
    let mut output = Output::open(None)?;
    let lab = Lab::start(scenario()).await.map_err(|error| Trouble::Lab(error.to_string()))?;
    let address = lab.address();
    step(&mut output, 1, &format!("An endpoint with TLS and SCRAM of this program's own listens at {address}."))?;

    step(&mut output, 2, "Check it by its address, with sslmode=verify-full.")?;
    output.write(|out| writeln!(out))?;
    let by_address = target(&lab, "host=127.0.0.1")?;
    let report = check(&by_address, &mut output).await?;
    if report.exit_code != 12 {
        return Ok(report.exit_code.max(1));
    }

    step(&mut output, 3, "Do what the check says: the same address under a name of its certificate.")?;
    output.write(|out| writeln!(out))?;
    let by_name = target(&lab, "host=localhost hostaddr=127.0.0.1")?;
    let report = check(&by_name, &mut output).await?;
    if report.exit_code != 0 {
        return Ok(report.exit_code);
    }

    step(&mut output, 4, "It is ready: register it, in a local registry (SQLite) that is deleted afterwards.")?;
    output.write(|out| writeln!(out))?;
    register(&by_name, &report, &mut output).await?;
    Ok(0)
}

fn step(output: &mut Output, number: u8, text: &str) -> Result<(), Trouble> {
    output.write(|out| {
        if number > 1 {
            writeln!(out)?;
        }
        paragraph(out, &format!("{STRONG}{number}.{STRONG:#} "), 3, text)
    })
}

async fn check(target: &Target, output: &mut Output) -> Result<Report, Trouble> {
    let mut progress = Progress::new(target, Some(output.writer()));
    let report = crate::check(target, &Wanted::default(), &mut progress).await;
    output.write(|out| human::rest(&report, out))?;
    Ok(report)
}

fn target(lab: &Lab, host: &str) -> Result<Target, Trouble> {
    let (port, root) = (lab.address().port(), lab.root_pem_path().display());
    let conninfo = format!(
        "{host} port={port} dbname={DATABASE} user={DEFAULT_USER} password={DEFAULT_PASSWORD} \
         sslmode=verify-full sslrootcert='{root}'"
    );
    let sources = Sources { target: Some(Secret::new(conninfo)), ..Sources::default() };
    settings::read(&sources).map_err(|failure| Trouble::Lab(format!("{failure:?}")))
}

async fn register(target: &Target, report: &Report, output: &mut Output) -> Result<(), Trouble> {
    let trouble = |error: &dyn std::fmt::Display| Trouble::Registry(error.to_string());
    let directory = tempfile::tempdir().map_err(|error| trouble(&error))?;
    let file = directory.path().join("registry.db");
    let storage = Storage::embedded(&file, &key_beside(&file)).map_err(|error| trouble(&error))?;
    let deadline = Instant::now() + target.limits.timeout;
    let service = Service::Local(LocalService { storage, scope: Scope::local(), tries_first: false, deadline });
    let wishes = Wishes {
        name: "demo orders".to_owned(),
        description: Some("made by pgpreflight demo".to_owned()),
        form: None,
        cloud: Cloud::Azure,
    };
    let request =
        payload::request(&Given::Other, target, &wishes).map_err(|failure| trouble(&format!("{failure:?}")))?;
    let wanted = registration::Wanted {
        request: &request,
        update: false,
        deadline,
        report: serde_json::to_string(report).unwrap_or_default(),
    };
    let Some(done) = Box::pin(registration::register(&service, &wanted)).await.done else {
        return Err(trouble(&"the connection was not made"));
    };
    let stored = service.show(done.id).await.map_err(|error| trouble(&error))?;
    output.write(|out| {
        show(out, "POST /connections", &request.masked())?;
        show(out, "answer", &done)?;
        show(out, &format!("GET /connections/{}", done.id), &stored)?;
        writeln!(out, "The password is sealed in the registry, and masked in every answer.")
    })
}

fn show(out: &mut dyn Write, title: &str, value: &impl serde::Serialize) -> std::io::Result<()> {
    writeln!(out, "{STRONG}{title}{STRONG:#}")?;
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out, "\n")
}

/// A sound PostgreSQL 18 whose certificate names `localhost`, but no address.
fn scenario() -> Scenario {
    let mut scenario = Scenario { certificate: Certificate::NamesOnly, ..Scenario::default() };
    scenario.session.queries = vec![
        answer(POSTGRESQL.session, &[&["PostgreSQL 18.4 (pgpreflight demo)", "f", "f", "7", "100", "3"]]),
        answer(POSTGRESQL.role, &[&["f"]]),
        answer(POSTGRESQL.schemas, &[&["public", "t", "12", "12", "[]", "[]"]]),
    ];
    scenario
}

fn answer(sql: &str, rows: &[&[&str]]) -> Query {
    let cells = |row: &&[&str]| row.iter().map(|text| Cell::Text((*text).to_owned())).collect();
    let width = rows.first().map_or(0, |row| row.len());
    Query {
        sql: sql.to_owned(),
        columns: (0..width).map(|index| format!("column{index}")).collect(),
        rows: rows.iter().map(cells).collect(),
        ..Query::default()
    }
}
