//! The lab's Amazon Redshift as real clients meet it: Amazon's own driver gets in by every method and in both of its modes,
//! looks around, keeps its transactions and shows what it is refused; psql gets as far as libpq knows the methods.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test ends at the first surprise")]

#[path = "support/installed.rs"]
#[expect(dead_code, reason = "no server is started here")]
mod installed;

use pgpreflight::lab::{Lab, Scenario};
use serde_json::{Value, json};
use tokio::process::Command;

const VERSION: &str = "PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2 20041017 \
                       (Red Hat 3.4.2-6.fc3), Redshift 1.0.76230";

/// The newest format of answers that the driver and the lab know: `BINARY`.
const FORMAT: u64 = 2;

/// Ways to log in: the endpoint's method, and what the driver is given for it.
const METHODS: [(&str, &str); 5] = [
    ("password", r#"{ "user": "alice", "password": "wonderland" }"#),
    ("md5", r#"{ "user": "alice", "password": "wonderland" }"#),
    ("redshift-digest", r#"{ "user": "alice", "password": "wonderland" }"#),
    // Neither plugin sends a user: the token says who it is.
    (
        "redshift-idp",
        r#"{ "credentials_provider": "BasicJwtCredentialsProvider", "web_identity_token": "wonderland" }"#,
    ),
    (
        "redshift-idp",
        r#"{ "credentials_provider": "IdpTokenAuthPlugin", "token": "wonderland", "token_type": "ACCESS_TOKEN" }"#,
    ),
];

/// What is wrong, in the endpoint's words and in what the driver is given, and what the driver shows.
#[rustfmt::skip]
const REFUSED: &[(&str, &str, &str)] = &[
    ("authentication = 'md5'", r#"{ "user": "alice", "password": "looking-glass" }"#,
        "InterfaceError {'S': 'FATAL', 'C': '28000', 'M': 'password authentication failed for user \"alice\"', \
         'F': '/home/ec2-user/padb/src/pg/src/backend/libpq/auth.c', 'L': '425', 'R': 'auth_failed'}"),
    ("authentication = 'redshift-digest'", r#"{ "user": "alice", "password": "looking-glass" }"#,
        "'M': 'password authentication failed for user \"alice\"'"),
    ("authentication = 'redshift-digest'", r#"{ "user": "ghost", "password": "wonderland" }"#,
        "'M': 'password authentication failed for user \"ghost\"'"),
    ("authentication = 'redshift-idp'",
        r#"{ "credentials_provider": "BasicJwtCredentialsProvider", "web_identity_token": "looking-glass" }"#,
        "'M': 'password authentication failed for user"),
    ("authentication = 'redshift-idp'", r#"{ "user": "alice", "password": "wonderland" }"#,
        "ConnectionAbortedError The server requested Native IdP or IdC token-based authentication, but no token was provided."),
    ("authentication = 'redshift-digest'\nhba.plain = 'no-entry'",
        r#"{ "user": "alice", "password": "wonderland", "ssl": false, "sslmode": null }"#,
        "'M': 'no pg_hba.conf entry for host \"::ffff:127.0.0.1\", user \"alice\", database \"orders\", SSL off'"),
    // The temporary password of IAM is right, and is taken over TLS only.
    ("authentication = 'md5'\nusers = { 'IAM:alice' = 'wonderland' }",
        r#"{ "user": "IAM:alice", "password": "wonderland", "ssl": false, "sslmode": null }"#,
        "'M': 'password authentication failed for user \"IAM:alice\"'"),
    ("authentication = 'md5'\nusers = { 'IAM:alice' = 'wonderland' }",
        r#"{ "user": "IAM:alice", "password": "wonderland" }"#, "Redshift 1.0.76230"),
    ("authentication = 'md5'\nssl_request = 'refuse'", r#"{ "user": "alice", "password": "wonderland" }"#,
        "InterfaceError Server refuses SSL"),
    ("authentication = 'md5'\ntls_min_version = '1.0'\ntls_max_version = '1.1'",
        r#"{ "user": "alice", "password": "wonderland" }"#, "alert protocol version"),
    ("authentication = 'md5'\ncertificate = 'unknown-issuer'", r#"{ "user": "alice", "password": "wonderland" }"#,
        "certificate verify failed: unable to get local issuer certificate"),
    ("authentication = 'md5'\ncertificate = 'wrong-name'", r#"{ "user": "alice", "password": "wonderland" }"#,
        "Hostname mismatch"),
    ("authentication = 'md5'\ncertificate = 'wrong-name'",
        r#"{ "user": "alice", "password": "wonderland", "sslmode": "verify-ca" }"#, "Redshift 1.0.76230"),
    // A mode that nobody has asked for is not insisted on.
    ("authentication = 'md5'\ncertificate = 'wrong-name'",
        r#"{ "user": "alice", "password": "wonderland", "sslmode": null }"#, "Redshift 1.0.76230"),
];

/// The method, and what psql shows of `select version()`.
const PSQL: [(&str, &str); 4] = [
    ("password", VERSION),
    ("md5", VERSION),
    ("redshift-digest", "authentication method 13 not supported"),
    ("redshift-idp", "authentication method 14 not supported"),
];

#[tokio::test]
async fn amazons_driver_gets_in_by_every_method_in_both_modes() {
    for (method, given) in METHODS {
        let lab = redshift(&format!("authentication = '{method}'")).await;
        for sslmode in ["verify-ca", "verify-full"] {
            let shown = driver(&lab, "asked", &with(given, "sslmode", sslmode.into())).await;
            assert_eq!(shown, json!([1, VERSION, "alice", 1, FORMAT]).to_string(), "{method} {sslmode} {given}");
        }
        assert_eq!(lab.credentials_seen(), 2, "{method}");
    }
}

#[tokio::test]
async fn it_looks_around_by_the_statements_that_the_server_says_it_knows() {
    let lab = redshift("authentication = 'redshift-digest'").await;
    let shown = driver(&lab, "looked_around", METHODS[2].1).await;
    let expected = json!({
        "catalogs": [["orders"]],
        "schemas": ["public"],
        "tables": [["customers", "TABLE"], ["orders", "TABLE"]],
        "one": ["orders"],
        "none": [],
        "columns": [
            ["customers", "id", "int4", 1],
            ["orders", "id", "int4", 1],
            ["orders", "customer_id", "int4", 2],
        ],
    });
    assert_eq!(serde_json::from_str::<Value>(&shown).unwrap_or_else(|error| panic!("{error}: {shown}")), expected);
}

#[tokio::test]
async fn its_transactions_begin_and_end_where_it_thinks_they_do() {
    let lab = redshift("authentication = 'md5'").await;
    let shown = driver(&lab, "transacted", METHODS[1].1).await;
    assert_eq!(shown, json!([true, false, true, false, false, false]).to_string());
}

#[tokio::test]
async fn an_older_driver_gets_rows_as_it_knows_them() {
    let lab = redshift("authentication = 'md5'").await;
    for format in 0..=FORMAT {
        let shown = driver(&lab, "asked", &with(METHODS[1].1, "client_protocol_version", format.into())).await;
        assert_eq!(shown, json!([1, VERSION, "alice", 1, format]).to_string());
    }
}

#[tokio::test]
async fn what_it_is_refused_it_shows() {
    for (endpoint, given, expected) in REFUSED {
        let lab = redshift(endpoint).await;
        let given =
            if given.contains("sslmode") { (*given).to_owned() } else { with(given, "sslmode", "verify-full".into()) };
        let shown = driver(&lab, "asked", &given).await;
        assert!(shown.contains(expected), "{endpoint}, given {given}, shows {shown}");
    }
}

#[tokio::test]
async fn psql_gets_in_where_libpq_knows_the_method() {
    for (method, expected) in PSQL {
        let lab = redshift(&format!("authentication = '{method}'")).await;
        // Of both releases of libpq.
        for library in [None, Some(installed::libpq(18))] {
            let uri = format!(
                "postgresql://alice:wonderland@localhost:{}/orders?sslmode=verify-full&sslrootcert={}",
                lab.address().port(),
                lab.root_pem_path().display()
            );
            let mut psql = Command::new(installed::client("psql"));
            psql.args([&uri, "-XAt", "-c", "select 1", "-c", "\\conninfo", "-c", "select version()"]).env_clear();
            psql.envs(library.map(|library| ("LD_LIBRARY_PATH", library)));
            let shown = output(&mut psql).await;
            assert!(shown.contains(expected), "{method}: {shown}");
            let connected = "connected to database \"orders\" as user \"alice\" on host \"localhost\"";
            assert_eq!(shown.starts_with("1\n") && shown.contains(connected), expected == VERSION, "{method}: {shown}");
        }
    }
}

/// An endpoint of Redshift, the rest of which is as this TOML says.
async fn redshift(toml: &str) -> Lab {
    let scenario: Scenario = toml::from_str(&format!("engine = 'redshift'\n{toml}")).unwrap();
    Lab::start(scenario).await.unwrap()
}

/// The JSON object with one more key.
fn with(object: &str, key: &str, value: Value) -> String {
    let mut object: serde_json::Map<String, Value> = serde_json::from_str(object).unwrap();
    object.insert(key.to_owned(), value);
    Value::Object(object).to_string()
}

/// What Amazon's driver shows of a task of `driver.py`.
async fn driver(lab: &Lab, task: &str, given: &str) -> String {
    let given = with(given, "port", lab.address().port().into());
    let given = with(&given, "task", task.into());
    let python = installed::cache().join("redshift/bin/python");
    assert!(python.exists(), "redshift_connector is missing from {}: run `make setup`", python.display());
    let mut command = Command::new(python);
    command.args(["-W", "ignore", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/redshift/driver.py"), &given]);
    // Python takes its roots from where OpenSSL does, besides the driver's own.
    output(command.env_clear().env("SSL_CERT_FILE", lab.root_pem_path())).await
}

/// Both streams of a client without the settings of whoever runs the test.
async fn output(command: &mut Command) -> String {
    command.env("HOME", "/nonexistent").env("LC_ALL", "C.UTF-8").kill_on_drop(true);
    let output = command.output().await.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = |bytes| String::from_utf8(bytes).unwrap();
    format!("{}{}", text(output.stdout), text(output.stderr)).trim().to_owned()
}
