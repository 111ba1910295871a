//! A password is never shown: wherever it comes from, whoever echoes it in whatever spelling, and however the input is
//! broken. Not in part either.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends at the first surprise")]

#[path = "support/echo.rs"]
mod echo;
#[path = "support/program.rs"]
mod program;

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use echo::{Spellings, impostor, places};
use pgpreflight::lab::scenario::{DEFAULT_USER, Transport};
use pgpreflight::lab::{Lab, Scenario};
use program::{Run, program, run};
use serde_json::Value;
use tempfile::TempDir;

/// With everything that URIs, strings, shells, SQL and JSON give a meaning to, and letters beyond ASCII.
const AWKWARD: &str = "Zq7'k\"\\W%/@:é ü&=?#Ωx9$J";
/// A word that is nothing but a password.
const PLAIN: &str = "Zq7kWx9JvR2m";

/// How a password reaches the program.
#[derive(Clone, Copy, Debug)]
enum Source {
    Uri,
    String,
    Environment,
    StandardInput,
    Command,
    Passfile,
}

const SOURCES: [Source; 6] =
    [Source::Uri, Source::String, Source::Environment, Source::StandardInput, Source::Command, Source::Passfile];

#[tokio::test]
async fn a_password_from_any_source_is_used_and_not_shown() {
    for password in [AWKWARD, PLAIN] {
        let spellings = Spellings::of(password);
        let lab = Lab::start(knowing(password)).await.unwrap();
        for source in SOURCES {
            for format in ["human", "json"] {
                let seen = lab.credentials_seen();
                let ran = check(&lab, source, password, format).await;
                // The lab answers no inspection: the login has gone well when that has failed.
                assert!(ran.stdout.contains("session-no-reply"), "{source:?}: {}", ran.stdout);
                assert_eq!(lab.credentials_seen(), seen + 1, "{source:?}");
                hides(&ran, &spellings, &format!("{source:?} {format}"));
            }
        }
    }
}

#[tokio::test]
async fn a_server_that_echoes_the_password_is_not_quoted() {
    for password in [AWKWARD, PLAIN] {
        let spellings = Spellings::of(password);
        for spelling in &spellings.whole {
            for (place, scenario) in places(spelling, &knowing(password)) {
                let lab = Lab::start(scenario).await.unwrap();
                let format = if place.len() % 2 == 0 { "human" } else { "json" };
                let ran = check(&lab, Source::StandardInput, password, format).await;
                hides(&ran, &spellings, &format!("{spelling:?} in {place}"));
            }
        }
    }
}

