//! Plays every fault of `tests/scenarios/` on loopback against the real program, and holds its report to what the file
//! expects. Every code has a place here, or is named below with the test that proves it.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test ends at the first surprise")]

#[path = "support/client_files.rs"]
mod client_files;
#[path = "support/program.rs"]
mod program;
#[path = "support/scenario.rs"]
mod scenario;

use std::collections::BTreeSet;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::sync::Arc;

use jsonschema::Validator;
use pgpreflight::diagnose::code::{Code, Severity};
use pgpreflight::lab::{Lab, Scenario};
use pgpreflight::report::JSON_SCHEMA;
use program::{Run, program, run};
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

/// Stages and the exit codes of the contract.
const EXIT_CODES: [(&str, i64); 7] =
    [("input", 4), ("resolve", 10), ("connect", 11), ("tls", 12), ("login", 13), ("session", 14), ("privileges", 15)];

/// Runs at the same time, of all tests here. More would make each of them wait for the processor.
static PERMITS: Semaphore = Semaphore::const_new(6);

/// How much longer than its time-out a run may take, by its own clock.
const GRACE_MS: f64 = 250.0;

/// The time-out counts from the start of the process, the run's own clock from the first look-up: on a busy machine that
/// is this much less of it.
const READING: f64 = 0.8;

