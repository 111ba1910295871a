//! What `--all-modes` goes by: logins that stop before a secret is sent, with TLS and without.

use super::{LoginFailure, LoginSeen, Objection, TlsFailure, TlsSeen};

/// Everything seen for the table of modes.
#[derive(Debug, Default)]
pub struct ModesSeen {
    /// With the settings given.
    pub libpq: Probed,
    /// As the platform dials, where its settings differ from those given.
    pub platform: Option<Probed>,
    /// What OpenSSL objects to in the chain sent where the system's roots alone are trusted; None where none was sent.
    pub by_system_roots: Option<Vec<Objection>>,
}

/// Each encryption by itself; None where it could not be tried any more.
#[derive(Debug, Default)]
pub struct Probed {
    /// Without TLS.
    pub plain: Option<LoginTried>,
    /// With it.
    pub tls: Option<TlsTried>,
}

/// TLS, and a login over it whatever the certificate is.
#[derive(Debug)]
pub struct TlsTried {
    /// What was seen of it.
    pub seen: TlsSeen,
    /// The login, where there was a channel for it.
    pub login: Result<LoginTried, TlsFailure>,
}

/// A login: one without a password, or that of the walk.
#[derive(Debug)]
pub struct LoginTried {
    /// What was seen of it.
    pub seen: LoginSeen,
    /// How it ended, if not in a session.
    pub failure: Option<LoginFailure>,
}
