//! The two ways to log in that Amazon Redshift has of its own (codes 13 and 14), as its drivers speak them.

use std::io;

use bytes::{BufMut as _, BytesMut};
use openssl::error::ErrorStack;
use openssl::rand::rand_bytes;
use openssl::sha::Sha256;

use crate::probe::trace::LoginFailure;
use crate::target::Secret;

/// Bytes of our own nonce.
const NONCE: usize = 32;

/// The answer to a request for a digest.
pub struct Answer {
    digest: [u8; 32],
    nonce: [u8; NONCE],
}

/// Proves the password: its hash with the salt, hashed with both nonces. Nobody who has only listened can use it again.
pub fn digest(password: &Secret, salt: &[u8], server_nonce: &[u8]) -> Result<Answer, ErrorStack> {
    let mut nonce = [0; NONCE];
    rand_bytes(&mut nonce)?;
    // Amazon's drivers send digits there; letters are as plain.
    let nonce = nonce.map(|byte| b'a' + byte % 26);
    let stored = sha256(&[password.expose().as_bytes(), salt]);
    Ok(Answer { digest: sha256(&[&stored, server_nonce, &nonce]), nonce })
}

/// Writes message `d`: digest and nonce, each behind its length.
pub fn digest_message(answer: &Answer, buffer: &mut BytesMut) -> io::Result<()> {
    message(b'd', buffer, |buffer| {
        for part in [&answer.digest[..], &answer.nonce] {
            buffer.put_i32(length(part)?);
            buffer.put_slice(part);
        }
        Ok(())
    })
}

/// Writes message `i`: the token, and nothing after it.
pub fn token_message(token: &Secret, buffer: &mut BytesMut) -> io::Result<()> {
    message(b'i', buffer, |buffer| {
        buffer.put_slice(token.expose().as_bytes());
        Ok(())
    })
}

/// The system has no random bytes to give.
#[expect(clippy::needless_pass_by_value, reason = "the form of map_err")]
pub fn no_nonce(error: ErrorStack) -> LoginFailure {
    LoginFailure::Garbage { reason: format!("no nonce could be made on this side: {error}") }
}

fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finish()
}

/// A tag, the length of the body and of itself, the body.
fn message(tag: u8, buffer: &mut BytesMut, write: impl FnOnce(&mut BytesMut) -> io::Result<()>) -> io::Result<()> {
    let mut body = BytesMut::new();
    write(&mut body)?;
    buffer.put_u8(tag);
    buffer.put_i32(length(&body)?.saturating_add(4));
    buffer.put_slice(&body);
    Ok(())
}

fn length(part: &[u8]) -> io::Result<i32> {
    i32::try_from(part.len()).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_that_of_amazons_drivers() {
        let Ok(answer) = digest(&Secret::new("wonderland".to_owned()), b"salt", b"nonce") else {
            return assert!(rand_bytes(&mut [0]).is_ok());
        };
        assert!(answer.nonce.is_ascii());
        let stored = sha256(&[b"wonderlandsalt"]);
        assert_eq!(answer.digest, sha256(&[&[&stored[..], b"nonce", &answer.nonce].concat()]));
        let mut buffer = BytesMut::new();
        assert!(digest_message(&answer, &mut buffer).is_ok());
        let heads = [&b"d"[..], &76_i32.to_be_bytes(), &32_i32.to_be_bytes(), &answer.digest, &32_i32.to_be_bytes()];
        assert_eq!(buffer, [&heads.concat()[..], &answer.nonce].concat());
    }

    #[test]
    fn the_token_is_sent_as_it_is() {
        let mut buffer = BytesMut::new();
        assert!(token_message(&Secret::new("a.b.c".to_owned()), &mut buffer).is_ok());
        assert_eq!(&buffer[..], b"i\0\0\0\x09a.b.c");
    }
}
