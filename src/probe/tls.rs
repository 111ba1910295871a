//! Stage tls: the SSLRequest and its answer, the handshake, and the verdict on the certificate.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use openssl::error::ErrorStack;
use openssl::ssl::{Ssl, SslContext, SslContextBuilder, SslMethod, SslVerifyMode, SslVersion};
use openssl::x509::X509;
use postgres_protocol::message::frontend;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::Instant;
use tokio_openssl::SslStream;

use super::certificate::{self, Certificate};
use super::names;
use super::stranger::identify;
use super::trace::{Objection, SslReply, Stranger, TlsFailure, TlsSeen};
use crate::target::{Encryption, Roots, SslNegotiation, TlsSettings, TlsVersion, Verification};
use crate::wire::connection::Broken;
use crate::wire::message::{self, Message, ServerError};
use crate::wire::meter::Meter;
use crate::wire::screen::Screen;
use crate::wire::{AnyStream, Stream};

/// P-256 first: servers up to 17 take only that by default, and X25519 first costs a HelloRetryRequest.
const GROUPS: &str = "P-256:X25519:P-384:P-521";

/// `postgresql`, registered with IANA; in the wire form of RFC 7301.
const ALPN: &[u8] = b"\x0apostgresql";

/// The reason code of OpenSSL for a record that is not TLS (`SSL_R_WRONG_VERSION_NUMBER` and its kin).
const NOT_TLS: [i32; 4] = [267, 244, 245, 156];

/// The alert of that name (RFC 8446, section 6).
const HANDSHAKE_FAILURE: i32 = 40;

/// OpenSSL numbers the alerts of the peer from here (`SSL_AD_REASON_OFFSET`).
const ALERT_OFFSET: i32 = 1000;

/// A stream to log in over.
pub struct Channel {
    /// Encrypted or not.
    pub stream: AnyStream,
    /// How.
    pub encryption: Encryption,
    /// The hash of the server's certificate, to bind SCRAM to.
    pub end_point: Option<Vec<u8>>,
}

/// What the stage works with beside the stream.
pub struct Context<'a> {
    /// The settings of the target.
    pub settings: &'a TlsSettings,
    /// The host by which the certificate is judged.
    pub host: &'a str,
    /// Where first bytes are remembered.
    pub meter: &'a Meter,
    /// Makes text safe.
    pub screen: &'a Screen,
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
    if context.settings.negotiation == SslNegotiation::Postgres {
        let reply = request(&mut stream, context, seen).await?;
        if reply == SslReply::Unwilling {
            return if plain_too { Ok(plain(stream)) } else { Err(TlsFailure::NotOffered) };
        }
    }
    handshake(stream, context, seen).await
}

fn plain<S: Stream + 'static>(stream: S) -> Channel {
    Channel { stream: Box::new(stream), encryption: Encryption::Plain, end_point: None }
}

/// Sends the SSLRequest and reads the answer. A real server sends exactly one byte and then waits: more is a banner, or
/// plaintext stuffed in before the handshake (CVE-2021-23222).
async fn request<S: Stream>(stream: &mut S, context: &Context<'_>, seen: &mut TlsSeen) -> Result<SslReply, TlsFailure> {
    let began = Instant::now();
    let mut asked = bytes::BytesMut::new();
    frontend::ssl_request(&mut asked);
    let mut answer = vec![0; 1024];
    let received = match stream.write_all(&asked).await {
        Ok(()) => stream.read(&mut answer).await,
        Err(error) => Err(error),
    };
    match received.map_err(Broken::from) {
        Ok(0) | Err(Broken::Closed) => Err(TlsFailure::ClosedBeforeReply { reset: false }),
        Err(Broken::TimedOut) => Err(TlsFailure::NoReply { after: began.elapsed() }),
        Err(Broken::Reset | Broken::Other(_)) => Err(TlsFailure::ClosedBeforeReply { reset: true }),
        Ok(length) => {
            answer.truncate(length);
            judge_answer(stream, answer, context, seen).await
        }
    }
}

async fn judge_answer<S: Stream>(
    stream: &mut S,
    mut answer: Vec<u8>,
    context: &Context<'_>,
    seen: &mut TlsSeen,
) -> Result<SslReply, TlsFailure> {
    let known = match answer.as_slice() {
        b"S" => Some(SslReply::Willing),
        b"N" => Some(SslReply::Unwilling),
        _ => None,
    };
    if let Some(reply) = known {
        seen.reply = Some(reply.clone());
        return Ok(reply);
    }
    // Whatever it is, it will not be spoken with: hear it out for a moment, to name it.
    hear_out(stream, &mut answer).await;
    if let Some(error) = error_response(&answer, context.screen) {
        seen.reply = Some(SslReply::Error);
        return Err(TlsFailure::ServerError(Box::new(error)));
    }
    let stranger = identify(&answer);
    seen.reply = Some(SslReply::Stranger(stranger));
    Err(TlsFailure::NotPostgres { stranger, first_bytes: first_bytes(&answer, context.screen) })
}

