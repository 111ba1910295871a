//! The lines that the plays have left, of which some tests write fewer fields, and the words of the clients as they are.

use serde_json::Value;

use crate::row::Row;

/// All rows. A play that was repeated counts once, as it was the last time.
pub fn read(lines: &str) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for row in lines.lines().map(read_one) {
        let same = |known: &&mut Row| {
            (&known.fault, &known.source, known.variant, &known.expected)
                == (&row.fault, &row.source, row.variant, &row.expected)
        };
        match rows.iter_mut().find(same).filter(|_| row.source != TRANSLATED) {
            Some(known) => *known = row,
            None => rows.push(row),
        }
    }
    rows
}

/// The same fault is played once a language.
const TRANSLATED: &str = "PostgreSQL, translated";

fn read_one(line: &str) -> Row {
    let mut row: Value = serde_json::from_str(line).unwrap();
    let id = row["fault"].clone();
    if let Some(about) = row.as_object_mut().unwrap().remove("about") {
        row["source"] = format!("network {}", id.as_str().unwrap_or_default()).trim().into();
        row["fault"] = about.as_str().unwrap_or_default().trim_end_matches('.').into();
    }
    for key in ["expected", "given"] {
        if row[key].is_null() {
            row[key] = "".into();
        }
    }
    let mut row: Row = serde_json::from_value(row).unwrap();
    row.healthy |= row.expected.is_empty();
    row.psql = psql(&row.psql);
    row.pg_isready = row.pg_isready.rsplit(" - ").next().unwrap_or_default().to_owned();
    row
}

/// Without who says it, and of which connection.
fn psql(said: &str) -> String {
    let said = said.strip_prefix("psql: error: ").unwrap_or(said);
    match said.split_once(" failed: ") {
        Some((connection, reason)) if connection.starts_with("connection to server") => reason.to_owned(),
        _ if said.starts_with("xxx") => "connects".to_owned(),
        _ => said.to_owned(),
    }
}
