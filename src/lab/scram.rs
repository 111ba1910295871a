//! The server's side of SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, RFC 7677; tls-server-end-point of
//! RFC 5929), on OpenSSL's PBKDF2, HMAC and SHA-256. Passwords are taken as they are: `SASLprep` leaves ASCII
//! unchanged, and no scenario needs more.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::memcmp;
use openssl::pkcs5::pbkdf2_hmac;
use openssl::pkey::PKey;
use openssl::rand::rand_bytes;
use openssl::sha::sha256;
use openssl::sign::Signer;

/// The mechanism without channel binding.
pub const SCRAM_SHA_256: &str = "SCRAM-SHA-256";
/// The mechanism bound to the server's certificate.
pub const SCRAM_SHA_256_PLUS: &str = "SCRAM-SHA-256-PLUS";

/// PostgreSQL's default of `scram_iterations`.
const ITERATIONS: usize = 4096;
const SALT_LENGTH: usize = 16;
/// Random bytes in the server's part of the nonce, as in PostgreSQL.
const NONCE_LENGTH: usize = 18;

/// What a server stores of a password.
pub struct Verifier {
    salt: [u8; SALT_LENGTH],
    stored_key: [u8; 32],
    server_key: [u8; 32],
    genuine: bool,
}

/// One authentication exchange, after the server's first message.
pub struct Exchange<'a> {
    verifier: &'a Verifier,
    client_first_bare: String,
    server_first: String,
    nonce: String,
    /// What the client must send back in `c=`; `None` where the certificate defines no tls-server-end-point.
    channel_binding: Option<String>,
    plus: bool,
}

/// How the connection stands to channel binding.
#[derive(Debug, Clone, Copy)]
pub struct Binding<'a> {
    /// The client chose SCRAM-SHA-256-PLUS.
    pub plus: bool,
    /// The server offered SCRAM-SHA-256-PLUS.
    pub offered: bool,
    /// tls-server-end-point: the digest of the server's certificate, where one is defined.
    pub end_point: Option<&'a [u8]>,
}

