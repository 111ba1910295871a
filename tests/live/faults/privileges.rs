//! What a role may read, and sessions that are odd.

use crate::answer::Answer;
use crate::server::{Server, servers};

/// A database of its own with two tables in the schema `sales`, of which the role sees nothing yet.
fn database(server: &Server, name: &str) -> crate::client::Settings {
    server.cluster.sql(&format!(
        "create database {name};\n \\connect {name}\n create schema sales;\n create table sales.orders (id int);\n\
         create table sales.items (id int);"
    ));
    server.role(name, "by_scram").set("dbname", name)
}

fn tables(answer: &Answer) -> (u64, u64) {
    let tables = answer.fact("privileges", "tables");
    (tables["visible"].as_u64().unwrap(), tables["readable"].as_u64().unwrap())
}

#[test]
fn privileges() {
    for server in servers() {
        let settings = database(server, "shop");
        let grant = |statement: &str| server.cluster.sql(&format!("\\connect shop\n {statement}"));

        let answer = server.play("Nothing is granted", &settings).gives(&["privileges-nothing-readable"]);
        assert_eq!(tables(&answer), (2, 0), "{answer}");
        grant("grant select on sales.orders to shop");
        server
            .play("The only granted table is in a schema that is not", &settings)
            .gives(&["privileges-nothing-readable"]);
        grant("create table public.notes (id int); grant select on public.notes to shop");
        let answer = server.play("Some tables are granted, their schema is not", &settings).gives(&[
            "privileges-schema-usage",
            "privileges-table-select",
            "privileges-future-tables",
        ]);
        assert_eq!(tables(&answer), (3, 1), "{answer}");
        grant("grant usage on schema sales to shop");
        let answer = server
            .play("Some tables are not granted", &settings)
            .gives(&["privileges-table-select", "privileges-future-tables"]);
        assert!(answer.finding("privileges-schema-usage").is_none(), "{answer}");
        assert_eq!(tables(&answer), (3, 2), "{answer}");
        let denied = &answer.finding("privileges-table-select").unwrap()["evidence"]["tables"];
        assert_eq!(*denied, serde_json::json!(["sales.items"]), "{answer}");
        grant("grant select on sales.items to shop");
        let answer = server.check(&settings);
        answer.passes();
        assert_eq!(tables(&answer), (3, 3), "{answer}");
        assert!(answer.finding("privileges-table-select").is_none(), "{answer}");

        grant("alter table sales.orders enable row level security");
        let answer = server
            .play("A policy hides rows", &settings)
            .gives(&["privileges-row-security", "privileges-future-tables"]);
        let secured = answer.fact("privileges", "row_security");
        assert_eq!(*secured, serde_json::json!(["sales.orders"]), "{answer}");
        grant("alter role shop bypassrls");
        assert!(server.check(&settings).finding("privileges-row-security").is_none());
    }
}

#[test]
fn a_superuser() {
    for server in servers() {
        let settings = server.role("chief", "by_scram");
        let answer = server.check(&settings);
        assert_eq!(answer.fact("privileges", "superuser"), false, "{answer}");
        server.cluster.sql("alter role chief superuser");
        let play = server.play("A superuser", &settings);
        let answer = play.gives(&["privileges-superuser", "privileges-no-tables"]);
        assert_eq!(answer.fact("privileges", "superuser"), true, "{answer}");
    }
}

#[test]
fn an_empty_database() {
    for server in servers() {
        let settings = server.role("explorer", "by_scram");
        server.play("The database is empty", &settings).gives(&["privileges-no-tables"]);
    }
}

#[test]
fn a_read_only_session() {
    for server in servers() {
        let settings = server.role("bookkeeper", "by_scram");
        server.cluster.sql("alter role bookkeeper set default_transaction_read_only = on");
        let play = server.play("The role is set to read-only transactions", &settings);
        let answer = play.gives(&["session-read-only", "privileges-no-tables"]);
        assert_eq!(answer.fact("session", "read_only"), true, "{answer}");
        assert_eq!(answer.fact("session", "role"), "primary", "{answer}");
    }
}

/// PostgreSQL 15 is the oldest that is maintained.
#[test]
fn an_old_version() {
    for server in servers() {
        let settings = server.role("historian", "by_scram");
        let answer = server.check(&settings);
        answer.passes();
        assert_eq!(answer.finding("session-version-unsupported").is_some(), server.major < 15, "{answer}");
    }
}
