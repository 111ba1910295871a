//! Whether the role can read what is there.

use super::code::Code;
use super::finding::{Finding, Side, identifier, scram_password};
use crate::probe::trace::{PrivilegesSeen, Schema};
use crate::target::Target;

/// What is odd, or missing.
pub fn remarks(target: &Target, seen: &PrivilegesSeen) -> Vec<Finding> {
    let tables: u32 = seen.schemas.iter().map(|schema| schema.tables).sum();
    let readable: u32 = seen.schemas.iter().map(Schema::readable).sum();
    let mut findings = Vec::new();
    if seen.superuser {
        findings.push(superuser(target, seen));
    }
    if tables == 0 {
        findings.push(no_tables(target));
    } else if readable == 0 {
        findings.push(nothing_readable(target, seen, tables));
        // One cause, one error: what follows is why nothing can be read, not a second finding.
        return findings;
    }
    findings.extend(schema_usage(target, seen));
    findings.extend(table_select(target, seen));
    findings.extend(row_security(target, seen));
    if !seen.superuser {
        findings.extend(future_tables(target, seen));
        findings.extend(can_write(target, seen));
    }
    findings
}

fn superuser(target: &Target, seen: &PrivilegesSeen) -> Finding {
    let user = &target.user;
    let create = ["CREATE ROLE reader LOGIN;".to_owned()].into_iter().chain(scram_password("reader"));
    let connect = format!("GRANT CONNECT ON DATABASE {} TO reader;", identifier(&target.database));
    let grants = with_tables(seen).flat_map(|schema| {
        let name = identifier(&schema.name);
        [
            format!("GRANT USAGE ON SCHEMA {name} TO reader;"),
            format!("GRANT SELECT ON ALL TABLES IN SCHEMA {name} TO reader;"),
        ]
    });
    Finding::new(Code::PrivilegesSuperuser, format!("the role {user:?} is a superuser: it may do far more than read"))
        .because("is_superuser is on; whoever gets these credentials owns the server")
        .evidence("is_superuser", true)
        .fix(Side::Server, "use a role of its own that can only read", create.chain([connect]).chain(grants))
        .fix(
            Side::Server,
            "or, from PostgreSQL 14 on, let it read whatever there is and will be",
            ["GRANT pg_read_all_data TO reader;"],
        )
}

fn no_tables(target: &Target) -> Finding {
    Finding::new(Code::PrivilegesNoTables, format!("the database {:?} holds no table", target.database))
        .because("no schema but the system's own has a table or view")
        .evidence("database", target.database.as_str())
        .advise(Side::Client, "make sure that this is the database you mean")
}

fn nothing_readable(target: &Target, seen: &PrivilegesSeen, tables: u32) -> Finding {
    let user = identifier(&target.user);
    let lines = with_tables(seen).flat_map(|schema| {
        let name = identifier(&schema.name);
        let usage = (!schema.usage).then(|| format!("GRANT USAGE ON SCHEMA {name} TO {user};"));
        let select =
            (schema.granted < schema.tables).then(|| format!("GRANT SELECT ON ALL TABLES IN SCHEMA {name} TO {user};"));
        usage.into_iter().chain(select)
    });
    let granted: u32 = seen.schemas.iter().map(|schema| schema.granted).sum();
    let finding = Finding::new(
        Code::PrivilegesNothingReadable,
        format!("there are {tables} tables, and {:?} can read none of them", target.user),
    );
    let finding = if granted > 0 {
        finding.because(format!("SELECT is granted on {granted}, but USAGE on their schema is not"))
    } else {
        finding.because("SELECT is granted on none")
    };
    finding.fix(Side::Server, "let it read", lines).evidence("tables", tables)
}

fn schema_usage(target: &Target, seen: &PrivilegesSeen) -> Option<Finding> {
    let closed: Vec<&Schema> = with_tables(seen).filter(|schema| !schema.usage && schema.granted > 0).collect();
    if closed.is_empty() {
        return None;
    }
    let user = identifier(&target.user);
    let names: Vec<&str> = closed.iter().map(|schema| schema.name.as_str()).collect();
    let lines = closed.iter().map(|schema| format!("GRANT USAGE ON SCHEMA {} TO {user};", identifier(&schema.name)));
    let finding = Finding::new(
        Code::PrivilegesSchemaUsage,
        format!("tables are granted, but their schema is not: {}", names.join(", ")),
    )
    .because("without USAGE on the schema, SELECT on its tables is of no use")
    .fix(Side::Server, "grant it", lines)
    .evidence("schemas", names);
    Some(finding)
}

