//! The rows as a page of Markdown, and back.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use pgpreflight::diagnose::code::Code;

use crate::row::Row;
use crate::totals::{Totals, first_code};

const HEAD: &str = "| what is wrong | played by | expected | given | when | `psql` | `pg_isready` |\n| --- | --- | --- | --- | --- | --- | --- |\n";
const SHARED: &str = "| `psql` says | codes |\n| --- | --- |\n";

/// The heading of the rows with which nothing is wrong.
const FINE: &str = "Nothing is wrong";

/// What stands for no finding.
const NONE: &str = "ready";

/// The page.
pub fn written(rows: &[Row]) -> String {
    let mut page = introduction(&Totals::of(rows));
    for (heading, rows) in sections(rows) {
        write!(page, "\n## {heading}\n\n{HEAD}").unwrap();
        for group in &rows {
            writeln!(page, "{}", line(group)).unwrap();
        }
    }
    page
}

/// The rows of a page.
pub fn read(page: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut healthy = false;
    for line in page.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            healthy = heading == FINE;
        }
        let cells = line.trim_start_matches("| ").trim_end_matches(" |").split(" | ");
        let cells: Vec<String> = cells.map(|cell| cell.trim_matches('`').replace("\\|", "|")).collect();
        let [fault, source, expected, given, time, psql, pg_isready] = cells.as_slice() else {
            continue;
        };
        if time == "---" || time == "when" {
            continue;
        }
        let codes = |cell: &str| if cell == NONE { String::new() } else { cell.replace('`', "") };
        let (source, variants) = source.split_once("` ").map_or((source.as_str(), ""), |(source, rest)| (source, rest));
        for variant in expanded(variants) {
            rows.push(Row {
                fault: fault.clone(),
                source: source.to_owned(),
                variant,
                healthy,
                expected: codes(expected),
                given: codes(given),
                time: time.clone(),
                psql: psql.clone(),
                pg_isready: pg_isready.clone(),
            });
        }
    }
    rows
}

fn introduction(totals: &Totals) -> String {
    let Totals { faults, plays, variants, right, healthy, checks, alarms, connects, nameless, .. } = totals;
    let mut shared: Vec<_> = totals.psql.iter().filter(|(_, codes)| codes.len() > 1).collect();
    let mut text = format!(
        "# How often the cause is named\n\n\
         Every fault of the tests, played against the program, and in the same moment against `psql` and `pg_isready` of\n\
         PostgreSQL 15 on libpq 18 with the same settings and ten seconds to connect. A play is right when exactly the expected\n\
         codes are given, the cause first, at once where the evidence is there, else at the deadline and not 250 ms later.\n\
         `make accuracy` plays it all and writes this page. Of `psql` the first line is kept; ports, temporary files and passwords\n\
         are left out.\n\n\
         - **{faults} faults** over **{} codes**, in {plays} plays (settings of the client, majors of the server, and\n  {variants} variants: two at once, an end at every step, byte by byte, in other languages): **{right} right**, {}.\n\
         - **{healthy} servers** with which nothing is wrong, however odd they are, in {checks} checks: **{alarms} false alarms**.\n\
         - `psql`: {} distinct first lines (names aside) for {} codes; {} of these lines stand for more than one code, {nameless} codes\n  have no line of their own, and in {connects} plays it connects and says nothing.\n",
        totals.codes.len(),
        percentage(*right, *plays),
        totals.psql.len(),
        totals.codes.len(),
        shared.len(),
    );
    let verdicts: Vec<String> = totals
        .pg_isready
        .iter()
        .map(|(verdict, (plays, codes))| format!("{verdict} in {plays} plays ({} codes)", codes.len()))
        .collect();
    write!(text, "- `pg_isready`: {}.\n\n## One line, several causes\n\n{SHARED}", verdicts.join("; ")).unwrap();
    shared.sort_by_key(|(_, codes)| std::cmp::Reverse(codes.len()));
    for (said, codes) in shared {
        let codes: Vec<String> = codes.iter().map(|code| format!("`{code}`")).collect();
        writeln!(text, "| {} | {}: {} |", span(said), codes.len(), codes.join(", ")).unwrap();
    }
    text
}

fn percentage(part: usize, whole: usize) -> String {
    let tenths = (part * 1000).checked_div(whole).unwrap_or_default();
    if tenths.is_multiple_of(10) { format!("{} %", tenths / 10) } else { format!("{}.{} %", tenths / 10, tenths % 10) }
}

/// Rows that differ in nothing but their variant.
struct Group<'a> {
    row: &'a Row,
    variants: Vec<u32>,
}

/// In the order of the stages, and within one in that of the codes.
fn sections(rows: &[Row]) -> Vec<(String, Vec<Group<'_>>)> {
    let mut alike: BTreeMap<String, Group<'_>> = BTreeMap::new();
    for row in rows {
        let without = Row { variant: None, ..row.clone() };
        let group = alike.entry(format!("{without:?}")).or_insert_with(|| Group { row, variants: Vec::new() });
        group.variants.extend(row.variant);
        group.variants.sort_unstable();
    }
    let place = |row: &Row| Code::ALL.iter().position(|code| !row.healthy && code.as_str() == first_code(row));
    let mut groups: Vec<(String, Group<'_>)> = alike.into_iter().collect();
    groups.sort_by_cached_key(|(text, Group { row, variants })| {
        (row.healthy, place(row), row.source.clone(), variants.first().copied(), text.clone())
    });
    let mut sections: Vec<(String, Vec<Group<'_>>)> = Vec::new();
    for (_, group) in groups {
        let stage = first_code(group.row).split('-').next().unwrap_or_default();
        let heading = if group.row.healthy { FINE } else { stage };
        match sections.last_mut().filter(|(last, _)| last == heading) {
            Some((_, section)) => section.push(group),
            None => sections.push((heading.to_owned(), vec![group])),
        }
    }
    sections
}

fn line(Group { row, variants }: &Group<'_>) -> String {
    let codes = |codes: &str| match codes {
        "" => NONE.to_owned(),
        codes => codes.split(", ").map(|code| format!("`{code}`")).collect::<Vec<String>>().join(", "),
    };
    let source = format!("{} {}", span(&row.source), compressed(variants));
    let cells = [
        &row.fault.replace('|', "\\|"),
        source.trim_end(),
        &codes(&row.expected),
        &codes(&row.given),
        &row.time,
        &span(&row.psql),
        &span(&row.pg_isready),
    ];
    format!("| {} |", cells.join(" | "))
}

fn span(text: &str) -> String {
    format!("`{}`", text.replace('|', "\\|"))
}

/// `1–4, 6` for 1, 2, 3, 4 and 6.
fn compressed(variants: &[u32]) -> String {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for &variant in variants {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == variant => *last = variant,
            _ => runs.push((variant, variant)),
        }
    }
    let text = |(first, last): &(u32, u32)| if first == last { first.to_string() } else { format!("{first}–{last}") };
    runs.iter().map(text).collect::<Vec<String>>().join(", ")
}

/// The other way round; nothing is one row without a variant.
fn expanded(text: &str) -> Vec<Option<u32>> {
    if text.is_empty() {
        return vec![None];
    }
    let number = |text: &str| text.parse::<u32>().unwrap();
    let run = |run: &str| {
        let (first, last) = run.split_once('–').unwrap_or((run, run));
        (number(first)..=number(last)).map(Some)
    };
    text.split(", ").flat_map(run).collect()
}
