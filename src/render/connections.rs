//! Connections for people: tables as wide as they need to be, and a failure as `check` tells it.

use std::io::{self, Write};

use jiff::Timestamp;
use serde_json::Value;

use super::human::{shown, write_finding};
use super::layout::{BAD, FAINT, GOOD, STRONG, paragraph};
use crate::diagnose::finding::Finding;
use crate::registry::api::{Connection, POSTGRESQL_SPEC, REDSHIFT_SPEC};

/// The longest that a cell of a table is, in characters.
const WIDEST: usize = 60;

/// Why the service did not do it.
pub fn failure(finding: &Finding, out: &mut dyn Write) -> io::Result<()> {
    write_finding(finding, out)?;
    writeln!(out, "\n{BAD}failed{BAD:#} {FAINT}(exit code 16){FAINT:#}")?;
    writeln!(out, "{FAINT}more: pgpreflight explain {}{FAINT:#}", finding.code.as_str())
}

/// A line each.
pub fn list(connections: &[Connection], out: &mut dyn Write) -> io::Result<()> {
    if connections.is_empty() {
        return writeln!(out, "no connections");
    }
    let rows = connections.iter().map(|connection| {
        vec![
            connection.id.to_string(),
            connection.name.clone(),
            source(connection).to_owned(),
            database(connection),
            connection.state.as_str().to_owned(),
            time(connection.updated_at),
        ]
    });
    table(&["id", "name", "source", "server / database", "state", "updated"], rows.collect(), out)
}

/// Everything that is known of one.
pub fn one(connection: &Connection, out: &mut dyn Write) -> io::Result<()> {
    let owner = &connection.owner;
    let mut rows = vec![
        ("id", connection.id.to_string()),
        ("name", connection.name.clone()),
        ("description", connection.description.clone().unwrap_or_default()),
        ("source", format!("{} {}", source(connection), connection.connection_spec.version)),
        ("state", connection.state.as_str().to_owned()),
        ("auth", connection.auth.spec_name().to_owned()),
    ];
    let params = connection.auth.params().iter();
    rows.extend(params.map(|(name, value)| (name.as_str(), plain(value))));
    rows.extend([
        ("created", by(connection.created_at, &owner.created_by)),
        ("updated", by(connection.updated_at, &owner.updated_by)),
        ("sandbox", owner.sandbox_name.clone()),
        ("organisation", owner.ims_org_id.clone()),
        ("etag", connection.etag.clone()),
    ]);
    rows.retain(|(_, value)| !value.is_empty());
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    for (name, value) in rows {
        writeln!(out, "{STRONG}{:<width$}{STRONG:#}  {}", clean(name), clean(&value))?;
    }
    Ok(())
}

/// What became of a test, and why where that is known.
pub fn tested(connection: &Connection, result: bool, preflight: Option<&Value>, out: &mut dyn Write) -> io::Result<()> {
    let line = in_a_line(connection);
    if result {
        writeln!(out, "{GOOD}✓{GOOD:#} {line}: the service gets into the database")?;
    } else {
        writeln!(out, "{BAD}✗{BAD:#} {line}: the service does not get into the database")?;
    }
    let findings = preflight.and_then(|report| report.get("findings")).and_then(Value::as_array);
    for finding in findings.into_iter().flatten() {
        writeln!(out)?;
        remote_finding(finding, out)?;
    }
    if findings.is_none() && !result {
        writeln!(out, "{FAINT}It does not say why; pgpreflight check TARGET does, from here.{FAINT:#}")?;
    }
    Ok(())
}

/// A finding out of a report that came over the wire.
fn remote_finding(finding: &Value, out: &mut dyn Write) -> io::Result<()> {
    let text = |name: &str| clean(finding.get(name).and_then(Value::as_str).unwrap_or_default());
    let texts =
        |name: &str| finding.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    writeln!(out, "{STRONG}{}[{}]{STRONG:#}", text("severity"), text("code"))?;
    paragraph(out, "  ", 2, &text("summary"))?;
    for (index, reason) in texts("because").enumerate() {
        let label = if index == 0 { "why" } else { "" };
        paragraph(out, &format!("  {FAINT}{label:<7}{FAINT:#}"), 9, &clean(reason))?;
    }
    for (index, fix) in texts("fixes").enumerate() {
        let label = if index == 0 { "to do" } else { "" };
        // What was read from a stranger has its line ends escaped.
        let fix = fix.replace("\\n", "\n");
        let mut lines = fix.lines();
        let what = clean(lines.next().unwrap_or_default());
        paragraph(out, &format!("  {FAINT}{label:<7}{FAINT:#}"), 9, &what)?;
        for line in lines {
            writeln!(out, "{:13}{}", "", clean(line.trim_start()))?;
        }
    }
    Ok(())
}

