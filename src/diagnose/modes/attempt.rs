//! One attempt with one encryption, as far as facts tell how it would end.

use crate::probe::trace::{
    Admission, LoginFailure, LoginSeen, LoginTried, Objection, Probed, Stage, TlsFailure, TlsSeen,
};
use crate::target::{Encryption, Verification};

use super::way::Way;

/// One attempt.
pub struct Attempt<'a> {
    /// With which encryption.
    pub encryption: Encryption,
    /// How it ends.
    pub end: End<'a>,
    /// What is seen of TLS.
    pub tls: TlsSeen,
    /// What is seen of the login.
    pub login: LoginSeen,
}

/// How an attempt ends.
#[derive(Clone, Copy)]
pub enum End<'a> {
    /// In a session.
    Session,
    /// Where the server asks for the password.
    Asks,
    /// There is no channel that will do.
    Tls(&'a TlsFailure),
    /// There is no session.
    Login(&'a LoginFailure),
    /// It was not tried: there was no time left.
    Unseen,
}

impl<'a> Attempt<'a> {
    /// What the probes say of this encryption.
    pub fn of(way: &Way, encryption: Encryption, probed: &'a Probed, by_system_roots: Option<&[Objection]>) -> Self {
        let unseen = Self { encryption, end: End::Unseen, tls: TlsSeen::default(), login: LoginSeen::default() };
        if encryption == Encryption::Plain {
            return probed.plain.as_ref().map_or(unseen, |tried| Self::over(encryption, TlsSeen::default(), tried));
        }
        let Some(tried) = &probed.tls else {
            return unseen;
        };
        let mut tls = tried.seen.clone();
        if way.of_platform {
            tls.objections = by_system_roots.unwrap_or_default().to_vec();
            tls.root_subjects.clear();
        }
        let unverified = way.of_platform && by_system_roots.is_none() && way.demanded != Verification::None;
        match &tried.login {
            // The probe was more careful than this way would be.
            Err(TlsFailure::Certificate) if tls.satisfies(way.demanded) => unseen,
            Err(failure) => Self { end: End::Tls(failure), tls, ..unseen },
            Ok(_) if unverified => unseen,
            Ok(_) if !tls.satisfies(way.demanded) => Self { end: End::Tls(&TlsFailure::Certificate), tls, ..unseen },
            Ok(login) => Self::over(encryption, tls, login),
        }
    }

    fn over(encryption: Encryption, tls: TlsSeen, tried: &'a LoginTried) -> Self {
        let seen = &tried.seen;
        let end = match &tried.failure {
            None => End::Session,
            Some(LoginFailure::PasswordMissing | LoginFailure::TokenMissing) => End::Asks,
            // The walk's own: what is true of its password is judged apart.
            Some(_) if seen.credentials_sent && !seen.authenticated => End::Asks,
            Some(failure) => End::Login(failure),
        };
        Self { encryption, end, tls, login: seen.clone() }
    }

    /// Whether the other encryption is tried after it: TLS failed, or the server refused before AuthenticationOk, but
    /// not while it starts up or shuts down. `N` is no failure where plaintext will do.
    pub fn goes_on(&self, way: &Way) -> bool {
        match self.end {
            End::Tls(TlsFailure::NotOffered) => true,
            _ if way.of_platform => false,
            End::Tls(failure) => failure.allows_plain(),
            End::Login(LoginFailure::Refused(error)) => !self.login.authenticated && error.sqlstate != "57P03",
            End::Login(_) | End::Session | End::Asks | End::Unseen => false,
        }
    }

    /// Of two failed attempts the first tells the cause, unless the second got further. A refusal by rule never does,
    /// unless `N` was all that came before it.
    pub fn explains_more_than(&self, second: &Self) -> bool {
        match (self.end, second.end) {
            (End::Tls(TlsFailure::NotOffered), _) | (_, End::Session | End::Asks | End::Unseen) => false,
            (End::Login(LoginFailure::Refused(one)), End::Login(LoginFailure::Refused(other))) => {
                second.is_rule() || one.sqlstate == other.sqlstate
            }
            _ => second.is_rule() || second.stage() < self.stage(),
        }
    }

    fn stage(&self) -> Stage {
        if matches!(self.end, End::Tls(_)) { Stage::Tls } else { Stage::Login }
    }

    /// `pg_hba.conf` refused: no rule, or one that says `reject`.
    pub fn is_rule(&self) -> bool {
        matches!(self.end, End::Login(LoginFailure::Refused(error)) if error.is_by_rule())
    }
}

/// What the probe with this encryption says of the rules.
pub fn admission(probed: &Probed, encryption: Encryption) -> Admission {
    let tried = match encryption {
        Encryption::Plain => probed.plain.as_ref(),
        Encryption::Tls => probed.tls.as_ref().and_then(|tried| tried.login.as_ref().ok()),
    };
    match tried.map(|tried| (&tried.failure, tried.seen.authenticated)) {
        None => Admission::Unknown,
        Some((Some(LoginFailure::Refused(error)), false)) => Admission::Refused(error.clone()),
        Some((Some(LoginFailure::NoReply { .. } | LoginFailure::Closed { .. } | LoginFailure::Garbage { .. }), _)) => {
            Admission::Unknown
        }
        Some(_) => Admission::Admitted,
    }
}
