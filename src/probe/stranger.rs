//! Who else might have answered: what is not PostgreSQL is named by its first bytes.

use super::trace::Stranger;

/// Names the speaker of these bytes.
pub fn identify(bytes: &[u8]) -> Stranger {
    if bytes.starts_with(b"HTTP/") || bytes.starts_with(b"<html") || bytes.starts_with(b"<!DOCTYPE") {
        return Stranger::Http;
    }
    if bytes.starts_with(b"SSH-") {
        return Stranger::Ssh;
    }
    if is_mysql(bytes) {
        return Stranger::MySql;
    }
    if bytes.starts_with(b"220 ") || bytes.starts_with(b"220-") {
        return Stranger::Smtp;
    }
    if bytes.starts_with(b"-ERR") || bytes.starts_with(b"-NOAUTH") || bytes.starts_with(b"-DENIED") {
        return Stranger::Redis;
    }
    // A TLS record: alert (21) or handshake (22), major version 3 (RFC 8446, section 5.1).
    if matches!(bytes, [21 | 22, 3, ..]) {
        return Stranger::Tls;
    }
    Stranger::Unknown
}

/// A packet header (3 bytes of length, sequence number 0), then protocol version 10 or an error packet.
fn is_mysql(bytes: &[u8]) -> bool {
    matches!(bytes, [_, _, 0, 0, 0x0a | 0xff, ..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_are_known_by_their_first_bytes() {
        let rows: &[(&[u8], Stranger)] = &[
            (b"HTTP/1.1 400 Bad Request\r\n", Stranger::Http),
            (b"SSH-2.0-OpenSSH_9.2p1\r\n", Stranger::Ssh),
            (b"\x53\x00\x00\x00\x0a5.5.5-10.11.6-MariaDB", Stranger::MySql),
            (b"220 mail.example.com ESMTP\r\n", Stranger::Smtp),
            (b"-ERR unknown command\r\n", Stranger::Redis),
            (b"\x15\x03\x01\x00\x02\x02\x46", Stranger::Tls),
            (b"S\x00", Stranger::Unknown),
        ];
        for (bytes, expected) in rows {
            assert_eq!(identify(bytes), *expected);
        }
    }
}
