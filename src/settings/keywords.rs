//! libpq's connection keywords as one table: from it come the flags, the environment variables and the defaults
//! (PostgreSQL 18, `fe-connect.c`, `PQconninfoOptions`).

/// One keyword.
#[derive(Debug)]
pub struct Keyword {
    /// Its name, in URIs, strings and as a flag.
    pub name: &'static str,
    /// Its environment variable.
    pub variable: Option<&'static str>,
    /// Its value where nobody says otherwise and libpq has a fixed one.
    pub default: Option<&'static str>,
    /// What becomes of it here.
    pub use_made: Use,
    /// What `--help` says.
    pub help: &'static str,
}

/// What this tool does with a keyword.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// It is acted on.
    Applied,
    /// It is a secret: acted on, never a flag, never shown.
    Secret,
    /// It has no bearing on whether a connection can be made.
    Harmless,
}

use Use::{Applied, Harmless, Secret};

/// All keywords, in libpq's order.
pub const KEYWORDS: &[Keyword] = &[
    keyword("service", Some("PGSERVICE"), None, Applied, "section of the service file"),
    keyword("user", Some("PGUSER"), None, Applied, "role to log in as [default: the operating system's user]"),
    keyword("password", Some("PGPASSWORD"), None, Secret, "password"),
    keyword("passfile", Some("PGPASSFILE"), None, Applied, "file of passwords"),
    keyword("channel_binding", Some("PGCHANNELBINDING"), Some("prefer"), Applied, "disable, prefer or require"),
    keyword("connect_timeout", Some("PGCONNECT_TIMEOUT"), None, Applied, "seconds for the connect of one address"),
    keyword("dbname", Some("PGDATABASE"), None, Applied, "database [default: the user]"),
    keyword("host", Some("PGHOST"), None, Applied, "host name, address, or directory of a Unix socket"),
    keyword("hostaddr", Some("PGHOSTADDR"), None, Applied, "address to dial instead of resolving host"),
    keyword("port", Some("PGPORT"), Some("5432"), Applied, "port, 1 to 65535"),
    keyword("client_encoding", Some("PGCLIENTENCODING"), None, Harmless, "encoding of the client"),
    keyword("options", Some("PGOPTIONS"), Some(""), Applied, "options for the server process"),
    keyword("application_name", Some("PGAPPNAME"), None, Applied, "name shown in pg_stat_activity"),
    keyword("fallback_application_name", None, None, Applied, "name shown when application_name is not set"),
    keyword("keepalives", None, None, Harmless, "whether TCP keepalives are used"),
    keyword("keepalives_idle", None, None, Harmless, "seconds until the first keepalive"),
    keyword("keepalives_interval", None, None, Harmless, "seconds between keepalives"),
    keyword("keepalives_count", None, None, Harmless, "lost keepalives until the connection is dead"),
    keyword("tcp_user_timeout", None, None, Harmless, "milliseconds until unacknowledged data is given up"),
    keyword(
        "sslmode",
        Some("PGSSLMODE"),
        Some("prefer"),
        Applied,
        "disable, allow, prefer, require, verify-ca or verify-full",
    ),
    keyword("sslnegotiation", Some("PGSSLNEGOTIATION"), Some("postgres"), Applied, "postgres or direct"),
    keyword("sslcompression", Some("PGSSLCOMPRESSION"), Some("0"), Harmless, "ignored, as in libpq"),
    keyword("sslcert", Some("PGSSLCERT"), None, Applied, "file of the client certificate"),
    keyword("sslkey", Some("PGSSLKEY"), None, Applied, "file of the client key"),
    keyword("sslcertmode", Some("PGSSLCERTMODE"), Some("allow"), Applied, "disable, allow or require"),
    keyword("sslpassword", None, None, Secret, "password of the client key"),
    keyword("sslrootcert", Some("PGSSLROOTCERT"), None, Applied, "file of trusted certificates, or system"),
    keyword("sslcrl", Some("PGSSLCRL"), None, Applied, "file of revoked certificates"),
    keyword("sslcrldir", Some("PGSSLCRLDIR"), None, Applied, "directory of revoked certificates"),
    keyword("sslsni", Some("PGSSLSNI"), Some("1"), Applied, "1 sends the host name in the TLS handshake, 0 does not"),
    keyword("requirepeer", Some("PGREQUIREPEER"), None, Applied, "user that must own the server, on Unix sockets"),
    keyword("require_auth", Some("PGREQUIREAUTH"), None, Applied, "authentication methods that will do"),
    keyword("min_protocol_version", Some("PGMINPROTOCOLVERSION"), None, Applied, "lowest protocol version"),
    keyword("max_protocol_version", Some("PGMAXPROTOCOLVERSION"), None, Applied, "highest protocol version"),
    keyword(
        "ssl_min_protocol_version",
        Some("PGSSLMINPROTOCOLVERSION"),
        Some("TLSv1.2"),
        Applied,
        "lowest TLS version: TLSv1, TLSv1.1, TLSv1.2 or TLSv1.3",
    ),
    keyword("ssl_max_protocol_version", Some("PGSSLMAXPROTOCOLVERSION"), None, Applied, "highest TLS version"),
    keyword("gssencmode", Some("PGGSSENCMODE"), Some("disable"), Applied, "GSSAPI encryption"),
    keyword("krbsrvname", Some("PGKRBSRVNAME"), Some("postgres"), Harmless, "Kerberos service name"),
    keyword("gsslib", Some("PGGSSLIB"), None, Harmless, "GSS library"),
    keyword("gssdelegation", Some("PGGSSDELEGATION"), Some("0"), Harmless, "whether GSS credentials are forwarded"),
    keyword("replication", None, None, Applied, "start a replication session"),
    keyword("target_session_attrs", Some("PGTARGETSESSIONATTRS"), Some("any"), Applied, "kind of session wanted"),
    keyword("load_balance_hosts", Some("PGLOADBALANCEHOSTS"), Some("disable"), Applied, "order of several hosts"),
    keyword("scram_client_key", None, None, Secret, "SCRAM client key"),
    keyword("scram_server_key", None, None, Secret, "SCRAM server key"),
    keyword("oauth_issuer", None, None, Harmless, "OAuth issuer"),
    keyword("oauth_client_id", None, None, Harmless, "OAuth client"),
    keyword("oauth_client_secret", None, None, Secret, "OAuth secret"),
    keyword("oauth_scope", None, None, Harmless, "OAuth scope"),
    keyword("sslkeylogfile", None, None, Harmless, "file for TLS secrets; never written here"),
];

