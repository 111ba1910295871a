//! Every form of TARGET says the same of the same endpoint; and each says more where it can.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends at the first surprise")]

use std::path::PathBuf;

use pgpreflight::settings::{self, InputFailure, Payload, Sources};
use pgpreflight::target::{Endpoint, Engine, Oddity, Roots, Secret, SslMode, Target, Verification};

const POSTGRESQL: &str = "74a1c565-4e59-48d7-9d67-7c03b8a13137";
const REDSHIFT: &str = "3416976c-a9ca-4bba-901a-1f08f66978ff";

fn read(target: &str) -> Target {
    let sources = Sources { target: Some(Secret::new(target.to_owned())), ..Sources::default() };
    settings::read(&sources).unwrap_or_else(|failure| panic!("{target}: {failure:?}"))
}

fn read_body(spec: &str, auth: &str, params: &str) -> Target {
    let body = format!(
        r#"{{"name": "n", "auth": {{"specName": "{auth}", "params": {params}}},
            "connectionSpec": {{"id": "{spec}", "version": "1.0"}}}}"#
    );
    let payload = Payload { path: PathBuf::from("body.json"), body: body.into_bytes() };
    settings::read(&Sources { payload: Some(payload), ..Sources::default() }).unwrap()
}

/// What has to be the same whatever the form.
fn essence(target: &Target) -> (Endpoint, String, String, String, SslMode) {
    let password = target.password.as_ref().map(|password| password.expose().to_owned()).unwrap_or_default();
    (target.endpoint.clone(), target.database.clone(), target.user.clone(), password, target.tls.mode)
}

#[test]
fn every_form_says_the_same_of_the_same_endpoint() {
    let forms = [
        "postgresql://alice:p%40s%3Bs%20w@db.test:5433/orders?sslmode=require",
        "postgres://db.test:5433/orders?user=alice&password=p@s;s%20w&sslmode=require",
        "postgresql+psycopg2://alice:p%40s%3Bs%20w@db.test:5433/orders?sslmode=require",
        "redshift+psycopg2://alice:p%40s%3Bs%20w@db.test:5433/orders?sslmode=require",
        "jdbc:postgresql://db.test:5433/orders?user=alice&password=p%40s;s+w&sslmode=require",
        "jdbc:redshift://db.test:5433/orders;UID=alice;PWD=p%40s%3Bs+w;SSLMode=require",
        "host=db.test port=5433 user=alice password='p@s;s w' dbname=orders sslmode=require",
        "Server=db.test;Database=orders;Port=5433;UID=alice;PWD={p@s;s w};EncryptionMethod=1",
        "encryptionmethod=1; pwd='p@s;s w'; uid = alice ;port=5433;database=orders;SERVER=db.test;",
        "  \"Server=db.test;Database=orders;Port=5433;UID=alice;Password={p@s;s w};EncryptionMethod=1\"\n",
    ];
    let endpoint = Endpoint::Tcp { host: "db.test".to_owned(), hostaddr: None, port: 5433 };
    let expected = (endpoint, "orders".to_owned(), "alice".to_owned(), "p@s;s w".to_owned(), SslMode::Require);
    for form in forms {
        assert_eq!(essence(&read(form)), expected, "{form}");
    }
    let basic = r#"{"server": "db.test", "port": "5433", "database": "orders", "username": "alice",
                    "password": "p@s;s w", "sslMode": "Require"}"#;
    assert_eq!(essence(&read_body(POSTGRESQL, "Basic Authentication", basic)), expected);
    let string = r#"{"connectionString":
        "Server=db.test;Database=orders;Port=5433;UID=alice;PWD={p@s;s w};EncryptionMethod=1"}"#;
    assert_eq!(essence(&read_body(POSTGRESQL, "Connection String Based Authentication", string)), expected);
}

