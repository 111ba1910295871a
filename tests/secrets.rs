//! A password is never shown: wherever it comes from, whoever echoes it in whatever spelling, and however the input is
//! broken. Not in part either.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test ends at the first surprise")]

#[path = "support/accuracy.rs"]
mod accuracy;
#[path = "support/echo.rs"]
mod echo;
#[path = "support/program.rs"]
mod program;

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use accuracy::{Asked, Play};
use echo::{Spellings, impostor, places};
use pgpreflight::lab::moment::{LoginError, Moment};
use pgpreflight::lab::scenario::{Authentication, DEFAULT_USER, Engine, Transport};
use pgpreflight::lab::{Lab, Scenario, ServerError};
use pgpreflight::render::{human, json};
use pgpreflight::report::Report;
use pgpreflight::settings::{self, Sources};
use pgpreflight::target::Secret;
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
        let play = Play {
            fault: format!("The server does not know the password: {says}"),
            source: "impostor".to_owned(),
            variant: None,
            healthy: false,
            expected: vec!["login-scram-failed".to_owned()],
            timeout: 15_000.0,
        };
        let environment = vec![("PGPASSWORD".to_owned(), PLAIN.to_owned())];
        let asked = Asked { conninfo: target, environment, ..Asked::default() };
        tokio::task::spawn_blocking(move || accuracy::record(play, &report, &asked)).await.unwrap();
    }
}

