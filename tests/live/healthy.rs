//! Servers with which nothing is wrong, however odd they are: no more is said than what follows from the settings.

mod certificates;

use std::sync::OnceLock;

use crate::client::{PASSWORD, Settings};
use crate::server::{Server, on_all_majors, role};

/// Everything ASCII can print, and more, with a letter that SASLprep composes.
const SPECIAL: &str = "a !\"#$%&'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~ \u{e9}e\u{301}\u{df}\u{20ac}\u{1f418}";

/// One to whom nothing but this is said.
struct Fine {
    what: &'static str,
    settings: Settings,
    remarks: &'static [&'static str],
}

fn fine(what: &'static str, settings: Settings) -> Fine {
    Fine { what, settings, remarks: &[] }
}

/// A server on which `public` may read everything that is in the database `orders`, today and tomorrow.
fn with_orders(server: &Server) {
    server.cluster.sql(&format!(
        "create role guest login password '{PASSWORD}' in role by_scram; create database orders;
         \\connect orders\n {ORDERS}"
    ));
}

const ORDERS: &str = "create table public.items (id int); grant select on public.items to public; \
    alter default privileges grant select on tables to public;";

fn servers() -> &'static [Server] {
    static SERVERS: OnceLock<Vec<Server>> = OnceLock::new();
    SERVERS.get_or_init(|| {
        on_all_majors(|major| {
            let server = Server::start(major, &[("password_encryption", "'scram-sha-256'")]);
            with_orders(&server);
            server
        })
    })
}

fn hold(server: &Server, rows: Vec<Fine>) {
    for Fine { what, settings, remarks } in rows {
        server.play(what, &settings).passes_with(remarks);
    }
}

#[test]
fn ways_in() {
    for server in servers() {
        let guest = server.settings("guest").with("dbname=orders");
        let of = |name: &str, group: &str| server.role(name, group).with("dbname=orders");
        let socket = |settings: Settings| settings.without("hostaddr").set("host", server.socket());
        let plain = |settings: Settings| settings.with("sslmode=disable");
        let mut rows = vec![
            fine("TLS, verified, and SCRAM", guest.clone()),
            fine("Dialled by address", guest.clone().with("host=127.0.0.1")),
            fine("TLS 1.2", guest.clone().with("ssl_max_protocol_version=TLSv1.2")),
            fine("The password goes as itself within TLS", of("fine_password", "by_password")),
            fine("A rule for TLS alone", of("fine_tls", "by_tls")),
            fine("A Unix socket, and SCRAM", socket(guest.clone())),
            fine("A Unix socket, and trust", socket(of("fine_trusted", "by_trust"))),
            fine("SCRAM without channel binding", guest.clone().with("channel_binding=disable")),
            fine(
                "Several hosts, and the first will do",
                guest.clone().with("host=localhost,localhost hostaddr=127.0.0.1,127.0.0.1"),
            ),
            fine("A session that may write is wanted", guest.clone().with("target_session_attrs=read-write")),
            fine("A primary is wanted", guest.clone().with("target_session_attrs=primary")),
            fine("Only SCRAM is allowed", guest.clone().with("require_auth=scram-sha-256")),
            fine("No client certificate may be sent", guest.clone().with("sslcertmode=disable")),
            fine(
                "Keepalives and a name",
                guest.clone().with("keepalives=1 keepalives_idle=30 application_name=orders"),
            ),
            Fine { what: "MD5 within TLS", settings: of("fine_md5", "by_md5"), remarks: &["login-md5"] },
            Fine {
                what: "Trust, from this address",
                settings: of("fine_trust", "by_trust"),
                remarks: &["login-password-unchecked"],
            },
            Fine { what: "No TLS is wanted", settings: plain(guest.clone()), remarks: &["tls-plaintext"] },
            Fine {
                what: "TLS is wanted, and nobody verified",
                settings: guest.clone().without("sslrootcert").with("sslmode=require"),
                remarks: &["tls-not-verified"],
            },
            Fine {
                what: "The chain is verified, and the name is not",
                settings: guest.clone().with("sslmode=verify-ca"),
                remarks: &["tls-not-verified"],
            },
        ];
        if server.major >= 11 {
            rows.push(fine("SCRAM with channel binding", guest.clone().with("channel_binding=require")));
        }
        if server.major >= 17 {
            rows.push(fine("TLS from the first byte", guest.clone().with("sslnegotiation=direct")));
        }
        if server.major >= 18 {
            rows.push(fine("Protocol 3.2", guest.clone().with("min_protocol_version=3.2 max_protocol_version=latest")));
        }
        hold(server, rows);
    }
}

