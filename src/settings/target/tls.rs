//! sslmode and everything that goes with it.

use std::path::{Path, PathBuf};

use openssl::x509::{X509, X509Crl};

use super::{Reader, client_certificate};
use crate::settings::{InputFailure, home};
use crate::target::{Oddity, Revocation, Roots, SslCertMode, SslMode, SslNegotiation, TlsSettings, TlsVersion};

const SSLMODES: &str = "disable, allow, prefer, require, verify-ca, verify-full";

/// `sslmode`; what the rest of the settings means depends on it.
pub fn mode(reader: &Reader<'_>) -> Result<SslMode, InputFailure> {
    let system = reader.text("sslrootcert") == Some("system");
    let Some(text) = reader.given("sslmode") else {
        return Ok(if system { SslMode::VerifyFull } else { SslMode::Prefer });
    };
    let mode = SslMode::parse(text).ok_or_else(|| reader.invalid("sslmode", SSLMODES))?;
    if system && mode != SslMode::VerifyFull && !reader.manner.own_roots {
        return Err(InputFailure::Conflict {
            keyword: "sslmode",
            value: mode.as_str(),
            with: "sslrootcert=system",
            allowed: "verify-full",
        });
    }
    Ok(mode)
}

/// The settings. `spoken` says that one of the endpoints is dialled over TCP: over a Unix socket there is no TLS, and no
/// file is looked at.
pub fn read(
    reader: &Reader<'_>,
    mode: SslMode,
    spoken: bool,
    oddities: &mut Vec<Oddity>,
) -> Result<TlsSettings, InputFailure> {
    let negotiation = negotiation(reader, mode)?;
    let max_version = version(reader, "ssl_max_protocol_version")?;
    let min_version = version(reader, "ssl_min_protocol_version")?;
    // Set to nothing, it is no limit; libpq's default is one.
    let min_version = min_version.or(reader.given("ssl_min_protocol_version").is_none().then_some(TlsVersion::V1_2));
    if max_version.zip(min_version).is_some_and(|(max, min)| max < min) {
        return Err(reader.invalid("ssl_max_protocol_version", "no lower than ssl_min_protocol_version"));
    }
    let words = [("disable", SslCertMode::Disable), ("allow", SslCertMode::Allow), ("require", SslCertMode::Require)];
    let cert_mode = reader.choice("sslcertmode", "disable, allow, require", &words)?.unwrap_or(SslCertMode::Allow);
    gss_encryption(reader, oddities)?;
    let mut settings = TlsSettings {
        mode,
        roots: Roots::None,
        negotiation,
        sni: reader.given("sslsni").is_none_or(|text| text.starts_with('1')),
        min_version,
        max_version,
        revocation: Revocation::default(),
        client_certificate: None,
        cert_mode,
        certificate_name: reader.manner.certificate_name.clone(),
        plain_only_on_refusal: reader.manner.plain_only_on_refusal,
    };
    if spoken && mode != SslMode::Disable {
        settings.roots = roots(reader, mode)?;
        if matches!(settings.roots, Roots::File(_)) {
            settings.revocation = revocation(reader, oddities);
        }
        // libpq's default files are libpq's.
        if !reader.manner.own_roots || reader.text("sslcert").is_some() {
            settings.client_certificate = client_certificate::read(reader, &settings, oddities)?;
        }
    }
    Ok(settings)
}

fn negotiation(reader: &Reader<'_>, mode: SslMode) -> Result<SslNegotiation, InputFailure> {
    let words = [("postgres", SslNegotiation::Postgres), ("direct", SslNegotiation::Direct)];
    let negotiation = reader.choice("sslnegotiation", "postgres, direct", &words)?.unwrap_or(SslNegotiation::Postgres);
    if negotiation == SslNegotiation::Direct && !mode.demands_tls() {
        return Err(InputFailure::Conflict {
            keyword: "sslmode",
            value: mode.as_str(),
            with: "sslnegotiation=direct",
            allowed: "require, verify-ca, verify-full",
        });
    }
    Ok(negotiation)
}