#[tokio::test]
async fn input_that_cannot_be_read_is_not_quoted() {
    let broken = [
        "{}",
        "alice:{}@db.test/orders",
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
        "host=db.test require_auth={}",
        "host=db.test require_auth=!md5,{}",
        "host=db.test target_session_attrs={}",
        "host=db.test load_balance_hosts={}",
        "host=db.test min_protocol_version={}",
        "host=db.test sslcertmode={}",
        "host=db.test gssencmode={}",
        "host=db.test keepalives={}",
        "host=db.test scram_client_key={}",
        "host=a.test,b.test port=1,{},3",
        "host=db.test fallback_application_name{}=x",
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
        // A file that is not there is this side's trouble, and its name may be a password.
        let ran = run(program(["check", &format!("@{password}")]), b"").await;
        assert_eq!(ran.code, Some(3), "{}", ran.stderr);
        hides(&ran, &spellings, "@");
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

/// Strings of every form, a character lost or one too many in each place of them, with a password that has each of the
/// characters that mean something somewhere: no four characters of it are shown. Most are read here as the program reads
/// them, some by the program itself.
#[tokio::test]
async fn no_piece_of_a_password_is_shown_however_the_string_is_broken() {
    let forms = [
        "postgresql://alice:{}@db.test:5432/orders?sslmode=none&connect_timeout=3",
        "postgresql://db.test/orders?user=alice&password={}&sslmode=none",
        "postgresql+psycopg2://alice:{}@[2001:db8::7]:5432/orders?sslmode=none",
        "cockroachdb://alice:{}@db.test:26257/orders",
        "mysql://alice:{}@db.test/orders",
        "jdbc:postgresql://db.test:5432/orders?user=alice&password={}&sslmode=none",
        "jdbc:postgresql://alice:{}@db.test:5432/orders",
        "jdbc:redshift://db.test:5439/dev;UID=alice;PWD={};sslmode=none",
        "host=db.test port=5432 user=alice password={} dbname=orders sslmode=none",
        "host=db.test user=alice password='{}' sslmode=none",
        "Server=db.test;Port=5432;Database=orders;UID=alice;PWD={};EncryptionMethod=2",
        "Server=db.test;UID=alice;Password={{}};EncryptionMethod=2",
        "alice:{}@db.test/orders",
        "{}",
    ];
    let odd = "@/:?#%&=;'\"\\{}[]<>, \n\u{e9}";
    let (mut refused, mut asked) = (0, 0);
    for form in forms {
        for c in odd.chars() {
            // The ends of a password matter where it is next to what separates.
            let place = refused % 3;
            let ends = [format!("{c}Zq7kXwJv9R"), format!("Zq7kXwJv9R{c}"), format!("Zq7k{c}XwJv9R{c}")];
            for password in [format!("Zq7kXw{c}Jv9RYm2t"), ends[place].clone()] {
                for target in broken(form, &password, odd) {
                    let sources = Sources { target: Some(Secret::new(target.clone())), ..Sources::default() };
                    let Err(failure) = settings::read(&sources) else { continue };
                    refused += 1;
                    let report = Report::refused(&failure, false);
                    let mut shown = Vec::new();
                    human::render(&report, &mut shown).unwrap();
                    json::render(&report, &mut shown).unwrap();
                    no_piece(&password, &String::from_utf8(shown).unwrap(), &target);
                    if refused % 500 == 0 && !target.contains('\0') {
                        asked += 1;
                        for format in ["human", "json"] {
                            let ran = run(program(["check", &target, "--format", format]), b"").await;
                            no_piece(&password, &format!("{}{}", ran.stdout, ran.stderr), &target);
                            assert_eq!(ran.code, Some(4), "{target}");
                        }
                    }
                }
            }
        }
    }
    assert!(refused > 10_000 && asked > 20, "{refused} {asked}");
}

/// The string itself, and with one character of its own left out, or one put in, everywhere but in the password.
fn broken(form: &str, password: &str, odd: &str) -> Vec<String> {
    let (before, after) = form.split_once("{}").unwrap();
    let mut strings = vec![form.replacen("{}", password, 1)];
    for (at, c) in form.char_indices() {
        if form[at..].starts_with("{}") || form[..at].ends_with('{') && form[at..].starts_with('}') {
            continue;
        }
        if !c.is_ascii_alphanumeric() {
            let without = format!("{}{}", &form[..at], &form[at + 1..]);
            strings.push(without.replacen("{}", password, 1));
        }
    }
    for c in odd.chars().filter(char::is_ascii) {
        strings.push(format!("{before}{c}{password}{after}"));
        strings.push(format!("{before}{password}{c}{after}"));
    }
    strings.push(format!("{before}{password}"));
    strings.push(format!("{password}{after}"));
    strings
}

/// Four characters of it in a row are nowhere.
fn no_piece(password: &str, shown: &str, target: &str) {
    let characters: Vec<char> = password.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    for piece in characters.windows(4).map(String::from_iter) {
        assert!(!shown.contains(&piece), "{target:?} shows {piece:?}: {shown}");
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

/// Redshift's own: a token from either source, refused by a server that says it back, and what the command of AWS prints.
#[tokio::test]
async fn what_redshift_is_logged_in_with_is_not_shown() {
    let spellings = Spellings::of(PLAIN);
    let refusal = ServerError::fatal("28000", &format!("token {PLAIN} is not of this provider"));
    let refusing = Scenario {
        engine: Engine::Redshift,
        authentication: Authentication::RedshiftIdp,
        login_error: Some(LoginError { at: Moment::AfterPassword, error: refusal.with('R', "auth_failed") }),
        ..knowing(PLAIN)
    };
    let lab = Lab::start(refusing).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let printed = file(&directory, "token", PLAIN).display().to_string();
    for format in ["human", "json"] {
        let mut by_variable = program(["check", &target(&lab), "--format", format]);
        by_variable.env("PGPREFLIGHT_IDP_TOKEN", PLAIN);
        let command = format!("cat {printed}");
        let by_command = program(["check", &target(&lab), "--format", format, "--token-command", &command]);
        for command in [by_variable, by_command] {
            let ran = run(command, b"").await;
            assert!(ran.stdout.contains("login-external-refused"), "{}", ran.stdout);
            hides(&ran, &spellings, "token");
        }
    }
    assert_eq!(lab.credentials_seen(), 4);

    let digest =
        Scenario { engine: Engine::Redshift, authentication: Authentication::RedshiftDigest, ..knowing(PLAIN) };
    let lab = Lab::start(digest).await.unwrap();
    let json =
        format!(r#"{{"DbUser": "{DEFAULT_USER}", "DbPassword": "{PLAIN}", "Expiration": "2099-01-01T00:00:00Z"}}"#);
    let command = format!("cat {}", file(&directory, "made", &json).display());
    for format in ["human", "json"] {
        let ran = run(program(["check", &target(&lab), "--format", format, "--password-command", &command]), b"").await;
        assert!(ran.stdout.contains("session-no-reply"), "{}", ran.stdout);
        hides(&ran, &spellings, "what a command of AWS prints");
    }
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