#[test]
fn names_and_passwords() {
    for server in servers() {
        let of = |name: &str| server.role(name, "by_scram").with("dbname=orders");
        let long = "a_name_of_sixty_three_bytes_as_long_as_postgresql_takes_a_name_";
        server.cluster.sql(&format!(
            "create database \"{long}\";\n\\connect \"{long}\"\n{ORDERS}
             create database \"Bestellungen ä€'\"\"\\\\\";\n\\connect \"Bestellungen ä€'\"\"\\\\\"\n{ORDERS}"
        ));
        let special = of("special");
        server.cluster.sql(&format!("alter role special password '{}'", SPECIAL.replace('\'', "''")));
        hold(
            server,
            vec![
                fine("A role with quotes and blanks in its name", of("It's \"me\" \\ again")),
                fine("A role with letters of other scripts in its name", of("Ærøskøbing 東京")),
                fine("A role with a name of 63 bytes", of(long)),
                fine("A role that is called like a keyword", of("select")),
                fine("A password with every special character", special.password(Some(SPECIAL))),
                fine("A database with a name of 63 bytes", server.settings("guest").set("dbname", long)),
                fine(
                    "A database with quotes and letters of other scripts in its name",
                    server.settings("guest").set("dbname", "Bestellungen ä€'\"\\\\"),
                ),
            ],
        );
    }
}

#[test]
fn what_is_in_the_database() {
    for server in servers() {
        let holding = |name: &str, options: &str, content: &str| {
            server.cluster.sql(&format!(
                "create database {name} {options};\n\\connect {name}\nalter default privileges grant select on tables to public;
                 alter default privileges grant usage on schemas to public;\n{content}"
            ));
            server.settings("guest").set("dbname", name)
        };
        let many = |count: u32, each: &str| {
            format!("do $$ begin for i in 1..{count} loop execute format('{each}', i); end loop; end $$;")
        };
        let template = |encoding: &str| format!("template template0 encoding '{encoding}' lc_collate 'C' lc_ctype 'C'");
        let table = "create table t (id int);";
        let rows = vec![
            fine("A table", holding("one_table", "", table)),
            fine("1,000 tables", holding("many_tables", "", &many(1000, "create table t%s (id int)"))),
            fine("300 schemas", holding("many_schemas", "", &many(300, "create schema s%1$s create table t (id int)"))),
            fine(
                "Partitions, views and materialized views",
                holding(
                    "relations",
                    "",
                    "create table p (id int) partition by list (id); create table p1 partition of p for values in (1);
                     create view v as select 1 as one; create materialized view m as select 1 as one;",
                ),
            ),
            fine(
                "Nothing is in public, all in a schema with a quoted name",
                holding(
                    "quoted",
                    "",
                    "drop schema public; create schema \"Vertrieb 'Süd'\" create table \"Ärger\" (id int);",
                ),
            ),
            fine(
                "The encoding is LATIN1",
                holding("latin1", &template("LATIN1"), "set client_encoding = 'UTF8'; create table \"été\" (id int);"),
            ),
            fine(
                "The encoding is EUC_JP",
                holding("euc_jp", &template("EUC_JP"), "set client_encoding = 'UTF8'; create table \"東京\" (id int);"),
            ),
            fine(
                "The encoding is SQL_ASCII, with bytes of no UTF-8",
                holding(
                    "sql_ascii",
                    &template("SQL_ASCII"),
                    "set client_encoding = 'SQL_ASCII'; create table \"\u{e9}t\u{e9}\" (id int);",
                ),
            ),
            fine(
                "A policy that leaves the rows to this role",
                holding(
                    "policies",
                    "",
                    "create table t (id int); alter table t enable row level security; alter table t disable row level security;",
                ),
            ),
        ];
        hold(server, rows);
    }
}

