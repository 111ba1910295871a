//! Sessions that settings bend or triggers refuse, and privileges that end with today's tables. Each printed statement,
//! run as it is printed, ends it.

use super::Fixes;
use crate::server::{Server, on_all_majors, servers};
use crate::session::Session;

#[test]
fn settings_of_role_and_database_are_taken_back() {
    for server in servers() {
        let settings = server.role("Bent Role", "by_scram").set("dbname", "Bent Data");
        server.cluster.sql("create database \"Bent Data\"; create role other");
        server.check(&settings).passes();
        for (bend, reset, name) in [
            ("alter role \"Bent Role\" set statement_timeout = '100ms'", "ALTER ROLE", "statement_timeout"),
            ("alter role \"Bent Role\" set role = other", "ALTER ROLE", "role"),
            ("alter database \"Bent Data\" set search_path = nowhere", "ALTER DATABASE", "search_path"),
            (
                "alter role \"Bent Role\" in database \"Bent Data\" set lock_timeout = 5",
                "ALTER ROLE \"Bent Role\" IN DATABASE",
                "lock_timeout",
            ),
            (
                "alter database \"Bent Data\" set idle_in_transaction_session_timeout = '10ms'",
                "ALTER DATABASE",
                "idle_in_transaction_session_timeout",
            ),
        ] {
            server.cluster.sql(bend);
            let fault = format!("The session is bent by {name}, {reset}");
            let answer = server.play(&fault, &settings).gives(&["session-role-settings", "privileges-no-tables"]);
            let finding = answer.finding("session-role-settings").unwrap();
            assert_eq!(finding["evidence"]["settings"], serde_json::json!([name]), "{answer}");
            Fixes::of_finding(&answer, "session-role-settings").run(reset, server, "postgres");
            let answer = server.check(&settings);
            answer.passes();
            assert!(answer.finding("session-role-settings").is_none(), "{answer}");
        }
    }
}

/// Of all roles, on a server of its own.
#[test]
fn settings_of_all_roles_are_taken_back() {
    on_all_majors(|major| {
        let server = Server::start(major, &[]);
        let settings = server.role("one_of_all", "by_scram");
        server.cluster.sql("alter role all set statement_timeout = '100ms'");
        let answer = server.check(&settings);
        answer.remarks("session-role-settings");
        Fixes::of_finding(&answer, "session-role-settings").run("ALTER ROLE ALL", &server, "postgres");
        let answer = server.check(&settings);
        answer.passes();
        assert!(answer.finding("session-role-settings").is_none(), "{answer}");
    });
}

/// 10 cannot lift the limit within the message, and so the questions wait for a lock until they are cut off. Whose
/// setting it is cannot be asked then: the line is chosen as the words say.
#[test]
fn a_statement_timeout_that_cuts_off_the_questions() {
    on_all_majors(|major| {
        if major > 10 {
            return;
        }
        let server = Server::start(major, &[]);
        server.cluster.sql("create database \"Cut Off\"");
        let settings = server.role("Cut Off", "by_scram").set("dbname", "Cut Off");
        let administrator = server.settings("postgres").without("hostaddr").set("host", server.socket());
        let administrator = administrator.with("sslmode=disable").set("dbname", "Cut Off");
        for (bend, lines) in [
            ("alter role \"Cut Off\" set statement_timeout = '100ms'", 0..1),
            ("alter database \"Cut Off\" set statement_timeout = '100ms'", 1..2),
            ("alter system set statement_timeout = '100ms'", 2..4),
        ] {
            server.cluster.sql(bend);
            server.cluster.reload();
            let mut holder = Session::open(&administrator);
            holder.ask("set statement_timeout = 0; begin; lock table pg_default_acl in access exclusive mode;");
            let answer = server.check(&settings);
            answer.fails_with("session-role-settings", 14);
            drop(holder);
            let fixes = Fixes::of(&answer);
            server.cluster.sql(&fixes.statements("ALTER ROLE")[lines].join("\n"));
            server.cluster.reload();
            let answer = server.check(&settings);
            answer.passes();
            assert!(answer.finding("session-role-settings").is_none(), "{answer}");
        }
    });
}

