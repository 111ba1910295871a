//! One table beside what psql comes to in each of its modes.

use serde_json::Value;

use crate::answer::Answer;
use crate::client::{Psql, Settings, check_in, psql_18};
use crate::server::Server;

const MODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

/// What hangs on a password that this run has not seen accepted.
const PASSWORD_CODES: [&str; 3] = ["login-password-missing", "login-password-rejected", "login-password-unchecked"];

/// Settings, and the modes that are checked with them.
pub struct Case<'a> {
    pub server: &'a Server,
    pub settings: &'a Settings,
    /// The modes to check in; each makes a table of its own.
    pub own: &'a [&'a str],
    /// Variables for both clients.
    pub env: &'a [(&'a str, &'a str)],
    /// psql on libpq 15 has to agree as well.
    pub older_too: bool,
}

impl<'a> Case<'a> {
    pub fn new(server: &'a Server, settings: &'a Settings) -> Self {
        Self { server, settings, own: &[], env: &[], older_too: false }
    }
}

/// The table of one run.
pub struct Table(Answer);

impl Table {
    #[track_caller]
    pub fn row(&self, name: &str) -> Row<'_> {
        let rows = self.0.report["modes"].as_array().expect("a list");
        let row = rows.iter().find(|row| row["sslmode"] == name).unwrap_or_else(|| panic!("no row {name}: {}", self.0));
        Row { row, answer: &self.0 }
    }
}

pub struct Row<'a> {
    row: &'a Value,
    answer: &'a Answer,
}

impl Row<'_> {
    fn is(&self, outcome: &str) -> bool {
        self.row["outcome"] == outcome
    }

    #[track_caller]
    pub fn connects(&self, encrypted: bool, verified: &str) {
        assert!(self.is("connects"), "{}: {}", self.row, self.answer);
        assert_eq!(
            (&self.row["encrypted"], &self.row["verified"]),
            (&encrypted.into(), &verified.into()),
            "{}",
            self.row
        );
    }

    #[track_caller]
    pub fn fails(&self, code: &str) {
        assert!(self.is("fails") && self.row["cause"] == code, "{}: {}", self.row, self.answer);
    }

    #[track_caller]
    pub fn is_unknown(&self) {
        assert!(self.is("unknown"), "{}: {}", self.row, self.answer);
    }
}

/// One run with `--all-modes`.
pub fn table(server: &Server, settings: &Settings, env: &[(&str, &str)]) -> Table {
    Table(check_in(&server.home(), settings, &["--timeout", "10s", "--all-modes"], env))
}

/// Makes a table in each of the modes to check in, and holds every row of it to what psql comes to.
pub fn agree(case: &Case<'_>) -> Vec<Table> {
    let (server, env) = (case.server, case.env);
    let by_psql: Vec<Vec<Psql>> = MODES
        .iter()
        .map(|mode| {
            let settings = case.settings.clone().set("sslmode", *mode);
            let newer = psql_18(&server.cluster, &settings, env);
            let older = case.older_too.then(|| server.psql(&settings));
            [newer].into_iter().chain(older).collect()
        })
        .collect();
    let tables = case.own.iter().map(|own| {
        let table = table(server, &case.settings.clone().set("sslmode", *own), env);
        for (mode, psqls) in MODES.iter().zip(&by_psql) {
            for psql in psqls {
                compare(&table, mode, psql);
            }
        }
        agrees_with_verdict(&table, own);
        table
    });
    tables.collect()
}

fn compare(table: &Table, mode: &str, psql: &Psql) {
    let (row, answer) = (table.row(mode).row, &table.0);
    let cause = row["cause"].as_str().unwrap_or_default();
    match row["outcome"].as_str() {
        Some("connects") => {
            assert!(psql.connects, "{row}: psql: {psql:?}\n{answer}");
            assert_eq!(row["encrypted"], psql.encrypted, "{row}: psql: {psql:?}\n{answer}");
        }
        Some("fails") => assert!(!psql.connects, "{row}: psql: {psql:?}\n{answer}"),
        // The run's own login tells of the password, once it has been accepted.
        _ => {
            assert!(PASSWORD_CODES.contains(&cause), "{row}: {answer}");
            assert_ne!(answer.fact("login", "password_checked"), true, "{row}: {answer}");
            assert!(cause != "login-password-missing" || !psql.connects, "{row}: psql: {psql:?}\n{answer}");
        }
    }
}

/// The row of the mode that was checked is what the check came to.
fn agrees_with_verdict(table: &Table, own: &str) {
    let (row, answer) = (table.row(own).row, &table.0);
    let (outcome, cause) = if answer.connects() { ("connects", None) } else { ("fails", answer.cause()) };
    assert_eq!((row["outcome"].as_str(), row["cause"].as_str()), (Some(outcome), cause), "{own}: {row}: {answer}");
    if answer.connects() {
        assert_eq!(&row["encrypted"], answer.fact("tls", "negotiated"), "{own}: {row}: {answer}");
    }
}
