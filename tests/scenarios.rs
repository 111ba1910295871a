//! Plays every fault of `tests/scenarios/` on loopback against the real program, and holds its report to what the file
//! expects. Every code has a place here, or is named below with the test that proves it.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test ends at the first surprise")]

#[path = "support/accuracy.rs"]
mod accuracy;
#[path = "support/client_files.rs"]
mod client_files;
#[path = "support/foreign_advice.rs"]
mod foreign_advice;
#[path = "support/judge.rs"]
mod judge;
#[path = "support/program.rs"]
mod program;
#[path = "support/scenario.rs"]
mod scenario;

use std::collections::BTreeSet;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::sync::Arc;

use accuracy::{Asked, Play};
use foreign_advice::{is_foreign, is_quoted};
use jsonschema::Validator;
use judge::{judge, judge_codes, judge_human, milliseconds, stages};
use pgpreflight::diagnose::code::Code;
use pgpreflight::lab::{Lab, Scenario};
use pgpreflight::report::JSON_SCHEMA;
use program::{program, run};
use scenario::{Check, Expect, File, Socket};
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Codes that loopback alone cannot play, and the test that proves each: file and function.
const PROVEN_ELSEWHERE: &[(Code, &str, &str)] = &[
    (Code::ResolveNameNotFound, "tests/names.rs", "a_name_is_as_good_as_its_name_server_says"),
    (Code::ResolveNoAddress, "tests/names.rs", "a_name_is_as_good_as_its_name_server_says"),
    (Code::ResolveDanglingAlias, "tests/names/explained.rs", "what_the_name_servers_say_tells_causes_apart"),
    (Code::ResolveSinkhole, "tests/names/doubted.rs", "a_public_name_that_leads_nowhere_is_warned_of"),
    (Code::ResolveServerFailure, "tests/names.rs", "a_name_is_as_good_as_its_name_server_says"),
    (Code::ResolveTimedOut, "tests/names.rs", "a_name_is_as_good_as_its_name_server_says"),
    (Code::ConnectSomeAddressesFail, "tests/names.rs", "a_name_is_as_good_as_its_name_server_says"),
    (Code::ConnectHostUnreachable, "tests/names.rs", "a_route_that_is_not_there_is_told_from_one_that_forbids"),
    (Code::ConnectNetworkUnreachable, "tests/names.rs", "a_route_that_is_not_there_is_told_from_one_that_forbids"),
    (Code::ConnectAddressFamily, "tests/network/main.rs", "addresses_that_no_route_leads_to_are_told_apart"),
    (Code::TlsRequestLost, "tests/network/main.rs", "what_happens_to_data_after_the_connection_is_told_apart"),
    (Code::ConnectBlockedLocally, "tests/names.rs", "a_route_that_is_not_there_is_told_from_one_that_forbids"),
    (Code::ConnectPeerMismatch, "tests/live/unix_socket.rs", "the_server_has_to_be_the_users_that_is_named"),
    (Code::LoginDriverDiffers, "tests/live/driver.rs", "a_name_that_libpq_alone_takes"),
    (
        Code::TlsCertificateRevoked,
        "tests/live/certificates/identity.rs",
        "revoked_certificates_and_missing_lists_are_told_apart",
    ),
    (
        Code::TlsRevocationUnknown,
        "tests/live/certificates/identity.rs",
        "revoked_certificates_and_missing_lists_are_told_apart",
    ),
    (
        Code::LoginClientCertificateRefused,
        "tests/live/certificates/identity.rs",
        "client_certificates_are_told_by_what_the_server_has_against_them",
    ),
    (
        Code::LoginClientCertificateUser,
        "tests/live/certificates/identity.rs",
        "client_certificates_are_told_by_what_the_server_has_against_them",
    ),
    (Code::InputNotRegistrable, "tests/register/payloads.rs", "what_cannot_be_registered_ends_at_input"),
    (Code::RegisterSettingLost, "tests/register/payloads.rs", "a_setting_that_has_no_counterpart_is_named"),
    (Code::RegisterStrongerMode, "tests/register/remarks.rs", "the_strongest_setting_that_works_is_proposed"),
    (
        Code::RegisterPrivateAddress,
        "tests/register/remarks.rs",
        "a_platform_elsewhere_does_not_reach_a_private_address",
    ),
    (Code::RegisterDatabaseRefused, "tests/register/faults.rs", "the_platforms_own_word_stands_beside_ours"),
    (
        Code::RegisterNameTaken,
        "tests/register/faults.rs",
        "the_name_of_another_connection_is_taken_until_it_is_to_be_updated",
    ),
    (Code::RegisterNotCompared, "tests/register/faults.rs", "a_string_that_is_shown_to_nobody_is_not_taken_for_equal"),
    (Code::RegisterVersionConflict, "tests/register/faults.rs", "somebody_who_was_faster_is_not_overwritten"),
    (Code::RegisterTokenMissing, "tests/register/faults.rs", "without_a_token_nothing_is_sent"),
    (Code::RegisterTokenRejected, "tests/register/faults.rs", "whatever_the_platform_does_nothing_is_made_twice"),
    (Code::RegisterApiKeyRejected, "tests/register/faults.rs", "whatever_the_platform_does_nothing_is_made_twice"),
    (
        Code::RegisterOrganizationRejected,
        "tests/register/faults.rs",
        "whatever_the_platform_does_nothing_is_made_twice",
    ),
    (Code::RegisterSandboxUnknown, "tests/register/faults.rs", "whatever_the_platform_does_nothing_is_made_twice"),
    (Code::RegisterForbidden, "tests/register/faults.rs", "whatever_the_platform_does_nothing_is_made_twice"),
    (Code::RegisterPayloadRejected, "tests/register/faults.rs", "whatever_the_platform_does_nothing_is_made_twice"),
    (Code::RegisterThrottled, "tests/register/faults.rs", "whatever_the_platform_does_nothing_is_made_twice"),
    (Code::RegisterUnavailable, "tests/register/faults.rs", "whatever_the_platform_does_nothing_is_made_twice"),
    (Code::RegisterNotTheService, "tests/register/faults.rs", "whatever_the_platform_does_nothing_is_made_twice"),
    (Code::LoginScramFailed, "tests/secrets.rs", "a_server_that_does_not_know_the_password_is_found_out"),
    (
        Code::RegisterConnectionNotFound,
        "tests/connections/failures.rs",
        "every_refusal_is_told_by_its_code_and_asked_for_once",
    ),
];

