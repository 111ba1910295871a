//! Versions of the protocol: what a server may negotiate, and the length of a cancel key. A server of the test's own says
//! it, and psql on libpq 18 is asked the same; and so it is at real servers.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;

use crate::client::{self, Settings, psql_on};
use crate::server::servers;

/// NegotiateProtocolVersion: the version, and options.
type Negotiation = (u32, &'static [&'static str]);

const RANGES: [&str; 5] = [
    "max_protocol_version=3.0",
    "max_protocol_version=3.2",
    "max_protocol_version=latest",
    "min_protocol_version=3.2",
    "min_protocol_version=3.2 max_protocol_version=3.2",
];

#[test]
fn what_a_server_negotiates() {
    let rows: [&[Negotiation]; 9] = [
        &[],
        &[(0x0003_0000, &[])],
        &[(0x0003_0001, &[])],
        &[(0x0003_0002, &[])],
        &[(0x0003_0003, &[])],
        &[(0x0002_0000, &[])],
        &[(0x0003_0000, &["_pq_.x"])],
        &[(0x0003_0002, &["_pq_.x"])],
        &[(0x0003_0000, &[]), (0x0003_0000, &[])],
    ];
    let connected: usize = rows.iter().flat_map(|row| RANGES.map(|range| usize::from(agrees(row, 4, range)))).sum();
    // Nothing negotiated: all five. Down to 3.0: the two that ask for more, and can do without.
    assert_eq!(connected, 5 + 2);
}

#[test]
fn how_long_a_cancel_key_is() {
    let connected: usize = [0, 3, 4, 5, 32, 256, 257]
        .into_iter()
        .flat_map(|length| RANGES.map(|range| usize::from(agrees(&[], length, range))))
        .sum();
    // Four bytes: all five. 5, 32 and 256: the four that ask for 3.2.
    assert_eq!(connected, 5 + 3 * 4);
}

#[test]
fn real_servers() {
    for server in servers() {
        let settings = server.role("protocol", "by_scram");
        for range in RANGES {
            let settings = settings.clone().with(range);
            let psql = psql_on(18, &server.home(), "select 1", &settings);
            let answer = server.check(&settings);
            let said = String::from_utf8_lossy(&psql.stderr);
            assert_eq!(
                answer.connects(),
                psql.status.success(),
                "PostgreSQL {} {range}: {said}\n{answer}",
                server.major
            );
            let newer = server.major >= 18 && range != "max_protocol_version=3.0";
            if answer.connects() {
                assert_eq!(*answer.fact("login", "protocol"), if newer { "3.2" } else { "3.0" }, "{answer}");
            } else {
                answer.fails_with("login-protocol-unsupported", 13);
            }
        }
    }
}

fn agrees(negotiations: &'static [Negotiation], key: usize, range: &str) -> bool {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let serving = thread::spawn(move || {
        for _ in 0..2 {
            let (stream, _) = listener.accept().expect("a client");
            // A client that leaves in the middle of it is what some of the rows are about.
            let _ = serve(stream, negotiations, key);
        }
    });
    let home = tempfile::tempdir().expect("a directory");
    let settings = Settings::new(port, "nobody").with("sslmode=disable").with(range);
    let psql = psql_on(18, home.path(), "select 1", &settings);
    let answer = client::check(home.path(), &settings);
    serving.join().expect("the server ends");
    let said = String::from_utf8_lossy(&psql.stderr);
    let place = format!("{negotiations:x?}, key of {key}, {range}: psql: {said}\n{answer}");
    assert_eq!(answer.connects(), psql.status.success(), "{place}");
    if !answer.connects() {
        answer.fails_with("login-protocol-unsupported", 13);
    }
    answer.connects()
}

/// Lets anybody in, and answers every flight of questions as if it had been one statement without rows.
fn serve(mut stream: TcpStream, negotiations: &[Negotiation], key: usize) -> std::io::Result<()> {
    let mut heard = [0; 4096];
    assert!(stream.read(&mut heard)? > 0, "a startup packet comes in one piece");
    let mut said = Vec::new();
    for (version, options) in negotiations {
        let names = options.iter().flat_map(|name| [name.as_bytes(), b"\0"].concat());
        let count = u32::try_from(options.len()).expect("few").to_be_bytes();
        message(&mut said, b'v', &[&version.to_be_bytes()[..], &count, &names.collect::<Vec<u8>>()].concat());
    }
    message(&mut said, b'R', &[0; 4]);
    for (name, value) in [("server_version", "18.4"), ("client_encoding", "UTF8"), ("in_hot_standby", "off")] {
        message(&mut said, b'S', format!("{name}\0{value}\0").as_bytes());
    }
    message(&mut said, b'K', &vec![7; 4 + key]);
    message(&mut said, b'Z', b"I");
    stream.write_all(&said)?;
    while stream.read(&mut heard)? > 0 {
        if heard[0] == b'Q' {
            let mut answer = Vec::new();
            message(&mut answer, b'C', b"SELECT 0\0");
            message(&mut answer, b'Z', b"I");
            stream.write_all(&answer)?;
        }
    }
    Ok(())
}

fn message(said: &mut Vec<u8>, tag: u8, body: &[u8]) {
    said.push(tag);
    said.extend(u32::try_from(body.len() + 4).expect("short").to_be_bytes());
    said.extend(body);
}
