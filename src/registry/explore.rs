//! `explore`: what is in a database. Its tables (`root`), the columns of one with their XDM types, and a few of its rows.
//!
//! Shapes: the platform's pages on exploring tabular sources. All queries go by the simple protocol, which Redshift
//! speaks too, in one transaction that cannot write.

mod session;
mod xdm;

use serde_json::{Map, Value, json};

use self::session::Session;

pub use self::session::connect;
use crate::registry::api::Object;
use crate::registry::problem::Problem;

/// How many tables are listed.
const MOST_TABLES: usize = 10_000;

/// How many rows a preview has.
const PREVIEW_ROWS: usize = 10;

/// How many characters of a value a preview shows.
const PREVIEW_LENGTH: usize = 1000;

/// Looks.
pub async fn explore(session: &Session, object: &Object) -> Result<Value, Problem> {
    match object {
        Object::Root => root(session).await,
        Object::Table { path, preview } => table(session, path, *preview).await,
    }
}

async fn root(session: &Session) -> Result<Value, Problem> {
    let sql = format!("{} LIMIT {MOST_TABLES}", include_str!("explore/tables.sql"));
    let tables = session.rows(&sql).await?.into_iter().map(|row| {
        let path = row.text("path");
        let readable = row.text("readable") == "t";
        json!({"type": "table", "name": path, "path": path, "canPreview": readable, "canFetchSchema": true})
    });
    Ok(tables.collect())
}

async fn table(session: &Session, path: &str, preview: bool) -> Result<Value, Problem> {
    let literal = postgres_protocol::escape::escape_literal(path);
    let sql = include_str!("explore/columns.sql").replace("$PATH", &literal);
    let rows = session.rows(&sql).await?;
    let columns: Vec<Column> = rows.iter().map(|row| Column::new(row.text("name"), row.text("type"))).collect();
    let Some(first) = rows.first() else {
        return Err(invalid("1330-400", "No columns could be found for the given object."));
    };
    let schema: Value = columns.iter().map(Column::described).collect();
    let mut answer = json!({"format": "flat", "schema": {"columns": schema}});
    if preview {
        let from = format!("{}.{}", identifier(first.text("schema_name")), identifier(first.text("table_name")));
        let data = sample(session, &from, &columns).await?;
        if let Some(answer) = answer.as_object_mut() {
            answer.insert("data".to_owned(), data);
        }
    }
    Ok(answer)
}

async fn sample(session: &Session, from: &str, columns: &[Column]) -> Result<Value, Problem> {
    // Numbers and booleans are short as they are; anything else may be of any length.
    let wanted: Vec<String> = columns
        .iter()
        .enumerate()
        .map(|(index, column)| {
            let name = identifier(&column.name);
            let value = if column.xdm.is_text() { format!("left({name}::text, {PREVIEW_LENGTH})") } else { name };
            format!("{value} AS c{index}")
        })
        .collect();
    let sql = format!("SELECT {} FROM {from} LIMIT {PREVIEW_ROWS}", wanted.join(", "));
    let rows = session.rows(&sql).await?.into_iter().map(|row| {
        let value = |(index, column): (usize, &Column)| {
            let value = row.get(&format!("c{index}")).map_or(Value::Null, |text| column.xdm.value(text));
            (column.name.clone(), value)
        };
        Value::Object(columns.iter().enumerate().map(value).collect::<Map<_, _>>())
    });
    Ok(rows.collect())
}

struct Column {
    name: String,
    xdm: xdm::Type,
}

impl Column {
    fn new(name: &str, kind: &str) -> Self {
        Self { name: name.to_owned(), xdm: xdm::Type::of(kind) }
    }

    fn described(&self) -> Value {
        let mut column = json!({"name": self.name});
        if let (Some(column), Value::Object(described)) = (column.as_object_mut(), self.xdm.described()) {
            column.extend(described);
        }
        column
    }
}

fn identifier(name: &str) -> String {
    postgres_protocol::escape::escape_identifier(name)
}

/// A request that cannot be answered.
pub fn invalid(code: &'static str, detail: &str) -> Problem {
    Problem::new(code, "Invalid request", detail)
}
