//! A session on a caller's database: logged in to as a check does, at permitted addresses only, within a time.

use std::time::Duration;

use crate::dialect::Catalog;
use crate::probe::Session as Open;
use crate::registry::network::Network;
use crate::registry::preflight::{Outcome, Permitted};
use crate::registry::problem::Problem;
use crate::target::{Limits, Target};
use crate::wire::connection::{Broken, Rows};
use crate::wire::message::ServerError;

/// How long everything may take.
const TIME: Duration = Duration::from_secs(25);

/// An open session.
pub struct Session(Open);

impl Session {
    /// Logs in, and begins a transaction that cannot write. Who is not let in is told why, and gets the report.
    pub async fn open(target: &Target, network: &Network) -> Result<Self, Problem> {
        let target = Target { limits: Limits { timeout: TIME, ..target.limits }, ..target.clone() };
        let opened = crate::open(&target, &mut Permitted(network.clone())).await;
        let mut session = Self(opened.map_err(|report| Outcome::of(&report).refusal())?);
        session.rows("BEGIN READ ONLY").await?;
        Ok(session)
    }

    /// Says good-bye.
    pub async fn close(mut self) {
        self.0.connection.terminate().await;
    }

    /// How this database is asked what it holds.
    pub fn catalog(&self) -> &'static Catalog {
        self.0.dialect.catalog
    }

    /// The rows of one statement, as they are.
    pub async fn rows(&mut self, sql: &str) -> Result<Rows, Problem> {
        let answered = self.0.connection.rows(sql).await.map_err(|broken| Problem::refused(&broke_off(&broken)))?;
        answered.map_err(|error| Problem::refused(&said(&error)))
    }
}

fn said(error: &ServerError) -> String {
    format!("{}: {} (SQLSTATE {})", error.field('S').unwrap_or("ERROR"), error.message, error.sqlstate)
}

fn broke_off(broken: &Broken) -> String {
    match broken {
        Broken::Closed | Broken::Reset => "the database ended the session".to_owned(),
        Broken::TimedOut => "no answer in time".to_owned(),
        Broken::Other(error) => error.to_string(),
    }
}