/// Why an exchange ends without success. What PostgreSQL answers to each is the login's concern.
#[derive(Debug, thiserror::Error)]
pub enum ScramError {
    /// The proof does not fit, or the role has no such password.
    #[error("the client's proof does not verify")]
    ProofRejected,
    /// The message is not SCRAM as RFC 5802 writes it.
    #[error("malformed SCRAM message: {0}")]
    Malformed(&'static str),
    /// The client says that the server does not support channel binding, but it does: a downgrade.
    #[error("SCRAM channel binding negotiation error")]
    BindingDowngraded,
    /// The client bound itself to another certificate than the server's.
    #[error("SCRAM channel binding check failed")]
    BindingMismatch,
    /// The certificate's signature algorithm defines no tls-server-end-point.
    #[error("could not find digest for NID UNDEF")]
    BindingUndefined,
    /// OpenSSL refused a primitive.
    #[error(transparent)]
    OpenSsl(#[from] ErrorStack),
}

impl Verifier {
    /// Salts and hashes a password.
    pub fn new(password: &str) -> Result<Self, ErrorStack> {
        let mut salt = [0; SALT_LENGTH];
        rand_bytes(&mut salt)?;
        let mut salted = [0; 32];
        pbkdf2_hmac(password.as_bytes(), &salt, ITERATIONS, MessageDigest::sha256(), &mut salted)?;
        Ok(Self {
            salt,
            stored_key: sha256(&hmac(&salted, b"Client Key")?),
            server_key: hmac(&salted, b"Server Key")?,
            genuine: true,
        })
    }

    /// A verifier that nothing satisfies, for a role that does not exist. The salt depends on the name and on the
    /// server's secret only, so that asking twice does not show that there is no such role.
    pub fn mock(role: &str, secret: &[u8]) -> Self {
        let digest = sha256(&[role.as_bytes(), secret].concat());
        let mut salt = [0; SALT_LENGTH];
        for (to, from) in salt.iter_mut().zip(digest) {
            *to = from;
        }
        Self { salt, stored_key: [0; 32], server_key: [0; 32], genuine: false }
    }
}

impl<'a> Exchange<'a> {
    /// Reads client-first-message. [`Self::server_first`] is the answer.
    pub fn start(verifier: &'a Verifier, binding: Binding<'_>, client_first: &[u8]) -> Result<Self, ScramError> {
        let text = str::from_utf8(client_first).map_err(|_| ScramError::Malformed("not UTF-8"))?;
        let (flag, rest) = text.split_once(',').ok_or(ScramError::Malformed("no gs2-header"))?;
        let (authzid, bare) = rest.split_once(',').ok_or(ScramError::Malformed("no gs2-header"))?;
        if !authzid.is_empty() {
            return Err(ScramError::Malformed("an authorization identity is not supported"));
        }
        let channel_binding = expected_binding(flag, binding)?;

        let mut attributes = bare.split(',');
        // The role is the one of the startup packet; the name here is ignored, as PostgreSQL does.
        attribute(attributes.next(), "n=")?;
        let client_nonce = attribute(attributes.next(), "r=")?;
        if client_nonce.is_empty() {
            return Err(ScramError::Malformed("empty client nonce"));
        }

        let mut random = [0; NONCE_LENGTH];
        rand_bytes(&mut random)?;
        let nonce = format!("{client_nonce}{}", STANDARD.encode(random));
        let server_first = format!("r={nonce},s={},i={ITERATIONS}", STANDARD.encode(verifier.salt));
        Ok(Self {
            verifier,
            client_first_bare: bare.to_owned(),
            server_first,
            nonce,
            channel_binding,
            plus: binding.plus,
        })
    }

    /// server-first-message.
    pub fn server_first(&self) -> &str {
        &self.server_first
    }

    /// Verifies client-final-message and gives server-final-message.
    pub fn finish(self, client_final: &[u8]) -> Result<String, ScramError> {
        let text = str::from_utf8(client_final).map_err(|_| ScramError::Malformed("not UTF-8"))?;
        let (without_proof, proof) = text.rsplit_once(",p=").ok_or(ScramError::Malformed("no proof"))?;
        let proof = STANDARD.decode(proof).map_err(|_| ScramError::Malformed("proof is not Base64"))?;

        let mut attributes = without_proof.split(',');
        let binding = attribute(attributes.next(), "c=")?;
        if binding != self.channel_binding.ok_or(ScramError::BindingUndefined)? {
            return Err(if self.plus {
                ScramError::BindingMismatch
            } else {
                ScramError::Malformed("unexpected channel-binding attribute")
            });
        }
        if attribute(attributes.next(), "r=")? != self.nonce {
            return Err(ScramError::Malformed("nonce does not match"));
        }

        let message = format!("{},{},{without_proof}", self.client_first_bare, self.server_first);
        let signature = hmac(&self.verifier.stored_key, message.as_bytes())?;
        if proof.len() != signature.len() {
            return Err(ScramError::Malformed("proof of the wrong length"));
        }
        let client_key: Vec<u8> = proof.iter().zip(signature).map(|(proof, signature)| proof ^ signature).collect();
        if !self.verifier.genuine || !memcmp::eq(&sha256(&client_key), &self.verifier.stored_key) {
            return Err(ScramError::ProofRejected);
        }
        let signature = hmac(&self.verifier.server_key, message.as_bytes())?;
        Ok(format!("v={}", STANDARD.encode(signature)))
    }
}

/// The Base64 that `c=` must hold: gs2-header, and with -PLUS the certificate's digest behind it.
fn expected_binding(flag: &str, binding: Binding<'_>) -> Result<Option<String>, ScramError> {
    match (flag, binding.plus) {
        ("n", false) => Ok(Some(STANDARD.encode("n,,"))),
        ("y", false) if binding.offered => Err(ScramError::BindingDowngraded),
        ("y", false) => Ok(Some(STANDARD.encode("y,,"))),
        ("p=tls-server-end-point", true) => {
            Ok(binding.end_point.map(|digest| STANDARD.encode([b"p=tls-server-end-point,,", digest].concat())))
        }
        _ => Err(ScramError::Malformed("channel-binding flag does not fit the mechanism")),
    }
}

fn attribute<'t>(part: Option<&'t str>, name: &str) -> Result<&'t str, ScramError> {
    part.and_then(|part| part.strip_prefix(name)).ok_or(ScramError::Malformed("attribute missing or out of order"))
}

fn hmac(key: &[u8], message: &[u8]) -> Result<[u8; 32], ErrorStack> {
    let key = PKey::hmac(key)?;
    let mut output = [0; 32];
    Signer::new(MessageDigest::sha256(), &key)?.sign_oneshot(&mut output, message)?;
    Ok(output)
}

#[cfg(test)]
mod tests;
