//! One process against `psql` and `pg_isready` (the real binaries) on the same TLS server, in turn, in one run.
//!
//! Prints medians and, pair by pair, ratios: below 1.00 is faster or cheaper than the other. It judges nothing.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark stops where it cannot measure"
)]

#[path = "../tests/support/cluster.rs"]
#[expect(dead_code, unused_imports, clippy::expect_used, reason = "the tests use the rest, and stop where it fails")]
mod cluster;

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use cluster::{Cluster, ClusterConfig, Tls};
use pgpreflight::lab::pki::{Identity, Spec};
use wait4::Wait4 as _;

const ROUNDS: usize = 40;
const PASSWORD: &str = "benchmark";

fn main() {
    for major in cluster::majors() {
        compare_on(major);
    }
    let size = std::fs::metadata(env!("CARGO_BIN_EXE_pgpreflight")).unwrap().len();
    println!("release binary: {:.1} MB", megabytes(size));
}

fn compare_on(major: u32) {
    let root = Identity::self_signed(&Spec::root("Benchmark Root CA")).unwrap();
    let leaf = Spec { dns_names: vec!["localhost".to_owned()], ..Spec::leaf("localhost") };
    let leaf = root.issue(&leaf).unwrap();
    let server = Cluster::start(
        major,
        &ClusterConfig {
            hba: vec!["hostssl all all 127.0.0.1/32 scram-sha-256".to_owned()],
            settings: vec![("password_encryption".to_owned(), "'scram-sha-256'".to_owned())],
            tls: Some(Tls {
                certificate: leaf.certificate_pem().unwrap(),
                key: leaf.key_pem().unwrap(),
                ca: None,
                crl: None,
            }),
            ..ClusterConfig::default()
        },
    );
    server.sql(&format!(
        "create role bench login password '{PASSWORD}'; create table t (id int); grant select on t to bench"
    ));
    let directory = tempfile::tempdir().unwrap();
    let root_file = directory.path().join("root.crt");
    std::fs::write(&root_file, root.certificate_pem().unwrap()).unwrap();
    let target = format!(
        "host=localhost port={} dbname=postgres user=bench sslmode=verify-full sslrootcert={}",
        server.port(),
        root_file.display()
    );

    let ours = || command(env!("CARGO_BIN_EXE_pgpreflight").as_ref(), &["check", &target]);
    let psql = || command(&cluster::client("psql"), &["-XAtc", "select 1", &target]);
    let ready = || command(&cluster::client("pg_isready"), &["-d", &target]);
    println!("PostgreSQL {major}, TLS 1.3, SCRAM, {ROUNDS} runs in turn; `pgpreflight check` against:");
    compare("psql -XAtc 'select 1'", &ours, &psql);
    compare("pg_isready", &ours, &ready);
}

/// What one run cost.
struct Cost {
    wall: Duration,
    cpu: Duration,
    memory: u64,
}

fn compare(name: &str, ours: &dyn Fn() -> Command, theirs: &dyn Fn() -> Command) {
    run(ours());
    run(theirs());
    let pairs: Vec<(Cost, Cost)> = (0..ROUNDS).map(|_| (run(ours()), run(theirs()))).collect();
    let ratio = |of: &dyn Fn(&Cost) -> f64| median(pairs.iter().map(|(a, b)| of(a) / of(b)));
    let ours = |of: &dyn Fn(&Cost) -> f64| median(pairs.iter().map(|(a, _)| of(a)));
    println!(
        "  {name:<22} wall {:.2}  cpu {:.2}   (ours: {:.1} ms wall, {:.1} ms cpu, {:.1} MiB peak)",
        ratio(&|cost| cost.wall.as_secs_f64()),
        ratio(&|cost| cost.cpu.as_secs_f64()),
        ours(&|cost| cost.wall.as_secs_f64() * 1000.0),
        ours(&|cost| cost.cpu.as_secs_f64() * 1000.0),
        ours(&|cost| megabytes(cost.memory) / 1.048_576),
    );
}

fn command(program: &std::path::Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).env_clear().env("PGPASSWORD", PASSWORD).env("HOME", "/nonexistent");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn run(mut command: Command) -> Cost {
    let began = Instant::now();
    let ended = command.spawn().unwrap().wait4().unwrap();
    let wall = began.elapsed();
    assert!(ended.status.success(), "{command:?} ended with {}", ended.status);
    Cost { wall, cpu: ended.rusage.utime + ended.rusage.stime, memory: ended.rusage.maxrss }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_else(|| panic!("nothing was measured"))
}

#[expect(clippy::cast_precision_loss, reason = "sizes far below 2^52")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
