//! A name server that answers by the name that is asked for (RFC 1035, section 4), by UDP and TCP.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, TcpListener, UdpSocket};
use std::thread;
use std::time::Duration;

const TYPE_A: u16 = 1;
const TYPE_CNAME: u16 = 5;
const TYPE_AAAA: u16 = 28;
const NOERROR: u8 = 0;
const SERVFAIL: u8 = 2;
const NXDOMAIN: u8 = 3;
const REFUSED: u8 = 5;

/// DNSSEC bogus (RFC 8914, section 4.7).
const BOGUS: u8 = 6;

/// Where an HTTP server plays the page of a provider that answers for names that do not exist.
pub const PAGE: &str = "10.53.80.80";

/// An answer that is on its way for this long.
pub const DELAY: Duration = Duration::from_millis(300);

/// What a name has.
#[derive(Default)]
struct Entry {
    code: u8,
    /// From the name on, each an alias for the next.
    aliases: Vec<&'static str>,
    addresses: Vec<&'static str>,
    /// By UDP there is not enough room.
    long: bool,
    extended_error: Option<u8>,
}

/// Serves 127.0.0.1 for as long as the process lives; 127.0.0.53 is silent, and nothing is at 127.0.0.54.
pub fn serve() {
    let (socket, silent) = (UdpSocket::bind("127.0.0.1:53").unwrap(), UdpSocket::bind("127.0.0.53:53").unwrap());
    let listener = TcpListener::bind("127.0.0.1:53").unwrap();
    thread::spawn(move || {
        let _silent = silent;
        let mut packet = [0; 1500];
        while let Ok((length, peer)) = socket.recv_from(&mut packet) {
            let Some((name, answer)) = packet.get(..length).and_then(|query| answer(query, true)) else {
                continue;
            };
            let socket = socket.try_clone().unwrap();
            thread::spawn(move || {
                if name.starts_with("slow.") {
                    thread::sleep(DELAY);
                }
                socket.send_to(&answer, peer).unwrap();
            });
        }
    });
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut length = [0; 2];
            stream.read_exact(&mut length).unwrap();
            let mut query = vec![0; usize::from(u16::from_be_bytes(length))];
            stream.read_exact(&mut query).unwrap();
            let (_, answer) = answer(&query, false).unwrap();
            let length = u16::try_from(answer.len()).unwrap();
            stream.write_all(&[&length.to_be_bytes(), answer.as_slice()].concat()).unwrap();
        }
    });
}

