//! OpenSSL's verifier, watched. It writes down every objection; the mode decides after the handshake, before anything is
//! sent over the channel.
//!
//! Where this side has a certificate to show, an objection that the mode demands to be met ends the handshake at once: a
//! server that is to be verified, and is not, must not see it. libpq compares the name only after the handshake.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use openssl::ssl::{SslContextBuilder, SslVerifyMode};
use openssl::x509::{X509StoreContextRef, X509VerifyResult};

use super::Context;
use crate::probe::certificate;
use crate::probe::names;
use crate::probe::trace::Objection;
use crate::target::Verification;

/// Shared with the callback in OpenSSL.
#[derive(Clone)]
pub struct Verifier {
    seen: Arc<Mutex<Seen>>,
    /// What ends the handshake where it is not met.
    guarded: Verification,
    name: String,
}

#[derive(Default)]
struct Seen {
    objections: Vec<Objection>,
    aborted: bool,
}

impl Verifier {
    /// For one handshake.
    pub fn new(context: &Context<'_>) -> Self {
        let shown = context.settings.shown_certificate();
        let guarded = shown.map_or(Verification::None, |_| context.demanded);
        Self { seen: Arc::default(), guarded, name: context.name().to_owned() }
    }

    /// Puts it in place.
    pub fn install(&self, builder: &mut SslContextBuilder) {
        let verifier = self.clone();
        builder.set_verify_callback(SslVerifyMode::PEER, move |fine, store| verifier.takes(fine, store));
    }

    /// What OpenSSL objected to, in its order; where the handshake was ended, only up to there.
    pub fn objections(&self) -> Vec<Objection> {
        std::mem::take(&mut self.seen().objections)
    }

    /// Whether the handshake was ended because of the certificate.
    pub fn has_aborted(&self) -> bool {
        self.seen().aborted
    }

    /// Called for each objection, and for each certificate of a chain without one; the leaf comes last.
    fn takes(&self, fine: bool, store: &mut X509StoreContextRef) -> bool {
        let mut seen = self.seen();
        if !fine {
            seen.objections.push(Objection { depth: store.error_depth(), verify_code: store.error().as_raw() });
        }
        let goes_on = match self.guarded {
            Verification::None => true,
            Verification::Chain => fine,
            Verification::ChainAndName => fine && (store.error_depth() > 0 || self.is_named_in(store)),
        };
        if fine && !goes_on {
            store.set_error(X509VerifyResult::APPLICATION_VERIFICATION);
        }
        seen.aborted |= !goes_on;
        goes_on
    }

    fn is_named_in(&self, store: &X509StoreContextRef) -> bool {
        store.current_cert().is_some_and(|leaf| names::matches(&certificate::names(leaf), &self.name))
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
