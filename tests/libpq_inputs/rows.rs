//! Recorded rows, through the real program: `check --dry-run --format json`. A row without an expectation is put to libpq.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use tempfile::TempDir;

use crate::conninfo::{Question, ask};
use crate::program::{program, run};

type Texts = BTreeMap<String, String>;

#[derive(Deserialize)]
struct UriRows {
    cases: Vec<UriRow>,
}

#[derive(Deserialize)]
struct UriRow {
    id: String,
    input: String,
    env: Texts,
    expect: Option<Expect>,
}

#[derive(Deserialize)]
struct Expect {
    ok: bool,
    params_differing_from_defaults: Option<Texts>,
    transport: Option<String>,
}

#[derive(Deserialize)]
struct EffectiveRows {
    effective_parameters: Vec<EffectiveRow>,
    pgpass: Vec<PassfileRow>,
}

#[derive(Deserialize)]
struct EffectiveRow {
    id: String,
    conninfo: String,
    env: Texts,
    files: Texts,
    #[serde(rename = "observed_libpq_18_6")]
    observed: Observed,
}

#[derive(Deserialize)]
struct Observed {
    params: Texts,
    error: String,
}

#[derive(Deserialize)]
struct PassfileRow {
    id: String,
    passfile: String,
    mode: String,
    conninfo: String,
    env: Texts,
    #[serde(rename = "observed_libpq_18_6")]
    observed: Sent,
}

#[derive(Deserialize)]
struct Sent {
    password_sent: Option<String>,
    stderr: Option<String>,
}

/// Why a row is judged otherwise here: by its id.
const OTHERWISE: &[(&str, &str)] = &[
    ("uri-61", "the string can be parsed; libpq refuses sslrootcert=system with a weak mode before it dials"),
    ("uri-62", "the same"),
    ("own-043", "a JDBC URL is read as meant, with a note"),
];

/// How libpq's errors begin that come of dialling.
const DIALLED: [&str; 2] = ["could not translate host name", "connection to server"];