/// Runs at the same time, of all tests here. More would make each of them wait for the processor.
static PERMITS: Semaphore = Semaphore::const_new(6);

/// What is wrong there is that two things come in one packet.
const IN_ONE_PIECE: &str = "tls-stuffed";

/// A check with less time may be over before a slow server has said what is wrong.
const PATIENCE_MS: u64 = 5000;

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_is_told_as_its_file_says() {
    let schema = Arc::new(jsonschema::validator_for(&serde_json::from_str(JSON_SCHEMA).unwrap()).unwrap());
    let checks = |(name, file): (String, File)| {
        let file = Arc::new(file);
        (0..file.checks.len()).map(move |index| (name.clone(), Arc::clone(&file), index))
    };
    let all = File::all().into_iter().flat_map(checks);
    all_play(all, move |name, file, index| {
        let schema = Arc::clone(&schema);
        async move { play((&name, &file), index, &schema).await }
    })
    .await;
}

/// The evidence is the same where every byte comes in a packet of its own.
#[tokio::test(flavor = "multi_thread")]
async fn every_fault_is_told_byte_by_byte() {
    let in_pieces = |(name, mut file): (String, File)| {
        let hurried = file.checks[0].timeout_ms < PATIENCE_MS || !file.checks[0].arguments.is_empty();
        let fault = file.fault.as_mut().filter(|_| name != IN_ONE_PIECE && !hurried)?;
        if fault.byte_at_a_time.replace(0).is_some() {
            return None;
        }
        Some((format!("{name}, byte by byte"), Arc::new(file), 0))
    };
    let all = File::all().into_iter().filter_map(in_pieces);
    all_play(all, |name, file, index| async move { play_codes((&name, &file), index).await }).await;
}

