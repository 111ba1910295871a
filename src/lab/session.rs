//! What a session reports after the login, and its answers to queries, as a scenario writes them.

use std::fmt;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::moment::Hangup;
use super::server_error::ServerError;

/// The session behind a successful login.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Session {
    /// `ParameterStatus` as `[name, value]`: replaces the engine's value of that name, or is sent after all of them.
    pub parameters: Vec<(String, String)>,
    /// Only `parameters` are reported, in their order, and none of the engine's.
    pub parameters_only: bool,
    /// `NoticeResponses` after `AuthenticationOk`.
    pub notices: Vec<ServerError>,
    /// `BackendKeyData` is sent.
    pub backend_key: bool,
    /// Answers by the text of the query; the first that fits counts. What drivers and pools send on their own
    /// (`select 1`, transactions, SET and SHOW, and the like) is answered without being listed.
    pub queries: Vec<Query>,
    /// The answer to every query that is not listed, with a hangup also to everything that drivers send on their own.
    /// Without it they are ERROR 0A000.
    pub otherwise: Option<Query>,
}

/// A query and its answer: `hangup`, else `error`, else the columns and rows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Query {
    /// The whole text; blanks and semicolons at its ends do not count.
    pub sql: String,
    /// The text may go on after a blank, and letters may be of either case.
    pub begins: bool,
    /// Column names, all of type text. Without any the answer is the command tag alone.
    pub columns: Vec<String>,
    /// Rows in text format.
    pub rows: Vec<Vec<Cell>>,
    /// The command tag; `SELECT` and the number of rows unless given.
    pub tag: Option<String>,
    /// The `ErrorResponse` in place of rows. FATAL ends the session.
    pub error: Option<ServerError>,
    /// Silence or an end in place of an answer.
    pub hangup: Option<Hangup>,
}

/// A value in text format. In TOML a string, an integer, a Boolean (`t` or `f`), or `{}` for NULL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// NULL.
    Null,
    /// The text form of anything else.
    Text(String),
}

impl Default for Session {
    fn default() -> Self {
        Self {
            parameters: Vec::new(),
            parameters_only: false,
            notices: Vec::new(),
            backend_key: true,
            queries: Vec::new(),
            otherwise: None,
        }
    }
}

impl Session {
    /// The `ParameterStatus` messages in order, of a server that has these where nothing is wrong with it.
    pub(super) fn reported(&self, sound: Vec<(String, String)>) -> Vec<(String, String)> {
        if self.parameters_only {
            return self.parameters.clone();
        }
        let mut reported = sound;
        for (name, value) in &self.parameters {
            match reported.iter_mut().find(|(known, _)| known == name) {
                Some(parameter) => parameter.1.clone_from(value),
                None => reported.push((name.clone(), value.clone())),
            }
        }
        reported
    }

    /// The answer listed for a query.
    pub(super) fn answer(&self, sql: &str) -> Option<&Query> {
        let sql = bare(sql);
        self.queries.iter().find(|query| query.fits(sql))
    }
}

impl Query {
    fn fits(&self, sql: &str) -> bool {
        let own = bare(&self.sql);
        if !self.begins {
            return own == sql;
        }
        sql.split_at_checked(own.len()).is_some_and(|(start, rest)| {
            start.eq_ignore_ascii_case(own) && rest.chars().next().is_none_or(char::is_whitespace)
        })
    }
}

/// A query without what does not count at its ends.
fn bare(sql: &str) -> &str {
    sql.trim_matches(|character: char| character.is_whitespace() || character == ';')
}

impl<'de> Deserialize<'de> for Cell {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CellVisitor)
    }
}

struct CellVisitor;

impl<'de> Visitor<'de> for CellVisitor {
    type Value = Cell;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a string, an integer, a Boolean, or {} for NULL")
    }

    fn visit_str<E>(self, text: &str) -> Result<Cell, E> {
        Ok(Cell::Text(text.to_owned()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Cell, E> {
        Ok(Cell::Text(number.to_string()))
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Cell, E> {
        Ok(Cell::Text(if truth { "t" } else { "f" }.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Cell, A::Error> {
        match map.next_key::<String>()? {
            None => Ok(Cell::Null),
            Some(key) => Err(A::Error::custom(format!("a NULL is {{}}, but `{key}` is in it"))),
        }
    }
}
