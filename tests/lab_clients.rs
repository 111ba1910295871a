//! The endpoints of `lab serve` as other clients meet them: psql on two releases of libpq, psycopg and tokio-postgres
//! show what they are known to show, and a check by this program gives the code that the list promises.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test ends at the first surprise")]

#[path = "support/installed.rs"]
#[expect(dead_code, reason = "no server is started here")]
mod installed;
#[path = "support/program.rs"]
mod program;
#[path = "support/served.rs"]
#[expect(dead_code, reason = "not every field matters to a client")]
mod served;

use std::fmt::Write as _;
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use native_tls::{Certificate, TlsConnector};
use pgpreflight::lab::catalog::faults;
use postgres_native_tls::MakeTlsConnector;
use program::{program, run};
use rustix::process::Signal;
use served::{Endpoint, Served};
use tokio::process::Command;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_postgres::config::{ChannelBinding, SslMode, SslNegotiation};
use tokio_postgres::{Config, SimpleQueryMessage};

/// What a client shows that has got its `select 1` answered.
const IN: &str = "1";
/// What is written down for a client that is still waiting when nobody waits for it any more.
const WAITS: &str = "still waits";

/// How long a client may take. Time limits of their own, where they have one, are far below.
const PATIENCE: Duration = Duration::from_secs(10);
/// `connect_timeout` of libpq's clients: the shortest that libpq 15 knows.
const CONNECT_TIMEOUT: &str = "2";

/// Clients at the same time. More would make each of them wait for the processor.
const PARALLEL: usize = 4;

const VERIFY: &str = "SSL error: certificate verify failed";
const CLOSED: &str = "server closed the connection unexpectedly";
const END: &str = "SSL SYSCALL error: EOF detected|SSL error: unexpected eof";
const LATE: &str = "timeout expired";
const HANDSHAKE: &str = "error performing TLS handshake";
const FIVE_HUNDRED: &str = "FATAL:  connection limit \"500\" exceeded for non-bootstrap users";
const REJECTED: &str = "password authentication failed for user \"alice\"";

