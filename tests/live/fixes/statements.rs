//! SQL statements about roles, databases and privileges. The names need quotes, so that printed quotes are tried too.

use super::Fixes;
use crate::client::WRONG;
use crate::server::servers;

#[test]
fn a_role_may_log_in() {
    for server in servers() {
        let settings = server.role("May Log \"In\"", "by_scram");
        server.cluster.sql(r#"alter role "May Log ""In""" nologin"#);
        let answer = server.check(&settings);
        answer.fails_with("login-role-cannot-login", 13);
        Fixes::of(&answer).run("ALTER ROLE", server, "postgres");
        server.check(&settings).passes();
    }
}

#[test]
fn a_role_is_made() {
    for server in servers() {
        let settings = server.settings("ghost_too");
        let answer = server.check(&settings);
        answer.fails_with("login-role-missing", 13);
        Fixes::of(&answer).run("CREATE ROLE", server, "postgres");
        server.check(&settings).passes();
    }
}

#[test]
fn a_password_is_set() {
    for server in servers() {
        let settings = server.role("Forgetful", "by_scram");
        server.cluster.sql(&format!("alter role \"Forgetful\" password '{WRONG}'"));
        let answer = server.check(&settings);
        answer.fails_with("login-password-rejected", 13);
        Fixes::of(&answer).type_in("\\password", server, "postgres");
        server.check(&settings).passes();
    }
}

#[test]
fn an_md5_password_is_stored_anew() {
    for server in servers() {
        let settings = server.role("Old Timer", "by_md5");
        let answer = server.check(&settings);
        answer.remarks("login-md5");
        Fixes::of_finding(&answer, "login-md5").type_in("SET password_encryption", server, "postgres");
        let answer = server.check(&settings);
        answer.passes();
        assert!(answer.finding("login-md5").is_none(), "{answer}");
        assert_eq!(
            answer.fact("login", "method"),
            if server.major < 11 { "scram-sha-256" } else { "scram-sha-256-plus" }
        );
    }
}

#[test]
fn a_database_is_made_opened_and_granted() {
    for server in servers() {
        let guest = server.role("Data Guest", "by_scram");
        let settings = guest.set("dbname", "My Data");
        for (break_it, code, fix) in [
            ("", "login-database-missing", "CREATE DATABASE"),
            ("revoke connect on database \"My Data\" from public", "login-connect-denied", "GRANT CONNECT"),
            ("alter database \"My Data\" allow_connections false", "login-database-closed", "ALTER DATABASE"),
            ("alter database \"My Data\" connection limit 0", "login-database-full", "ALTER DATABASE"),
            ("alter role \"Data Guest\" connection limit 0", "login-role-full", "ALTER ROLE"),
        ] {
            server.cluster.sql(break_it);
            let answer = server.check(&settings);
            answer.fails_with(code, 13);
            Fixes::of(&answer).run(fix, server, "postgres");
            server.check(&settings).passes();
        }
    }
}

/// As an interrupted DROP DATABASE leaves it; 10 does not know that.
#[test]
fn an_invalid_database_is_dropped() {
    for server in servers().iter().filter(|server| server.major >= 11) {
        let settings = server.role("Husk Owner", "by_scram").set("dbname", "My Husk");
        server.cluster.sql("create database \"My Husk\"");
        server.cluster.sql("update pg_database set datconnlimit = -2 where datname = 'My Husk'");
        let answer = server.check(&settings);
        answer.fails_with("login-database-closed", 13);
        Fixes::of(&answer).run("DROP DATABASE", server, "postgres");
        let answer = server.check(&settings);
        answer.fails_with("login-database-missing", 13);
        Fixes::of(&answer).run("CREATE DATABASE", server, "postgres");
        server.check(&settings).passes();
    }
}

/// The printed query shows the policy, and the printed statement lets the role pass by it.
#[test]
fn policies_are_seen_and_passed_by() {
    for server in servers() {
        let settings = server.role("Tenant A", "by_scram").set("dbname", "tenancy");
        server.cluster.sql(
            "create database tenancy;\n\\connect tenancy\n create table public.\"Rents\" (tenant name);\n\
             insert into public.\"Rents\" values ('Tenant B'); alter table public.\"Rents\" enable row level security;\n\
             create policy own on public.\"Rents\" using (tenant = current_user);\n\
             grant select on public.\"Rents\" to \"Tenant A\"",
        );
        let answer = server.check(&settings);
        answer.remarks("privileges-row-security");
        let fixes = Fixes::of_finding(&answer, "privileges-row-security");
        let shown = server.cluster.sql(&format!("\\connect tenancy\n{}", fixes.statements("SELECT").join("\n")));
        assert_eq!(shown, "public|Rents|own|{public}|(tenant = CURRENT_USER)");
        fixes.run("ALTER ROLE", server, "tenancy");
        let answer = server.check(&settings);
        answer.passes();
        assert!(answer.finding("privileges-row-security").is_none(), "{answer}");
    }
}

#[test]
fn what_is_there_can_be_read() {
    for server in servers() {
        let settings = server.role("Reader", "by_scram").set("dbname", "library");
        server.cluster.sql(
            "create database library;\n\\connect library\n create schema \"Rare Books\";\n\
             create table \"Rare Books\".\"First Editions\" (id int);\n create table public.\"Lent\" (id int);",
        );
        let answer = server.check(&settings);
        answer.fails_with("privileges-nothing-readable", 15);
        Fixes::of(&answer).run("GRANT USAGE", server, "library");
        let answer = server.check(&settings);
        answer.passes();
        assert_eq!(answer.fact("privileges", "tables")["readable"], 2, "{answer}");

        for (break_it, code, fix) in [
            ("revoke usage on schema \"Rare Books\" from \"Reader\"", "privileges-schema-usage", "GRANT USAGE"),
            ("create table \"Rare Books\".\"New\" (id int)", "privileges-table-select", "GRANT SELECT"),
        ] {
            server.cluster.sql(&format!("\\connect library\n{break_it}"));
            let answer = server.check(&settings);
            answer.remarks(code);
            Fixes::of_finding(&answer, code).run(fix, server, "library");
            let answer = server.check(&settings);
            answer.passes();
            assert!(answer.finding(code).is_none(), "{answer}");
        }
    }
}

#[test]
fn a_superuser_is_not_needed() {
    for server in servers() {
        let settings = server.role("Almighty", "by_scram").set("dbname", "archive");
        server.cluster.sql(
            "alter role \"Almighty\" superuser;\n create database archive;\n\\connect archive\n\
             create schema \"Old Files\"; create table \"Old Files\".\"A to K\" ();",
        );
        let answer = server.check(&settings);
        answer.remarks("privileges-superuser");
        let fixes = Fixes::of_finding(&answer, "privileges-superuser");
        fixes.type_in("CREATE ROLE", server, "archive");
        server.cluster.sql("grant by_scram to reader"); // for the rules of this server
        let answer = server.check(&settings.clone().set("user", "reader"));
        answer.passes();
        assert!(answer.finding("privileges-superuser").is_none(), "{answer}");
        assert_eq!(answer.fact("privileges", "tables")["readable"], 1, "{answer}");
        assert!(answer.finding("privileges-future-tables").is_some(), "{answer}");
        if server.major >= 14 {
            fixes.run("GRANT pg_read_all_data", server, "archive");
            server.cluster.sql("\\connect archive\n create table \"Old Files\".\"L to Z\" ()");
            let answer = server.check(&settings.set("user", "reader"));
            answer.passes();
            assert!(answer.finding("privileges-future-tables").is_none(), "{answer}");
            assert_eq!(answer.fact("privileges", "tables")["readable"], 2, "{answer}");
        }
    }
}
