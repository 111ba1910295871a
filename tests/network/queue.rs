//! A server that accepts nothing, and whose queue of connections that wait for it is full.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;
use tokio::runtime::Runtime;

use crate::cluster::poll;
use crate::faults::QUEUE_FULL;
use crate::play::play;
use crate::program::{program, run};
use crate::world::{Place, World};

/// While it is full nobody connects; where it empties in time, the connection is late, and the report says why.
pub fn fill_and_empty(world: &World) {
    world.run(Place::Server, "kill -STOP {pid}");
    let address: SocketAddr = format!("10.2.0.2:{}", world.port()).parse().unwrap();
    let mut waiting = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(500)) {
        waiting.push(stream);
    }
    play(world, QUEUE_FULL);

    let target = world.fill("host=10.2.0.2 port={port} user=postgres dbname=postgres");
    let checked = std::thread::spawn(move || {
        let ran = run(program(["check", &target, "--format=json", "--timeout=20s"]), b"");
        Runtime::new().unwrap().block_on(ran)
    });
    poll(Duration::from_secs(20), || has_sent_again(address.port()).then_some(())).expect("a SYN is sent again");
    world.run(Place::Server, "kill -CONT {pid}");
    drop(waiting);
    let ran = checked.join().unwrap();
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(report["cause"], Value::Null, "{report}");
    let again = report.pointer("/stages/2/facts/syn_retransmits").and_then(Value::as_u64);
    assert!(again >= Some(1), "{report}");
}

/// Whether a connection to this port is in SYN-SENT, and its SYN has been sent again (proc(5), `/proc/net/tcp`).
fn has_sent_again(port: u16) -> bool {
    let connections = fs::read_to_string("/proc/net/tcp").unwrap();
    connections.lines().skip(1).any(|line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        columns[2].ends_with(&format!(":{port:04X}"))
            && columns[3] == "02"
            && u32::from_str_radix(columns[6], 16).is_ok_and(|again| again > 0)
    })
}
