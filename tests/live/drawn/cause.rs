//! psql's messages and the codes that may stand for them. psql has one message for many causes: the code has to be one of
//! them. Under `allow` and `prefer` psql prints a message an attempt; ours is about one of them.

/// A piece of what psql says, and the codes that it can mean.
const MESSAGES: &[(&str, &[&str])] = &[
    ("password authentication failed", &["login-password-rejected"]),
    ("no password supplied", &["login-password-missing"]),
    ("no pg_hba.conf entry", &["login-no-hba-entry", "login-tls-required", "login-tls-forbidden"]),
    ("pg_hba.conf rejects connection", &["login-hba-reject", "login-tls-required", "login-tls-forbidden"]),
    ("is not permitted to log in", &["login-role-cannot-login"]),
    ("role \"drawn_ghost\" does not exist", &["login-role-missing"]),
    ("database \"drawn_none\" does not exist", &["login-database-missing"]),
    ("is not currently accepting connections", &["login-database-closed"]),
    ("permission denied for database", &["login-connect-denied"]),
    ("unrecognized configuration parameter", &["login-parameter-refused"]),
    // We look at the root file before we dial, libpq after `S`.
    (
        "server does not support SSL, but SSL was required",
        &["tls-not-offered", "input-root-certificate-missing", "input-root-certificate-unreadable"],
    ),
    ("authentication method requirement", &["login-method-not-allowed"]),
    ("session is not read-only", &["session-wrong-role"]),
    ("server is not in hot standby mode", &["session-wrong-role"]),
    ("channel binding", &["login-channel-binding-unavailable"]),
    (
        "certificate verify failed",
        &[
            "tls-certificate-self-signed",
            "tls-certificate-unknown-issuer",
            "tls-certificate-chain-incomplete",
            "tls-certificate-expired",
            "tls-certificate-not-yet-valid",
            "tls-certificate-purpose",
        ],
    ),
    ("does not match host name", &["tls-certificate-name-mismatch", "tls-certificate-address-not-listed"]),
    ("root certificate file \"/nonexistent/root.crt\" does not exist", &["input-root-certificate-missing"]),
    (".postgresql/root.crt\" does not exist", &["input-root-certificate-missing"]),
    ("could not read root certificate file", &["input-root-certificate-unreadable"]),
    ("weak sslmode", &["input-value-invalid"]),
    ("invalid SSL protocol version range", &["input-value-invalid"]),
    // A server up to 16 ends a direct handshake, which OpenSSL words in many ways.
    ("SSL SYSCALL error", &["tls-direct-refused"]),
    ("SSL error: unexpected eof", &["tls-direct-refused"]),
    ("server closed the connection unexpectedly", &["tls-direct-refused"]),
    ("direct SSL connection was established without ALPN", &["tls-direct-refused"]),
];

/// Whether the code is one of those that psql's words can mean.
pub fn fits(said: &str, code: &str) -> bool {
    MESSAGES.iter().any(|(words, codes)| said.contains(words) && codes.contains(&code))
}