/// Settings as administrators like to have them are nothing to speak of.
#[test]
fn settings_in_the_ordinary_way() {
    for server in servers() {
        let settings = server.role("ordinary", "by_scram");
        server.cluster.sql(
            "create schema ordinary; create role team; grant team to ordinary; grant usage on schema ordinary to team;
             alter role ordinary set search_path = ordinary, nowhere; alter role ordinary set role = team;
             alter role ordinary set statement_timeout = '30s'; alter role ordinary set lock_timeout = '2s';
             alter role ordinary set idle_in_transaction_session_timeout = '1min'; alter role ordinary set work_mem = '8MB'",
        );
        let answer = server.check(&settings);
        answer.passes();
        assert!(answer.finding("session-role-settings").is_none(), "{answer}");
    }
}

/// One millisecond: where the questions are not cut off (10 cannot lift the limit in time), it is remarked on.
#[test]
fn a_statement_timeout_that_nothing_outlives() {
    for server in servers() {
        let settings = server.role("hasty", "by_scram");
        server.cluster.sql("alter role hasty set statement_timeout = '1ms'");
        let answer = server.check(&settings);
        assert!(answer.finding("session-role-settings").is_some(), "{answer}");
        Fixes::of_finding(&answer, "session-role-settings").run("ALTER ROLE", server, "postgres");
        let answer = server.check(&settings);
        answer.passes();
        assert!(answer.finding("session-role-settings").is_none(), "{answer}");
    }
}

/// The printed query shows who names the library, and the line for it ends that.
#[test]
fn a_library_that_is_not_there_is_found() {
    for server in servers() {
        server.cluster.sql("create database \"Lost Books\"");
        let settings = server.role("Librarian", "by_scram").set("dbname", "Lost Books");
        for (owner, line) in [("role \"Librarian\"", 0), ("database \"Lost Books\"", 1)] {
            server.cluster.sql(&format!("alter {owner} set session_preload_libraries = 'burnt'"));
            let answer = server.check(&settings);
            answer.fails_with("login-server-error", 13);
            let fixes = Fixes::of(&answer);
            let shown = server.cluster.sql(&fixes.statements("SELECT setrole").join("\n"));
            assert!(shown.contains("{session_preload_libraries=burnt}"), "{shown}");
            server.cluster.sql(&fixes.statements("ALTER ROLE")[line]);
            server.check(&settings).passes();
        }
    }
}

/// Where the server names it nobody gets in but those who are in already.
#[test]
fn a_library_of_all_sessions_is_named_no_more() {
    on_all_majors(|major| {
        let server = Server::start(major, &[]);
        let settings = server.role("librarian", "by_scram");
        let socket = server.socket();
        let mut administrator =
            Session::open(&server.settings("postgres").without("hostaddr").set("host", socket).with("sslmode=disable"));
        administrator.ask("alter system set session_preload_libraries = 'burnt'; select pg_reload_conf();");
        server.cluster.wait_log(|line| line.contains("\"session_preload_libraries\" changed to \"burnt\""));
        let answer = server.check(&settings);
        answer.fails_with("login-server-error", 13);
        administrator.ask(&Fixes::of(&answer).statements("ALTER ROLE")[2..].join("\n"));
        server.cluster.wait_log(|line| line.contains("\"session_preload_libraries\" removed"));
        server.check(&settings).passes();
    });
}

