//! Stage tls: the SSLRequest and its answer, the handshake, and the verdict on the certificate.

mod end_point;
mod failure;
mod prepare;
mod records;
mod request;
mod revocation;
mod strict;
#[cfg(test)]
mod tests;
mod verify;

use std::pin::Pin;

use openssl::ssl::SslRef;
use openssl::stack::StackRef;
use openssl::x509::X509;
use tokio::time::Instant;
use tokio_openssl::SslStream;

pub use self::failure::alert_of;
use self::prepare::Prepared;
pub use self::prepare::trust_system;
use self::records::Recorded;
use self::strict::Anchors;
pub use self::strict::{Case, judge as strict_verdict};
use self::verify::Verifier;
use super::certificate::{self, Certificate};
use super::names;
use super::trace::{SslReply, TlsFailure, TlsSeen};
use crate::target::{Encryption, Roots, SslNegotiation, TlsSettings, Verification};
use crate::wire::meter::Meter;
use crate::wire::screen::Screen;
use crate::wire::{AnyStream, Stream};

/// A stream to log in over.
pub struct Channel {
    /// Encrypted or not.
    pub stream: AnyStream,
    /// How.
    pub encryption: Encryption,
    /// The hash of the server's certificate, to bind SCRAM to.
    pub end_point: Option<Vec<u8>>,
    /// Whether the server asked for a certificate in the handshake.
    pub certificate_requested: bool,
    /// Whether the server chose `postgresql` by ALPN.
    pub alpn: bool,
    /// What strict clients would be asked about it; [`strict_verdict`] is their answer.
    pub unjudged: Option<Case>,
}

/// What the stage works with beside the stream.
pub struct Context<'a> {
    /// The settings of the target.
    pub settings: &'a TlsSettings,
    /// How far the certificate must be verified before anything is sent; not at all where no secret will be.
    pub demanded: Verification,
    /// The host that is dialled, for SNI.
    pub host: &'a str,
    /// Where first bytes are remembered.
    pub meter: &'a Meter,
    /// Makes text safe.
    pub screen: &'a Screen,
}

impl Context<'_> {
    /// The name by which the certificate is judged: the host's, unless the settings say another.
    fn name(&self) -> &str {
        self.settings.certificate_name.as_deref().unwrap_or(self.host)
    }
}

/// Turns a connected stream into a channel of the wanted encryption.
///
/// `plain_too` says that an unencrypted connection will do if the server offers no TLS: then `N` continues on the same
/// stream, as in libpq.
pub async fn run<S: Stream + 'static>(
    stream: S,
    wanted: Encryption,
    plain_too: bool,
    context: &Context<'_>,
    seen: &mut TlsSeen,
) -> Result<Channel, TlsFailure> {
    let mut stream = stream;
    if wanted == Encryption::Plain {
        return Ok(plain(stream));
    }
    let verifier = Verifier::new(context);
    if context.settings.negotiation == SslNegotiation::Direct {
        return handshake(stream, prepare::ssl(context, &verifier)?, &verifier, context, seen).await;
    }
    let asked = request::ask(&mut stream).await;
    // Made while the answer is on its way; what is wrong with it matters only if the answer is yes.
    let prepared = prepare::ssl(context, &verifier);
    let reply = request::hear(&mut stream, asked, context, seen).await?;
    if reply == SslReply::Unwilling {
        return if plain_too { Ok(plain(stream)) } else { Err(TlsFailure::NotOffered) };
    }
    handshake(stream, prepared?, &verifier, context, seen).await
}

fn plain<S: Stream + 'static>(stream: S) -> Channel {
    Channel {
        stream: Box::new(stream),
        encryption: Encryption::Plain,
        end_point: None,
        certificate_requested: false,
        alpn: false,
        unjudged: None,
    }
}

async fn handshake<S: Stream + 'static>(
    stream: S,
    prepared: Prepared,
    verifier: &Verifier,
    context: &Context<'_>,
    seen: &mut TlsSeen,
) -> Result<Channel, TlsFailure> {
    seen.client_certificate = prepared.client_certificate;
    let mut stream = SslStream::new(prepared.ssl, Recorded::new(stream)).map_err(|error| failure::local(&error))?;
    let began = Instant::now();
    let shaken = Pin::new(&mut stream).connect().await;
    seen.objections = verifier.objections();
    let unjudged = look_at_certificate(stream.ssl(), context, seen);
    seen.certificate_requested = stream.get_ref().answered_a_request(stream.ssl());
    let outcome = match shaken {
        _ if verifier.has_aborted() => Err(TlsFailure::Certificate),
        Err(error) => Err(failure::of_handshake(&error, began.elapsed(), context, seen)),
        Ok(()) => note_agreement(stream.ssl(), context, seen),
    };
    if let Err(failure) = outcome {
        seen.strict = unjudged.as_ref().and_then(strict_verdict);
        return Err(failure);
    }
    stream.get_mut().stop();
    let end_point = stream.ssl().peer_certificate().and_then(|leaf| end_point::of(&leaf));
    seen.bindable = end_point.is_some();
    Ok(Channel {
        certificate_requested: seen.certificate_requested,
        alpn: prepare::is_chosen(stream.ssl().selected_alpn_protocol()),
        stream: Box::new(stream),
        encryption: Encryption::Tls,
        end_point,
        unjudged,
    })
}

fn note_agreement(ssl: &SslRef, context: &Context<'_>, seen: &mut TlsSeen) -> Result<(), TlsFailure> {
    seen.negotiated = true;
    seen.protocol = Some(ssl.version_str().to_owned());
    seen.cipher = ssl.current_cipher().map(|cipher| cipher.name().to_owned());
    if seen.satisfies(context.demanded) { Ok(()) } else { Err(TlsFailure::Certificate) }
}

/// Notes the chain down, and everything by which it is judged. It is there as soon as the server has sent it, also where
/// the handshake went no further.
fn look_at_certificate(ssl: &SslRef, context: &Context<'_>, seen: &mut TlsSeen) -> Option<Case> {
    let chain = ssl.peer_cert_chain()?;
    seen.chain = chain.iter().map(|one| Certificate::read(one, context.screen)).collect();
    let name = chain.iter().next().map(certificate::names);
    seen.name_matches = name.as_ref().map(|name| names::matches(name, context.name()));
    if let (Roots::File(path), false) = (&context.settings.roots, seen.objections.is_empty()) {
        seen.root_subjects = root_subjects(path, context.screen);
    }
    let taken = context.settings.roots != Roots::None && seen.objections.is_empty() && seen.name_matches == Some(true);
    taken.then(|| Case {
        chain: chain.iter().map(ToOwned::to_owned).collect(),
        anchors: anchors(ssl, context),
        name: context.name().to_owned(),
        screen: context.screen.clone(),
    })
}

fn anchors(ssl: &SslRef, context: &Context<'_>) -> Anchors {
    match &context.settings.roots {
        Roots::File(path) => Anchors::File(path.clone()),
        Roots::None | Roots::System => Anchors::Needed(ssl.verified_chain().and_then(last)),
    }
}

fn last(chain: &StackRef<X509>) -> Option<X509> {
    chain.iter().last().map(ToOwned::to_owned)
}

fn root_subjects(path: &std::path::Path, screen: &Screen) -> Vec<String> {
    roots_of(path).iter().map(|root| Certificate::read(root, screen).subject).collect()
}

fn roots_of(path: &std::path::Path) -> Vec<X509> {
    std::fs::read(path).ok().and_then(|pem| X509::stack_from_pem(&pem).ok()).unwrap_or_default()
}
