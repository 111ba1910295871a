//! What a role may read where not all tables are the database's own, as in Amazon Redshift. Each question may be refused:
//! there are many ages of it, and the catalogue may be closed to ordinary users.

use super::super::trace::{PrivilegesSeen, Schema, Silence};
use super::{Row, answer, schema, willing_answer};
use crate::wire::connection::{Connection, Rows};
use crate::wire::screen::Screen;

/// The column with the number of all tables that are listed.
const LISTED: usize = 8;

/// Reads what the role may do.
pub async fn privileges(connection: &mut Connection, screen: &Screen) -> Result<PrivilegesSeen, Silence> {
    let role = willing_answer(connection).await?.into_iter().next();
    let superuser = role.and_then(|row| Row(row.into_iter()).next()).is_some_and(|flag| flag == "t");
    let own = answer(connection).await;
    let elsewhere = willing_answer(connection).await?;
    let promised = willing_answer(connection).await?;
    let (mut schemas, listed_only) = match own {
        Ok(rows) => (rows.into_iter().map(|row| schema(row, screen)).collect::<Result<Vec<_>, _>>()?, false),
        // What is listed is better than nothing.
        Err(Silence::Refused(_)) if !elsewhere.is_empty() => (Vec::new(), true),
        Err(failure) => return Err(failure),
    };
    for row in elsewhere {
        let listed = row.get(LISTED).cloned().flatten().and_then(|count| count.parse().ok()).unwrap_or_default();
        let mut found = schema(row, screen)?;
        if listed_only {
            (found.tables, found.granted) = (listed, listed);
        }
        add(found, &mut schemas);
    }
    keep_promises(&promised, &mut schemas);
    Ok(PrivilegesSeen { superuser, reads_all: false, schemas })
}

/// An external schema is in the catalogue of the database, too, and has no tables there.
fn add(found: Schema, schemas: &mut Vec<Schema>) {
    match schemas.iter_mut().find(|schema| schema.name == found.name) {
        _ if found.tables == 0 => {}
        Some(known) => {
            known.tables = known.tables.saturating_add(found.tables);
            known.granted = known.granted.saturating_add(found.granted);
        }
        None => schemas.push(found),
    }
}

/// Owners whose tables of tomorrow can be read need no default privilege any more. Without a schema it is for all.
fn keep_promises(promised: &Rows, schemas: &mut [Schema]) {
    for row in promised {
        let mut row = Row(row.clone().into_iter());
        let (schema, owner) = (row.next().filter(|name| !name.is_empty()), row.next());
        let meant = |known: &&mut Schema| schema.as_ref().is_none_or(|name| *name == known.name);
        for known in schemas.iter_mut().filter(meant) {
            known.owners.retain(|name| Some(name) != owner.as_ref());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str, tables: u32, owners: &[&str]) -> Schema {
        Schema {
            name: name.to_owned(),
            usage: true,
            tables,
            granted: tables,
            denied: Vec::new(),
            row_security: Vec::new(),
            writable: 0,
            owners: owners.iter().map(|owner| (*owner).to_owned()).collect(),
        }
    }

    #[test]
    fn tables_from_elsewhere_count_in_their_schema() {
        let mut schemas = vec![named("public", 2, &[]), named("spectrum", 0, &[])];
        for found in [named("spectrum", 3, &[]), named("shared", 1, &[]), named("empty", 0, &[])] {
            add(found, &mut schemas);
        }
        assert_eq!(schemas, [named("public", 2, &[]), named("spectrum", 3, &[]), named("shared", 1, &[])]);
    }

    #[test]
    fn a_default_privilege_is_for_its_schema_or_for_all() {
        let row = |schema: Option<&str>, owner: &str| vec![schema.map(str::to_owned), Some(owner.to_owned())];
        let mut schemas = [named("public", 2, &["etl", "dbt"]), named("sales", 2, &["etl", "dbt"])];
        keep_promises(&vec![row(Some("sales"), "etl"), row(None, "dbt"), row(Some(""), "nobody")], &mut schemas);
        assert_eq!(schemas, [named("public", 2, &["etl"]), named("sales", 2, &[])]);
    }
}
