//! Plays a table of faults: sets each up, runs the program, psql and pg_isready side by side, and takes it back.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::process::Output;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::process::Command;
use tokio::runtime::Runtime;

use crate::cluster::client;
use crate::faults::Fault;
use crate::program::{program, run};
use crate::world::World;

/// How much later than its deadline the program may be.
const GRACE_MS: f64 = 250.0;

/// What of the time allowed is left when the settings have been read.
const READING: f64 = 0.95;

/// Plays one fault after the other. The table of what was found goes to the file that `PGPREFLIGHT_ACCURACY` names, a line
/// of JSON a fault.
///
/// # Panics
/// At the end, with everything that was not as the table has it.
pub fn play(world: &World, faults: &[Fault]) {
    let runtime = Runtime::new().unwrap();
    let mut complaints = String::new();
    for fault in faults {
        for (place, line) in fault.set_up {
            world.run(*place, line);
        }
        let (report, psql, ready) = runtime.block_on(ask(world, fault));
        for (place, line) in fault.undo {
            world.run(*place, line);
        }
        world.clear();
        note_down(fault, &report, &psql, &ready);
        for complaint in judge(fault, &report, &psql) {
            writeln!(complaints, "{} {}: {complaint}", fault.id, fault.about).unwrap();
        }
    }
    assert!(complaints.is_empty(), "\n{complaints}");
}

/// The report of the program, the last line of psql and the one of pg_isready.
async fn ask(world: &World, fault: &Fault) -> (Value, String, String) {
    let port = world.port();
    let port = if fault.target.contains("port=") { String::new() } else { format!("port={port} ") };
    let user = if fault.target.contains("user=") { "" } else { "user=postgres " };
    let target = world.fill(&format!("{port}{user}dbname=postgres {}", fault.target));
    let timeout = format!("--timeout={}ms", fault.timeout_ms);
    let ours = async {
        let ran = run(program(["check", &target, "--format=json", &timeout]), b"").await;
        serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"))
    };
    let seconds = (fault.timeout_ms / 1000 + 1).to_string();
    let mut psql = bare("psql");
    psql.env("PGCONNECT_TIMEOUT", &seconds).args(["-XAtwc", QUERY, &target]);
    let mut ready = bare("pg_isready");
    ready.args(["-t", &seconds, "-d", &target]);
    let (report, psql, ready) = tokio::join!(ours, ended(psql), ended(ready));
    (report, last_line(psql.as_ref()), last_line(ready.as_ref()))
}

/// More than a packet's worth of rows.
const QUERY: &str = "select repeat('x', 8000)";

fn bare(name: &str) -> Command {
    let mut command = Command::new(client(name));
    command.env_clear().env("LC_ALL", "C").env("HOME", "/nonexistent").kill_on_drop(true);
    command
}

/// None where it had to be stopped: after that long it hangs.
async fn ended(mut command: Command) -> Option<Output> {
    tokio::time::timeout(Duration::from_secs(8), command.output()).await.ok().map(Result::unwrap)
}

fn last_line(output: Option<&Output>) -> String {
    let Some(output) = output else {
        return "hangs".to_owned();
    };
    let text = if output.stderr.is_empty() { &output.stdout } else { &output.stderr };
    let text = String::from_utf8_lossy(text);
    // What is indented explains the line before it.
    let line = text.lines().rfind(|line| !line.is_empty() && !line.starts_with('\t')).unwrap_or_default();
    line.trim().chars().take(200).collect()
}

fn note_down(fault: &Fault, report: &Value, psql: &str, ready: &str) {
    let Some(path) = std::env::var_os("PGPREFLIGHT_ACCURACY") else {
        return;
    };
    let row = json!({
        "fault": fault.id,
        "about": fault.about,
        "expected": fault.cause,
        "given": report["cause"],
        "psql": psql,
        "pg_isready": ready,
    });
    // In one piece: tests that run at the same time share the file.
    File::options().create(true).append(true).open(path).unwrap().write_all(format!("{row}\n").as_bytes()).unwrap();
}

fn judge(fault: &Fault, report: &Value, psql: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    if report["cause"].as_str() != fault.cause {
        complaints.push(format!("is told as {}: {}", report["cause"], report["findings"]));
    }
    for (pointer, expected) in fault.evidence {
        let expected: Value = serde_json::from_str(expected).unwrap();
        let found = report.pointer(&format!("/findings/0/evidence/{pointer}"));
        if found != Some(&expected) {
            complaints.push(format!("{pointer} is {found:?} and not {expected}: {}", report["findings"][0]));
        }
    }
    let says = format!("{}{}", report["findings"][0]["summary"], report["findings"][0]["because"]);
    if !says.contains(fault.says) {
        complaints.push(format!("{:?} is not said: {says}", fault.says));
    }
    let (elapsed, limit) = (report["elapsed_ms"].as_f64().unwrap(), f64::from(fault.timeout_ms));
    let in_time = if fault.waits { (limit * READING..limit + GRACE_MS).contains(&elapsed) } else { elapsed < limit };
    if !in_time {
        complaints.push(format!("took {elapsed} ms of {limit}"));
    }
    if !psql.contains(fault.psql) {
        complaints.push(format!("psql says {psql:?} and not {:?}", fault.psql));
    }
    complaints
}
