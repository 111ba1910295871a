//! What Amazon Redshift does its own way: parameters, errors and authentication, as the logs of its drivers show them
//! (aws/amazon-redshift-jdbc-driver issues 6, 38, 39 and 115; aws/amazon-redshift-python-driver issue 237).

pub(super) mod show;

use std::net::IpAddr;

use openssl::error::ErrorStack;
use openssl::hash::{Hasher, MessageDigest};

use super::server_error::ServerError;
use super::startup::Startup;

/// Where Amazon builds it: every error names a file below it.
const SOURCE: &str = "/home/ec2-user/padb/src/pg/src/";

/// The name in the certificate besides `localhost`: that of the clusters of an account.
pub(super) const HOSTS: &str = "*.abc.eu-west-1.redshift.amazonaws.com";

/// Its own version: `padb_version`, and the end of `version()`.
pub(super) const RELEASE: &str = "1.0.76230";

/// The newest format of answers: 1 tells more of each column, 2 sends some types in binary.
const NEWEST_ANSWERS: u16 = 2;

/// `ParameterStatus` in the order of the server. `client_protocol_version` is what the client asked for.
pub(super) fn parameters(user: &str, answers: u16) -> Vec<(String, String)> {
    [
        ("application_name", ""),
        ("client_encoding", "UTF8"),
        ("datestyle", "ISO, MDY"),
        ("integer_datetimes", "on"),
        ("is_superuser", "off"),
        ("server_encoding", "UNICODE"),
        ("server_version", "8.0.2"),
        ("session_authorization", user),
        ("TimeZone", "UTC"),
        ("timezone_abbreviations", "Default"),
        ("padb_version", RELEASE),
        ("padb_revision", "17187a5367"),
        ("max_numeric_precision", "38"),
        ("max_varchar_size", "65535"),
        ("datashare_enabled", "on"),
        ("session_id", "5d4f0da4-2f28-461c-99e6-81c740551135"),
        ("server_protocol_version", &answers.to_string()),
        // Which statements a driver looks around by: those of `show`.
        ("show_discovery", "4"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

/// The format of answers that both sides know; clients that are not Amazon's do not ask.
pub(super) fn answers(startup: &Startup) -> u16 {
    let asked = startup.settings.iter().find(|(name, _)| name == "client_protocol_version");
    asked.and_then(|(_, version)| version.parse().ok()).unwrap_or(0).min(NEWEST_ANSWERS)
}

/// What `version()` gives.
pub(super) fn version(padb: &str) -> String {
    let compiler = "GCC gcc (GCC) 3.4.2 20041017 (Red Hat 3.4.2-6.fc3)";
    format!("PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by {compiler}, Redshift {padb}")
}

/// An error as Redshift writes it: no severity that is not translated, and the file with its whole path.
pub(super) fn dressed(error: &ServerError) -> ServerError {
    let mut dressed = error.clone().with('V', "");
    if let Some((_, file)) = error.fields().find(|(letter, file)| *letter == 'F' && !file.contains('/')) {
        let directory = match file {
            "auth.c" | "pqformat.c" => "backend/libpq/",
            "postmaster.c" => "backend/postmaster/",
            "postgres.c" => "backend/tcop/",
            "xact.c" => "backend/access/transam/",
            _ => "backend/utils/",
        };
        dressed = dressed.with('F', &format!("{SOURCE}{directory}{file}"));
    }
    dressed
}

/// The one answer to a wrong password, to an expired one, and to a user that does not exist.
pub(super) fn password_rejected(user: &str) -> ServerError {
    let message = format!("password authentication failed for user \"{user}\"");
    ServerError::fatal("28000", &message).with('F', "auth.c").with('L', "425").with('R', "auth_failed")
}

/// What `require_SSL` says to a client in plaintext. The server listens on IPv6 for both families.
pub(super) fn no_entry(address: IpAddr, startup: &Startup, encrypted: bool) -> ServerError {
    let address = match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    };
    let ssl = if encrypted { "SSL on" } else { "SSL off" };
    let Startup { user, database, .. } = startup;
    let message =
        format!("no pg_hba.conf entry for host \"{address}\", user \"{user}\", database \"{database}\", {ssl}");
    ServerError::fatal("28000", &message).with('F', "auth.c").with('R', "ClientAuthentication")
}

/// Whether the password is a temporary one of IAM, which Redshift takes over TLS only.
pub(super) fn is_temporary(user: &str) -> bool {
    user.starts_with("IAM:") || user.starts_with("IAMA:")
}

/// The request of a digest: the algorithm (0 is SHA-256, the only one), the salt, and the server's nonce.
pub(super) fn digest_request(salt: &[u8], nonce: &[u8]) -> Vec<u8> {
    [&0_u32.to_be_bytes()[..], &counted(salt), &counted(nonce)].concat()
}

/// The answer that is right for this password, of a client with this nonce.
pub(super) fn digest_answer(password: &str, salt: &[u8], nonces: [&[u8]; 2]) -> Result<Vec<u8>, ErrorStack> {
    let stored = sha256(&[password.as_bytes(), salt])?;
    let [server, client] = nonces;
    Ok([counted(&sha256(&[&stored, server, client])?), counted(client)].concat())
}

/// The nonce of the client: the second of the two fields of its answer.
pub(super) fn client_nonce(answer: &[u8]) -> Option<&[u8]> {
    let (_, rest) = field(answer)?;
    field(rest).map(|(nonce, _)| nonce)
}

fn field(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
}

fn counted(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes()[..], bytes].concat()
}

fn sha256(parts: &[&[u8]]) -> Result<Vec<u8>, ErrorStack> {
    let mut hasher = Hasher::new(MessageDigest::sha256())?;
    for part in parts {
        hasher.update(part)?;
    }
    Ok(hasher.finish()?.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_its_file_as_amazon_builds_it() {
        let fields =
            |error: &ServerError| error.fields().map(|(letter, value)| format!("{letter}{value}")).collect::<Vec<_>>();
        let path = "F/home/ec2-user/padb/src/pg/src/backend/libpq/auth.c";
        let message = "Mpassword authentication failed for user \"alice\"";
        let told = fields(&dressed(&password_rejected("alice")));
        assert_eq!(told, ["SFATAL", "C28000", message, path, "L425", "Rauth_failed"]);
        // A path that a scenario gives is its own.
        let own = ServerError::error("XX000", "odd").with('F', "/opt/x.c");
        assert_eq!(fields(&dressed(&own)), ["SERROR", "CXX000", "Modd", "F/opt/x.c"]);
    }

    #[test]
    fn a_client_is_known_by_the_nonce_that_ends_its_answer() {
        let answer = digest_answer("wonderland", b"salt", [b"server", b"1700000000000"]).unwrap_or_default();
        assert_eq!(client_nonce(&answer), Some(&b"1700000000000"[..]));
        assert_eq!(answer.len(), 4 + 32 + 4 + 13);
        for cut in [0, 3, 35, 39, answer.len() - 1] {
            assert_eq!(client_nonce(answer.get(..cut).unwrap_or_default()), None);
        }
    }
}