/// Plays all of them, some at a time.
async fn all_play<P, F>(checks: impl Iterator<Item = (String, Arc<File>, usize)>, play: P)
where
    P: Fn(String, Arc<File>, usize) -> F,
    F: Future<Output = Vec<String>> + Send + 'static,
{
    let mut plays = JoinSet::new();
    for (name, file, index) in checks {
        let played = play(name.clone(), file, index);
        plays.spawn(async move {
            let _permit = PERMITS.acquire().await.unwrap();
            (format!("{name}[{index}]"), played.await)
        });
    }
    let mut failures = Vec::new();
    while let Some(played) = plays.join_next().await {
        let (name, complaints) = played.unwrap();
        failures.extend(complaints.into_iter().map(|complaint| format!("{name}: {complaint}")));
    }
    failures.sort();
    assert!(failures.is_empty(), "\n{}\n", failures.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_postgresql_alone_is_advised_for_a_redshift() {
    let checks = |(name, file): (String, File)| {
        let file = Arc::new(file);
        let played = if file.fault.is_some() { 0..file.checks.len() } else { 0..0 };
        played.map(move |index| (name.clone(), Arc::clone(&file), index))
    };
    let all = File::all().into_iter().flat_map(checks);
    all_play(all, |_, file, index| async move { foreign_advice(&file, index).await }).await;
}

#[test]
fn pages_that_a_redshift_can_lead_to_have_a_part_for_it() {
    const PART: &str = "### On Amazon Redshift\n";
    let files = File::all();
    let played = files.iter().filter(|(name, _)| name.contains("redshift")).flat_map(|(_, file)| &file.checks);
    let codes: BTreeSet<&String> =
        played.flat_map(|check| check.expect.cause.iter().chain(&check.expect.others)).collect();
    let wanting = codes.into_iter().filter(|code| {
        let page = Code::parse(code).unwrap().page();
        let part = page.split_once(PART).map(|(_, part)| part.split("\n## ").next().unwrap());
        part.map_or_else(|| is_foreign(page.split_once("## How to fix").unwrap().1), is_foreign)
    });
    assert_eq!(wanting.collect::<Vec<_>>(), [] as [&String; 0], "no part for it, or one of PostgreSQL's");
}

/// The same fault of a Redshift, and what is said that is not for it. Where another product says what it is, its own
/// advice is right.
async fn foreign_advice(file: &File, index: usize) -> Vec<String> {
    let check = &file.checks[index];
    let stage = Stage::set(file.redshift(), check).await;
    let mut command = stage.command(check, "json");
    command.args(["--engine", "redshift"]);
    let report: Value = match serde_json::from_str(&run(command, b"").await.stdout) {
        Ok(report) => report,
        Err(_) if check.arguments.iter().any(|argument| argument.starts_with("--engine")) => return Vec::new(),
        Err(error) => return vec![error.to_string()],
    };
    let product = stages(&report).find_map(|stage| stage["facts"]["product"].as_str().map(str::to_owned));
    if product.is_some_and(|product| product != "Redshift") {
        return Vec::new();
    }
    let texts = |finding: &Value| {
        let lists = [&finding["because"], &finding["fixes"]];
        lists.iter().flat_map(|list| list.as_array().unwrap()).map(|text| text.as_str().unwrap().to_owned()).collect()
    };
    let findings = report["findings"].as_array().unwrap().iter();
    let told = findings.flat_map(|finding| {
        let texts: Vec<String> = texts(finding);
        let lines = texts.into_iter().chain(finding["summary"].as_str().map(str::to_owned));
        lines.map(|text| format!("{}: {text}", finding["code"])).collect::<Vec<_>>()
    });
    told.filter(|text| is_foreign(text) && !is_quoted(text)).collect()
}

#[test]
fn every_code_is_proven_somewhere() {
    let files = File::all();
    let expected: Vec<&Expect> = files.iter().flat_map(|(_, file)| &file.checks).map(|check| &check.expect).collect();
    let played: BTreeSet<&str> =
        expected.iter().flat_map(|expect| expect.cause.iter().chain(&expect.others)).map(String::as_str).collect();
    for name in &played {
        assert!(Code::parse(name).is_some(), "{name} is no code");
    }
    for (code, file, function) in PROVEN_ELSEWHERE {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(text.contains(&format!("fn {function}(")), "{file} has no {function}");
        assert!(text.contains(code.as_str()), "{file} does not speak of {}", code.as_str());
        assert!(!played.contains(code.as_str()), "{} is played here", code.as_str());
    }
    let elsewhere = |code: &Code| PROVEN_ELSEWHERE.iter().any(|(proven, ..)| proven == code);
    let unproven: Vec<&str> = Code::ALL
        .iter()
        .filter(|code| !played.contains(code.as_str()) && !elsewhere(code))
        .map(|code| code.as_str())
        .collect();
    assert!(unproven.is_empty(), "nothing proves {unproven:?}");
}

#[test]
fn every_file_says_what_it_is_about_and_is_played() {
    for (name, file) in File::all() {
        assert!(file.about.ends_with('.') && !file.checks.is_empty(), "{name}");
    }
}

/// What is not as expected.
async fn play((name, file): (&str, &File), index: usize, schema: &Validator) -> Vec<String> {
    let check = &file.checks[index];
    let stage = Stage::set(file.scenario(), check).await;
    let mut complaints = Vec::new();

    let json = run(stage.command(check, "json"), b"").await;
    let credentials = stage.lab.as_ref().map_or(0, |lab| lab.credentials_seen());
    let connections = stage.lab.as_ref().map_or(0, |lab| lab.connections());
    let report: Result<Value, _> = serde_json::from_str(&json.stdout);
    match &report {
        Ok(report) => {
            complaints.extend(judge(report, check, schema));
            let parameters = check.expect.dry_run.as_ref();
            let expected =
                parameters.map(|expected| expected.iter().map(|(key, value)| (key.clone(), stage.fill(value).into())));
            let expected = expected.map_or(Value::Null, |expected| Value::Object(expected.collect()));
            if report["target"]["parameters"] != expected {
                complaints.push(format!("parameters {} instead of {expected}", report["target"]["parameters"]));
            }
        }
        Err(error) => complaints.push(format!("no report ({error}): {json:?}")),
    }
    if !json.stderr.is_empty() {
        complaints.push(format!("stderr: {}", json.stderr));
    }
    let expect = &check.expect;
    if expect.credentials.is_some_and(|expected| expected != credentials) || credentials > 1 {
        complaints.push(format!("{credentials} credentials reached the server"));
    }
    if expect.connections.is_some_and(|expected| expected != connections) {
        complaints.push(format!("{connections} connections reached the server"));
    }

    let human = run(stage.command(check, "human"), b"").await;
    complaints.extend(judge_human(&human, &json, expect));
    for shown in [&json.stdout, &human.stdout, &human.stderr] {
        if !check.password.is_empty() && shown.contains(&check.password) {
            complaints.push("the password is shown".to_owned());
        }
    }
    if let Ok(report) = report {
        enter((name, file), index, (report, stage.asked(check))).await;
    }
    complaints
}

/// The same of its codes alone.
async fn play_codes((name, file): (&str, &File), index: usize) -> Vec<String> {
    let check = &file.checks[index];
    let stage = Stage::set(file.scenario(), check).await;
    let json = run(stage.command(check, "json"), b"").await;
    let Ok(report) = serde_json::from_str(&json.stdout) else {
        return vec![format!("no report: {json:?}")];
    };
    let complaints = judge_codes(&report, &check.expect).into_iter().collect();
    enter((name, file), index, (report, stage.asked(check))).await;
    complaints
}

/// Adds it to the table of accuracy.
async fn enter((name, file): (&str, &File), index: usize, (report, asked): (Value, Asked)) {
    let Some(fault) = file.fault(name, index) else {
        return;
    };
    let play = Play {
        fault: fault.words,
        source: name.to_owned(),
        variant: Some(fault.check),
        healthy: fault.healthy,
        expected: fault.expected,
        timeout: milliseconds(&file.checks[index]),
    };
    // The endpoint goes on in the meantime.
    tokio::task::spawn_blocking(move || accuracy::record(play, &report, &asked)).await.unwrap();
}

/// Everything a run needs, for as long as it runs.
struct Stage {
    lab: Option<Lab>,
    directory: TempDir,
    _socket: Option<UnixListener>,
}

impl Stage {
    async fn set(scenario: Option<Scenario>, check: &Check) -> Self {
        let lab = match scenario {
            Some(scenario) => Some(Lab::start(scenario).await.unwrap()),
            None => None,
        };
        let directory = tempfile::tempdir().unwrap();
        if let Some(lab) = &lab {
            std::fs::write(directory.path().join("server.crt"), lab.certificate_pem()).unwrap();
        }
        for (name, mode) in [("pgpass", 0o600), ("pgpass.open", 0o644)] {
            let path = directory.path().join(name);
            std::fs::write(&path, "*:*:*:alice:wonderland\n").unwrap();
            std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        }
        client_files::write(directory.path());
        std::fs::write(directory.path().join("pg_service.conf"), "[orders]\nsslmode=verify-full\n").unwrap();
        for (name, text) in &check.files {
            let port = lab.as_ref().map_or(0, |lab| lab.address().port());
            std::fs::write(directory.path().join(name), text.replace("{port}", &port.to_string())).unwrap();
        }
        let path = directory.path().join(".s.PGSQL.5432");
        let socket = check.socket.map(|_| UnixListener::bind(&path).unwrap());
        let socket = match check.socket {
            Some(Socket::Stale) | None => None, // closing it leaves the file
            Some(Socket::Denied) => {
                std::fs::set_permissions(&path, Permissions::from_mode(0o000)).unwrap();
                socket
            }
        };
        Self { lab, directory, _socket: socket }
    }

    fn command(&self, check: &Check, format: &str) -> Command {
        let mut arguments = vec!["check".to_owned()];
        if check.target {
            arguments.push(self.target(check));
        }
        arguments.extend(check.arguments.iter().map(|argument| self.fill(argument)));
        arguments.push(format!("--timeout={}ms", check.timeout_ms));
        arguments.push(format!("--format={format}"));
        let mut command = wrapped(program(arguments), check);
        if !check.password.is_empty() {
            command.env("PGPASSWORD", &check.password);
        }
        command.envs(check.env.iter().map(|(name, value)| (name, self.fill(value))));
        command
    }

    /// The same for psql and `pg_isready`, as far as they know the flags; others are variables to them.
    fn asked(&self, check: &Check) -> Asked {
        let mut asked = Asked { wrapper: limits(check), ..Asked::default() };
        if check.target {
            asked.conninfo = self.target(check);
        }
        let password = (!check.password.is_empty()).then(|| ("PGPASSWORD".to_owned(), check.password.clone()));
        asked.environment.extend(password);
        asked.environment.extend(check.env.iter().map(|(name, value)| (name.clone(), self.fill(value))));
        for argument in &check.arguments {
            let argument = self.fill(argument);
            match argument.strip_prefix("--").map(|flag| flag.split_once('=').unwrap_or((flag, ""))) {
                None => asked.conninfo = argument,
                Some(("host" | "port", _)) => asked.arguments.push(argument),
                Some((keyword @ ("hostaddr" | "sslrootcert"), value)) => {
                    asked.environment.push((format!("PG{}", keyword.to_uppercase()), value.to_owned()));
                }
                Some(_) => {} // of how we go about it
            }
        }
        asked
    }

    fn target(&self, check: &Check) -> String {
        let mut client = check.client.clone();
        if self.lab.is_some() {
            for (keyword, value) in
                [("host", "localhost"), ("hostaddr", "127.0.0.1"), ("port", "{port}"), ("dbname", "orders")]
            {
                client.entry(keyword.to_owned()).or_insert_with(|| value.to_owned());
            }
        }
        client.entry("user".to_owned()).or_insert_with(|| "alice".to_owned());
        let quoted = |value: &str| self.fill(value).replace('\\', "\\\\").replace('\'', "\\'");
        let pairs: Vec<String> = client.iter().map(|(key, value)| format!("{key}='{}'", quoted(value))).collect();
        pairs.join(" ")
    }

    /// Puts what only this run knows in its place.
    fn fill(&self, text: &str) -> String {
        let directory = self.directory.path().display().to_string();
        let mut text = text.replace("{directory}", &directory);
        text = text.replace("{certificate}", &format!("{directory}/server.crt"));
        text = text.replace("{passphrase}", client_files::PASSPHRASE);
        text = text.replace("{cargo}", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"));
        let Some(lab) = &self.lab else {
            return text;
        };
        text.replace("{port}", &lab.address().port().to_string())
            .replace("{root}", &lab.root_pem_path().display().to_string())
    }
}

/// The same command with fewer rights.
fn wrapped(command: Command, check: &Check) -> Command {
    let words = limits(check);
    let Some((wrapper, rest)) = words.split_first() else {
        return command;
    };
    let inner = command.as_std();
    let mut outer = Command::new(wrapper);
    outer.args(rest).arg(inner.get_program()).args(inner.get_args()).env_clear().kill_on_drop(true);
    outer.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    outer
}

/// What takes rights away from a command that follows: root may connect to any socket, and files are plenty.
fn limits(check: &Check) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    if matches!(check.socket, Some(Socket::Denied)) && rustix::process::geteuid().is_root() {
        let dropped = "-dac_override,-dac_read_search";
        words.extend(["setpriv", "--inh-caps", dropped, "--bounding-set", dropped].map(str::to_owned));
    }
    if let Some(limit) = check.open_files {
        words.extend(["prlimit".to_owned(), format!("--nofile={limit}")]);
    }
    words
}
