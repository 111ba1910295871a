//! The log: a JSON object a line, on standard error. Callers' bodies, queries and headers are never in it.

use std::io::Write as _;

use jiff::Timestamp;
use serde_json::{Map, Value};

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// As it should be.
    Info,
    /// Somebody should look at it.
    Warning,
    /// Something of ours has failed.
    Error,
}

/// Writes one line. `fields` is a JSON object.
pub fn log(level: Level, event: &str, fields: Value) {
    let mut line = Map::new();
    line.insert("time".to_owned(), Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string().into());
    let level = match level {
        Level::Info => "info",
        Level::Warning => "warning",
        Level::Error => "error",
    };
    line.insert("level".to_owned(), level.into());
    line.insert("event".to_owned(), event.into());
    if let Value::Object(fields) = fields {
        line.extend(fields);
    }
    let mut text = Value::Object(line).to_string();
    text.push('\n');
    // One call a line, so that lines of several threads do not mix. Nobody is left to tell when that fails.
    drop(std::io::stderr().lock().write_all(text.as_bytes()));
}
