//! Whether the server asked for a certificate, by what this side sent in answer. OpenSSL would tell it by a callback that
//! has no safe binding (`SSL_CTX_set_cert_cb`); the records of our own handshake tell it as well.
//!
//! A client sends the message Certificate if and only if it was asked for one, and an empty one where it has none (RFC 5246,
//! section 7.4.6; RFC 8446, section 4.4.2).

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use openssl::ssl::{SslRef, SslVersion};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Types of records, and the one of messages (RFC 8446, sections 5.1 and 4).
const CHANGE_CIPHER_SPEC: u8 = 20;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;
const CERTIFICATE: u8 = 11;

/// What a record of TLS 1.3 has beside its content: the tag of the cipher, and the content's own type.
const AROUND_CONTENT: usize = 16 + 1;

/// Type and length of a message.
const MESSAGE_HEADER: usize = 4;

/// A stream under a handshake that reads what this side writes, until it is told to stop.
pub struct Recorded<S> {
    stream: S,
    sent: Option<Sent>,
}

impl<S> Recorded<S> {
    /// Before the first byte.
    pub fn new(stream: S) -> Self {
        Self { stream, sent: Some(Sent::default()) }
    }

    /// The handshake is over.
    pub fn stop(&mut self) {
        self.sent = None;
    }

    /// Whether this side has sent the message Certificate. Under TLS 1.3 that shows when the handshake is over.
    pub fn answered_a_request(&self, ssl: &SslRef) -> bool {
        let Some(sent) = &self.sent else {
            return false;
        };
        if ssl.version2() != Some(SslVersion::TLS1_3) {
            return sent.certificate;
        }
        // All that is encrypted is Certificate, CertificateVerify and Finished; Finished alone is as long as the hash.
        let digest = ssl.current_cipher().and_then(openssl::ssl::SslCipherRef::handshake_digest);
        let finished = digest.map_or(usize::MAX, |digest| MESSAGE_HEADER + digest.size());
        sent.encrypted > finished
    }
}

/// What has been sent so far.
#[derive(Default)]
struct Sent {
    /// Bytes of a record's header, or of a message's, that is not complete yet.
    header: Vec<u8>,
    /// What follows of the record under way.
    rest: usize,
    kind: u8,
    /// What follows of the message under way.
    message_rest: usize,
    message_header: Vec<u8>,
    /// From here on even handshake records are encrypted, in TLS 1.2.
    changed: bool,
    /// The message Certificate went out in plain text.
    certificate: bool,
    /// Content of encrypted records, in bytes.
    encrypted: usize,
}

impl Sent {
    fn take(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if self.rest == 0 {
                self.take_header(*byte);
                continue;
            }
            self.rest -= 1;
            if self.kind == HANDSHAKE && !self.changed {
                self.take_message(*byte);
            }
        }
    }

    /// Type, version and length of a record.
    fn take_header(&mut self, byte: u8) {
        self.header.push(byte);
        let [kind, _, _, high, low] = *self.header.as_slice() else {
            return;
        };
        self.header.clear();
        self.kind = kind;
        self.rest = usize::from(u16::from_be_bytes([high, low]));
        self.changed |= kind == CHANGE_CIPHER_SPEC;
        if kind == APPLICATION_DATA {
            self.encrypted += self.rest.saturating_sub(AROUND_CONTENT);
        }
    }

    /// Messages may lie across records, and several in one.
    fn take_message(&mut self, byte: u8) {
        if self.message_rest > 0 {
            self.message_rest -= 1;
            return;
        }
        self.message_header.push(byte);
        let [kind, high, middle, low] = *self.message_header.as_slice() else {
            return;
        };
        self.message_header.clear();
        self.message_rest = usize::try_from(u32::from_be_bytes([0, high, middle, low])).unwrap_or(usize::MAX);
        self.certificate |= kind == CERTIFICATE;
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Recorded<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Recorded<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.stream).poll_write(cx, buf);
        if let (Poll::Ready(Ok(length)), Some(sent)) = (&done, &mut self.sent) {
            sent.take(buf.get(..*length).unwrap_or_default());
        }
        done
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A record with these bytes.
    fn record(kind: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len()).unwrap_or(u16::MAX).to_be_bytes();
        [&[kind, 3, 3], length.as_slice(), content].concat()
    }

    fn sent(records: &[Vec<u8>], piece: usize) -> Sent {
        let mut sent = Sent::default();
        records.concat().chunks(piece).for_each(|bytes| sent.take(bytes));
        sent
    }

    #[test]
    fn a_certificate_is_found_among_messages_however_they_are_cut() {
        let hello = record(HANDSHAKE, &[1, 0, 0, 2, CERTIFICATE, CERTIFICATE]);
        let both = record(HANDSHAKE, &[CERTIFICATE, 0, 0, 3, 0, 0, 0, 16, 0, 0, 1, 9]);
        let halves = [record(HANDSHAKE, &[CERTIFICATE, 0]), record(HANDSHAKE, &[0, 1, 5])];
        let key = record(HANDSHAKE, &[16, 0, 0, 1, CERTIFICATE]);
        let changed = record(CHANGE_CIPHER_SPEC, &[1]);
        let finished = record(HANDSHAKE, &[CERTIFICATE, 0, 0, 1, 7]);
        for piece in [1, 3, 4096] {
            assert!(sent(&[hello.clone(), both.clone()], piece).certificate);
            assert!(sent(&[vec![hello.clone()], halves.to_vec()].concat(), piece).certificate);
            // In encrypted bytes anything may stand.
            let without = [hello.clone(), key.clone(), changed.clone(), finished.clone()];
            assert!(!sent(&without, piece).certificate);
        }
    }

    #[test]
    fn the_content_of_encrypted_records_is_counted_without_what_is_around_it() {
        let records = [record(CHANGE_CIPHER_SPEC, &[1]), record(23, &[0; 25]), record(23, &[0; 53])];
        assert_eq!(sent(&records, 7).encrypted, 8 + 36);
    }
}