#[test]
fn a_login_trigger_is_switched_off() {
    for server in servers().iter().filter(|server| server.major >= 17) {
        let settings = server.role("triggered", "by_scram").set("dbname", "guarded");
        server.cluster.sql(
            "create database guarded;\n\\connect guarded\n
             create function guard() returns event_trigger language plpgsql as $$
               begin if session_user = 'triggered' then raise 'not on Sundays'; end if; end $$;
             create event trigger guard on login execute function guard();
             alter event trigger guard enable always",
        );
        let answer = server.play("A login trigger raises an error", &settings).gives(&["login-trigger-failed"]);
        assert_eq!(answer.fact("login", "sqlstate"), "P0001", "{answer}");
        assert_eq!(answer.report["findings"][0]["confidence"], "certain", "{answer}");
        let fixes = Fixes::of(&answer);
        let shown = fixes.statements("SELECT evtname").join("\n");
        assert!(server.cluster.sql(&format!("\\connect guarded\n{shown}")).starts_with("guard|"));
        fixes.run("SELECT format", server, "guarded");
        server.check(&settings).passes();
    }
}

#[test]
fn tables_of_tomorrow_are_granted() {
    for server in servers() {
        let settings = server.role("Analyst", "by_scram").set("dbname", "warehouse");
        let run = |statement: &str| server.cluster.sql(&format!("\\connect warehouse\n{statement}"));
        server.cluster.sql("create database warehouse; create role \"The Loader\"");
        run("create schema \"Raw Data\" authorization \"The Loader\"; grant usage on schema \"Raw Data\" to \"Analyst\";
             set role \"The Loader\"; create table \"Raw Data\".a (id int); grant select on \"Raw Data\".a to \"Analyst\"");
        let future = ["privileges-future-tables"];
        let answer = server.play("The tables of tomorrow are not granted", &settings).gives(&future);
        Fixes::of_finding(&answer, "privileges-future-tables").run("ALTER DEFAULT PRIVILEGES", server, "warehouse");
        let answer = server.check(&settings);
        answer.passes();
        assert!(answer.finding("privileges-future-tables").is_none(), "{answer}");
        run("set role \"The Loader\"; create table \"Raw Data\".b (id int)");
        let answer = server.check(&settings);
        assert_eq!(answer.fact("privileges", "tables")["readable"], 2, "{answer}");
        assert!(answer.finding("privileges-table-select").is_none(), "{answer}");

        // Whoever is a member of the owner, or reads all there is, needs none.
        run(
            "alter default privileges for role \"The Loader\" in schema \"Raw Data\" revoke select on tables from \"Analyst\"",
        );
        assert!(server.check(&settings).finding("privileges-future-tables").is_some());
        if server.major >= 14 {
            run("grant pg_read_all_data to \"Analyst\"");
            assert!(server.check(&settings).finding("privileges-future-tables").is_none());
            run("revoke pg_read_all_data from \"Analyst\"");
        }
        run("grant \"The Loader\" to \"Analyst\"");
        assert!(server.check(&settings).finding("privileges-future-tables").is_none());
    }
}

#[test]
fn the_right_to_write_is_taken_away() {
    for server in servers() {
        let settings = server.role("Writer", "by_scram").set("dbname", "ledger");
        server.cluster.sql(
            "create database ledger;\n\\connect ledger\n create table public.\"Books\" (id int);\n
             grant select, insert on public.\"Books\" to \"Writer\"; create table public.notes (id int);\n
             grant select on public.notes to \"Writer\"",
        );
        let write = ["privileges-can-write", "privileges-future-tables"];
        let answer = server.play("The role may write", &settings).gives(&write);
        let finding = answer.finding("privileges-can-write").unwrap_or_else(|| panic!("{answer}"));
        assert_eq!(finding["evidence"]["tables"], 1, "{answer}");
        Fixes::of_finding(&answer, "privileges-can-write").run("REVOKE", server, "ledger");
        let answer = server.check(&settings);
        answer.passes();
        assert!(answer.finding("privileges-can-write").is_none(), "{answer}");
        assert_eq!(answer.fact("privileges", "tables")["readable"], 2, "{answer}");
    }
}
