//! What an endpoint of the lab answers to `connections explore`, in whichever dialect it is asked.

use crate::dialect::{Catalog, Selected};
use crate::lab::held::{Column, SCHEMA, TABLES, Table};
use crate::lab::session::{Cell, Query};

/// The statements with their answers.
pub fn queries(catalog: &Catalog) -> Vec<Query> {
    let listed = TABLES.iter().map(|table| vec![format!("{SCHEMA}.{}", table.name), "t".to_owned()]).collect();
    // The first statement of each kind knows of everything here, the others of nothing.
    let tables = first_of(catalog.tables.iter().map(|sql| (*sql).to_owned()), &["path", "readable"], listed);
    tables.chain(TABLES.iter().flat_map(|table| of_table(catalog, table))).collect()
}

fn of_table(catalog: &Catalog, table: &Table) -> Vec<Query> {
    let path = format!("{SCHEMA}.{}", table.name);
    let described = |column: &Column| [column.name, column.typname, SCHEMA, table.name].map(str::to_owned).to_vec();
    let names = ["name", "type", "schema_name", "table_name"];
    let columns = first_of(catalog.columns(&path), &names, table.columns.iter().map(described).collect());
    let selected = table.columns.each_ref().map(|column| Selected {
        name: column.name,
        kind: column.typname,
        is_text: column.digits.is_empty(),
    });
    let sql = catalog.preview(SCHEMA, table.name, &selected);
    let rows = table.rows.iter().map(|row| row.map(str::to_owned).to_vec()).collect();
    columns.chain([query(sql, &table.columns.each_ref().map(|column| column.name), rows)]).collect()
}

fn first_of(
    statements: impl Iterator<Item = String>,
    columns: &[&str],
    rows: Vec<Vec<String>>,
) -> impl Iterator<Item = Query> {
    let mut rows = Some(rows);
    statements.map(move |sql| query(sql, columns, rows.take().unwrap_or_default()))
}

fn query(sql: String, columns: &[&str], rows: Vec<Vec<String>>) -> Query {
    let cells = |row: Vec<String>| row.into_iter().map(Cell::Text).collect();
    let columns = columns.iter().map(|name| (*name).to_owned()).collect();
    Query { sql, columns, rows: rows.into_iter().map(cells).collect(), ..Query::default() }
}