/// What psql (on either libpq), psycopg and tokio-postgres show of a fault: fragments, of which those between `|` are
/// different words for the same. psycopg's libpq is the newest; its own words are before libpq's.
#[rustfmt::skip]
const SHOWN: &[(&str, &str, &str, &str)] = &[
    ("sound", IN, IN, IN),
    ("sound-drip", IN, IN, IN),
    ("sound-postgresql-15", IN, IN, IN),
    ("sound-redshift", IN, IN, IN),
    ("sound-redshift-cleartext", IN, IN, IN),
    ("login-cleartext", IN, IN, IN),
    ("login-md5", IN, IN, IN),
    ("login-trust", IN, IN, IN),
    ("session-standby", IN, IN, IN),
    ("certificate-common-name-only", IN, IN, IN),
    ("connect-refused", "Connection refused", "Connection refused", "error connecting to server: Connection refused"),
    ("connect-timed-out", LATE, LATE, "error connecting to server: connection timed out"),
    ("certificate-chain-incomplete", VERIFY, VERIFY, HANDSHAKE),
    ("certificate-expired", VERIFY, VERIFY, "certificate has expired"),
    ("certificate-not-yet-valid", VERIFY, VERIFY, "certificate is not yet valid"),
    ("certificate-self-signed", VERIFY, VERIFY, "self-signed certificate|self signed certificate"),
    ("certificate-unknown-issuer", VERIFY, VERIFY, "unable to get local issuer certificate"),
    ("certificate-wrong-name", "server certificate for \"other.test\" does not match host name \"localhost\"",
        "does not match host name \"localhost\"", "Hostname mismatch|hostname mismatch"),
    ("certificate-names-only", "does not match host name \"127.0.0.1\"", "does not match host name \"127.0.0.1\"",
        "IP address mismatch"),
    ("not-postgres-http", "received invalid response to SSL negotiation: H",
        "received invalid response to SSL negotiation: H", "server does not support TLS"),
    ("not-postgres-mysql", "received invalid response to SSL negotiation: d",
        "received invalid response to SSL negotiation: d", "server does not support TLS"),
    ("not-postgres-ssh-in-pieces", "SSL error: wrong version number", "SSL error: wrong version number", HANDSHAKE),
    ("tls-closed-before-reply-fin", CLOSED, CLOSED, "error communicating with the server|performing TLS handshake"),
    ("tls-handshake-garbage", "SSL error: wrong version number", "SSL error: wrong version number", HANDSHAKE),
    ("tls-handshake-silent", LATE, LATE, WAITS),
    ("tls-no-common-cipher", "alert handshake failure", "alert handshake failure", HANDSHAKE),
    ("tls-no-reply", LATE, LATE, WAITS),
    ("tls-not-offered", "server does not support SSL, but SSL was required",
        "server does not support SSL, but SSL was required", "server does not support TLS"),
    ("tls-server-error", "server sent an error response during SSL exchange",
        "server sent an error response during SSL exchange", "server does not support TLS"),
    ("tls-stuffed", "received unencrypted data after SSL response", "received unencrypted data after SSL response",
        HANDSHAKE),
    ("tls-version-unsupported-old-server", "tlsv1 alert protocol version", "tlsv1 alert protocol version", HANDSHAKE),
    ("login-channel-binding-unavailable", "channel binding is required, but server did not offer",
        "channel binding is required, but server did not offer", "server did not use channel binding"),
    ("login-client-certificate-demanded", "tlsv13 alert certificate required", "tlsv13 alert certificate required",
        "tlsv13 alert certificate required"),
    ("login-client-certificate-required", "FATAL:  connection requires a valid client certificate",
        "connection requires a valid client certificate", "FATAL: connection requires a valid client certificate"),
    ("login-closed-before-auth", END, END, "unexpected EOF|connection closed|unexpected eof"),
    ("login-connect-denied", "FATAL:  permission denied for database \"orders\"\nDETAIL:  User does not have",
        "permission denied for database \"orders\"", "[42501]"),
    ("login-database-missing", "FATAL:  database \"orders\" does not exist", "database \"orders\" does not exist", "[3D000]"),
    ("login-external-refused-pam", "FATAL:  PAM authentication failed for user \"alice\"", "PAM authentication failed",
        "[28000]"),
    ("login-gss-unavailable-sspi", "SSPI authentication not supported|GSSAPI continuation error",
        "SSPI authentication not supported|GSSAPI continuation error", "unsupported authentication method"),
    ("sound-redshift-digest", "authentication method 13 not supported", "authentication method 13 not supported",
        "unknown authentication tag `13`"),
    ("sound-redshift-idp", "authentication method 14 not supported", "authentication method 14 not supported",
        "unknown authentication tag `14`"),
    ("login-server-full-redshift", FIVE_HUNDRED, FIVE_HUNDRED, "[53300]"),
    ("login-tls-required-redshift", "database \"orders\", SSL off", "database \"orders\", SSL off", "[28000]"),
    ("certificate-unknown-issuer-redshift", VERIFY, VERIFY, "certificate verify failed"),
    ("login-method-unsupported-redshift", "authentication method 13 not supported",
        "authentication method 13 not supported", "unknown authentication tag `13`"),
    ("login-method-unsupported-oauth", "none of the server's SASL authentication mechanisms are supported|requires OAuth",
        "requires OAuth", "unsupported SASL mechanism|unsupported authentication"),
    ("login-no-hba-entry", "FATAL:  no pg_hba.conf entry for host \"127.0.0.1\", user \"alice\", database \"orders\", SSL",
        "no pg_hba.conf entry for host", "[28000]"),
    ("login-no-reply-after-auth-ok", LATE, LATE, WAITS),
    ("login-parameter-refused", "unrecognized configuration parameter \"nosuch\"",
        "unrecognized configuration parameter \"nosuch\"", "[42704]"),
    ("login-password-missing", "fe_sendauth: no password supplied", "fe_sendauth: no password supplied",
        "password missing"),
    ("login-password-rejected", REJECTED, REJECTED, "[28P01]"),
    ("login-role-missing", "FATAL:  role \"ghost\" does not exist", "role \"ghost\" does not exist", "[28000]"),
    ("login-server-error", "FATAL:  out of memory\nDETAIL:  Failed on request of size 24.\nHINT:  Come back on Monday.",
        "Come back on Monday.", "[53200]"),
    ("login-server-full", "FATAL:  sorry, too many clients already", "sorry, too many clients already", "[53300]"),
    ("login-shutting-down-russian", "FATAL:  система баз данных останавливается", "останавливается", "[57P03]"),
    ("login-starting-up", "FATAL:  the database system is starting up", "the database system is starting up", "[57P03]"),
    ("login-tls-required", "database \"orders\", no encryption", "database \"orders\", no encryption", "[28000]"),
    ("session-no-reply-closed", CLOSED, CLOSED, "connection closed|error communicating with the server"),
    ("session-no-reply-refused", "ERROR:  function pg_is_in_recovery() does not exist", "UndefinedFunction", "[42883]"),
    ("session-no-reply-silent", WAITS, WAITS, WAITS),
    ("session-no-reply-terminated", "FATAL:  terminating connection due to administrator command", "AdminShutdown",
        "[57P01]"),
];

