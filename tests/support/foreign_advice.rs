//! Advice that is for PostgreSQL alone.

/// Nobody can edit a file of a Redshift, reload it, restart it or look at its processes, and its users are no roles.
const POSTGRESQL_ONLY: [&str; 31] = [
    "ALTER ROLE",
    "ALTER SYSTEM",
    "BYPASSRLS",
    "CREATE ROLE",
    "FOR ROLE",
    "GRANT CONNECT",
    "TRUNCATE",
    "\\password",
    "hba_file",
    "hot_standby =",
    "listen_addresses",
    "max_connections",
    "password_encryption",
    "pg_authid",
    "pg_event_trigger",
    "pg_hba",
    "pg_ident",
    "pg_lsclusters",
    "pg_monitor",
    "pg_policies",
    "pg_read_all",
    "pg_reload_conf",
    "pg_settings",
    "pg_stat_activity",
    "postgresql.conf",
    "ps -o",
    "scram-sha-256 line",
    "ssl_ca_file",
    "superuser_reserved",
    "systemctl",
    "unix_socket_directories",
];

/// Whether a text says what can only be done with a PostgreSQL.
pub fn is_foreign(text: &str) -> bool {
    POSTGRESQL_ONLY.iter().any(|word| text.contains(word))
}

/// Whether it quotes what the server itself has said.
pub fn is_quoted(text: &str) -> bool {
    text.contains("it says: ") || text.contains("it said ") || text.contains("got a no: ")
}
