//! `lab list`, `lab serve` and `lab run` by the real program: what they print, where they listen, how they end, and what
//! they leave behind.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test ends at the first surprise")]

#[path = "support/program.rs"]
mod program;
#[path = "support/served.rs"]
#[expect(dead_code, reason = "not every field matters here")]
mod served;

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use program::{Run, program, run};
use rustix::process::{Pid, Signal, kill_process};
use served::Served;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::Child;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_postgres::NoTls;

/// Longer than anything here takes; reached only when somebody hangs.
const BOUND: Duration = Duration::from_secs(30);

/// Clients of one endpoint at the same time.
const CROWD: usize = 500;

/// What the program may have in memory while it serves them, in KiB.
const MEMORY: u64 = 96 * 1024;

#[tokio::test]
async fn the_list_is_grouped_by_stage_and_names_the_codes() {
    let list = lab(&["list"]).await;
    assert_eq!((list.code, list.stderr.as_str()), (Some(0), ""));
    let stages: Vec<&str> = list.stdout.lines().filter(|line| !line.is_empty() && !line.contains(' ')).collect();
    assert_eq!(stages, ["sound", "connect", "tls", "login", "session", "privileges"]);
    let row = list.stdout.lines().find(|line| line.trim_start().starts_with("certificate-expired ")).unwrap();
    assert_eq!(row.split_whitespace().collect::<Vec<_>>(), ["certificate-expired", "tls-certificate-expired"]);
    assert!(list.stdout.contains("\n      The certificate expired 30 days ago.\n"));
    assert!(list.stdout.lines().all(|line| line.chars().count() <= 80), "{}", list.stdout);

    let list = lab(&["list", "--format=json"]).await;
    assert_eq!(list.stdout.lines().count(), 1);
    let list: serde_json::Value = serde_json::from_str(&list.stdout).unwrap();
    let faults = list.get("faults").unwrap().as_array().unwrap();
    let of = |name: &str| faults.iter().find(|fault| fault.get("fault").unwrap() == name).unwrap();
    let expired = of("certificate-expired");
    assert_eq!(expired.get("cause").unwrap(), "tls-certificate-expired");
    assert_eq!(expired.get("stage").unwrap(), "tls");
    assert!(of("sound").get("cause").unwrap().is_null());
    // Where no endpoint is at fault there is none to serve.
    let names = faults.iter().map(|fault| fault.get("fault").unwrap().as_str().unwrap());
    assert_eq!(names.filter(|name| name.starts_with("input-") || name.starts_with("resolve-")).count(), 0);
    assert!(faults.len() > 100, "{}", faults.len());
}

#[tokio::test]
async fn a_fault_that_does_not_exist_is_refused_with_the_one_that_was_meant() {
    for arguments in [&["run", "certificate-expird", "--", "true"][..], &["serve", "sound", "certificate-expird"]] {
        let run = lab(arguments).await;
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""));
        let told = "error: there is no fault `certificate-expird`; did you mean certificate-expired?\n";
        assert!(run.stderr.starts_with(told), "{}", run.stderr);
    }
    assert_eq!(lab(&["run", "sound"]).await.code, Some(2), "without a command");
}

#[tokio::test]
async fn a_client_is_told_by_placeholders_and_by_variables() {
    let script = "echo \"$PGHOST $PGPORT $PGUSER $PGPASSWORD $PGDATABASE $PGSSLMODE $PGSSLROOTCERT\";
        echo \"${PGHOSTADDR-none} ${PGSERVICE-none} $PGCONNECT_TIMEOUT\"; echo \"$@\"; cat \"$PGSSLROOTCERT\" | head -n 1";
    let words = "{host} {port} {user} {password} {dbname} {sslmode} {sslrootcert}";
    let mut command = program(["lab", "run", "sound", "--", "sh", "-c", script, "sh", words, "{uri}"]);
    command.env("PATH", "/usr/bin:/bin").env("PGHOSTADDR", "192.0.2.1").env("PGSERVICE", "other");
    command.env("PGPASSWORD", "another").env("PGCONNECT_TIMEOUT", "7");
    let told = run(command, b"").await;
    let lines: Vec<&str> = told.stdout.lines().collect();
    let [variables, others, placeholders, root] = lines.as_slice() else { panic!("{told:?}") };
    assert_eq!(*others, "none none 7");
    let (words, uri) = placeholders.rsplit_once(' ').unwrap();
    assert_eq!(&words, variables);
    let parts: Vec<&str> = words.split(' ').collect();
    let [host, port, user, password, dbname, sslmode, file] = parts.as_slice() else { panic!("{words}") };
    assert_eq!([*host, user, password, dbname, sslmode], ["localhost", "alice", "wonderland", "orders", "verify-full"]);
    assert_eq!(
        uri,
        format!("postgresql://alice:wonderland@localhost:{port}/orders?sslmode=verify-full&sslrootcert={file}")
    );
    assert_eq!(*root, "-----BEGIN CERTIFICATE-----");
    assert!(!Path::new(file).parent().unwrap().exists(), "{file} is left behind");

    let missing = lab(&["run", "login-password-missing", "--", "/bin/sh", "-c", "echo ${PGPASSWORD-none} {uri}"]).await;
    assert!(missing.stdout.starts_with("none postgresql://alice@localhost:"), "{missing:?}");
}