/// Reads on until the peer pauses for 100 ms, closes, or has said enough.
async fn hear_out<S: Stream>(stream: &mut S, heard: &mut Vec<u8>) {
    const PAUSE: Duration = Duration::from_millis(100);
    const ENOUGH: usize = 4096;
    while heard.len() < ENOUGH {
        match tokio::time::timeout(PAUSE, stream.read_buf(heard)).await {
            Ok(Ok(1..)) => {}
            _ => return,
        }
    }
}

/// An ErrorResponse of protocol 3, or the bare text of protocol 2 that a server sends when it cannot even fork.
fn error_response(answer: &[u8], screen: &Screen) -> Option<ServerError> {
    let text = answer.strip_prefix(b"E")?;
    if let Ok(Message::Error(error)) = message::parse(&mut answer.into(), screen) {
        return Some(error);
    }
    let line = text.strip_suffix(b"\0")?;
    let printable = line.len() > 2 && line.iter().all(|byte| *byte >= b' ' || *byte == b'\n');
    printable.then(|| ServerError { message: screen.text(line.trim_ascii()), ..ServerError::default() })
}

fn first_bytes(bytes: &[u8], screen: &Screen) -> String {
    // Cut only when it is screened: half a secret would not be known for one.
    screen.text(bytes).chars().take(100).collect()
}

async fn handshake<S: Stream + 'static>(
    stream: S,
    context: &Context<'_>,
    seen: &mut TlsSeen,
) -> Result<Channel, TlsFailure> {
    let objections = Arc::new(Mutex::new(Vec::new()));
    let ssl = prepare(context, Arc::clone(&objections))?;
    let mut stream = SslStream::new(ssl, stream).map_err(|error| local_failure(&error))?;
    let began = Instant::now();
    let shaken = Pin::new(&mut stream).connect().await;
    seen.objections = std::mem::take(&mut *objections.lock().unwrap_or_else(PoisonError::into_inner));
    if let Err(error) = shaken {
        let failure = handshake_failure(&error, began.elapsed(), context);
        // A server that has shown its certificate has chosen a cipher: it objects to something else.
        let chosen = stream.ssl().peer_certificate().is_some();
        return Err(match failure {
            TlsFailure::NoCommonCipher if chosen => {
                TlsFailure::Handshake { alert: Some(HANDSHAKE_FAILURE), reason: error.to_string() }
            }
            failure => failure,
        });
    }
    seen.negotiated = true;
    seen.protocol = Some(stream.ssl().version_str().to_owned());
    seen.cipher = stream.ssl().current_cipher().map(|cipher| cipher.name().to_owned());
    if let Some(chain) = stream.ssl().peer_cert_chain() {
        seen.chain = chain.iter().map(|one| Certificate::read(one, context.screen)).collect();
    }
    if let (Roots::File(path), false) = (&context.settings.roots, seen.objections.is_empty()) {
        seen.root_subjects = root_subjects(path, context.screen);
    }
    let name = context.settings.certificate_name.as_deref().unwrap_or(context.host);
    seen.name_matches = seen.chain.first().map(|leaf| names::matches(leaf, name));
    if !satisfied(context.settings.verification(), seen) {
        return Err(TlsFailure::Certificate);
    }
    let end_point = stream.ssl().peer_certificate().and_then(|leaf| certificate::end_point(&leaf));
    Ok(Channel { stream: Box::new(stream), encryption: Encryption::Tls, end_point })
}

fn satisfied(demanded: Verification, seen: &TlsSeen) -> bool {
    match demanded {
        Verification::None => true,
        Verification::Chain => seen.objections.is_empty(),
        Verification::ChainAndName => seen.objections.is_empty() && seen.name_matches == Some(true),
    }
}

