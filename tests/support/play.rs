//! A scenario of the lab, answering the inspection as a sound server does, and a check of it by the library.

use std::time::Duration;

use pgpreflight::Wanted;
use pgpreflight::dialect::POSTGRESQL;
use pgpreflight::lab::session::{Cell, Query};
use pgpreflight::lab::{Lab, Scenario};
use pgpreflight::report::Report;
use pgpreflight::settings::{self, Sources};
use pgpreflight::target::{Secret, Target};

/// Starts a sound server with these faults, in TOML.
pub async fn start(faults: &str) -> Lab {
    let mut scenario: Scenario = toml::from_str(faults).unwrap();
    scenario.session.queries = [
        (POSTGRESQL.session, vec!["PostgreSQL 18.4 on x86_64-pc-linux-gnu", "f", "f", "7", "100", "3"]),
        (POSTGRESQL.role, vec!["f"]),
        (POSTGRESQL.schemas, vec!["public", "t", "12", "12", "[]", "[]"]),
    ]
    .map(|(sql, row)| Query {
        sql: sql.to_owned(),
        columns: row.iter().map(|value| (*value).to_owned()).collect(),
        rows: vec![row.into_iter().map(|value| Cell::Text(value.to_owned())).collect()],
        ..Query::default()
    })
    .to_vec();
    Lab::start(scenario).await.unwrap()
}

/// Checks it as `alice`, with these further keywords.
pub async fn check(lab: &Lab, keywords: &str, timeout: Duration) -> Report {
    pgpreflight::check(&target(lab, keywords, timeout), &Wanted::default(), &mut ()).await
}

/// It as a target for `alice`, with these further keywords.
pub fn target(lab: &Lab, keywords: &str, timeout: Duration) -> Target {
    let target = Some(Secret::new(conninfo(lab, keywords)));
    settings::read(&Sources { target, timeout: Some(timeout), ..Sources::default() }).unwrap()
}

/// The same as libpq has it.
pub fn conninfo(lab: &Lab, keywords: &str) -> String {
    let (port, root) = (lab.address().port(), lab.root_pem_path().display());
    format!(
        "host=localhost hostaddr=127.0.0.1 port={port} dbname=orders user=alice password=wonderland \
         sslrootcert={root} {keywords}"
    )
}