#[tokio::test]
async fn the_exit_code_is_the_clients() {
    let rows: &[(&[&str], i32)] = &[
        (&["/bin/sh", "-c", "exit 0"], 0),
        (&["/bin/sh", "-c", "exit 7"], 7),
        (&["/bin/sh", "-c", "kill -KILL $$"], 137),
        (&["/nonexistent/client"], 127),
        (&["/"], 126),
    ];
    for (client, code) in rows {
        let run = lab(&[&["run", "sound", "--"], *client].concat()).await;
        assert_eq!(run.code, Some(*code), "{client:?}: {run:?}");
        assert_eq!(run.stderr.is_empty(), *code < 126 || *code == 137, "{client:?}: {run:?}");
    }
}

#[tokio::test]
async fn a_signal_goes_to_the_client_and_its_answer_is_ours() {
    let script = "sleep 60 & trap 'kill $!; exit 5' TERM; echo {sslrootcert}; wait";
    let mut command = program(["lab", "run", "sound", "--", "/bin/sh", "-c", script]);
    let mut child = command.env("PATH", "/usr/bin:/bin").stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let root = timeout(BOUND, lines.next_line()).await.unwrap().unwrap().unwrap();
    assert!(Path::new(&root).exists());
    signal(&child, Signal::TERM);
    assert_eq!(ended(&mut child).await, Some(5));
    assert!(!Path::new(&root).parent().unwrap().exists());
}

#[tokio::test]
async fn serving_ends_with_a_signal_and_leaves_nothing() {
    for ending in [Signal::TERM, Signal::INT, Signal::HUP] {
        let served = Served::start(serve(&["sound", "tls-no-reply", "sound"])).await;
        let faults: Vec<&str> = served.endpoints.iter().map(|endpoint| endpoint.fault.as_str()).collect();
        assert_eq!(faults, ["sound", "tls-no-reply"], "each once");
        let silent = served.endpoints.last().unwrap().clone();
        let mut client = TcpStream::connect((Ipv4Addr::LOCALHOST, silent.port)).await.unwrap();
        let elsewhere = TcpStream::connect((Ipv4Addr::new(127, 0, 0, 2), silent.port)).await;
        assert_eq!(elsewhere.unwrap_err().kind(), ErrorKind::ConnectionRefused, "one address only");
        assert!(Path::new(&silent.sslrootcert).exists());

        assert_eq!(served.end(ending).await, Some(0));
        assert!(!Path::new(&silent.sslrootcert).parent().unwrap().exists());
        let read = timeout(BOUND, client.read(&mut [0; 1])).await.unwrap();
        assert!(!matches!(read, Ok(1..)), "{read:?}");
        let again = TcpStream::connect((Ipv4Addr::LOCALHOST, silent.port)).await;
        assert_eq!(again.unwrap_err().kind(), ErrorKind::ConnectionRefused);
    }
}

#[tokio::test]
async fn people_get_a_table_of_ports() {
    let mut child = program(["lab", "serve", "login-server-full"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut table = Vec::new();
    while table.last().is_none_or(|line: &String| !line.contains("Ctrl-C")) {
        table.push(timeout(BOUND, lines.next_line()).await.unwrap().unwrap().unwrap());
    }
    let [name, uri, blank, last] = table.as_slice() else { panic!("{table:?}") };
    let (port, rest) = name.trim_start().split_once("  ").unwrap();
    assert_eq!(rest, "login-server-full  login-server-full");
    assert_eq!(uri.trim_start(), format!("postgresql://alice:wonderland@localhost:{port}/orders?sslmode=require"));
    assert_eq!(blank, "");
    assert!(last.starts_with("1 endpoint at 127.0.0.1"), "{last}");
    signal(&child, Signal::TERM);
    assert_eq!(ended(&mut child).await, Some(0));
}

#[tokio::test]
async fn ports_are_where_they_are_asked_for_or_the_one_in_the_way_is_named() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = taken.local_addr().unwrap();
    let base = format!("--port-base={}", address.port());
    let refused = lab(&["serve", "sound", &base]).await;
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(3), ""));
    let told =
        format!("error: cannot start the lab endpoint: sound: cannot listen on {address}: Address already in use");
    assert!(refused.stderr.starts_with(&told), "{}", refused.stderr);

    drop(taken);
    let served = Served::start(serve(&["sound", &base, "--listen=127.0.0.1"])).await;
    assert_eq!(served.endpoints.first().unwrap().port, address.port());
    assert_eq!(served.end(Signal::TERM).await, Some(0));

    let beyond = lab(&["serve", "--port-base=65500"]).await;
    assert_eq!(beyond.code, Some(2));
    assert!(beyond.stderr.contains("faults from there on end at port"), "{}", beyond.stderr);
    assert_eq!(lab(&["serve", "--port-base=0"]).await.code, Some(2));
}

