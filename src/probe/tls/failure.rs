//! Why a handshake failed, by OpenSSL's reason, the alert of the peer, and what the peer had said before.

use std::io;
use std::time::Duration;

use openssl::error::ErrorStack;

use super::Context;
use super::request::first_bytes;
use crate::probe::stranger::identify;
use crate::probe::trace::{Stranger, TlsFailure, TlsSeen};
use crate::target::SslNegotiation;
use crate::wire::connection::Broken;

/// The reason code of OpenSSL for a record that is not TLS (`SSL_R_WRONG_VERSION_NUMBER` and its kin).
const NOT_TLS: [i32; 4] = [267, 244, 245, 156];

/// OpenSSL numbers the alerts of the peer from here (`SSL_AD_REASON_OFFSET`).
const ALERT_OFFSET: i32 = 1000;

/// Alerts (RFC 8446, section 6).
const HANDSHAKE_FAILURE: i32 = 40;
const PROTOCOL_VERSION: i32 = 70;
const NO_APPLICATION_PROTOCOL: i32 = 120;

/// Alerts about a certificate that was shown, `bad_certificate` to `unknown_ca`, without `illegal_parameter` (47).
const ABOUT_CERTIFICATE: [i32; 6] = [42, 43, 44, 45, 46, 48];

/// OpenSSL could not do what it was told on this side.
pub fn local(error: &ErrorStack) -> TlsFailure {
    TlsFailure::Handshake { alert: None, reason: error.to_string() }
}

/// What ended the handshake.
pub fn of_handshake(error: &openssl::ssl::Error, after: Duration, context: &Context<'_>, seen: &TlsSeen) -> TlsFailure {
    let direct = context.settings.negotiation == SslNegotiation::Direct;
    if let Some(stack) = error.ssl_error() {
        let reason = stack.errors().first().map_or(0, openssl::error::Error::reason_code);
        let words = context.screen.text(error.to_string().as_bytes());
        return match reason - ALERT_OFFSET {
            alert @ 0..=255 => alerted(alert, words, context, seen),
            _ => refused(reason, words, context),
        };
    }
    match error.io_error().map(|error| Broken::from(io::Error::from(error.kind()))) {
        Some(Broken::TimedOut) => TlsFailure::HandshakeSilent { after },
        Some(Broken::Reset) if direct => TlsFailure::DirectRefused,
        Some(Broken::Reset) => TlsFailure::HandshakeClosed { reset: true },
        // OpenSSL reports an orderly end of the stream as an error without an I/O error.
        _ if direct => TlsFailure::DirectRefused,
        _ => TlsFailure::HandshakeClosed { reset: false },
    }
}

/// The server sent an alert. One that came after this side had answered a request for a certificate is about the answer:
/// so TLS 1.2 does, and TLS 1.3 only after the handshake.
fn alerted(alert: i32, reason: String, context: &Context<'_>, seen: &TlsSeen) -> TlsFailure {
    let direct = context.settings.negotiation == SslNegotiation::Direct;
    match alert {
        HANDSHAKE_FAILURE if seen.certificate_requested => TlsFailure::ClientCertificateRefused { alert },
        // A server that has shown its certificate has chosen a cipher: it objects to something else.
        HANDSHAKE_FAILURE if seen.chain.is_empty() => TlsFailure::NoCommonCipher,
        PROTOCOL_VERSION => TlsFailure::VersionUnsupported,
        NO_APPLICATION_PROTOCOL if direct => TlsFailure::DirectRefused,
        about if ABOUT_CERTIFICATE.contains(&about) && seen.certificate_requested => {
            TlsFailure::ClientCertificateRefused { alert }
        }
        _ => TlsFailure::Handshake { alert: Some(alert), reason },
    }
}

/// OpenSSL's own reason.
fn refused(reason: i32, words: String, context: &Context<'_>) -> TlsFailure {
    const UNEXPECTED_EOF: i32 = 294;
    const UNSUPPORTED_PROTOCOL: i32 = 258;
    let direct = context.settings.negotiation == SslNegotiation::Direct;
    let heard = context.meter.first_bytes();
    // `S` of the SSLRequest's answer comes first in what was heard, unless the handshake was direct.
    let heard = if direct { heard.as_slice() } else { heard.get(1..).unwrap_or_default() };
    match reason {
        UNEXPECTED_EOF if direct => TlsFailure::DirectRefused,
        UNEXPECTED_EOF => TlsFailure::HandshakeClosed { reset: false },
        UNSUPPORTED_PROTOCOL => TlsFailure::VersionUnsupported,
        code if NOT_TLS.contains(&code) => not_tls(heard, context),
        _ => TlsFailure::Handshake { alert: None, reason: words },
    }
}

/// After `S` came something that is no TLS record: a stranger whose name begins with `S`, or garbage.
fn not_tls(heard: &[u8], context: &Context<'_>) -> TlsFailure {
    let whole = context.meter.first_bytes();
    match identify(&whole) {
        Stranger::Unknown | Stranger::Tls => {
            TlsFailure::HandshakeGarbage { first_bytes: first_bytes(heard, context.screen) }
        }
        stranger => TlsFailure::NotPostgres { stranger, first_bytes: first_bytes(&whole, context.screen) },
    }
}

/// The TLS alert behind an I/O error of an established channel, if it is one.
pub fn alert_of(error: &io::Error) -> Option<i32> {
    let stack = error.get_ref()?.downcast_ref::<openssl::ssl::Error>()?.ssl_error()?;
    let alert = stack.errors().first()?.reason_code() - ALERT_OFFSET;
    (0..=255).contains(&alert).then_some(alert)
}
