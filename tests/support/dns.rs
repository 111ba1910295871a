//! A name server that answers by the name that is asked for (RFC 1035, section 4).

use std::net::{Ipv4Addr, UdpSocket};
use std::thread;

const TYPE_A: u16 = 1;
const NOERROR: u8 = 0;
const SERVFAIL: u8 = 2;
const NXDOMAIN: u8 = 3;
const REFUSED: u8 = 5;

/// Serves 127.0.0.1 for as long as the process lives. Every name is `<what>.test`.
pub fn serve() {
    let socket = UdpSocket::bind("127.0.0.1:53").unwrap();
    thread::spawn(move || {
        let mut packet = [0; 512];
        while let Ok((length, peer)) = socket.recv_from(&mut packet) {
            if let Some(answer) = packet.get(..length).and_then(answer) {
                socket.send_to(&answer, peer).unwrap();
            }
        }
    });
}

/// The answer to a query; None is silence.
fn answer(query: &[u8]) -> Option<Vec<u8>> {
    let (name, end) = name(query)?;
    let kind = u16::from_be_bytes(query.get(end..end + 2)?.try_into().ok()?);
    let (code, addresses): (u8, &[[u8; 4]]) = match name.as_str() {
        "silent.test" => return None,
        "servfail.test" => (SERVFAIL, &[]),
        "refused.test" => (REFUSED, &[]),
        "mail-only.test" => (NOERROR, &[]),
        "db.test" => (NOERROR, &[[127, 0, 0, 1]]),
        "two.test" => (NOERROR, &[[127, 0, 0, 1], [127, 0, 0, 2]]),
        "far.test" => (NOERROR, &[[192, 0, 2, 1]]),
        _ => (NXDOMAIN, &[]),
    };
    let addresses = if kind == TYPE_A { addresses } else { &[] };
    let count = u8::try_from(addresses.len()).ok()?;
    let mut answer = query.get(..2)?.to_vec();
    // An answer, recursion desired and available; one question, so many answers.
    answer.extend([0x81, 0x80 | code, 0, 1, 0, count, 0, 0, 0, 0]);
    answer.extend(query.get(12..end + 4)?);
    for address in addresses {
        // The name at offset 12, type A, class IN, a time to live of 0, four bytes.
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4]);
        answer.extend(Ipv4Addr::from(*address).octets());
    }
    Some(answer)
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
