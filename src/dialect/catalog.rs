//! What a database holds, for whoever looks around in it after login: its tables, the columns of one, a few of its rows.

use postgres_protocol::escape::{escape_identifier, escape_literal};

/// How many rows a preview has.
const PREVIEW_ROWS: usize = 10;

/// How many characters of a value a preview shows.
const PREVIEW_LENGTH: usize = 1000;

/// The statements of one engine.
pub struct Catalog {
    /// Each gives rows `path`, `readable`, at most 10,000; together they list every table.
    pub tables: &'static [&'static str],
    /// Each gives rows `name`, `type`, `schema_name`, `table_name` for the table whose path is put in place of `$PATH`;
    /// the first that has rows knows the table.
    columns: &'static [&'static str],
    /// The value of a column, which has this quoted name and this type, as a text of at most so many characters.
    text: fn(&str, &str, usize) -> String,
}

/// A column of a table.
#[derive(Debug, Clone, Copy)]
pub struct Selected<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its type, as the statement of the columns gave it.
    pub kind: &'a str,
    /// It is shown as a text. Numbers and booleans are short as they are; anything else may be of any length.
    pub is_text: bool,
}

impl Catalog {
    /// The statements that give the columns of a table.
    pub fn columns(&self, path: &str) -> impl Iterator<Item = String> {
        let literal = escape_literal(path);
        self.columns.iter().map(move |sql| sql.replace("$PATH", &literal))
    }

    /// The statement that gives a few rows of a table, with its columns in this order.
    pub fn preview(&self, schema: &str, table: &str, columns: &[Selected<'_>]) -> String {
        let value = |column: &Selected<'_>| {
            let name = escape_identifier(column.name);
            if column.is_text { (self.text)(&name, column.kind, PREVIEW_LENGTH) } else { name }
        };
        let values: Vec<String> = columns.iter().map(value).collect();
        let (schema, table) = (escape_identifier(schema), escape_identifier(table));
        format!("SELECT {} FROM {schema}.{table} LIMIT {PREVIEW_ROWS}", values.join(", "))
    }
}

/// PostgreSQL 10 and later.
pub static POSTGRESQL: Catalog = Catalog {
    tables: &[include_str!("postgresql/tables.sql")],
    columns: &[include_str!("postgresql/columns.sql")],
    text: |name, _, length| format!("left({name}::text, {length})"),
};

/// Amazon Redshift: the leader node's catalogue has the tables of the database, and `svv_…` those that are elsewhere.
pub static REDSHIFT: Catalog = Catalog {
    tables: &[include_str!("redshift/tables.sql"), include_str!("redshift/tables_elsewhere.sql")],
    columns: &[include_str!("redshift/columns.sql"), include_str!("redshift/columns_elsewhere.sql")],
    text: redshift_text,
};

/// The most bytes of a character in UTF-8, in which Redshift counts the length of a `varchar`.
const LONGEST_CHARACTER: usize = 4;

/// `text` is `varchar(256)` there, and some types have no form in text but by a function of their own.
fn redshift_text(name: &str, kind: &str, length: usize) -> String {
    let nested = ["array", "struct", "map"].iter().any(|nested| kind.starts_with(nested));
    match kind {
        "super" => format!("left(json_serialize({name}), {length})"),
        "varbyte" | "binary varying" => format!("left(from_varbyte({name}, 'hex'), {length})"),
        // A nested column of an external table has parts that can be selected, and cannot be itself.
        _ if nested => "NULL".to_owned(),
        _ => format!("left({name}::varchar({}), {length})", length * LONGEST_CHARACTER),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_of_a_preview_are_quoted_and_cut() {
        let columns = [
            Selected { name: "id", kind: "int8", is_text: false },
            Selected { name: "a \"b\"", kind: "varchar", is_text: true },
        ];
        let rows = [
            (&POSTGRESQL, r#"SELECT "id", left("a ""b"""::text, 1000) FROM "s"."t" LIMIT 10"#),
            (&REDSHIFT, r#"SELECT "id", left("a ""b"""::varchar(4000), 1000) FROM "s"."t" LIMIT 10"#),
        ];
        for (catalog, expected) in rows {
            assert_eq!(catalog.preview("s", "t", &columns), expected);
        }
    }

    #[test]
    fn types_of_redshift_without_a_form_in_text_have_a_function() {
        let shown = |kind| redshift_text("x", kind, 9);
        assert_eq!(shown("super"), "left(json_serialize(x), 9)");
        assert_eq!(shown("varbyte"), "left(from_varbyte(x, 'hex'), 9)");
        assert_eq!(shown("array<struct<a:int>>"), "NULL");
        assert_eq!(shown("timestamptz"), "left(x::varchar(36), 9)");
    }

    #[test]
    fn a_path_is_a_literal() {
        let columns: Vec<String> = POSTGRESQL.columns("public.o'b").collect();
        assert!(columns.iter().all(|sql| sql.contains("= 'public.o''b'")), "{columns:?}");
    }
}
