//! What poolers and proxies say in place of a server. They leave out file, line and routine, and often have one SQLSTATE
//! for everything; none of them translates. Where several rows fit, the first counts.

use Speaker::{Azure, CloudSql, Cockroach, Neon, Odyssey, PgBouncer, PgCat, Pgpool, RdsProxy, Supavisor};
use Trouble::{
    AddressRefused, BackendDown, DatabaseUnknown, Full, IamNeedsTls, Parameter, RuleRefused, ShuttingDown, TlsRequired,
    UserUnknown,
};

/// Who answers in place of PostgreSQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaker {
    /// PgBouncer.
    PgBouncer,
    /// Pgpool-II.
    Pgpool,
    /// PgCat.
    PgCat,
    /// Supavisor, Supabase's pooler.
    Supavisor,
    /// Amazon RDS Proxy.
    RdsProxy,
    /// Odyssey.
    Odyssey,
    /// Neon's proxy.
    Neon,
    /// The gateway of Azure Database for PostgreSQL.
    Azure,
    /// Google Cloud SQL.
    CloudSql,
    /// CockroachDB, which speaks the protocol itself.
    Cockroach,
}

impl Speaker {
    /// Its own spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            PgBouncer => "PgBouncer",
            Pgpool => "Pgpool-II",
            PgCat => "PgCat",
            Supavisor => "Supavisor",
            RdsProxy => "RDS Proxy",
            Odyssey => "Odyssey",
            Neon => "Neon's proxy",
            Azure => "the gateway of Azure",
            CloudSql => "Cloud SQL",
            Cockroach => "CockroachDB",
        }
    }
}

/// What it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It does not know the user, or not with this password.
    UserUnknown,
    /// It does not know the database.
    DatabaseUnknown,
    /// It cannot reach the database behind it, or gets no connection to it in time.
    BackendDown,
    /// The database behind it refuses its login.
    BackendRefused,
    /// It refuses a parameter of the startup packet.
    Parameter,
    /// It has all the clients it takes.
    Full,
    /// It is shutting down.
    ShuttingDown,
    /// It wants TLS.
    TlsRequired,
    /// It takes an IAM token over TLS only.
    IamNeedsTls,
    /// Its list of addresses does not have the client's.
    AddressRefused,
    /// Its own rules refuse the client.
    RuleRefused,
}

/// Who says so and what it means, if the words are known.
pub fn said(message: &str) -> Option<(Speaker, Trouble)> {
    let row = WORDS.iter().find(|(_, _, fragments)| fragments.iter().any(|fragment| message.contains(fragment)));
    row.map(|(speaker, trouble, _)| (*speaker, *trouble))
}

/// What a server's refusal of the pooler's own login says, where the pooler passes on the words and not the SQLSTATE
/// (PgBouncer up to 1.21). Of a server that is not translated.
pub fn passed_on(message: &str) -> Option<&'static str> {
    PASSED_ON.iter().find(|(fragment, _)| message.contains(fragment)).map(|(_, sqlstate)| *sqlstate)
}

type Row = (Speaker, Trouble, &'static [&'static str]);

