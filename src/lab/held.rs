//! What the lab's databases hold for whoever looks around in them: a schema with two tables.

/// Its name.
pub const SCHEMA: &str = "public";

/// A table.
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// Its columns, in order.
    pub columns: [Column; 2],
    /// Its rows, as texts.
    pub rows: &'static [[&'static str; 2]],
}

/// A column.
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// Its type in the words of SQL.
    pub kind: &'static str,
    /// Its type in the words of `pg_type`.
    pub typname: &'static str,
    /// The length of a text; empty for a number.
    pub length: &'static str,
    /// The binary digits of a number; empty for a text.
    pub digits: &'static str,
}

/// All tables.
pub const TABLES: [Table; 2] = [
    Table { name: "customers", columns: [integer("id"), text("name")], rows: &[["1", "Ada"], ["2", "Grace"]] },
    Table { name: "orders", columns: [integer("id"), integer("customer_id")], rows: &[["10", "1"], ["11", "2"]] },
];

const fn integer(name: &'static str) -> Column {
    Column { name, kind: "integer", typname: "int4", length: "", digits: "32" }
}

const fn text(name: &'static str) -> Column {
    Column { name, kind: "character varying", typname: "varchar", length: "256", digits: "" }
}
