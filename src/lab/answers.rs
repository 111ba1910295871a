//! The answers of an endpoint to an inspection, by the name of the question: a scenario file has those that are not a
//! sound server's.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::redshift;
use super::scenario::Engine;
use super::session::{Cell, Query};

/// Answers by the name of their question; the text of the question and the columns are filled in.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct Answers(BTreeMap<String, Query>);

impl Answers {
    /// The answers of this engine to these questions, each a name and a statement.
    pub fn to(&self, questions: &[(&str, &str)], engine: Engine) -> Vec<Query> {
        let answer = |(name, sql): &(&str, &str)| {
            let query = self.0.get(*name).cloned().unwrap_or_else(|| sound(name, engine));
            let width = query.rows.first().map_or(1, Vec::len);
            let columns = (0..width).map(|index| format!("column{index}")).collect();
            Query { sql: (*sql).to_owned(), columns, ..query }
        };
        questions.iter().map(answer).collect()
    }

    /// The first answer that is none.
    pub fn failure(&self, questions: &[(&str, &str)]) -> Option<Query> {
        let fails = |query: &&Query| query.error.is_some() || query.hangup.is_some();
        questions.iter().filter_map(|(name, _)| self.0.get(*name)).find(fails).cloned()
    }
}

/// The answer of a server with which nothing is wrong.
fn sound(name: &str, engine: Engine) -> Query {
    let text = |text: &str| Cell::Text(text.to_owned());
    let row = match (name, engine) {
        ("session", Engine::Postgresql) => {
            ["PostgreSQL 18.4 on x86_64-pc-linux-gnu", "f", "f", "7", "100", "3"].map(text).to_vec()
        }
        // Nobody tells of other sessions, nor of the limit.
        ("session", Engine::Redshift) => {
            let version = redshift::version(redshift::RELEASE);
            let told = [version.as_str(), "f", "f"].map(text);
            [&told[..], &[Cell::Null, Cell::Null, Cell::Null, text("1073750094")]].concat()
        }
        ("large", _) => vec![Cell::Text("x".repeat(8192))],
        ("role", _) => ["f", "f"].map(text).to_vec(),
        // An aggregate over no row is NULL.
        ("schemas", Engine::Postgresql) => {
            [&["public", "t", "12", "12"].map(text)[..], &[Cell::Null, Cell::Null]].concat()
        }
        ("schemas", Engine::Redshift) => {
            [&["public", "t", "2", "2"].map(text)[..], &[Cell::Null, Cell::Null, text("0"), Cell::Null]].concat()
        }
        ("elsewhere", Engine::Redshift) => {
            let none = ["public", "t", "0", "0"].map(text);
            [&none[..], &[Cell::Null, Cell::Null, text("0"), Cell::Null, text("2")]].concat()
        }
        // Nothing is set for the role, and the version says what the server is.
        _ => return Query::default(),
    };
    Query { rows: vec![row], ..Query::default() }
}