const fn keyword(
    name: &'static str,
    variable: Option<&'static str>,
    default: Option<&'static str>,
    use_made: Use,
    help: &'static str,
) -> Keyword {
    Keyword { name, variable, default, use_made, help }
}

/// Finds a keyword; letter case counts, as in libpq.
pub fn find(name: &str) -> Option<&'static Keyword> {
    KEYWORDS.iter().find(|keyword| keyword.name == name)
}

/// A keyword and its value, as libpq stores them: `requiressl`, the word for it before PostgreSQL 7.4, is sslmode.
pub fn pair(name: &str, value: String) -> Option<(&'static str, String)> {
    if name == "requiressl" {
        return Some(("sslmode", if value.starts_with('1') { "require" } else { "prefer" }.to_owned()));
    }
    Some((find(name)?.name, value))
}

/// Whose parameter this is, when it is a well-known one of another product.
pub fn product_of(name: &str) -> Option<&'static str> {
    const FOREIGN: &[(&str, &[&str])] = &[
        (
            "Prisma",
            &["schema", "pgbouncer", "connection_limit", "pool_timeout", "socket_timeout", "sslaccept", "sslidentity"],
        ),
        (
            "the JDBC driver",
            &[
                "ssl",
                "sslfactory",
                "currentSchema",
                "ApplicationName",
                "loginTimeout",
                "socketTimeout",
                "prepareThreshold",
                "reWriteBatchedInserts",
                "targetServerType",
                "stringtype",
            ],
        ),
        ("pgx", &["pool_max_conns", "pool_min_conns", "default_query_exec_mode", "statement_cache_capacity"]),
        ("lib/pq", &["binary_parameters", "disable_prepared_binary_result"]),
        ("Rails", &["pool", "encoding", "prepared_statements", "adapter", "reconnect"]),
        ("SQLAlchemy and asyncpg", &["async_fallback", "prepared_statement_cache_size", "command_timeout"]),
        ("the sources platform", &["Server", "UID", "PWD", "EncryptionMethod", "ValidateServerCertificate"]),
    ];
    FOREIGN.iter().find(|(_, names)| names.contains(&name)).map(|(product, _)| *product)
}

/// The keyword that was probably meant.
pub fn nearest(name: &str) -> Option<&'static str> {
    const SYNONYMS: &[(&str, &str)] = &[
        ("username", "user"),
        ("uid", "user"),
        ("database", "dbname"),
        ("db", "dbname"),
        ("hostname", "host"),
        ("server", "host"),
        ("pwd", "password"),
        ("ssl", "sslmode"),
        ("ssl_mode", "sslmode"),
        ("rootcert", "sslrootcert"),
        ("sslca", "sslrootcert"),
    ];
    let name = name.to_ascii_lowercase();
    if let Some((_, meant)) = SYNONYMS.iter().find(|(synonym, _)| *synonym == name) {
        return Some(meant);
    }
    // Letters put behind a keyword may be somebody's password.
    let as_long = KEYWORDS.iter().filter(|keyword| keyword.name.len().abs_diff(name.len()) <= 3);
    let scored = as_long.map(|keyword| (strsim::jaro_winkler(&name, keyword.name), keyword.name));
    scored.filter(|(score, _)| *score > 0.9).max_by(|one, other| one.0.total_cmp(&other.0)).map(|(_, name)| name)
}