#[tokio::test]
async fn another_address_is_listened_at_when_asked_for_and_is_in_the_certificate() {
    let served = Served::start(serve(&["sound", "certificate-names-only", "--listen=127.0.0.2"])).await;
    for (endpoint, cause) in served.endpoints.iter().zip([None, Some("tls-certificate-address-not-listed")]) {
        assert_eq!(endpoint.host.parse(), Ok(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2))));
        let check = run(program(["check", &endpoint.uri, "--format=json"]), b"").await;
        let report: serde_json::Value = serde_json::from_str(&check.stdout).unwrap();
        assert_eq!(report.get("cause").unwrap().as_str(), cause, "{}", endpoint.fault);
    }
    assert_eq!(served.end(Signal::TERM).await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_of_slow_clients_holds_up_nobody() {
    let served = Served::start(serve(&["sound", "login-server-full"])).await;
    let [sound, full] = served.endpoints.as_slice() else { panic!("{:?}", served.endpoints) };
    let startup = b"\0\0\0\x14\0\x03\0\0user\0alice\0\0";
    let (early, late) = startup.split_at(11);

    // Every one of the crowd says half a sentence, and stays.
    let mut crowd = JoinSet::new();
    let (told, _) = tokio::sync::broadcast::channel::<()>(1);
    let arrived = std::sync::Arc::new(tokio::sync::Semaphore::new(0));
    for _ in 0..CROWD {
        let (port, mut go, arrived) = (full.port, told.subscribe(), std::sync::Arc::clone(&arrived));
        crowd.spawn(async move {
            let mut client = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
            client.write_all(early).await?;
            arrived.add_permits(1);
            drop(go.recv().await);
            client.write_all(late).await?;
            let mut answer = Vec::new();
            client.read_to_end(&mut answer).await?;
            std::io::Result::Ok(answer)
        });
    }
    let crowd_size = u32::try_from(CROWD).unwrap();
    drop(timeout(BOUND, arrived.acquire_many(crowd_size)).await.expect("all of them get in").unwrap());

    // A client that knows what it wants is served at both endpoints all the same.
    assert_eq!(logged_in(sound.port).await, Ok(1));
    assert_eq!(logged_in(full.port).await, Err("53300".to_owned()));

    drop(told.send(()));
    let answers = timeout(BOUND, crowd.join_all()).await.expect("every one is answered");
    for answer in answers {
        let answer = String::from_utf8_lossy(&answer.unwrap()).into_owned();
        assert!(answer.starts_with('E') && answer.contains("C53300\0Msorry, too many clients already\0"), "{answer:?}");
    }

    let mut logins = JoinSet::new();
    for _ in 0..CROWD {
        logins.spawn(logged_in(sound.port));
    }
    let logins = timeout(2 * BOUND, logins.join_all()).await.expect("every one gets in");
    assert_eq!(logins.iter().filter(|login| **login == Ok(1)).count(), CROWD);
    let memory = peak_memory(&served.program);
    assert!(memory < MEMORY, "{memory} KiB");
    assert_eq!(served.end(Signal::TERM).await, Some(0));
}

/// The answer to `select 1`, or the SQLSTATE.
async fn logged_in(port: u16) -> Result<i32, String> {
    let target = format!("host=127.0.0.1 port={port} user=alice password=wonderland dbname=orders sslmode=disable");
    let asked = async {
        let (client, connection) = tokio_postgres::connect(&target, NoTls).await?;
        tokio::spawn(connection);
        client.query_one("select 1", &[]).await.map(|row| row.get(0))
    };
    let asked = timeout(BOUND, asked).await.map_err(|_| "no answer".to_owned())?;
    asked.map_err(|error| error.code().map_or_else(|| format!("{error:?}"), |code| code.code().to_owned()))
}

/// `VmHWM` of a process, in KiB.
fn peak_memory(child: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id().unwrap())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

async fn lab(arguments: &[&str]) -> Run {
    run(program([&["lab"], arguments].concat()), b"").await
}

fn serve(arguments: &[&str]) -> tokio::process::Command {
    program([&["lab", "serve", "--format=json"], arguments].concat())
}

fn signal(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

async fn ended(child: &mut Child) -> Option<i32> {
    timeout(BOUND, child.wait()).await.expect("it ends").unwrap().code()
}