#[tokio::test(flavor = "multi_thread")]
async fn each_client_shows_what_it_is_known_to_show() {
    let mut arguments = vec!["lab", "serve", "--format=json"];
    arguments.extend(SHOWN.iter().map(|row| row.0));
    let served = Served::start(program(arguments)).await;
    let permits = Arc::new(Semaphore::new(PARALLEL));
    let mut runs: JoinSet<Option<String>> = JoinSet::new();
    for (fault, psql, psycopg, tokio_postgres) in SHOWN {
        let endpoint = served.endpoints.iter().find(|endpoint| endpoint.fault == *fault).unwrap();
        // libpq 15 knows no sslnegotiation; no row has it.
        let libraries = [(None, "psql on its own libpq"), (Some(installed::libpq(18)), "psql on the newest libpq")];
        for (library, name) in libraries {
            runs.spawn(compared(&permits, endpoint, name, psql, shown_by_psql(endpoint.clone(), library)));
        }
        runs.spawn(compared(&permits, endpoint, "psycopg", psycopg, shown_by_psycopg(endpoint.clone())));
        let shown = shown_by_tokio_postgres(endpoint.clone());
        runs.spawn(compared(&permits, endpoint, "tokio-postgres", tokio_postgres, shown));
    }
    let mut surprises: Vec<String> = runs.join_all().await.into_iter().flatten().collect();
    assert_eq!(served.end(Signal::TERM).await, Some(0));
    surprises.sort();
    assert!(surprises.is_empty(), "\n{}\n", surprises.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_of_each_fault_gives_the_code_of_the_list() {
    let served = Served::start(program(["lab", "serve", "--format=json"])).await;
    let listed: Vec<&str> = served.endpoints.iter().map(|endpoint| endpoint.fault.as_str()).collect();
    assert_eq!(listed, faults().unwrap().iter().map(|fault| fault.name).collect::<Vec<_>>());
    let permits = Arc::new(Semaphore::new(PARALLEL));
    let mut runs = JoinSet::new();
    for endpoint in served.endpoints.clone() {
        let permits = Arc::clone(&permits);
        runs.spawn(async move {
            let _permit = permits.acquire_owned().await.unwrap();
            let run = run(program(["check", &endpoint.uri, "--format=json", "--timeout=4s"]), b"").await;
            assert!(run.code.is_some() && run.stderr.is_empty(), "{}: {run:?}", endpoint.fault);
            let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
            let list = |value: &serde_json::Value| value.as_array().cloned().unwrap_or_default();
            let codes = list(report.get("findings").unwrap()).into_iter();
            let mut found: Vec<String> =
                codes.filter_map(|finding| Some(finding.get("code")?.as_str()?.to_owned())).collect();
            let mut promised: Vec<String> = endpoint.cause.into_iter().chain(endpoint.others).collect();
            found.sort();
            promised.sort();
            (found != promised).then(|| format!("{}: {found:?} instead of {promised:?}", endpoint.fault))
        });
    }
    let surprises: Vec<String> = runs.join_all().await.into_iter().flatten().collect();
    assert_eq!(served.end(Signal::TERM).await, Some(0));
    assert!(surprises.is_empty(), "\n{}\n", surprises.join("\n"));
}

/// Runs one client in its turn; gives what is not as it should be.
fn compared(
    permits: &Arc<Semaphore>,
    endpoint: &Endpoint,
    client: &'static str,
    known: &'static str,
    shown: impl Future<Output = String> + Send + 'static,
) -> impl Future<Output = Option<String>> + Send + 'static {
    let (permits, fault) = (Arc::clone(permits), endpoint.fault.clone());
    async move {
        let _permit = permits.acquire_owned().await.unwrap();
        let shown = timeout(PATIENCE, shown).await.unwrap_or_else(|_| WAITS.to_owned());
        let as_known = if known == IN { shown == IN } else { known.split('|').any(|words| shown.contains(words)) };
        (!as_known).then(|| format!("{fault}: {client} shows {shown:?}, and not {known:?}"))
    }
}

async fn shown_by_psql(endpoint: Endpoint, library: Option<PathBuf>) -> String {
    let mut psql = Command::new(installed::client("psql"));
    psql.args([&endpoint.uri, "-XAtw", "-c", "select 1"]);
    output(psql.env_clear().envs(library.map(|library| ("LD_LIBRARY_PATH", library)))).await
}

async fn shown_by_psycopg(endpoint: Endpoint) -> String {
    const SCRIPT: &str = "
import psycopg, sys
try:
    with psycopg.connect(sys.argv[1]) as connection:
        print(connection.execute('select 1').fetchone()[0])
except psycopg.Error as error:
    print(type(error).__name__, error)
";
    let mut python = Command::new("/usr/bin/python3");
    python.args(["-c", SCRIPT, &endpoint.uri]);
    output(python.env_clear().env("PYTHONPATH", psycopg()).env("PYTHONIOENCODING", "utf-8")).await
}

/// Where `scripts/setup` keeps psycopg.
fn psycopg() -> PathBuf {
    let packages = installed::cache().join("python");
    assert!(packages.join("psycopg").is_dir(), "psycopg is missing from {}: run `make setup`", packages.display());
    packages
}

/// Both streams of a client without the settings of whoever runs the test.
async fn output(command: &mut Command) -> String {
    command.env("HOME", "/nonexistent").env("LC_ALL", "C.UTF-8").env("PGCONNECT_TIMEOUT", CONNECT_TIMEOUT);
    let output = command.kill_on_drop(true).output().await.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = |bytes| String::from_utf8(bytes).unwrap();
    format!("{}{}", text(output.stdout), text(output.stderr)).trim().to_owned()
}

/// The Rust driver over native-tls, told the same as far as it can be: it logs in, and asks by both protocols.
async fn shown_by_tokio_postgres(endpoint: Endpoint) -> String {
    let keyword = |name: &str| endpoint.keywords.get(name).map_or("", String::as_str);
    let mut config = Config::new();
    config.host(&endpoint.host).port(endpoint.port).user(&endpoint.user).dbname(&endpoint.dbname);
    config.connect_timeout(Duration::from_secs(2)).options(keyword("options"));
    if let Ok(address) = keyword("hostaddr").parse() {
        config.hostaddr(address);
    }
    config.ssl_mode(match keyword("sslmode") {
        "disable" => SslMode::Disable,
        "" | "allow" | "prefer" => SslMode::Prefer,
        _ => SslMode::Require,
    });
    if keyword("sslnegotiation") == "direct" {
        config.ssl_negotiation(SslNegotiation::Direct);
    }
    if keyword("channel_binding") == "require" {
        config.channel_binding(ChannelBinding::Require);
    }
    if let Some(password) = &endpoint.password {
        config.password(password);
    }

    let mut tls = TlsConnector::builder();
    if let Some(root) = endpoint.keywords.get("sslrootcert") {
        tls.disable_built_in_roots(true);
        tls.add_root_certificate(Certificate::from_pem(&std::fs::read(root).unwrap()).unwrap());
    }
    let verifies = keyword("sslmode").starts_with("verify");
    tls.danger_accept_invalid_certs(!verifies).danger_accept_invalid_hostnames(keyword("sslmode") != "verify-full");
    match asked_by_both_protocols(&config, MakeTlsConnector::new(tls.build().unwrap())).await {
        Ok(answer) => answer,
        Err(error) => told(&error),
    }
}

async fn asked_by_both_protocols(config: &Config, tls: MakeTlsConnector) -> Result<String, tokio_postgres::Error> {
    let (client, connection) = config.connect(tls).await?;
    let connection = tokio::spawn(connection);
    let simple = client.simple_query("select 1").await?;
    let simple = simple.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    let extended: i32 = client.query_one("select 1", &[]).await?.get(0);
    assert_eq!(simple, Some(extended.to_string().as_str()));
    drop(client);
    connection.await.unwrap()?;
    Ok(extended.to_string())
}

/// The driver's words with those of every cause, and the SQLSTATE.
fn told(error: &tokio_postgres::Error) -> String {
    let mut told = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        // Writing to a String cannot fail.
        let _ = write!(told, ": {error}");
        cause = error.source();
    }
    if let Some(code) = error.code() {
        let _ = write!(told, " [{}]", code.code());
    }
    told
}
