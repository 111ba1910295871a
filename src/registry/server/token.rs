//! Access tokens: the client and the end of its time, sealed. Nothing is kept; a service with another key refuses them.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;

use super::clients::{Client, Clients};
use crate::registry::seal::{SealError, Sealer};
use crate::target::Secret;

/// How long a token is good for: what the platform says of its own.
pub const LIFETIME: Duration = Duration::from_secs(86_399);

/// What tokens are sealed for, so that no other sealed value passes for one.
const PLACE: &str = "access token";

/// Issues and reads them.
#[derive(Debug)]
pub struct Tokens(Sealer);

impl Tokens {
    /// Under the store's key: all that share the store take each other's.
    pub fn new(sealer: Sealer) -> Self {
        Self(sealer)
    }

    /// A token for a client, good from `now` on.
    pub fn issue(&self, client: &Client, now: Timestamp) -> Result<String, SealError> {
        let end = now.as_second() + LIFETIME.as_secs().cast_signed();
        let content = format!("{end} {} {}", client.mark(), client.id);
        Ok(URL_SAFE_NO_PAD.encode(self.0.seal(PLACE, &Secret::new(content))?))
    }

    /// The client that a token is for; None when it is not ours, past its time, or of a secret that is no longer its.
    pub fn read<'a>(&self, token: &str, clients: &'a Clients, now: Timestamp) -> Option<&'a Client> {
        let content = self.0.open(PLACE, &URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
        let (end, rest) = content.expose().split_once(' ')?;
        let (mark, id) = rest.split_once(' ')?;
        let end: i64 = end.parse().ok()?;
        clients.find(id).filter(|client| now.as_second() < end && client.mark() == mark)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test says by panicking what did not hold")]
mod tests {
    use super::*;

    fn clients(secret: &str) -> Clients {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("clients.toml");
        std::fs::write(&path, format!("[[client]]\nid = 'a'\nsecret = '{secret}'\norganizations = ['o']\n")).unwrap();
        Clients::read(&path).unwrap()
    }

    #[test]
    fn a_token_is_good_for_its_client_until_its_time_is_up() {
        let (tokens, clients) = (Tokens::new(Sealer::ephemeral().unwrap()), clients("hunter2"));
        let now = Timestamp::UNIX_EPOCH;
        let token = tokens.issue(clients.find("a").unwrap(), now).unwrap();
        assert_eq!(tokens.read(&token, &clients, now).unwrap().id, "a");
        assert!(tokens.read(&token, &clients, now + LIFETIME).is_none());
        assert!(!token.contains('='), "it goes into headers and shells as it is");
    }

    #[test]
    fn tokens_of_others_and_damaged_ones_are_refused() {
        let (tokens, known) = (Tokens::new(Sealer::ephemeral().unwrap()), clients("hunter2"));
        let now = Timestamp::UNIX_EPOCH;
        let token = tokens.issue(known.find("a").unwrap(), now).unwrap();
        let other = Tokens::new(Sealer::ephemeral().unwrap());
        assert!(other.read(&token, &known, now).is_none());
        assert!(tokens.read(&token, &clients("hunter3"), now).is_none());
        for damaged in ["", "x", &token.to_uppercase(), &format!("{token}A"), token.get(1..).unwrap()] {
            assert!(tokens.read(damaged, &known, now).is_none(), "{damaged}");
        }
    }
}