/// One verify callback for all modes: it writes down every objection and never objects itself. The mode decides after
/// the handshake, before anything is sent over the channel.
fn prepare(context: &Context<'_>, objections: Arc<Mutex<Vec<Objection>>>) -> Result<Ssl, TlsFailure> {
    let settings = context.settings;
    let mut builder = SslContext::builder(SslMethod::tls_client()).map_err(|error| local_failure(&error))?;
    builder.set_min_proto_version(settings.min_version.map(version)).map_err(|error| local_failure(&error))?;
    builder.set_max_proto_version(settings.max_version.map(version)).map_err(|error| local_failure(&error))?;
    builder.set_groups_list(GROUPS).map_err(|error| local_failure(&error))?;
    builder.set_alpn_protos(ALPN).map_err(|error| local_failure(&error))?;
    match &settings.roots {
        Roots::None => {}
        Roots::System => trust_system(&mut builder).map_err(|error| local_failure(&error))?,
        Roots::File(path) => {
            builder
                .set_ca_file(path)
                .map_err(|error| TlsFailure::Roots { reason: format!("{}: {error}", path.display()) })?;
        }
    }
    builder.set_verify_callback(SslVerifyMode::PEER, move |fine, store| {
        if !fine {
            let objection = Objection { depth: store.error_depth(), verify_code: store.error().as_raw() };
            objections.lock().unwrap_or_else(PoisonError::into_inner).push(objection);
        }
        true
    });
    let mut ssl = Ssl::new(&builder.build()).map_err(|error| local_failure(&error))?;
    if settings.sni && names::address(context.host).is_none() && !context.host.is_empty() {
        ssl.set_hostname(context.host).map_err(|error| local_failure(&error))?;
    }
    Ok(ssl)
}

/// What the system trusts; `SSL_CERT_FILE` and `SSL_CERT_DIR` say otherwise, as for libpq.
fn trust_system(builder: &mut SslContextBuilder) -> Result<(), ErrorStack> {
    #[cfg(feature = "vendored")]
    if let Some(file) = openssl_probe::probe().cert_file {
        builder.set_ca_file(file)?;
    }
    builder.set_default_verify_paths()
}

fn root_subjects(path: &std::path::Path, screen: &Screen) -> Vec<String> {
    let roots = std::fs::read(path).ok().and_then(|pem| X509::stack_from_pem(&pem).ok()).unwrap_or_default();
    roots.iter().map(|root| Certificate::read(root, screen).subject).collect()
}

fn version(version: TlsVersion) -> SslVersion {
    match version {
        TlsVersion::V1_0 => SslVersion::TLS1,
        TlsVersion::V1_1 => SslVersion::TLS1_1,
        TlsVersion::V1_2 => SslVersion::TLS1_2,
        TlsVersion::V1_3 => SslVersion::TLS1_3,
    }
}

fn local_failure(error: &ErrorStack) -> TlsFailure {
    TlsFailure::Handshake { alert: None, reason: error.to_string() }
}

fn handshake_failure(error: &openssl::ssl::Error, after: Duration, context: &Context<'_>) -> TlsFailure {
    let direct = context.settings.negotiation == SslNegotiation::Direct;
    if let Some(stack) = error.ssl_error() {
        let reason = stack.errors().first().map_or(0, openssl::error::Error::reason_code);
        return refused(reason, context, &error.to_string());
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

/// The reason of OpenSSL: its own, or the alert that the peer sent.
fn refused(reason: i32, context: &Context<'_>, words: &str) -> TlsFailure {
    const PROTOCOL_VERSION: i32 = 70;
    const UNEXPECTED_EOF: i32 = 294;
    const UNSUPPORTED_PROTOCOL: i32 = 258;
    const NO_APPLICATION_PROTOCOL: i32 = 120;
    let direct = context.settings.negotiation == SslNegotiation::Direct;
    let heard = context.meter.first_bytes();
    // `S` of the SSLRequest's answer comes first in what was heard, unless the handshake was direct.
    let heard = if direct { heard.as_slice() } else { heard.get(1..).unwrap_or_default() };
    match reason - ALERT_OFFSET {
        HANDSHAKE_FAILURE => return TlsFailure::NoCommonCipher,
        PROTOCOL_VERSION => return TlsFailure::VersionUnsupported,
        NO_APPLICATION_PROTOCOL if direct => return TlsFailure::DirectRefused,
        alert @ 0..=255 => return TlsFailure::Handshake { alert: Some(alert), reason: words.to_owned() },
        _ => {}
    }
    match reason {
        UNEXPECTED_EOF if direct => TlsFailure::DirectRefused,
        UNEXPECTED_EOF => TlsFailure::HandshakeClosed { reset: false },
        UNSUPPORTED_PROTOCOL => TlsFailure::VersionUnsupported,
        code if NOT_TLS.contains(&code) => not_tls(heard, context),
        _ => TlsFailure::Handshake { alert: None, reason: context.screen.text(words.as_bytes()) },
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
