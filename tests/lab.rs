//! The lab's endpoints against the real `psql`: a sound one must be a PostgreSQL to it in every mode, and each fault
//! must look to it as the fault does on a real server.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends at the first surprise")]

use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::Duration;

use pgpreflight::lab::{Lab, Scenario};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::time::timeout;

/// The packet of that name.
const SSL_REQUEST: &[u8] = &[0, 0, 0, 8, 4, 210, 22, 47];

/// Longer than any psql run here takes; reached only when a server or a client hangs.
const BOUND: Duration = Duration::from_secs(30);

#[tokio::test]
async fn psql_gets_in_by_every_method_in_every_mode() {
    for method in ["trust", "password", "md5", "scram-sha-256"] {
        for mode in ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] {
            let lab = start(&format!("authentication = '{method}'")).await;
            let run = psql(&lab, &format!("sslmode={mode}")).await;
            assert_eq!(run.stdout, "1\n", "{method} {mode}: {}", run.stderr);
            let expected = u64::from(method != "trust");
            assert_eq!(lab.credentials_seen(), expected, "{method} {mode}");
            assert_eq!((lab.connections(), lab.startups()), (1, 1), "{method} {mode}");
        }
    }
}

#[tokio::test]
async fn psql_binds_the_channel_where_it_is_offered_and_only_there() {
    for certificate in ["valid", "rsa1024", "sha1", "intermediate", "self-signed"] {
        let lab = start(&format!("certificate = '{certificate}'")).await;
        let run = psql(&lab, "sslmode=require sslrootcert=/nonexistent channel_binding=require").await;
        assert_eq!(run.stdout, "1\n", "{certificate}: {}", run.stderr);
    }
    let lab = start("channel_binding = false").await;
    let run = psql(&lab, "sslmode=require channel_binding=require").await;
    run.fails_with("channel binding is required, but server did not offer an authentication method");
    let run = psql(&lab, "sslmode=require channel_binding=prefer").await;
    assert_eq!(run.stdout, "1\n", "{}", run.stderr);

    let lab = start("certificate = 'ed25519'").await;
    let run = psql(&lab, "sslmode=verify-full").await;
    run.fails_with("failed: could not find digest for NID UNDEF"); // libpq says so itself
    let run = psql(&lab, "sslmode=verify-full channel_binding=disable").await;
    assert_eq!(run.stdout, "1\n", "{}", run.stderr);
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_role_are_told_alike_and_counted() {
    for method in ["password", "md5", "scram-sha-256"] {
        let lab = start(&format!("authentication = '{method}'")).await;
        for (user, attempt) in [("alice", 1), ("ghost", 2)] {
            let run = psql_as(&lab, user, "looking-glass", "sslmode=require").await;
            run.fails_with(&format!("FATAL:  password authentication failed for user \"{user}\""));
            assert_eq!(lab.credentials_seen(), attempt, "{method}");
        }
        // libpq logs in again in plaintext under prefer: the lab must see both attempts.
        psql_as(&lab, "alice", "looking-glass", "sslmode=prefer").await;
        assert_eq!(lab.credentials_seen(), 4, "{method}");
    }
    let lab = start("authentication = 'trust'").await;
    psql_as(&lab, "ghost", "", "sslmode=require").await.fails_with("FATAL:  role \"ghost\" does not exist");
}

#[tokio::test]
async fn each_certificate_is_sound_or_wrong_in_its_one_way() {
    const VERIFY: &str = "SSL error: certificate verify failed";
    const CHAIN_ONLY: &[(&str, &str)] = &[
        ("expired", VERIFY),
        ("not-yet-valid", VERIFY),
        ("self-signed", VERIFY),
        ("unknown-issuer", VERIFY),
        ("chain-incomplete", VERIFY),
        ("client-auth-only", VERIFY),
        ("rsa1024", VERIFY),
        ("sha1", VERIFY),
        ("wrong-name", ""),
        ("names-only", ""),
        ("common-name-only", ""),
        ("expires-soon", ""),
        ("intermediate", ""),
        ("valid", ""),
    ];
    for (certificate, objection) in CHAIN_ONLY {
        let lab = start(&format!("certificate = '{certificate}'\nauthentication = 'trust'")).await;
        let run = psql(&lab, "sslmode=verify-ca").await;
        if objection.is_empty() {
            assert_eq!(run.stdout, "1\n", "{certificate}: {}", run.stderr);
        } else {
            run.fails_with(objection);
        }
    }

    let lab = start("certificate = 'wrong-name'").await;
    psql(&lab, "sslmode=verify-full").await.fails_with("does not match host name \"localhost\"");
    let lab = start("certificate = 'names-only'").await;
    psql(&lab, "sslmode=verify-full host=127.0.0.1").await.fails_with("does not match host name \"127.0.0.1\"");
    assert_eq!(psql(&lab, "sslmode=verify-full").await.stdout, "1\n");
    let lab = start("certificate = 'common-name-only'").await;
    assert_eq!(psql(&lab, "sslmode=verify-full").await.stdout, "1\n");
}

#[tokio::test]
async fn each_answer_to_the_ssl_request_is_told_by_psql() {
    const REFUSED: &str = "server does not support SSL, but SSL was required";
    const CLOSED: &str = "server closed the connection unexpectedly";
    let answers = [
        ("'refuse'", REFUSED),
        ("'close'", CLOSED),
        ("'reset'", CLOSED),
        ("{ bytes = 'X' }", "received invalid response to SSL negotiation: X"),
        ("'accept-then-close'", "SSL SYSCALL error: EOF detected"),
        ("'accept-then-reset'", "Connection reset by peer"),
        ("'accept-then-garbage'", "SSL error: wrong version number"),
        ("'silent'", "timeout expired"),
        ("'accept-then-silent'", "timeout expired"),
        (
            "{ error = { C = '53300', M = 'sorry, too many clients already' } }",
            "server sent an error response during SSL exchange",
        ),
        ("{ stuffed = 'x' }", "received unencrypted data after SSL response"),
    ];
    for (answer, told) in answers {
        let lab = start(&format!("ssl_request = {answer}")).await;
        psql(&lab, "sslmode=require connect_timeout=2").await.fails_with(told);
        assert_eq!(lab.credentials_seen(), 0, "{answer}");
    }
    assert_eq!(ending(&start("ssl_request = 'close'").await, SSL_REQUEST).await, None);
    assert_eq!(ending(&start("ssl_request = 'reset'").await, SSL_REQUEST).await, Some(ErrorKind::ConnectionReset));

    let lab = start("ssl_request = 'refuse'").await;
    assert_eq!(psql(&lab, "sslmode=prefer").await.stdout, "1\n");
}

#[tokio::test]
async fn tls_versions_and_groups_are_kept_to() {
    let lab = start("tls_max_version = '1.2'\ntls_groups = 'P-256'").await;
    assert_eq!(psql(&lab, "sslmode=verify-full").await.stdout, "1\n");
    psql(&lab, "sslmode=require ssl_min_protocol_version=TLSv1.3").await.fails_with("tlsv1 alert protocol version");
}

#[tokio::test]
async fn what_is_not_postgresql_speaks_its_own_protocol() {
    let banner = "greeting = \"SSH-2.0-OpenSSH_9.2p1\\r\\n\"\nanswer_any = 'Invalid SSH identification string.'\nafter_answer = 'reset'";
    let lab = start(banner).await;
    psql(&lab, "sslmode=disable").await.fails_with("received S");

    let lab = start("answer_any = \"HTTP/1.1 400 Bad Request\\r\\n\\r\\n\"").await;
    psql(&lab, "sslmode=require").await.fails_with("received invalid response to SSL negotiation: H");

    let lab = start("greeting = \"d\\u0000\\u0000\\u0000\\n5.5.5-10.11.19-MariaDB\\u0000\\u00ff\\u00f7\"").await;
    psql(&lab, "sslmode=require").await.fails_with("received invalid response to SSL negotiation: d");
}

#[tokio::test]
async fn each_transport_fails_as_the_network_does() {
    let lab = start("transport = 'refuse'").await;
    psql(&lab, "sslmode=require").await.fails_with("Connection refused");
    let lab = start("transport = 'accept-then-close'").await;
    assert_eq!(ending(&lab, b"").await, None);
    psql(&lab, "sslmode=require").await.fails_with("server closed the connection unexpectedly");
    let lab = start("transport = 'accept-then-reset'").await;
    assert_eq!(ending(&lab, b"").await, Some(ErrorKind::ConnectionReset));
    let lab = start("transport = 'accept-then-silent'").await;
    psql(&lab, "sslmode=require connect_timeout=2").await.fails_with("timeout expired");
    assert_eq!(lab.bytes_sent(), 0);
}

#[tokio::test]
async fn a_full_backlog_answers_no_syn() {
    for _ in 0..20 {
        let lab = start("transport = 'backlog-full'").await;
        let dialled = timeout(Duration::from_millis(50), TcpStream::connect(lab.address())).await;
        assert!(dialled.is_err(), "{dialled:?}");
    }
    let lab = start("transport = 'backlog-full'").await;
    psql(&lab, "sslmode=disable connect_timeout=2").await.fails_with("timeout expired");
}

#[tokio::test]
async fn pg_hba_decides_by_the_encryption() {
    let lab = start("hba = { plain = 'no-entry' }").await;
    let told = "no pg_hba.conf entry for host \"127.0.0.1\", user \"alice\", database \"postgres\", no encryption";
    psql(&lab, "sslmode=disable").await.fails_with(told);
    assert_eq!(psql(&lab, "sslmode=require").await.stdout, "1\n");

    let lab = start("hba = { tls = 'reject' }").await;
    let told =
        "pg_hba.conf rejects connection for host \"127.0.0.1\", user \"alice\", database \"postgres\", SSL encryption";
    psql(&lab, "sslmode=require").await.fails_with(told);
    assert_eq!(psql(&lab, "sslmode=disable").await.stdout, "1\n");
}

#[tokio::test]
async fn a_login_breaks_off_at_each_moment() {
    let moments =
        [("before-auth", 0), ("in-exchange", 0), ("after-password", 1), ("after-auth-ok", 1), ("before-ready", 1)];
    for (moment, credentials) in moments {
        let error =
            format!("login_error = {{ at = '{moment}', C = '53300', M = 'told {moment}', D = 'detail', L = '457' }}");
        let lab = start(&error).await;
        let run = psql(&lab, "sslmode=require").await;
        run.fails_with(&format!("FATAL:  told {moment}\nDETAIL:  detail"));
        assert_eq!(lab.credentials_seen(), credentials, "{moment}");

        let lab = start(&format!("login = {{ at = '{moment}', does = 'close' }}")).await;
        psql(&lab, "sslmode=require").await.fails_with("SSL SYSCALL error: EOF detected");
        psql(&lab, "sslmode=disable").await.fails_with("server closed the connection unexpectedly");
        let lab = start(&format!("login = {{ at = '{moment}', does = 'reset' }}")).await;
        psql(&lab, "sslmode=require").await.fails_with("server closed the connection unexpectedly");
    }
    let lab = start("login = { at = 'after-auth-ok', does = 'silent' }").await;
    psql(&lab, "sslmode=require connect_timeout=2").await.fails_with("timeout expired");
}

#[tokio::test]
async fn methods_that_nobody_speaks_are_asked_for() {
    let lab = start("authentication = { request = { code = 13, body = \"\\u0000\\u0000\\u0000\\u0000\" } }").await;
    psql(&lab, "sslmode=require").await.fails_with("authentication method 13 not supported");
    let lab = start("authentication = { sasl = ['OAUTHBEARER'] }").await;
    psql(&lab, "sslmode=require").await.fails_with("none of the server's SASL authentication mechanisms are supported");
}

#[tokio::test]
async fn a_session_answers_from_its_table() {
    let table = r#"
        [session]
        parameters = [["server_version", "8.0.2"], ["crate_version", "5.0"]]
        notices = [{ S = "WARNING", V = "WARNING", C = "42501", M = "permission denied to set role \"bob\"" }]
        [[session.queries]]
        sql = "select a, b from t;"
        columns = ["a", "b"]
        rows = [["x", {}], [7, true]]
        [[session.queries]]
        sql = "select denied"
        error = { S = "ERROR", V = "ERROR", C = "42501", M = "permission denied for table t" }
        [[session.queries]]
        sql = "set x to y"
        tag = "SET"
        [[session.queries]]
        sql = "select last"
        error = { C = "57P01", M = "terminating connection due to administrator command" }
    "#;
    let lab = start(table).await;
    let queries =
        ["  select a, b from t", "select denied", "set x to y", "select 1;", "select unknown", "", "select last"];
    let run = psql_queries(&lab, &queries).await;
    assert_eq!(run.stdout, "x|NULL\n7|t\nSET\n1\n");
    for told in [
        "WARNING:  permission denied to set role",
        "ERROR:  permission denied for table t",
        "ERROR:  this query is not supported",
        "FATAL:  terminating connection",
    ] {
        assert!(run.stderr.contains(told), "{told}: {}", run.stderr);
    }
}

#[tokio::test]
async fn a_server_that_drips_is_slow_but_sound() {
    for delay in [0, 1] {
        let lab = start(&format!("byte_at_a_time = {delay}")).await;
        assert_eq!(psql(&lab, "sslmode=verify-full").await.stdout, "1\n");
    }
}

#[tokio::test]
async fn a_server_that_stops_after_a_byte_has_sent_exactly_so_many() {
    let lab = start("stall_after_bytes = 700").await;
    psql(&lab, "sslmode=require connect_timeout=2").await.fails_with("timeout expired");
    assert_eq!(lab.bytes_sent(), 700);
    let lab = start("close_after_bytes = 700").await;
    psql(&lab, "sslmode=require").await.fails_with("SSL SYSCALL error: EOF detected");
    assert_eq!(lab.bytes_sent(), 700);
}

#[tokio::test]
async fn both_loopback_addresses_answer_where_asked() {
    let lab = start("ipv6 = true").await;
    assert_eq!(psql(&lab, "sslmode=verify-full host=::1 hostaddr=::1").await.stdout, "1\n");
    assert_eq!(psql(&lab, "sslmode=verify-full host=127.0.0.1").await.stdout, "1\n");
}

#[tokio::test]
async fn a_dropped_lab_leaves_nothing_behind() {
    let lab = start("").await;
    let address = lab.address();
    let root = lab.root_pem_path().to_owned();
    assert!(root.exists());
    drop(lab);
    assert!(!root.exists() && !root.parent().unwrap().exists());
    tokio::task::yield_now().await; // the runtime drops the aborted task when it comes to it
    assert_eq!(TcpStream::connect(address).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
}

#[test]
fn a_key_that_does_not_exist_is_refused() {
    for text in [
        "sslrequest = 'refuse'",
        "hba = { ssl = 'reject' }",
        "login_error = { at = 'before-auth', X = '' }",
        "[session]\nquery = []",
        "greeting = '€'",
    ] {
        assert!(toml::from_str::<Scenario>(text).is_err(), "{text}");
    }
    assert_eq!(toml::from_str::<Scenario>("").unwrap(), Scenario::default());
}

struct Run {
    stdout: String,
    stderr: String,
}

impl Run {
    fn fails_with(&self, told: &str) {
        assert!(
            self.stdout.is_empty() && self.stderr.contains(told),
            "{told:?} is not in {}{}",
            self.stdout,
            self.stderr
        );
    }
}

async fn start(scenario: &str) -> Lab {
    Lab::start(toml::from_str(scenario).unwrap()).await.unwrap()
}

async fn psql(lab: &Lab, parameters: &str) -> Run {
    psql_as(lab, "alice", "wonderland", parameters).await
}

async fn psql_as(lab: &Lab, user: &str, password: &str, parameters: &str) -> Run {
    let mut psql = command(lab, &format!("user={user} {parameters}"));
    psql.env("PGPASSWORD", password).args(["-c", "select 1"]);
    run(psql).await
}

async fn psql_queries(lab: &Lab, queries: &[&str]) -> Run {
    let mut psql = command(lab, "user=alice sslmode=require");
    psql.env("PGPASSWORD", "wonderland").args(["-P", "null=NULL"]);
    for query in queries {
        psql.args(["-c", query]);
    }
    run(psql).await
}

/// How a connection ends on which these bytes are sent: by FIN (`None`), or with an error.
async fn ending(lab: &Lab, bytes: &[u8]) -> Option<ErrorKind> {
    let mut stream = TcpStream::connect(lab.address()).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let read = timeout(BOUND, stream.read_to_end(&mut Vec::new())).await.unwrap();
    read.err().map(|error| error.kind())
}

/// psql without the settings of whoever runs the test. Of two equal keywords the later counts.
fn command(lab: &Lab, parameters: &str) -> Command {
    let port = lab.address().port();
    let root = lab.root_pem_path().display();
    let target =
        format!("host=localhost hostaddr=127.0.0.1 port={port} dbname=postgres sslrootcert={root} {parameters}");
    let mut psql = Command::new(psql_binary());
    psql.env_clear().env("HOME", "/nonexistent").env("LC_ALL", "C").args(["-XAt", "-w", "-d", &target]);
    psql.kill_on_drop(true);
    psql
}

async fn run(mut psql: Command) -> Run {
    let output = timeout(BOUND, psql.output()).await.unwrap_or_else(|_| panic!("psql hangs")).unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Run { stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// The real psql; `/usr/bin/psql` of Debian is a wrapper that chooses among these.
fn psql_binary() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let binaries = versions.map(|version| version.path().join("bin/psql")).filter(|binary| binary.exists());
    binaries.max().unwrap_or_else(|| panic!("no psql under /usr/lib/postgresql: run `make setup`"))
}