#[test]
fn settings_of_sessions() {
    for server in servers() {
        let of = |name: &str, settings: &[&str]| {
            let given = server.role(name, "by_scram").with("dbname=orders");
            for setting in settings {
                server.cluster.sql(&format!("alter role {name} set {setting}"));
            }
            given
        };
        let guest = server.settings("guest").with("dbname=orders");
        hold(
            server,
            vec![
                fine(
                    "Dates and intervals of another style",
                    of(
                        "fine_dates",
                        &["datestyle = 'SQL, DMY'", "intervalstyle = 'iso_8601'", "timezone = 'Asia/Kathmandu'"],
                    ),
                ),
                fine(
                    "Strings of old",
                    of(
                        "fine_strings",
                        &["standard_conforming_strings = off", "backslash_quote = on", "bytea_output = escape"],
                    ),
                ),
                fine(
                    "Numbers with few digits",
                    of("fine_digits", &["extra_float_digits = -15", "quote_all_identifiers = on"]),
                ),
                fine(
                    "Serializable transactions",
                    of(
                        "fine_serializable",
                        &["default_transaction_isolation = serializable", "default_transaction_deferrable = on"],
                    ),
                ),
                fine(
                    "A generous statement_timeout",
                    of(
                        "fine_timeout",
                        &[
                            "statement_timeout = '30s'",
                            "lock_timeout = '5s'",
                            "idle_in_transaction_session_timeout = '1min'",
                        ],
                    ),
                ),
                fine("A long search_path", of("fine_path", &["search_path = a, b, c, \"$user\", public"])),
                fine(
                    "Every message is sent",
                    of("fine_messages", &["client_min_messages = debug5", "log_statement = 'all'"]),
                ),
                fine(
                    "Plans without any method",
                    of(
                        "fine_plans",
                        &["enable_seqscan = off", "enable_hashjoin = off", "enable_sort = off", "work_mem = '64kB'"],
                    ),
                ),
                fine("The client's encoding is LATIN1", guest.clone().with("client_encoding=LATIN1")),
                fine("The client's encoding is SQL_ASCII", guest.clone().with("client_encoding=SQL_ASCII")),
                fine(
                    "Settings in options",
                    guest.clone().set("options", "-c work_mem=1MB -c search_path=public -c geqo=off"),
                ),
                fine(
                    "A name of the application that is not ASCII",
                    guest.set("application_name", "Täglicher Lauf 東京 'x'"),
                ),
            ],
        );
    }
}

/// Servers whose own settings are unusual.
#[test]
fn settings_of_servers() {
    on_all_majors(|major| {
        let v6 = "'127.0.0.1,::1'";
        for (what, settings, dialled) in [
            ("IPv6", &[("listen_addresses", v6)][..], "host=localhost hostaddr=::1"),
            ("IPv6, dialled by address", &[("listen_addresses", v6)], "host=::1 hostaddr=::1"),
            ("Everything is logged", &[("log_min_messages", "debug5"), ("log_statement", "'all'")], ""),
            ("Few connections, all but one of them free", &[("max_connections", "30"), ("max_wal_senders", "0")], ""),
            (
                "TLS renegotiates nothing, and one suite is left",
                &[("ssl_ciphers", "'ECDHE-ECDSA-AES256-GCM-SHA384'")],
                "ssl_max_protocol_version=TLSv1.2",
            ),
            ("Keys of another curve", &[("ssl_ecdh_curve", "'secp384r1'")], ""),
            (
                "A long authentication_timeout and an odd time zone",
                &[("authentication_timeout", "'600s'"), ("timezone", "'Asia/Kathmandu'")],
                "",
            ),
        ] {
            let server = Server::start_empty(major, settings);
            let rules = ["host all all 127.0.0.1/32 scram-sha-256", "host all all ::1/128 scram-sha-256"];
            server.cluster.write_hba(&rules.map(str::to_owned));
            server.cluster.reload();
            server.cluster.sql(&format!("create role by_scram; {}", role("guest", "by_scram")));
            server.cluster.sql(&format!("create database orders;\n\\connect orders\n{ORDERS}"));
            server.play(what, &server.settings("guest").with("dbname=orders").with(dialled)).passes_with(&[]);
        }
    });
}