fn table_select(target: &Target, seen: &PrivilegesSeen) -> Option<Finding> {
    let denied: Vec<&Schema> = with_tables(seen).filter(|schema| schema.granted < schema.tables).collect();
    if denied.is_empty() {
        return None;
    }
    let count: u32 = denied.iter().map(|schema| schema.tables - schema.granted).sum();
    let total: u32 = seen.schemas.iter().map(|schema| schema.tables).sum();
    let names: Vec<String> =
        denied.iter().flat_map(|schema| schema.denied.iter().map(|table| format!("{}.{table}", schema.name))).collect();
    let user = identifier(&target.user);
    let lines = denied
        .iter()
        .map(|schema| format!("GRANT SELECT ON ALL TABLES IN SCHEMA {} TO {user};", identifier(&schema.name)));
    let listed: Vec<&str> = names.iter().take(5).map(String::as_str).collect();
    let finding = Finding::new(
        Code::PrivilegesTableSelect,
        format!("{count} of {total} tables cannot be read, among them {}", listed.join(", ")),
    )
    .because("the role lacks SELECT on them")
    .fix(Side::Server, "grant it, if they are to be read", lines)
    .evidence("tables", names);
    Some(finding)
}

fn row_security(target: &Target, seen: &PrivilegesSeen) -> Option<Finding> {
    let names = secured(seen);
    if names.is_empty() {
        return None;
    }
    let listed: Vec<&str> = names.iter().take(5).map(String::as_str).collect();
    let finding = Finding::new(
        Code::PrivilegesRowSecurity,
        format!("row security applies to this role: rows may be missing without an error in {}", listed.join(", ")),
    )
    .because("row_security_active() is true for them; a table without a matching policy looks empty")
    .fix(Side::Server, "see the policies", ["SELECT schemaname, tablename, policyname, roles, qual FROM pg_policies;"])
    .fix(
        Side::Server,
        "if it is to read every row of every table, as for a copy, let it pass by them",
        [format!("ALTER ROLE {} BYPASSRLS;", identifier(&target.user))],
    )
    .evidence("tables", names);
    Some(finding)
}

/// What it reads today was granted table by table; new tables of the same owners are not.
fn future_tables(target: &Target, seen: &PrivilegesSeen) -> Option<Finding> {
    let partly: Vec<&Schema> = seen.schemas.iter().filter(|schema| schema.usage && !schema.owners.is_empty()).collect();
    if partly.is_empty() || seen.reads_all {
        return None;
    }
    let user = identifier(&target.user);
    let names: Vec<&str> = partly.iter().map(|schema| schema.name.as_str()).collect();
    let lines = partly.iter().flat_map(|schema| {
        let (name, user) = (identifier(&schema.name), &user);
        schema.owners.iter().map(move |owner| {
            let owner = identifier(owner);
            format!("ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA {name} GRANT SELECT ON TABLES TO {user};")
        })
    });
    let finding = Finding::new(
        Code::PrivilegesFutureTables,
        format!("tables that are made tomorrow will not be readable in {}", names.join(", ")),
    )
    .because("SELECT is granted on what is there; no default privilege grants it on new tables of the same owners")
    .fix(Side::Server, "grant it on what these roles will make", lines)
    .evidence("schemas", names);
    Some(finding)
}

fn can_write(target: &Target, seen: &PrivilegesSeen) -> Option<Finding> {
    let writable: u32 = seen.schemas.iter().filter(|schema| schema.usage).map(|schema| schema.writable).sum();
    if writable == 0 {
        return None;
    }
    let user = identifier(&target.user);
    let lines = seen.schemas.iter().filter(|schema| schema.usage && schema.writable > 0).map(|schema| {
        let name = identifier(&schema.name);
        format!("REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA {name} FROM {user};")
    });
    let finding = Finding::new(
        Code::PrivilegesCanWrite,
        format!("the role {:?} may change {writable} tables, which reading does not need", target.user),
    )
    .because("it has INSERT, UPDATE, DELETE or TRUNCATE on them")
    .fix(Side::Server, "take it away, if it is only to read (what PUBLIC or another role has is taken away there; an owner can give it back)", lines)
    .evidence("tables", writable);
    Some(finding)
}

fn with_tables(seen: &PrivilegesSeen) -> impl Iterator<Item = &Schema> {
    seen.schemas.iter().filter(|schema| schema.tables > 0)
}

/// Tables whose policies apply to the role, with their schema.
pub fn secured(seen: &PrivilegesSeen) -> Vec<String> {
    seen.schemas
        .iter()
        .flat_map(|schema| schema.row_security.iter().map(|table| format!("{}.{table}", schema.name)))
        .collect()
}