/// libpq compares the versions without regard to letter case.
fn version(reader: &Reader<'_>, keyword: &'static str) -> Result<Option<TlsVersion>, InputFailure> {
    let Some(text) = reader.text(keyword) else {
        return Ok(None);
    };
    let found = TlsVersion::ALL.into_iter().find(|version| version.as_str().eq_ignore_ascii_case(text));
    found.map(Some).ok_or_else(|| reader.invalid(keyword, "TLSv1, TLSv1.1, TLSv1.2, TLSv1.3"))
}

/// Not spoken here, so what prefers it goes on without.
fn gss_encryption(reader: &Reader<'_>, oddities: &mut Vec<Oddity>) -> Result<(), InputFailure> {
    let words = [("disable", false), ("prefer", true), ("require", true)];
    if reader.choice("gssencmode", "disable, prefer, require", &words)? != Some(true) {
        return Ok(());
    }
    if reader.text("gssencmode") == Some("require") {
        return Err(InputFailure::GssEncryptionRequired { source: reader.source("gssencmode") });
    }
    oddities.push(Oddity::GssEncryption);
    Ok(())
}

/// libpq's rules (`fe-secure-openssl.c`, `initialize_SSL`): a root file that does not exist matters to the verifying
/// modes only; one that exists matters to all.
fn roots(reader: &Reader<'_>, mode: SslMode) -> Result<Roots, InputFailure> {
    let named = reader.text("sslrootcert");
    if named == Some("system") {
        return Ok(Roots::System);
    }
    if named.is_none() && reader.manner.own_roots {
        return Ok(if mode >= SslMode::VerifyCa { Roots::System } else { Roots::None });
    }
    let path = named.map(PathBuf::from).or_else(|| default_file(reader, "root.crt"));
    let Some(path) = path else {
        return Ok(Roots::None);
    };
    if !path.exists() {
        if mode < SslMode::VerifyCa {
            return Ok(Roots::None);
        }
        return Err(InputFailure::RootCertificateMissing { path, named: named.is_some() });
    }
    if mode.demands_tls() && !holds_certificate(&path) {
        return Err(InputFailure::RootCertificateUnreadable { path });
    }
    Ok(Roots::File(path))
}

/// Lists that cannot be loaded are passed over in silence, and then both are (`X509_STORE_load_locations`). The default
/// file counts where neither is named.
fn revocation(reader: &Reader<'_>, oddities: &mut Vec<Oddity>) -> Revocation {
    let file = reader.text("sslcrl").map(PathBuf::from);
    let directory = reader.text("sslcrldir").map(PathBuf::from);
    let named = file.is_some();
    let file = file.or_else(|| default_file(reader, "root.crl").filter(|_| directory.is_none()));
    if let Some(path) = file.as_ref().filter(|path| !holds_list(path)) {
        if named {
            let reason = "it holds no list of revoked certificates in PEM form, so libpq checks none";
            oddities.push(Oddity::FileLeftOut { keyword: "sslcrl", path: path.clone(), reason });
        }
        return Revocation::default();
    }
    Revocation { file, directory }
}

/// A file in libpq's directory of the user.
pub fn default_file(reader: &Reader<'_>, name: &str) -> Option<PathBuf> {
    Some(home::directory(reader.sources.environment?)?.join(".postgresql").join(name))
}

fn holds_certificate(path: &Path) -> bool {
    std::fs::read(path).is_ok_and(|pem| X509::stack_from_pem(&pem).is_ok_and(|found| !found.is_empty()))
}

/// OpenSSL loads lists and certificates in one go, and is content with either.
fn holds_list(path: &Path) -> bool {
    std::fs::read(path).is_ok_and(|pem| X509Crl::from_pem(&pem).is_ok()) || holds_certificate(path)
}
