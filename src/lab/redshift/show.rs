//! `SHOW DATABASES`, `SCHEMAS`, `TABLES` and `COLUMNS`, by which Amazon's drivers look around (Amazon Redshift Database
//! Developer Guide, "SHOW TABLES" and its neighbours): a database of one schema with two tables.

use super::super::held::{self, SCHEMA};
use super::super::result::{Column, ColumnType, ResultSet};
use super::super::session::Cell;

/// Columns by name; `#` stands before those that are numbers.
const DATABASES: &str = "database_name database_owner database_type database_acl parameters database_isolation_level";
const SCHEMAS: &str = "database_name schema_name schema_owner schema_type schema_acl source_database schema_option";
const TABLES: &str = "database_name schema_name table_name table_type table_acl remarks owner last_altered_time \
                      last_modified_time dist_style table_subtype";
const COLUMNS: &str = "database_name schema_name table_name column_name #ordinal_position column_default is_nullable \
                       data_type #character_maximum_length #numeric_precision #numeric_scale remarks sort_key_type \
                       #sort_key #dist_key encoding collation";

/// The answer to a statement of these words, before it is narrowed to what is asked for.
pub(in crate::lab) fn show(words: &[&str], database: &str) -> Option<ResultSet> {
    let (columns, rows) = match words {
        ["show", "databases", ..] => {
            (DATABASES, vec![cells(&[database, "100", "local", "", "", "Snapshot Isolation"])])
        }
        ["show", "schemas", "from", "database", ..] => (SCHEMAS, vec![cells(&[database, SCHEMA, "1", "local"])]),
        ["show", "tables", "from", "schema", ..] => {
            let row = |table: &held::Table| {
                cells(&[database, SCHEMA, table.name, "TABLE", "", "", "rdsdb", "", "", "AUTO (ALL)", "REGULAR TABLE"])
            };
            (TABLES, held::TABLES.iter().map(row).collect())
        }
        ["show", "columns", "from", "table", ..] => {
            (COLUMNS, held::TABLES.iter().flat_map(|table| described(database, table)).collect())
        }
        _ => return None,
    };
    let columns: Vec<Column> = columns.split_whitespace().map(column).collect();
    let rows: Vec<Vec<Cell>> = rows
        .into_iter()
        .map(|mut row| {
            row.resize(columns.len(), Cell::Null);
            row
        })
        .collect();
    Some(ResultSet { columns, rows, tag: "SHOW".to_owned() })
}

/// Leaves what the client has bound: names in the order of the columns, of which the last may be a pattern of LIKE.
pub(in crate::lab) fn narrow(result: &mut ResultSet, bound: &[Option<Vec<u8>>]) {
    if result.tag != "SHOW" {
        return;
    }
    let wanted = |cell: &Cell, bound: &Option<Vec<u8>>| match (cell, bound) {
        (Cell::Text(text), Some(pattern)) => is_like(text, &String::from_utf8_lossy(pattern)),
        _ => false,
    };
    result.rows.retain(|row| row.iter().zip(bound).all(|(cell, bound)| wanted(cell, bound)));
}

fn described(database: &str, table: &held::Table) -> Vec<Vec<Cell>> {
    let row = |(position, column): (usize, &held::Column)| {
        let held::Column { name, kind, length, digits, .. } = column;
        let scale = if digits.is_empty() { "" } else { "0" };
        let place = position.to_string();
        let kind = [database, SCHEMA, table.name, name, &place, "", "YES", kind, length, digits, scale];
        let keys = ["", "", "0", "0", "az64", "default"];
        cells(&[&kind[..], &keys].concat())
    };
    (1..).zip(&table.columns).map(row).collect()
}

/// What is empty is NULL.
fn cells(texts: &[&str]) -> Vec<Cell> {
    let cell = |text: &&str| if text.is_empty() { Cell::Null } else { Cell::Text((*text).to_owned()) };
    texts.iter().map(cell).collect()
}

fn column(name: &str) -> Column {
    match name.strip_prefix('#') {
        Some(name) => Column { name: name.to_owned(), kind: ColumnType::Int4 },
        None => Column { name: name.to_owned(), kind: ColumnType::Text },
    }
}

/// SQL's LIKE, with the backslash to escape.
fn is_like(text: &str, pattern: &str) -> bool {
    let mut rest = pattern.chars();
    let after_one = |wanted: Option<char>, pattern: &str| {
        let mut rest = text.chars();
        rest.next().is_some_and(|first| wanted.is_none_or(|wanted| wanted == first)) && is_like(rest.as_str(), pattern)
    };
    match rest.next() {
        None => text.is_empty(),
        Some('%') => is_like(text, rest.as_str()) || (!text.is_empty() && after_one(None, pattern)),
        Some('_') => after_one(None, rest.as_str()),
        Some('\\') => {
            let escaped = rest.next();
            escaped.is_some() && after_one(escaped, rest.as_str())
        }
        Some(letter) => after_one(Some(letter), rest.as_str()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_those_of_sql() {
        let rows = [
            ("orders", "orders", true),
            ("orders", "order", false),
            ("orders", "ord%", true),
            ("orders", "%", true),
            ("", "%", true),
            ("orders", "_rders", true),
            ("orders", "o\\%", false),
            ("o%", "o\\%", true),
            ("orders", "%s_", false),
            ("orders", "o\\", false),
        ];
        for (text, pattern, fits) in rows {
            assert_eq!(is_like(text, pattern), fits, "{text:?} like {pattern:?}");
        }
    }

    #[test]
    fn what_is_bound_narrows_the_answer() {
        let count = |words: &[&str], bound: &[&str]| {
            let mut result = show(words, "orders")?;
            narrow(&mut result, &bound.iter().map(|bound| Some(bound.as_bytes().to_vec())).collect::<Vec<_>>());
            assert!(result.rows.iter().all(|row| row.len() == result.columns.len()));
            Some(result.rows.len())
        };
        let tables = ["show", "tables", "from", "schema", "$1", ".", "$2"];
        let columns = ["show", "columns", "from", "table", "$1", ".", "$2", ".", "$3"];
        assert_eq!(count(&tables, &["orders", "public"]), Some(2));
        assert_eq!(count(&tables, &["orders", "nosuch"]), Some(0));
        assert_eq!(count(&columns, &["orders", "public", "customers", "n%"]), Some(1));
        assert_eq!(count(&["show", "server_version"], &[]), None);
    }
}
