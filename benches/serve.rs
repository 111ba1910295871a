//! `serve` with 10,000 connections in its store: how many pages of a hundred it answers a second, and what it takes.
//!
//! Prints figures, and judges nothing. Callers and service share the machine; the CPU time is the service's own.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark stops where it cannot measure"
)]

#[path = "../tests/support/http.rs"]
#[expect(dead_code, reason = "the tests use the rest")]
mod http;

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use http::Http;
use pgpreflight::registry::api::ConnectionRequest;
use pgpreflight::registry::scope::Scope;
use pgpreflight::registry::store::Store;
use serde_json::json;

const CONNECTIONS: usize = 10_000;
const CALLERS: usize = 16;
const TIME: Duration = Duration::from_secs(10);
const BASE: &str = "/data/foundation/flowservice";

fn main() {
    let directory = tempfile::tempdir().unwrap();
    fill(&directory.path().join("registry.db"));
    let mut service = start(directory.path());
    let address = listening(&mut service);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(measure(address, &service));
    service.kill().unwrap();
    service.wait().unwrap();
}

fn fill(path: &Path) {
    let body = json!({
        "name": "orders of the shop", "description": "Test connection for PostgreSQL",
        "auth": {"specName": "Basic Authentication", "params": {
            "server": "db.example.com", "port": "5432", "database": "orders", "username": "ingest",
            "password": "benchmark", "sslMode": "Verify Full"}},
        "connectionSpec": {"id": "74a1c565-4e59-48d7-9d67-7c03b8a13137", "version": "1.0"}});
    let request: ConnectionRequest = serde_json::from_value(body).unwrap();
    let mut store = Store::open(path).unwrap();
    for _ in 0..CONNECTIONS {
        store.create(&Scope::local(), &request, None).unwrap();
    }
}

fn start(directory: &Path) -> Child {
    std::fs::write(
        directory.join("clients.toml"),
        "[[client]]\nid = 'bench'\nsecret = 'bench'\norganizations = ['local@AdobeOrg']\n",
    )
    .unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_pgpreflight"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--store"]).arg(directory.join("registry.db"));
    command.arg("--clients").arg(directory.join("clients.toml"));
    command.env_clear().stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

fn listening(service: &mut Child) -> SocketAddr {
    let lines = BufReader::new(service.stdout.take().unwrap()).lines();
    let line = lines.map(Result::unwrap).find(|line| line.starts_with("listening: "));
    line.unwrap().strip_prefix("listening: http://").unwrap().parse().unwrap()
}

async fn measure(address: SocketAddr, service: &Child) {
    let form = "grant_type=client_credentials&client_id=bench&client_secret=bench";
    let typed = [("Content-Type".to_owned(), "application/x-www-form-urlencoded".to_owned())];
    let mut http = Http::connect(address).await.unwrap();
    let token = http.call("POST /ims/token/v3", &typed, Some(form)).await.unwrap().text_at("/access_token");
    let headers = [
        ("Authorization", format!("Bearer {token}")),
        ("x-api-key", "bench".to_owned()),
        ("x-gw-ims-org-id", "local@AdobeOrg".to_owned()),
        ("x-sandbox-name", "prod".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value));
    let idle = resident(service);
    let (began, cpu) = (Instant::now(), cpu(service));
    let callers = (0..CALLERS).map(|_| {
        let headers = headers.clone();
        async move {
            let mut http = Http::connect(address).await.unwrap();
            let mut count = 0_u32;
            while began.elapsed() < TIME {
                let page = http.call(&format!("GET {BASE}/connections?limit=100"), &headers, None).await.unwrap();
                assert_eq!(page.status, 200);
                count += 1;
            }
            count
        }
    });
    let callers: Vec<_> = callers.map(tokio::spawn).collect();
    let mut count = 0;
    for caller in callers {
        count += caller.await.unwrap();
    }
    let seconds = began.elapsed().as_secs_f64();
    let cpu = self::cpu(service).saturating_sub(cpu).as_secs_f64();
    println!(
        "GET /connections?limit=100 of {CONNECTIONS}, {CALLERS} callers: {:.0} a second, {:.2} ms CPU each",
        f64::from(count) / seconds,
        cpu * 1000.0 / f64::from(count),
    );
    println!("resident memory: {idle:.1} MiB idle, {:.1} MiB afterwards", resident(service));
}

fn resident(service: &Child) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", service.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}

/// User and system time, which the kernel counts in hundredths of a second (proc(5), `utime` and `stime`).
fn cpu(service: &Child) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", service.id())).unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let ticks = fields.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap());
    Duration::from_millis(ticks.sum::<u64>() * 10)
}