/// The sources: PgBouncer 1.18 to 1.25 (`src/client.c`, `objects.c`, `janitor.c`, `proto.c`; 1.18 also heard live);
/// Pgpool-II 4.3 to 4.6 (`src/protocol/child.c`, `src/auth/pool_auth.c`); PgCat (`src/client.rs`);
/// Supavisor (`lib/supavisor/errors/*.ex`, and the texts of its releases before those); RDS Proxy (user guide,
/// "Troubleshooting for RDS Proxy"); Odyssey (`sources/frontend.c`, `auth.c`); Neon (`proxy/src/auth/mod.rs`,
/// `control_plane/errors.rs`); Azure Single Server and Cloud SQL (their support threads); CockroachDB
/// (`pkg/sql/pgwire/server.go`).
const WORDS: &[Row] = &[
    (PgBouncer, UserUnknown, &["SASL authentication failed", "no such user", "unix socket login rejected"]),
    (PgBouncer, DatabaseUnknown, &["no such database", "bouncer config error"]),
    (PgBouncer, Parameter, &["unsupported startup parameter"]),
    (PgBouncer, Full, &["no more connections allowed"]),
    (
        PgBouncer,
        BackendDown,
        &[
            "server login has been failing",
            "query_wait_timeout",
            "client_login_timeout (server down)",
            "server DNS lookup failed",
        ],
    ),
    (PgBouncer, ShuttingDown, &["bouncer is shutting down", "pooler is shutting down"]),
    (PgBouncer, TlsRequired, &["SSL required"]),
    (PgBouncer, RuleRefused, &["login rejected"]),
    (Pgpool, Full, &["Sorry, too many clients already"]),
    (
        Pgpool,
        BackendDown,
        &[
            "pgpool is not accepting any new connections",
            "all backend nodes are down",
            "failed to create a backend",
            "unable to read message kind",
        ],
    ),
    (Pgpool, AddressRefused, &["no pool_hba.conf entry"]),
    (Pgpool, RuleRefused, &["client authentication failed"]),
    (
        Pgpool,
        UserUnknown,
        &[
            "backend authentication failed",
            "failed to authenticate with backend",
            "authentication failed from backend",
            "SCRAM authentication failed",
            "clear text authentication failed",
            "clear text password authentication failed",
        ],
    ),
    (PgCat, DatabaseUnknown, &["No pool configured for database"]),
    (PgCat, BackendDown, &["could not get connection from the pool", "AllServersDown"]),
    (
        Supavisor,
        UserUnknown,
        &[
            "Tenant or user not found",
            "(ENOTFOUND)",
            "(ENOIDENTIFIER)",
            "(EWRONGPASSWORD)",
            "user not found in the database",
        ],
    ),
    (
        Supavisor,
        Full,
        &["Max client connections reached", "max clients reached in session mode", "(EMAXCONN", "(EMAXCLIENT"],
    ),
    (Supavisor, TlsRequired, &["(ESSLREQUIRED)"]),
    (Supavisor, AddressRefused, &["(EADDRNOTALLOWED)", "not in tenant allow_list"]),
    (Supavisor, Parameter, &["(EINVALIDSTARTUPOPTION)"]),
    (
        Supavisor,
        BackendDown,
        &["(ECHECKOUT", "(EAUTHQUERY)", "(ECIRCUITBREAKER)", "connection to database not available"],
    ),
    (RdsProxy, TlsRequired, &["This RDS Proxy requires TLS connections"]),
    (RdsProxy, IamNeedsTls, &["IAM authentication is allowed only with SSL connections"]),
    (
        RdsProxy,
        UserUnknown,
        &[
            "has no credentials for the role",
            "supports only IAM, MD5, or SCRAM authentication",
            "The password that was provided for the role",
            "The IAM authentication failed for the role",
        ],
    ),
    (RdsProxy, Parameter, &["RDS Proxy currently doesn't support", "RDS Proxy currently doesn\u{2019}t support"]),
    (RdsProxy, BackendDown, &["Timed-out waiting to acquire database connection", "Request returned an error:"]),
    (Odyssey, DatabaseUnknown, &["route for '"]),
    (Odyssey, UserUnknown, &["incorrect password"]),
    (Odyssey, Full, &["too many tcp connections", "too many active clients for user"]),
    (Odyssey, BackendDown, &["failed to get remote server connection"]),
    (Neon, TlsRequired, &["connection is insecure (try using `sslmode=require`)"]),
    (Neon, AddressRefused, &["is not allowed to connect to this endpoint"]),
    (Neon, DatabaseUnknown, &["Endpoint ID is not specified", "Inconsistent project name inferred from SNI"]),
    (Neon, Full, &["Too many connections attempts"]),
    (Neon, BackendDown, &["ouldn't connect to compute node", "exceeded the compute time quota"]),
    (Neon, UserUnknown, &["password authentication failed for user '"]),
    (Azure, TlsRequired, &["SSL connection is required. Please specify SSL options"]),
    (Azure, UserUnknown, &["Invalid Username specified"]),
    (
        CloudSql,
        UserUnknown,
        &["Cloud SQL IAM user authentication failed", "Cloud SQL IAM service account authentication failed"],
    ),
    (Cockroach, TlsRequired, &["node is running secure mode, SSL connection required"]),
    (Cockroach, ShuttingDown, &["server is not accepting clients, try another node"]),
];