/// What the server knows; None is silence.
fn entry(name: &str, unchecked: bool) -> Option<Entry> {
    let addresses = |addresses: &[&'static str]| Entry { addresses: addresses.to_vec(), ..Entry::default() };
    let aliases = |code, aliases: &[&'static str]| Entry { code, aliases: aliases.to_vec(), ..Entry::default() };
    let failed = |code| Entry { code, ..Entry::default() };
    Some(match name {
        "silent.test" => return None,
        "refused.test" => failed(REFUSED),
        "mail-only.test" => Entry::default(),
        "db.test" | "slow.test" | "db.corp.test" | "loopback.example.org" => addresses(&["127.0.0.1"]),
        "bogus.test" if unchecked => addresses(&["127.0.0.1"]),
        "servfail.test" | "bogus.test" => failed(SERVFAIL),
        "bogus-told.test" => Entry { extended_error: Some(BOGUS), ..failed(SERVFAIL) },
        "two.test" => addresses(&["127.0.0.1", "127.0.0.2"]),
        "far.test" | "documentation.example.org" => addresses(&["192.0.2.1"]),
        "six.test" => addresses(&["2001:db8::5"]),
        "alias.test" => Entry { addresses: vec!["127.0.0.1"], ..aliases(NOERROR, &["db.test"]) },
        "dangling.test" => aliases(NXDOMAIN, &["gone.test"]),
        "dangling-chain.test" | "old.corp.test" => aliases(NXDOMAIN, &["link.test", "gone.test"]),
        "dangling-rds.test" => aliases(NXDOMAIN, &["orders.abc123.eu-west-1.rds.amazonaws.com"]),
        "dangling-redshift.test" => aliases(NXDOMAIN, &["dwh.abc123.eu-west-1.redshift.amazonaws.com"]),
        "dangling-azure.test" => aliases(NXDOMAIN, &["orders.postgres.database.azure.com"]),
        // The alias alone, as a server that is not recursive gives it.
        "dangling-bare.test" => aliases(NOERROR, &["gone.test"]),
        "alias-of-mail.test" => aliases(NOERROR, &["mail-only.test"]),
        "dangling-long.test" => Entry { long: true, ..aliases(NXDOMAIN, &["gone.test"]) },
        "zero.example.org" => addresses(&["0.0.0.0"]),
        "zero6.example.org" => addresses(&["::"]),
        "loopback6.example.org" => addresses(&["::1"]),
        "moved.example.org" => addresses(&["10.7.7.7"]),
        _ if name.ends_with(".hijacked") => addresses(&[PAGE]),
        _ => failed(NXDOMAIN),
    })
}

/// The name and the answer to a query; None is silence.
fn answer(query: &[u8], by_udp: bool) -> Option<(String, Vec<u8>)> {
    let (name, end) = name(query)?;
    if name == "garbage.test" {
        return Some((name, b"SSH-2.0-OpenSSH_9.2p1\r\n".to_vec()));
    }
    let kind = u16::from_be_bytes(query.get(end..end + 2)?.try_into().ok()?);
    let unchecked = query.get(3)? & 0x10 != 0;
    // One additional record is the OPT of EDNS: nothing else is sent here.
    let extended = query.get(11) == Some(&1);
    let entry = entry(&name, unchecked)?;
    let cut = entry.long && by_udp;
    let mut records = Vec::new();
    let mut count = 0_u8;
    let mut owner = name.clone();
    for alias in entry.aliases.iter().filter(|_| !cut) {
        records.extend(record(&owner, TYPE_CNAME, &encoded(alias)));
        (*alias).clone_into(&mut owner);
        count += 1;
    }
    for address in entry.addresses.iter().map(|address| address.parse().unwrap()) {
        let (own, octets) = match address {
            IpAddr::V4(ip) => (TYPE_A, ip.octets().to_vec()),
            IpAddr::V6(ip) => (TYPE_AAAA, ip.octets().to_vec()),
        };
        if own == kind {
            records.extend(record(&owner, own, &octets));
            count += 1;
        }
    }
    let told = entry.extended_error.filter(|_| extended);
    let mut answer = query.get(..2)?.to_vec();
    // An answer, cut or not, recursion desired and available; one question, so many answers, OPT or not.
    answer.extend([
        if cut { 0x83 } else { 0x81 },
        0x80 | entry.code,
        0,
        1,
        0,
        count,
        0,
        0,
        0,
        u8::from(told.is_some()),
    ]);
    answer.extend(query.get(12..end + 4)?);
    answer.extend(records);
    // The root, type 41, 1232 octets, no flags; the option 15 with its two octets.
    answer.extend(told.iter().flat_map(|code| [0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 6, 0, 15, 0, 2, 0, *code]));
    Some((name, answer))
}

/// Class IN, a time to live of 0.
fn record(owner: &str, kind: u16, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).unwrap().to_be_bytes();
    [encoded(owner).as_slice(), &kind.to_be_bytes(), &[0, 1, 0, 0, 0, 0], &length, data].concat()
}

fn encoded(name: &str) -> Vec<u8> {
    let label = |label: &str| [&[u8::try_from(label.len()).unwrap()], label.as_bytes()].concat();
    name.split('.').flat_map(label).chain([0]).collect()
}

/// The name that is asked for, and where it ends.
fn name(query: &[u8]) -> Option<(String, usize)> {
    let mut labels = Vec::new();
    let mut at = 12;
    loop {
        let length = usize::from(*query.get(at)?);
        at += 1;
        if length == 0 {
            return Some((labels.join("."), at));
        }
        labels.push(String::from_utf8_lossy(query.get(at..at + length)?).to_lowercase());
        at += length;
    }
}
