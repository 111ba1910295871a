//! This side of a handshake as libpq sets it up (`fe-secure-openssl.c`, `initialize_SSL`): versions, roots, lists of
//! revoked certificates, its own certificate, and the name it asks for.

use openssl::error::ErrorStack;
use openssl::ssl::{Ssl, SslContext, SslContextBuilder, SslMethod, SslVersion};

use super::verify::Verifier;
use super::{Context, failure, revocation};
use crate::probe::certificate::Certificate;
use crate::probe::trace::TlsFailure;
use crate::target::{Roots, TlsVersion};

/// P-256 first: servers up to 17 take only that by default, and X25519 first costs a HelloRetryRequest. The others are
/// those that libpq offers by OpenSSL's default.
const GROUPS: &str = "P-256:X25519:X448:P-521:P-384";

/// `postgresql`, registered with IANA; in the wire form of RFC 7301.
const ALPN: &[u8] = b"\x0apostgresql";

/// Whether what the server chose is what was offered.
pub fn is_chosen(protocol: Option<&[u8]>) -> bool {
    protocol.is_some_and(|protocol| ALPN.ends_with(protocol) && protocol.len() + 1 == ALPN.len())
}

/// This side of a handshake, not begun yet.
pub struct Prepared {
    /// Everything set.
    pub ssl: Ssl,
    /// The certificate that will be shown if one is asked for.
    pub client_certificate: Option<Certificate>,
}

/// Sets everything. Costs up to a millisecond, and more where roots are many.
pub fn ssl(context: &Context<'_>, verifier: &Verifier) -> Result<Prepared, TlsFailure> {
    let settings = context.settings;
    let mut builder = versions(context).map_err(|error| failure::local(&error))?;
    match &settings.roots {
        Roots::None => {}
        Roots::System => trust_system(&mut builder).map_err(|error| failure::local(&error))?,
        Roots::File(path) => {
            builder
                .set_ca_file(path)
                .map_err(|error| TlsFailure::Roots { reason: format!("{}: {error}", path.display()) })?;
            revocation::check(&mut builder, &settings.revocation);
        }
    }
    let mut client_certificate = None;
    if let Some(shown) = settings.shown_certificate() {
        let leaf = shown.load(&mut builder).map_err(TlsFailure::Identity)?;
        client_certificate = Some(Certificate::read(&leaf, context.screen));
    }
    verifier.install(&mut builder);
    let mut ssl = Ssl::new(&builder.build()).map_err(|error| failure::local(&error))?;
    if settings.sni && is_name(context.host) {
        ssl.set_hostname(context.host).map_err(|error| failure::local(&error))?;
    }
    Ok(Prepared { ssl, client_certificate })
}

fn versions(context: &Context<'_>) -> Result<SslContextBuilder, ErrorStack> {
    let mut builder = SslContext::builder(SslMethod::tls_client())?;
    builder.set_min_proto_version(context.settings.min_version.map(version))?;
    builder.set_max_proto_version(context.settings.max_version.map(version))?;
    builder.set_groups_list(GROUPS)?;
    builder.set_alpn_protos(ALPN)?;
    Ok(builder)
}

/// What the system trusts; `SSL_CERT_FILE` and `SSL_CERT_DIR` say otherwise, as for libpq.
pub fn trust_system(builder: &mut SslContextBuilder) -> Result<(), ErrorStack> {
    #[cfg(feature = "vendored")]
    if let Some(file) = openssl_probe::probe().cert_file {
        builder.set_ca_file(file)?;
    }
    builder.set_default_verify_paths()
}

fn version(version: TlsVersion) -> SslVersion {
    match version {
        TlsVersion::V1_0 => SslVersion::TLS1,
        TlsVersion::V1_1 => SslVersion::TLS1_1,
        TlsVersion::V1_2 => SslVersion::TLS1_2,
        TlsVersion::V1_3 => SslVersion::TLS1_3,
    }
}

/// libpq's own idea of what is no address (RFC 6066 allows none in SNI): not of digits and dots only, and without colon.
fn is_name(host: &str) -> bool {
    !host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') && !host.contains(':')
}