/// Words of PostgreSQL's own refusals (`src/backend/po`, English) and their SQLSTATE.
const PASSED_ON: &[(&str, &str)] = &[
    ("authentication failed for user \"", "28P01"),
    ("no pg_hba.conf entry", "28000"),
    ("pg_hba.conf rejects connection", "28000"),
    ("is not permitted to log in", "28000"),
    ("sorry, too many clients already", "53300"),
    ("remaining connection slots are reserved", "53300"),
    ("too many connections for role", "53300"),
    ("too many connections for database", "53300"),
    ("is not currently accepting connections", "55000"),
    ("permission denied for database", "42501"),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// One whole message of each row, as it is sent.
    #[test]
    fn whole_messages_are_understood() {
        let rows = [
            ("SASL authentication failed", PgBouncer, UserUnknown),
            ("no such user", PgBouncer, UserUnknown),
            ("no such database: orders", PgBouncer, DatabaseUnknown),
            ("unsupported startup parameter: extra_float_digits", PgBouncer, Parameter),
            ("unsupported startup parameter in options: search_path", PgBouncer, Parameter),
            ("no more connections allowed (max_client_conn)", PgBouncer, Full),
            ("query_wait_timeout", PgBouncer, BackendDown),
            ("server login has been failing, try again later (server_login_retry)", PgBouncer, BackendDown),
            (
                "server login has been failing, cached error: connect failed (server_login_retry)",
                PgBouncer,
                BackendDown,
            ),
            ("client_login_timeout (server down)", PgBouncer, BackendDown),
            ("pooler is shutting down", PgBouncer, ShuttingDown),
            ("SSL required", PgBouncer, TlsRequired),
            ("login rejected", PgBouncer, RuleRefused),
            ("Sorry, too many clients already", Pgpool, Full),
            ("pgpool is not accepting any new connections", Pgpool, BackendDown),
            ("all backend nodes are down, pgpool requires at least one valid node", Pgpool, BackendDown),
            ("no pool_hba.conf entry for host \"::1\", user \"u\", database \"d\", SSL off", Pgpool, AddressRefused),
            ("client authentication failed", Pgpool, RuleRefused),
            ("backend authentication failed", Pgpool, UserUnknown),
            ("failed to authenticate with backend using SCRAM", Pgpool, UserUnknown),
            ("No pool configured for database: \"orders\", user: \"u\"", PgCat, DatabaseUnknown),
            ("could not get connection from the pool - AllServersDown", PgCat, BackendDown),
            ("Tenant or user not found", Supavisor, UserUnknown),
            ("(ENOTFOUND) tenant/user postgres.abc not found", Supavisor, UserUnknown),
            ("Max client connections reached", Supavisor, Full),
            ("(EMAXCONNSESSION) max clients reached in session mode", Supavisor, Full),
            ("(ESSLREQUIRED) SSL connection is required for user: u", Supavisor, TlsRequired),
            ("(EADDRNOTALLOWED) address not in tenant allow_list: {10, 0, 0, 1}", Supavisor, AddressRefused),
            ("(EINVALIDSTARTUPOPTION) invalid option", Supavisor, Parameter),
            ("(ECHECKOUTTIMEOUT) Pool checkout timeout.", Supavisor, BackendDown),
            ("This RDS Proxy requires TLS connections.", RdsProxy, TlsRequired),
            ("IAM authentication is allowed only with SSL connections.", RdsProxy, IamNeedsTls),
            (
                "This RDS proxy has no credentials for the role u. Check the credentials for this role and try again.",
                RdsProxy,
                UserUnknown,
            ),
            ("The password that was provided for the role u is wrong.", RdsProxy, UserUnknown),
            (
                "Feature not supported: RDS Proxy currently doesn\u{2019}t support command-line options.",
                RdsProxy,
                Parameter,
            ),
            ("Timed-out waiting to acquire database connection.", RdsProxy, BackendDown),
            ("odyssey: c81f2c2a6b1f: route for 'orders.u' is not found", Odyssey, DatabaseUnknown),
            ("odyssey: c81f2c2a6b1f: incorrect password", Odyssey, UserUnknown),
            ("odyssey: c81f2c2a6b1f: too many tcp connections (global client_max 100)", Odyssey, Full),
            ("odyssey: c81f2c2a6b1f: failed to get remote server connection", Odyssey, BackendDown),
            ("connection is insecure (try using `sslmode=require`)", Neon, TlsRequired),
            ("This IP address 192.0.2.1 is not allowed to connect to this endpoint.", Neon, AddressRefused),
            ("Endpoint ID is not specified. Either please upgrade the postgres client library", Neon, DatabaseUnknown),
            ("Too many connections attempts", Neon, Full),
            ("Couldn't connect to compute node", Neon, BackendDown),
            ("password authentication failed for user 'u'", Neon, UserUnknown),
            ("SSL connection is required. Please specify SSL options and retry.", Azure, TlsRequired),
            ("Invalid Username specified. Please check the Username and retry connection.", Azure, UserUnknown),
            ("Cloud SQL IAM user authentication failed for user \"u\"", CloudSql, UserUnknown),
            ("node is running secure mode, SSL connection required", Cockroach, TlsRequired),
            ("server is not accepting clients, try another node", Cockroach, ShuttingDown),
        ];
        for (message, speaker, trouble) in rows {
            assert_eq!(said(message), Some((speaker, trouble)), "{message}");
        }
        for (speaker, trouble, fragments) in WORDS {
            let tried = |row: &&(&str, Speaker, Trouble)| row.1 == *speaker && row.2 == *trouble;
            assert!(rows.iter().any(|row| tried(&row)), "no message of {fragments:?} is tried");
        }
        assert_eq!(said("the pool is closed for today"), None);
    }

    #[test]
    fn what_a_server_said_to_the_pooler_is_understood() {
        for (message, sqlstate) in [
            ("password authentication failed for user \"u\"", "28P01"),
            ("no pg_hba.conf entry for host \"10.0.0.1\", user \"u\", database \"d\", no encryption", "28000"),
            ("sorry, too many clients already", "53300"),
            ("database \"d\" is not currently accepting connections", "55000"),
        ] {
            assert_eq!(passed_on(message), Some(sqlstate), "{message}");
        }
        assert_eq!(passed_on("SASL authentication failed"), None);
    }
}