/// The tables of a database.
pub fn tables(found: &Value, out: &mut dyn Write) -> io::Result<()> {
    let entries = found.as_array().map(Vec::as_slice).unwrap_or_default();
    if entries.is_empty() {
        return writeln!(out, "no tables");
    }
    let rows = entries.iter().map(|entry| {
        let text = |name: &str| entry.get(name).map(plain).unwrap_or_default();
        let readable = if entry.get("canPreview") == Some(&Value::Bool(true)) { "yes" } else { "no" };
        vec![text("path"), text("type"), readable.to_owned()]
    });
    table(&["table", "kind", "readable"], rows.collect(), out)
}

/// The columns of a table, and some of its rows where they came along.
pub fn columns(found: &Value, out: &mut dyn Write) -> io::Result<()> {
    let columns = found.pointer("/schema/columns").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let text = |column: &Value, pointer: &str| column.pointer(pointer).map(plain).unwrap_or_default();
    let rows = columns.iter().map(|column| {
        let finer = [text(column, "/meta:xdmType"), text(column, "/xdm/format")];
        let finer = finer.into_iter().find(|finer| !finer.is_empty());
        let xdm = finer.unwrap_or_else(|| text(column, "/xdm/type"));
        vec![text(column, "/name"), text(column, "/type"), xdm]
    });
    table(&["column", "type", "XDM type"], rows.collect(), out)?;
    let Some(data) = found.get("data").and_then(Value::as_array) else { return Ok(()) };
    writeln!(out)?;
    let names: Vec<String> = columns.iter().map(|column| text(column, "/name")).collect();
    let rows = data.iter().map(|row| names.iter().map(|name| row.get(name).map(plain).unwrap_or_default()).collect());
    table(&names.iter().map(String::as_str).collect::<Vec<_>>(), rows.collect(), out)
}

/// One that is gone.
pub fn deleted(connection: &Connection, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "deleted {}", in_a_line(connection))
}

/// Name and id.
pub fn in_a_line(connection: &Connection) -> String {
    format!("{} ({})", clean(&connection.name), connection.id)
}

fn table(head: &[&str], rows: Vec<Vec<String>>, out: &mut dyn Write) -> io::Result<()> {
    let rows: Vec<Vec<String>> =
        rows.into_iter().map(|row| row.iter().map(|cell| cut(&clean(cell))).collect()).collect();
    let head: Vec<String> = head.iter().map(|cell| cut(&clean(cell))).collect();
    let width = |index: usize| {
        let cells = rows.iter().filter_map(|row| row.get(index)).chain(head.get(index));
        cells.map(|cell| textwrap::core::display_width(cell)).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |cells: &[String]| {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| {
            format!("{cell}{}", " ".repeat(width.saturating_sub(textwrap::core::display_width(cell))))
        });
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    writeln!(out, "{STRONG}{}{STRONG:#}", line(&head))?;
    for row in &rows {
        writeln!(out, "{}", line(row))?;
    }
    Ok(())
}

fn cut(cell: &str) -> String {
    if cell.chars().count() <= WIDEST {
        return cell.to_owned();
    }
    cell.chars().take(WIDEST - 1).chain(['…']).collect()
}

/// Nothing in a name acts on a terminal.
fn clean(text: &str) -> String {
    text.chars().flat_map(shown).collect()
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn source(connection: &Connection) -> &str {
    match connection.connection_spec.id.as_str() {
        POSTGRESQL_SPEC => "postgre-sql",
        REDSHIFT_SPEC => "amazon-redshift",
        other => other,
    }
}

fn database(connection: &Connection) -> String {
    let setting = |name: &str| connection.auth.setting(name);
    match (setting("server"), setting("port"), setting("database")) {
        (None, _, None) => "-".to_owned(),
        (server, port, database) => {
            let port = port.map(|port| format!(":{port}")).unwrap_or_default();
            format!("{}{port} / {}", server.unwrap_or("-"), database.unwrap_or("-"))
        }
    }
}

fn time(milliseconds: i64) -> String {
    let time = Timestamp::from_millisecond(milliseconds).ok().filter(|_| milliseconds != 0);
    time.map(|time| time.strftime("%Y-%m-%d %H:%M:%SZ").to_string()).unwrap_or_default()
}

fn by(milliseconds: i64, who: &str) -> String {
    let time = time(milliseconds);
    if who.is_empty() { time } else { format!("{time} by {who}") }
}