#[tokio::test]
async fn uris_and_strings_are_read_as_recorded() {
    let rows: UriRows = read("libpq-uri.json");
    let questions: Vec<Question> = rows.cases.iter().map(question).collect();
    let mut wrong = Vec::new();
    for (row, libpq) in rows.cases.iter().zip(ask(&questions)) {
        let home = tempfile::tempdir().unwrap();
        let report = dry_run(&row.input, &row.env, &home).await;
        let otherwise = OTHERWISE.iter().any(|(id, _)| *id == row.id);
        let expected = row.expect.as_ref().map_or(libpq.refused.is_none(), |expect| expect.ok) != otherwise;
        if (report["exit_code"] == 0) != expected {
            wrong.push(format!("{}: {} ({:?})", row.id, report["cause"], libpq.refused));
            continue;
        }
        let Some(expect) = row.expect.as_ref().filter(|_| expected) else {
            continue;
        };
        let mut parameters = texts(&report["target"]["parameters"]);
        // The rows leave out what the environment says.
        parameters.retain(|keyword, _| !report["target"]["sources"][keyword].as_str().unwrap().starts_with("PG"));
        let expected = expect.params_differing_from_defaults.clone().unwrap_or_default();
        if parameters != masked(expected) {
            wrong.push(format!("{}: {parameters:?}", row.id));
        }
        let socket = report["target"]["host"].as_str().unwrap().starts_with(['/', '@']);
        assert_eq!(socket, expect.transport.as_deref() == Some("local"), "{}", row.id);
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
    assert!(rows.cases.len() > 60, "{}", rows.cases.len());
}

#[tokio::test]
async fn sources_are_laid_over_each_other_as_recorded() {
    let rows: EffectiveRows = read("libpq-effective.json");
    let mut wrong = Vec::new();
    for row in &rows.effective_parameters {
        let home = tempfile::tempdir().unwrap();
        let place = home.path().to_str().unwrap();
        for (name, text) in &row.files {
            write(&home.path().join(name.replace("SYS/", "sys/").replace("~/", "")), text);
        }
        let mut environment: Texts =
            row.env.iter().map(|(name, value)| (name.clone(), value.replace("~/", &format!("{place}/")))).collect();
        environment.insert("PGSYSCONFDIR".to_owned(), format!("{place}/sys"));
        let report = dry_run(&row.conninfo, &environment, &home).await;
        let accepted = DIALLED.iter().any(|beginning| row.observed.error.starts_with(beginning));
        if (report["exit_code"] == 0) != accepted {
            wrong.push(format!("{}: {} ({})", row.id, report["cause"], row.observed.error));
            continue;
        }
        if !accepted {
            continue;
        }
        let parameters = texts(&report["target"]["parameters"]);
        for (keyword, value) in &row.observed.params {
            // The user that ran libpq, the database of the user's name, and where passwords would be.
            let own = match keyword.as_str() {
                "user" => value == "root",
                "dbname" => Some(value) == row.observed.params.get("user"),
                _ => keyword == "passfile",
            };
            if !own && in_force(&parameters, keyword) != *value {
                wrong.push(format!("{}: {keyword} is {:?} and not {value:?}", row.id, parameters.get(keyword)));
            }
        }
        let unknown = parameters.keys().filter(|keyword| !row.observed.params.contains_key(*keyword));
        wrong.extend(unknown.map(|keyword| format!("{}: {keyword}", row.id)));
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
    assert!(rows.effective_parameters.len() > 15);
}

#[tokio::test]
async fn the_password_file_is_read_as_recorded() {
    let rows: EffectiveRows = read("libpq-effective.json");
    for row in &rows.pgpass {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join(".pgpass");
        write(&path, &row.passfile);
        let mode = u32::from_str_radix(row.mode.trim_start_matches("0o"), 8).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let report = dry_run(&row.conninfo, &row.env, &home).await;
        let found = report["target"]["sources"]["password"] == "passfile";
        let given = row.env.get("PGPASSWORD").is_some_and(|password| !password.is_empty());
        assert_eq!(found, row.observed.password_sent.is_some() && !given, "{}: {report}", row.id);
        let ignored = report["findings"].to_string().contains("input-passfile-ignored");
        assert_eq!(ignored, row.observed.stderr.is_some(), "{}: {report}", row.id);
        // What the password is, `files.rs` compares; here it must not be seen.
        let sent = row.observed.password_sent.as_deref().unwrap_or("pw");
        assert!(sent.len() < 5 || !report.to_string().contains(sent), "{}", row.id);
    }
    assert!(rows.pgpass.len() > 5);
}

fn question(row: &UriRow) -> Question {
    let mut environment = row.env.clone();
    environment.insert("HOME".to_owned(), "/nonexistent".to_owned());
    Question { conninfo: row.input.clone(), environment, tls: false }
}

async fn dry_run(conninfo: &str, environment: &Texts, home: &TempDir) -> Value {
    let mut command = program(["check", "--dry-run", "--format=json"]);
    if !conninfo.is_empty() {
        command.arg(conninfo);
    }
    command.envs(environment).env("HOME", home.path());
    let ran = run(command, b"").await;
    assert_eq!(ran.stderr, "", "{conninfo}");
    let report: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{conninfo}: {error} {ran:?}"));
    assert_eq!(report["exit_code"].as_i64(), ran.code.map(i64::from), "{conninfo}");
    let skipped = |stage: &Value| stage["status"] == "skipped" || stage["stage"] == "input";
    assert!(report["stages"].as_array().unwrap().iter().all(skipped), "{conninfo}: {report}");
    report
}

/// A parameter, or libpq's default of it.
fn in_force(parameters: &Texts, keyword: &str) -> String {
    let keywords = pgpreflight::settings::keywords::KEYWORDS;
    let default = keywords.iter().find(|known| known.name == keyword).and_then(|known| known.default);
    parameters.get(keyword).map_or(default.unwrap_or_default(), String::as_str).to_owned()
}

fn masked(mut parameters: Texts) -> Texts {
    if let Some(password) = parameters.get_mut("password") {
        "set".clone_into(password);
    }
    parameters
}

fn texts(value: &Value) -> Texts {
    serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("{error}: {value}"))
}

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn read<T: serde::de::DeserializeOwned>(name: &str) -> T {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(name);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}
