//! `tests/ACCURACY.md`, the table of what was played, what was to be said and what was said: `make accuracy` plays it all
//! and writes it anew; here what is written is held to be whole, right, and of these scenarios.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test ends at the first surprise")]

#[path = "../support/row.rs"]
mod row;
#[expect(dead_code, reason = "nothing is played here")]
#[path = "../support/scenario.rs"]
mod scenario;

mod plays;
mod table;
mod totals;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use pgpreflight::diagnose::code::Code;
use pgpreflight::probe::trace::Stage;
use row::Row;
use scenario::File;
use totals::Totals;

/// What is promised: faults, codes, and servers with which nothing is wrong.
const FAULTS: usize = 180;
const CODES: usize = 100;
const HEALTHY: usize = 40;

/// Codes that nothing here plays, beside those of the stage register, which are of a service and no server: psql and
/// `pg_isready` have nothing to say of what only a registration finds fault with.
const UNPLAYED: &[Code] = &[Code::InputNotRegistrable];

/// Writes the table from the rows that the plays have left.
#[test]
#[ignore = "`make accuracy` runs it, after the plays"]
fn the_table_is_written() {
    let rows = std::env::var_os("PGPREFLIGHT_ACCURACY").unwrap_or_else(|| panic!("run `make accuracy`"));
    let rows = std::fs::read_to_string(rows).unwrap();
    std::fs::write(path(), table::written(&plays::read(&rows))).unwrap();
}

#[test]
fn the_totals_are_those_of_the_rows() {
    let rows = committed();
    let text = std::fs::read_to_string(path()).unwrap();
    assert!(table::written(&rows) == text, "tests/ACCURACY.md was edited by hand: run `make accuracy`");
}

#[test]
fn every_cause_is_right_and_there_is_no_false_alarm() {
    let rows = committed();
    let wrong: Vec<&Row> = rows.iter().filter(|row| row.expected != row.given || row.time == "late").collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let totals = Totals::of(&rows);
    assert!(totals.faults >= FAULTS && totals.codes.len() >= CODES && totals.healthy >= HEALTHY, "{totals:#?}");
}

#[test]
fn every_code_is_played() {
    let rows = committed();
    let named: BTreeSet<&str> = rows.iter().flat_map(|row| row.expected.split(", ")).collect();
    for name in named.iter().filter(|name| !name.is_empty()) {
        assert!(Code::parse(name).is_some(), "{name} is no code");
    }
    let of_servers = Code::ALL.iter().filter(|code| code.stage() != Stage::Register);
    let missing: Vec<&Code> = of_servers.filter(|code| !named.contains(code.as_str())).collect();
    assert_eq!(missing, UNPLAYED.iter().collect::<Vec<_>>());
}

#[test]
fn every_scenario_is_in_it_as_it_is_today() {
    let rows = committed();
    let mut missing = Vec::new();
    for (name, file) in File::all() {
        for fault in (0..file.checks.len()).filter_map(|index| file.fault(&name, index)) {
            let has = |row: &&Row| row.source == name && row.variant == Some(fault.check);
            let row = rows.iter().find(has).map(|row| (&row.fault, &row.expected, row.healthy));
            if row != Some((&fault.words, &fault.expected.join(", "), fault.healthy)) {
                missing.push(format!("{name}, check {}: {row:?}", fault.check));
            }
        }
    }
    assert!(missing.is_empty(), "run `make accuracy`:\n{}", missing.join("\n"));
}

fn committed() -> Vec<Row> {
    table::read(&std::fs::read_to_string(path()).unwrap())
}

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ACCURACY.md")
}
