//! `explore`: what is in a database. Its tables (`root`), the columns of one with their XDM types, and a few of its rows.
//!
//! Shapes: the platform's pages on exploring tabular sources. All queries go by the simple protocol, which Redshift
//! speaks too, in one transaction that cannot write, and in the dialect of the server.

mod session;
mod xdm;

use serde_json::{Value, json};

use self::session::Session;
use crate::dialect::Selected;
use crate::registry::api::Object;
use crate::registry::network::Network;
use crate::registry::problem::Problem;
use crate::target::Target;
use crate::wire::connection::Row;

/// Logs in, looks, and leaves.
pub async fn explore(target: &Target, network: &Network, object: &Object) -> Result<Value, Problem> {
    let mut session = Session::open(target, network).await?;
    let found = match object {
        Object::Root => root(&mut session).await,
        Object::Table { path, preview } => table(&mut session, path, *preview).await,
    };
    session.close().await;
    found
}

async fn root(session: &mut Session) -> Result<Value, Problem> {
    let mut tables = Vec::new();
    for sql in session.catalog().tables {
        for row in session.rows(sql).await? {
            let [path, readable] = texts(row);
            let readable = readable == "t";
            tables.push(
                json!({"type": "table", "name": path, "path": path, "canPreview": readable, "canFetchSchema": true}),
            );
        }
    }
    Ok(tables.into())
}

async fn table(session: &mut Session, path: &str, preview: bool) -> Result<Value, Problem> {
    let found = find(session, path).await?;
    let schema: Value = found.columns.iter().map(Column::described).collect();
    let mut answer = json!({"format": "flat", "schema": {"columns": schema}});
    if preview && let Some(answer) = answer.as_object_mut() {
        answer.insert("data".to_owned(), sample(session, &found).await?);
    }
    Ok(answer)
}

struct Table {
    schema: String,
    name: String,
    columns: Vec<Column>,
}

/// The table of this path, by the first statement that knows it.
async fn find(session: &mut Session, path: &str) -> Result<Table, Problem> {
    for sql in session.catalog().columns(path) {
        let mut found: Option<Table> = None;
        for row in session.rows(&sql).await? {
            let [name, kind, schema, table] = texts(row);
            let table = found.get_or_insert_with(|| Table { schema, name: table, columns: Vec::new() });
            table.columns.push(Column { name, xdm: xdm::Type::of(&kind), kind });
        }
        if let Some(found) = found {
            return Ok(found);
        }
    }
    Err(invalid("1330-400", "No columns could be found for the given object."))
}

async fn sample(session: &mut Session, table: &Table) -> Result<Value, Problem> {
    let columns: Vec<Selected<'_>> = table.columns.iter().map(Column::selected).collect();
    let sql = session.catalog().preview(&table.schema, &table.name, &columns);
    let rows = session.rows(&sql).await?.into_iter().map(|row| {
        let value = |(column, text): (&Column, Option<String>)| {
            (column.name.clone(), text.map_or(Value::Null, |text| column.xdm.value(&text)))
        };
        Value::Object(table.columns.iter().zip(row).map(value).collect())
    });
    Ok(rows.collect())
}

/// The first values of a row; nothing where one is NULL or missing.
fn texts<const N: usize>(row: Row) -> [String; N] {
    let mut values = row.into_iter();
    std::array::from_fn(|_| values.next().flatten().unwrap_or_default())
}

struct Column {
    name: String,
    /// As the database calls it.
    kind: String,
    xdm: xdm::Type,
}

impl Column {
    fn selected(&self) -> Selected<'_> {
        Selected { name: &self.name, kind: &self.kind, is_text: self.xdm.is_text() }
    }

    fn described(&self) -> Value {
        let mut column = json!({"name": self.name});
        if let (Some(column), Value::Object(described)) = (column.as_object_mut(), self.xdm.described()) {
            column.extend(described);
        }
        column
    }
}

/// A request that cannot be answered.
pub fn invalid(code: &'static str, detail: &str) -> Problem {
    Problem::new(code, "Invalid request", detail)
}