/// Columns of the human report.
const WIDTH: usize = 80;

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_is_told_as_its_file_says() {
    let schema = Arc::new(jsonschema::validator_for(&serde_json::from_str(JSON_SCHEMA).unwrap()).unwrap());
    let mut plays = JoinSet::new();
    for (name, file) in File::all() {
        let file = Arc::new(file);
        for index in 0..file.checks.len() {
            let (name, file, schema) = (format!("{name}[{index}]"), Arc::clone(&file), Arc::clone(&schema));
            plays.spawn(async move {
                let _permit = PERMITS.acquire().await.unwrap();
                (name, play(&file, index, &schema).await)
            });
        }
    }
    let mut failures = Vec::new();
    while let Some(played) = plays.join_next().await {
        let (name, complaints) = played.unwrap();
        failures.extend(complaints.into_iter().map(|complaint| format!("{name}: {complaint}")));
    }
    failures.sort();
    assert!(failures.is_empty(), "\n{}\n", failures.join("\n"));
}

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

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_postgresql_alone_is_advised_for_a_redshift() {
    let mut plays = JoinSet::new();
    for (name, file) in File::all() {
        let file = Arc::new(file);
        for index in (0..file.checks.len()).filter(|_| file.fault.is_some()) {
            let (name, file) = (format!("{name}[{index}]"), Arc::clone(&file));
            plays.spawn(async move {
                let _permit = PERMITS.acquire().await.unwrap();
                foreign_advice(&file, index).await.into_iter().map(|line| format!("{name}: {line}")).collect::<Vec<_>>()
            });
        }
    }
    let mut found: Vec<String> = plays.join_all().await.concat();
    found.sort();
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn pages_that_a_redshift_can_lead_to_have_a_part_for_it() {
    const PART: &str = "### On Amazon Redshift\n";
    let files = File::all();
    let played = files.iter().filter(|(name, _)| name.contains("redshift")).flat_map(|(_, file)| &file.checks);
    let codes: BTreeSet<&String> =
        played.flat_map(|check| check.expect.cause.iter().chain(&check.expect.others)).collect();
    let foreign = |text: &str| POSTGRESQL_ONLY.iter().any(|word| text.contains(word));
    let wanting = codes.into_iter().filter(|code| {
        let page = Code::parse(code).unwrap().page();
        let part = page.split_once(PART).map(|(_, part)| part.split("\n## ").next().unwrap());
        part.map_or_else(|| foreign(page.split_once("## How to fix").unwrap().1), foreign)
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
    told.filter(|text| POSTGRESQL_ONLY.iter().any(|word| text.contains(word)) && !is_quoted(text)).collect()
}

/// What the server itself has said.
fn is_quoted(text: &str) -> bool {
    text.contains("it says: ") || text.contains("it said ") || text.contains("got a no: ")
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
async fn play(file: &File, index: usize, schema: &Validator) -> Vec<String> {
    let check = &file.checks[index];
    let stage = Stage::set(file.scenario(), check).await;
    let mut complaints = Vec::new();

    let json = run(stage.command(check, "json"), b"").await;
    let credentials = stage.lab.as_ref().map_or(0, |lab| lab.credentials_seen());
    let connections = stage.lab.as_ref().map_or(0, |lab| lab.connections());
    match serde_json::from_str(&json.stdout) {
        Ok(report) => {
            complaints.extend(judge(&report, check, schema));
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
    complaints
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

/// The same command with fewer rights: root may connect to any socket, and files are plenty.
fn wrapped(command: Command, check: &Check) -> Command {
    let mut words: Vec<String> = Vec::new();
    if matches!(check.socket, Some(Socket::Denied)) && rustix::process::geteuid().is_root() {
        let dropped = "-dac_override,-dac_read_search";
        words.extend(["setpriv", "--inh-caps", dropped, "--bounding-set", dropped].map(str::to_owned));
    }
    if let Some(limit) = check.open_files {
        words.extend(["prlimit".to_owned(), format!("--nofile={limit}")]);
    }
    let Some((wrapper, rest)) = words.split_first() else {
        return command;
    };
    let inner = command.as_std();
    let mut outer = Command::new(wrapper);
    outer.args(rest).arg(inner.get_program()).args(inner.get_args()).env_clear().kill_on_drop(true);
    outer.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    outer
}

fn judge(report: &Value, check: &Check, schema: &Validator) -> Vec<String> {
    let expect = &check.expect;
    let mut complaints: Vec<String> = schema.iter_errors(report).map(|error| format!("schema: {error}")).collect();
    let findings = report["findings"].as_array().unwrap();
    let codes: Vec<&str> = findings.iter().map(|finding| finding["code"].as_str().unwrap()).collect();
    let mut expected: Vec<&str> = expect.cause.iter().chain(&expect.others).map(String::as_str).collect();
    let mut found = codes.clone();
    expected.sort_unstable();
    found.sort_unstable();
    if found != expected || report["cause"].as_str() != expect.cause.as_deref() {
        complaints.push(format!("found {codes:?}, cause {}; first: {}", report["cause"], report["findings"][0]));
    }
    complaints.extend(judge_verdict(report, expect));
    for (name, value) in &expect.facts {
        let (stage, fact) = name.split_once('.').unwrap();
        let seen = stages(report).find(|one| one["stage"] == stage).map(|one| &one["facts"][fact]);
        if seen != Some(&serde_json::to_value(value).unwrap()) {
            complaints.push(format!("{name} is {}", seen.unwrap_or(&Value::Null)));
        }
    }
    for finding in findings {
        let bare = |field: &str| finding[field].as_object().is_some_and(serde_json::Map::is_empty);
        if bare("evidence") || finding["because"].as_array().is_none_or(Vec::is_empty) {
            complaints.push(format!("{} has no evidence or no reason", finding["code"]));
        }
    }
    complaints.extend(judge_modes(report, expect));
    if let Some(first) = findings.first() {
        complaints.extend(judge_first(first, expect));
    }
    complaints.extend(judge_time(report["elapsed_ms"].as_f64().unwrap(), check));
    complaints
}

/// Verdict, failed stage, exit code and the status of each stage follow from the cause.
fn judge_verdict(report: &Value, expect: &Expect) -> Vec<String> {
    let mut complaints = Vec::new();
    let failed = expect.cause.as_ref().map(|cause| cause.split('-').next().unwrap());
    let by_stage = failed.map_or(0, |stage| EXIT_CODES.iter().find(|(name, _)| *name == stage).unwrap().1);
    let exit_code = expect.exit_code.unwrap_or(by_stage);
    let warned = expect.others.iter().any(|code| Code::parse(code).unwrap().severity() == Severity::Warning);
    let verdict = match (failed, warned) {
        (Some(_), _) => "not-ready",
        (None, true) => "warnings",
        (None, false) => "ready",
    };
    if report["verdict"] != verdict || report["failed_stage"].as_str() != failed || report["exit_code"] != exit_code {
        let seen = [&report["verdict"], &report["failed_stage"], &report["exit_code"]];
        complaints.push(format!("{seen:?} instead of {verdict}, {failed:?}, {exit_code}"));
    }
    let at = failed.map(|failed| EXIT_CODES.iter().position(|(name, _)| *name == failed).unwrap());
    for (index, stage) in stages(report).enumerate() {
        let status = match at {
            Some(at) if index == at => "failed",
            Some(at) if index > at => "skipped",
            None if index > 0 && expect.dry_run.is_some() => "skipped",
            _ => "passed",
        };
        if stage["stage"] != EXIT_CODES[index].0 || stage["status"] != status {
            complaints.push(format!("stage {} is {}", stage["stage"], stage["status"]));
        }
    }
    complaints
}

fn judge_first(first: &Value, expect: &Expect) -> Vec<String> {
    let mut complaints = Vec::new();
    let texts =
        |key: &str| first[key].as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect::<Vec<_>>();
    let reasons = format!("{}\n{}", first["summary"].as_str().unwrap(), texts("because").join("\n"));
    let fixes = texts("fixes").join("\n");
    if let Some(says) = expect.says.as_ref().filter(|says| !reasons.contains(*says)) {
        complaints.push(format!("{says:?} is not said: {reasons}"));
    }
    if let Some(fix) = expect.fix.as_ref().filter(|fix| !fixes.contains(*fix)) {
        complaints.push(format!("{fix:?} is not in the fixes: {fixes}"));
    }
    if texts("because").is_empty() || (fixes.is_empty() && first["severity"] != "note") {
        complaints.push(format!("no reason or no fix: {first}"));
    }
    for (key, value) in &expect.evidence {
        if first["evidence"][key] != serde_json::to_value(value).unwrap() {
            complaints.push(format!("evidence {key} is {}", first["evidence"][key]));
        }
    }
    let confidence = expect.confidence.as_deref();
    if confidence.is_some_and(|confidence| first["confidence"] != confidence) {
        complaints.push(format!("confidence is {}", first["confidence"]));
    }
    complaints
}

fn judge_modes(report: &Value, expect: &Expect) -> Vec<String> {
    let rows = report["modes"].as_array().unwrap();
    if rows.is_empty() != expect.modes.is_empty() {
        return vec![format!("{} rows of modes", rows.len())];
    }
    let words = |row: &Value| {
        let encrypted = row["encrypted"].as_bool().unwrap().then_some("encrypted");
        let verified = row["verified"].as_str().filter(|verified| *verified != "none");
        [row["outcome"].as_str(), encrypted, verified, row["cause"].as_str()]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" ")
    };
    let differs = |(name, expected): (&String, &String)| {
        let found = rows.iter().find(|row| row["sslmode"] == *name).map(words);
        (found.as_ref() != Some(expected)).then(|| format!("mode {name}: {found:?} instead of {expected:?}"))
    };
    expect.modes.iter().filter_map(differs).collect()
}

#[expect(clippy::cast_precision_loss, reason = "a few thousand milliseconds")]
fn judge_time(elapsed: f64, check: &Check) -> Option<String> {
    let limit = check.timeout_ms as f64;
    let fine =
        if check.expect.waits { (limit * READING..limit + GRACE_MS).contains(&elapsed) } else { elapsed < limit };
    (!fine).then(|| format!("took {elapsed} ms of {limit}"))
}

fn judge_human(human: &Run, json: &Run, expect: &Expect) -> Vec<String> {
    let mut complaints = Vec::new();
    if human.code != json.code || !human.stderr.is_empty() {
        complaints.push(format!("for people: exit code {:?}, stderr {}", human.code, human.stderr));
    }
    let code = serde_json::from_str::<Value>(&json.stdout).ok().and_then(|report| report["exit_code"].as_i64());
    if json.code.map(i64::from) != code {
        complaints.push(format!("the process ended with {:?}, the report says {code:?}", json.code));
    }
    for line in human.stdout.lines() {
        // Lines to copy are never broken, nor is a word.
        let copied = line.starts_with(&" ".repeat(13)) || !line.trim_start().contains(' ');
        if line.chars().count() > WIDTH && !copied {
            complaints.push(format!("too wide: {line}"));
        }
    }
    if let Some(odd) = human.stdout.chars().find(|c| c.is_control() && *c != '\n') {
        complaints.push(format!("control character {odd:?} in the human report"));
    }
    for code in expect.cause.iter().chain(&expect.others) {
        if !human.stdout.contains(&format!("[{code}]")) {
            complaints.push(format!("{code} is not told to people: {}", human.stdout));
        }
    }
    complaints
}

fn stages(report: &Value) -> impl Iterator<Item = &Value> {
    report["stages"].as_array().unwrap().iter()
}
