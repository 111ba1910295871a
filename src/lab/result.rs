//! Rows as they go over the wire, in text and in binary format (PostgreSQL documentation, "Message Formats").

use super::session::Cell;

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ColumnType {
    Bool,
    Int4,
    Name,
    Text,
}

/// A column of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: ColumnType,
}

/// Columns, rows and the command tag of a statement that gives rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ResultSet {
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Vec<Cell>>,
    pub(super) tag: String,
}

/// The result formats of a Bind message: none is text for all, one is for all, else one for each column.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Formats(pub(super) Vec<u16>);

impl ResultSet {
    /// One row of one column.
    pub(super) fn single(name: &str, kind: ColumnType, value: impl Into<String>) -> Self {
        Self {
            columns: vec![Column { name: name.to_owned(), kind }],
            rows: vec![vec![Cell::Text(value.into())]],
            tag: "SELECT 1".to_owned(),
        }
    }
}

/// The body of `RowDescription`; `answers` of 1 or more is Redshift's with the table of each column, of which it knows none.
pub(super) fn description(columns: &[Column], formats: &Formats, answers: u16) -> Vec<u8> {
    let mut body = count(columns.len()).to_vec();
    for (index, column) in columns.iter().enumerate() {
        let (oid, size): (u32, i16) = match column.kind {
            ColumnType::Bool => (16, 1),
            ColumnType::Name => (19, 64),
            ColumnType::Int4 => (23, 4),
            ColumnType::Text => (25, -1),
        };
        body.extend_from_slice(column.name.as_bytes());
        body.push(0);
        body.extend_from_slice(&[0; 6]); // no table, no attribute number
        body.extend_from_slice(&oid.to_be_bytes());
        body.extend_from_slice(&size.to_be_bytes());
        body.extend_from_slice(&(-1_i32).to_be_bytes()); // no type modifier
        body.extend_from_slice(&formats.of(index).to_be_bytes());
        if answers > 0 {
            body.extend_from_slice(&[0; 4]); // no schema, table, column or database
            body.extend_from_slice(&1_u16.to_be_bytes()); // may be NULL
        }
    }
    body
}

/// The body of `DataRow`.
pub(super) fn row(cells: &[Cell], columns: &[Column], formats: &Formats) -> Vec<u8> {
    let mut body = count(cells.len()).to_vec();
    for (index, cell) in cells.iter().enumerate() {
        let Cell::Text(text) = cell else {
            body.extend_from_slice(&(-1_i32).to_be_bytes());
            continue;
        };
        let kind = columns.get(index).map_or(ColumnType::Text, |column| column.kind);
        let value = if formats.of(index) == 0 { text.clone().into_bytes() } else { binary(text, kind) };
        body.extend_from_slice(&u32::try_from(value.len()).unwrap_or(u32::MAX).to_be_bytes());
        body.extend_from_slice(&value);
    }
    body
}

fn binary(text: &str, kind: ColumnType) -> Vec<u8> {
    match kind {
        ColumnType::Bool => vec![u8::from(text == "t")],
        ColumnType::Int4 => text.parse::<i32>().unwrap_or_default().to_be_bytes().to_vec(),
        ColumnType::Name | ColumnType::Text => text.as_bytes().to_vec(),
    }
}

fn count(number: usize) -> [u8; 2] {
    u16::try_from(number).unwrap_or(u16::MAX).to_be_bytes()
}

impl Formats {
    fn of(&self, column: usize) -> u16 {
        match self.0.as_slice() {
            [] => 0,
            [all] => *all,
            each => each.get(column).copied().unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_in_the_format_asked_for() {
        let columns: Vec<Column> = [ColumnType::Int4, ColumnType::Bool, ColumnType::Text]
            .map(|kind| Column { name: "c".to_owned(), kind })
            .to_vec();
        let cells = [Cell::Text("258".to_owned()), Cell::Text("t".to_owned()), Cell::Null];
        let null = b"\xff\xff\xff\xff";
        let text = [&b"\0\x03\0\0\0\x03258\0\0\0\x01t"[..], null].concat();
        assert_eq!(row(&cells, &columns, &Formats::default()), text);
        let binary = [&b"\0\x03\0\0\0\x04\0\0\x01\x02\0\0\0\x01\x01"[..], null].concat();
        assert_eq!(row(&cells, &columns, &Formats(vec![1])), binary);
        let mixed = [&b"\0\x03\0\0\0\x04\0\0\x01\x02\0\0\0\x01t"[..], null].concat();
        assert_eq!(row(&cells, &columns, &Formats(vec![1, 0, 1])), mixed);
    }
}
