//! What the rows come to.

use std::collections::{BTreeMap, BTreeSet};

use crate::row::Row;

/// The sums of a table.
#[derive(Debug, Default)]
pub struct Totals {
    /// Different faults, and how often they were played: with other settings, on other servers, as variants.
    pub faults: usize,
    pub plays: usize,
    /// Of these plays, variants: see [`is_variant`].
    pub variants: usize,
    /// Plays in which exactly the expected codes were given, in time.
    pub right: usize,
    /// The codes that are expected first.
    pub codes: BTreeSet<String>,
    /// Different servers with which nothing is wrong, how often they were checked, and how often something was said that
    /// does not follow from the client's settings.
    pub healthy: usize,
    pub checks: usize,
    pub alarms: usize,
    /// What psql says, names aside, and the codes that it stands for. It says nothing where it connects.
    pub psql: BTreeMap<String, BTreeSet<String>>,
    /// The codes for which psql has no line that is theirs alone.
    pub nameless: usize,
    /// Plays in which psql connects.
    pub connects: usize,
    /// What `pg_isready` says of how many plays, and of how many codes.
    pub pg_isready: BTreeMap<String, (usize, BTreeSet<String>)>,
}

impl Totals {
    pub fn of(rows: &[Row]) -> Self {
        let mut totals = Self::default();
        let kinds = |healthy: bool| {
            let these = rows.iter().filter(|row| row.healthy == healthy && !is_variant(row));
            these.map(|row| &row.fault).collect::<BTreeSet<_>>().len()
        };
        (totals.faults, totals.healthy) = (kinds(false), kinds(true));
        for row in rows {
            let right = row.expected == row.given && row.time != "late";
            if row.healthy {
                totals.checks += 1;
                totals.alarms += usize::from(!right);
                continue;
            }
            let code = first_code(row).to_owned();
            totals.plays += 1;
            totals.variants += usize::from(is_variant(row));
            totals.right += usize::from(right);
            totals.codes.insert(code.clone());
            if row.psql == "connects" {
                totals.connects += 1;
            } else {
                totals.psql.entry(without_names(&row.psql)).or_default().insert(code.clone());
            }
            let (plays, codes) = totals.pg_isready.entry(verdict(&row.pg_isready).to_owned()).or_default();
            *plays += 1;
            codes.insert(code);
        }
        let named: BTreeSet<&String> = totals.psql.values().filter(|codes| codes.len() == 1).flatten().collect();
        totals.nameless = totals.codes.len() - named.len();
        totals
    }
}

/// A fault that is also played otherwise: two at once, byte by byte, an end at each step, in another language.
fn is_variant(row: &Row) -> bool {
    let Row { source, .. } = row;
    ["variants", "PostgreSQL, translated"].contains(&source.as_str()) || source.ends_with("byte by byte")
}

/// What ends the walk, or is remarked on first.
pub fn first_code(row: &Row) -> &str {
    row.expected.split(", ").next().unwrap_or_default()
}

/// `pg_isready` has four verdicts; what it says instead of one is that it cannot read the settings.
fn verdict(said: &str) -> &str {
    let verdicts = ["accepting connections", "rejecting connections", "no response", "no attempt"];
    verdicts.into_iter().find(|verdict| *verdict == said).unwrap_or("an error of the settings")
}

/// What is in quotation marks is another each time.
fn without_names(said: &str) -> String {
    let parts = said.split('"').enumerate();
    parts.map(|(index, part)| if index % 2 == 1 { "\"…\"" } else { part }).collect()
}