#[test]
fn the_engine_is_what_the_flag_the_form_or_the_host_says() {
    let rows = [
        ("postgresql://c.abc.us-east-1.redshift.amazonaws.com/dev", Engine::Redshift, 5439),
        ("host=w.123.eu-west-1.redshift-serverless.amazonaws.com dbname=dev", Engine::Redshift, 5439),
        ("redshift://db.test/dev", Engine::Redshift, 5439),
        ("jdbc:redshift://db.test/dev", Engine::Redshift, 5439),
        ("jdbc:redshift:iam://db.test:5440/dev?DbUser=a", Engine::Redshift, 5440),
        ("Server=c.abc.cn-north-1.redshift.amazonaws.com.cn;UID=a", Engine::Redshift, 5439),
        ("jdbc:postgresql://db.test/dev", Engine::Postgresql, 5432),
        ("postgresql://db.test/dev", Engine::Postgresql, 5432),
    ];
    for (target, engine, port) in rows {
        let read = read(target);
        assert_eq!((read.engine, read.endpoint.port()), (engine, port), "{target}");
    }
    for (flag, target, port) in [
        (Engine::Redshift, "postgresql://db.test/dev", 5439),
        (Engine::Redshift, "postgresql://db.test:5432/dev", 5432),
        (Engine::Postgresql, "redshift://db.test/dev", 5432),
    ] {
        let target = Some(Secret::new(target.to_owned()));
        let read = settings::read(&Sources { target, engine: Some(flag), ..Sources::default() }).unwrap();
        assert_eq!((read.engine, read.endpoint.port()), (flag, port));
    }
    let basic = r#"{"server": "db.test", "database": "dev", "username": "a"}"#;
    let read = read_body(REDSHIFT, "Basic Authentication", basic);
    assert_eq!((read.engine, read.endpoint.port()), (Engine::Redshift, 5439));
}

#[test]
fn the_platform_encrypts_in_its_own_ways() {
    let of = |more: &str| read(&format!("Server=db.test;Database=o;UID=a;{more}"));
    let rows = [
        ("", SslMode::Disable, Roots::None, Verification::None),
        ("EncryptionMethod=1", SslMode::Require, Roots::None, Verification::None),
        ("EncryptionMethod=6;ValidateServerCertificate=1", SslMode::Prefer, Roots::None, Verification::None),
        ("EncryptionMethod=1;ValidateServerCertificate=1", SslMode::VerifyCa, Roots::System, Verification::Chain),
        (
            "EncryptionMethod=1;ValidateServerCertificate=1;HostNameInCertificate=other.test",
            SslMode::VerifyFull,
            Roots::System,
            Verification::ChainAndName,
        ),
    ];
    for (more, mode, roots, verification) in rows {
        let read = of(more);
        assert_eq!(
            (read.tls.mode, read.tls.roots.clone(), read.tls.verification()),
            (mode, roots, verification),
            "{more}"
        );
        assert_eq!(read.tls.plain_only_on_refusal, mode == SslMode::Prefer, "{more}");
    }
    let named = of("EncryptionMethod=1;ValidateServerCertificate=1;HostNameInCertificate=other.test");
    assert_eq!(named.certificate_name(), "other.test");
    assert_eq!(of("EncryptionMethod=1").certificate_name(), "db.test");
}

#[test]
fn a_flag_beside_the_string_is_libpqs_again() {
    let target = "Server=db.test;UID=a;EncryptionMethod=1;ValidateServerCertificate=1;HostNameInCertificate=other.test";
    let with = |flags: Vec<(&'static str, String)>| {
        settings::read(&Sources { target: Some(Secret::new(target.to_owned())), flags, ..Sources::default() })
    };
    let cargo = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml").to_owned();
    let by_flag = with(vec![("sslmode", "disable".to_owned())]).unwrap();
    assert_eq!((by_flag.tls.mode, by_flag.certificate_name()), (SslMode::Disable, "db.test"));
    // A root file that is named is the one that is read.
    let failure = with(vec![("sslrootcert", cargo.clone())]).err();
    assert_eq!(failure, Some(InputFailure::RootCertificateUnreadable { path: PathBuf::from(cargo) }));
}

#[test]
fn what_is_left_out_of_a_string_is_said() {
    let oddities = |target: &str| read(target).oddities;
    let ignored = |key: &str, meant| Oddity::KeyIgnored(key.to_owned(), meant);
    assert_eq!(
        oddities("Server=db.test;UID=a;ValidationServerCertificate=1;sslmode=require"),
        [ignored("ValidationServerCertificate", Some("ValidateServerCertificate")), ignored("sslmode", None)]
    );
    assert_eq!(oddities("Server=db.test;UID=a;HostNameInCertificate=x"), [ignored("HostNameInCertificate", None)]);
    assert_eq!(oddities("Server=db.test;UID=a;PWD=b;c=d"), [Oddity::DriverSetting]);
    assert_eq!(oddities("jdbc:redshift://db.test/dev").len(), 1);
}