/// An impostor proves nothing (`login-scram-failed`), and its last words are screened like any other.
#[tokio::test]
async fn a_server_that_does_not_know_the_password_is_found_out() {
    let spellings = Spellings::of(PLAIN);
    for (last_words, says) in [
        ("v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned(), "SCRAM verification error"),
        (format!("e=other-error {PLAIN}\u{1b}[2J"), "SCRAM error"),
        (format!("x={PLAIN}"), "unexpected"),
    ] {
        let port = impostor(last_words).await;
        let target = format!("host=127.0.0.1 port={port} user=alice sslmode=disable");
        let mut command = program(["check", &target, "--format=json"]);
        command.env("PGPASSWORD", PLAIN);
        let ran = run(command, b"").await;
        let report: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(report.get("cause").unwrap(), "login-scram-failed", "{report}");
        assert!(ran.stdout.contains(says), "{report}");
        hides(&ran, &spellings, says);
    }
}

#[tokio::test]
async fn input_that_cannot_be_read_is_not_quoted() {
    let broken = [
        "{}",
        "alice:{}@db.test/orders",
        "@{}",
        "jdbc:mysql://db.test/orders?user=alice&password={}",
        "jdbc:postgresql://db.test:port/orders?user=alice&password={}",
        "Server=db.test;Port=x;Database=orders;UID=alice;Password={}",
        "Server=db.test;Port=5432;Database=orders;UID=alice;PWD={};{}",
        "postgresql+psycopg://alice:{}@db.test:port/orders",
        "postgresql://alice:{}@[::1/orders",
        "postgresql://alice:{}@db.test:port/orders",
        "postgresql://alice:{}@db.test/%zz",
        "postgresql://alice:{}/orders",
        "postgresql://alice:100%{}@db.test/orders",
        "postgresql://alice:p@{}@db.test/orders",
        "postgresql://alice:p/{}@db.test/orders",
        "postgresql://db.test/orders?{}",
        "postgresql://db.test/orders?{}=1",
        "postgresql://db.test/orders?sslmode={}",
        "postgresql://db.test/orders?password={}&sslmode=none",
        "postgresql://db.test/orders?password=p&sslmode={}",
        "postgresql://db.test:{}/orders",
        "host=db.test {}",
        "host=db.test {}=x",
        "host=db.test password=p {}=x",
        "host=db.test password=p {}",
        "host=db.test password='p'{}",
        "host=db.test password='{}",
        "host=db.test sslmode={}",
        "host=db.test channel_binding={}",
        "host=db.test sslnegotiation={}",
        "host=db.test ssl_min_protocol_version={}",
        "host=db.test hostaddr={}",
        "host=db.test port={}",
        "host=db.test connect_timeout={}",
        "host=alice:{}",
        "host=alice:{}@db.test",
        "host=https://alice:{}@db.test",
    ];
    for password in [AWKWARD, PLAIN] {
        let spellings = Spellings::of(password);
        for template in broken {
            for format in ["human", "json"] {
                let target = template.replace("{}", password);
                let ran = run(program(["check", &target, "--format", format]), b"").await;
                assert_eq!(ran.code, Some(4), "{target}: {}", ran.stdout);
                hides(&ran, &spellings, template);
            }
        }
        for flag in ["--password", "-p", "-W"] {
            let ran = run(program(["check", &format!("{flag}={password}")]), b"").await;
            assert_eq!(ran.code, Some(2), "{flag}: {}", ran.stderr);
            hides(&ran, &spellings, flag);
        }
        for option in ["sslmode", "port", "hostaddr", "channel_binding"] {
            let ran = run(program(["check", "--host=db.test", &format!("--{option}={password}")]), b"").await;
            assert_eq!(ran.code, Some(4), "{option}: {}", ran.stdout);
            hides(&ran, &spellings, option);
        }
    }
}

#[tokio::test]
async fn a_password_command_that_fails_is_not_quoted() {
    let spellings = Spellings::of(PLAIN);
    for command in ["echo {}; exit 3", "echo {} | cat /nonexistent -", "echo {}; exec sleep 60"] {
        let command = command.replace("{}", PLAIN);
        let arguments = ["check", "host=db.test", "--timeout=200ms", "--password-command", &command];
        let ran = run(program(arguments), b"").await;
        assert_eq!(ran.code, Some(3), "{}", ran.stderr);
        // What the command itself says on standard error is its own.
        hides(&ran, &spellings, &command);
    }
}

#[tokio::test]
async fn a_password_that_was_not_on_the_command_line_is_in_no_list_of_processes() {
    let spellings = Spellings::of(PLAIN);
    let silent = Scenario { transport: Transport::AcceptThenSilent, ..Scenario::default() };
    let lab = Lab::start(silent).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let listed = directory.path().join("listed");
    let secret = file(&directory, "secret", PLAIN);
    let by_command = format!("cat /proc/$$/cmdline /proc/$$/environ > {}; cat {}", listed.display(), secret.display());
    let by_input = "--password-stdin".to_owned();
    for arguments in [vec![by_input], vec!["--password-command".to_owned(), by_command]] {
        let mut command = program(["check", &target(&lab), "--timeout=60s"]);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        let before = lab.connections();
        tokio::io::AsyncWriteExt::write_all(&mut input, format!("{PLAIN}\n").as_bytes()).await.unwrap();
        // It has the password when it dials.
        let dialled = async {
            while lab.connections() == before {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), dialled).await.unwrap();
        for list in ["cmdline", "environ"] {
            let path = format!("/proc/{}/{list}", child.id().unwrap());
            spellings.absent_from(&read(&path.into()), list);
        }
        child.kill().await.unwrap();
    }
    let seen = read(&listed);
    assert!(seen.contains("HOME="), "{seen}");
    spellings.absent_from(&seen, "the password command's own entry");
}

/// Neither stream holds a piece of it, and nothing has panicked.
fn hides(ran: &Run, spellings: &Spellings, place: &str) {
    for shown in [&ran.stdout, &ran.stderr] {
        assert!(!shown.contains("panicked"), "{place}: {shown}");
        spellings.absent_from(shown, place);
        if let Ok(report) = serde_json::from_str::<Value>(shown) {
            spellings.absent_from(&texts(&report), place);
        }
    }
    assert!(matches!(ran.code, Some(0..=16)), "{place}: {ran:?}");
}

/// All texts of a report, without their escapes.
fn texts(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{text}\n"),
        Value::Array(values) => values.iter().map(texts).collect(),
        Value::Object(map) => map.iter().flat_map(|(key, value)| [format!("{key}\n"), texts(value)]).collect(),
        _ => String::new(),
    }
}

fn knowing(password: &str) -> Scenario {
    Scenario { users: [(DEFAULT_USER.to_owned(), password.to_owned())].into(), ..Scenario::default() }
}

fn target(lab: &Lab) -> String {
    format!("host=127.0.0.1 port={} dbname=orders user={DEFAULT_USER} sslmode=require", lab.address().port())
}

async fn check(lab: &Lab, source: Source, password: &str, format: &str) -> Run {
    let directory = tempfile::tempdir().unwrap();
    let port = lab.address().port();
    let escaped = password.replace('\\', "\\\\").replace('\'', "\\'");
    let target = match source {
        Source::Uri => {
            let encoded = echo::percent(password);
            format!("postgresql://{DEFAULT_USER}:{encoded}@127.0.0.1:{port}/orders?sslmode=require")
        }
        Source::String => format!("{} password='{escaped}'", target(lab)),
        _ => target(lab),
    };
    let mut command = program(["check", &target, "--format", format, "--timeout=10s"]);
    let mut input = String::new();
    match source {
        Source::Uri | Source::String => {}
        Source::Environment => drop(command.env("PGPASSWORD", password)),
        Source::StandardInput => {
            command.arg("--password-stdin");
            input = format!("{password}\n");
        }
        Source::Command => {
            let path = file(&directory, "secret", &format!("{password}\n"));
            command.arg("--password-command").arg(format!("cat {}", path.display()));
        }
        Source::Passfile => {
            let escaped = password.replace('\\', "\\\\").replace(':', "\\:");
            let path = file(&directory, "pgpass", &format!("*:*:*:{DEFAULT_USER}:{escaped}\n"));
            command.env("PGPASSFILE", path);
        }
    }
    run(command, input.as_bytes()).await
}

/// A file that its owner alone may read.
fn file(directory: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = directory.path().join(name);
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    path
}

fn read(path: &PathBuf) -> String {
    String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned()
}
