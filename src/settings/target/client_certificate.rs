//! The files of the client certificate by libpq's rules (`fe-secure-openssl.c`, `initialize_SSL`). What is wrong with them
//! is an error only where the mode demands TLS; otherwise libpq goes on without it, and so does the probe.

use std::fs::Metadata;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use openssl::error::ErrorStack;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{SslContext, SslMethod};
use openssl::x509::X509;

use super::{Reader, tls::default_file};
use crate::settings::InputFailure;
use crate::settings::failure::ClientCertificateFailure as Failure;
use crate::target::{ClientCertificate, Oddity, Secret, SslCertMode, TlsSettings};

/// The certificate that would be shown, if there is one.
pub fn read(
    reader: &Reader<'_>,
    settings: &TlsSettings,
    oddities: &mut Vec<Oddity>,
) -> Result<Option<ClientCertificate>, InputFailure> {
    if settings.cert_mode == SslCertMode::Disable {
        return Ok(None);
    }
    let named = reader.text("sslcert").map(PathBuf::from);
    let named_key = reader.text("sslkey").map(PathBuf::from);
    let path = named.clone().or_else(|| default_file(reader, "postgresql.crt"));
    let Some(certificate) = path.filter(|path| exists(path)) else {
        oddities.extend(left_out(named, named_key));
        return Ok(None);
    };
    let key = named_key.clone().or_else(|| default_file(reader, "postgresql.key"));
    let password = reader.text("sslpassword").map(|text| Secret::new(text.to_owned()));
    let missing =
        || Failure::KeyMissing { certificate: certificate.clone(), key: key.clone(), named: named_key.is_some() };
    let Some(key) = key.clone() else {
        return Err(InputFailure::ClientCertificate(missing()));
    };
    let found = ClientCertificate { certificate: certificate.clone(), key, password };
    if settings.mode.demands_tls() {
        examine(&found, missing).map_err(InputFailure::ClientCertificate)?;
    }
    Ok(Some(found))
}

/// libpq goes on without a certificate that is not there; any other trouble is one.
fn exists(path: &Path) -> bool {
    use std::io::ErrorKind::{NotADirectory, NotFound};
    std::fs::metadata(path).map_or_else(|error| !matches!(error.kind(), NotFound | NotADirectory), |_| true)
}

/// What was named, and is of no use.
fn left_out(certificate: Option<PathBuf>, key: Option<PathBuf>) -> Option<Oddity> {
    if let Some(path) = certificate {
        let reason = "it does not exist, so libpq shows no certificate";
        return Some(Oddity::FileLeftOut { keyword: "sslcert", path, reason });
    }
    let reason = "there is no certificate that it belongs to, neither sslcert nor the default file";
    key.map(|path| Oddity::FileLeftOut { keyword: "sslkey", path, reason })
}

fn examine(found: &ClientCertificate, missing: impl Fn() -> Failure) -> Result<(), Failure> {
    let leaf = read_certificate(&found.certificate)?;
    let path = found.key.clone();
    let metadata = match std::fs::metadata(&path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(missing()),
        Err(error) => return Err(Failure::KeyUnreadable { path, reason: error.to_string() }),
    };
    if !metadata.is_file() {
        return Err(Failure::KeyUnreadable { path, reason: "it is no plain file".to_owned() });
    }
    if others_may_use(&metadata) {
        let mode = metadata.permissions().mode() & 0o777;
        return Err(Failure::KeyPermissions { path, mode, owned_by_root: metadata.uid() == 0 });
    }
    let key = read_key(&path, found.password.as_ref())?;
    if leaf.public_key().is_ok_and(|public| public.public_eq(&key)) {
        return Ok(());
    }
    Err(Failure::KeyMismatch { certificate: found.certificate.clone(), key: path })
}

/// By a context of OpenSSL's, which may refuse a certificate that can be read (`ee key too small`).
fn read_certificate(path: &Path) -> Result<X509, Failure> {
    let unreadable = |reason| Failure::CertificateUnreadable { path: path.to_owned(), reason };
    let pem = std::fs::read(path).map_err(|error| unreadable(error.to_string()))?;
    let load = || -> Result<X509, ErrorStack> {
        SslContext::builder(SslMethod::tls_client())?.set_certificate_chain_file(path)?;
        X509::from_pem(&pem)
    };
    load().map_err(|error| unreadable(reason(&error)))
}

/// Root's key may be read by its group: so a key for the whole system can be shared.
fn others_may_use(metadata: &Metadata) -> bool {
    let forbidden = if metadata.uid() == 0 { 0o037 } else { 0o077 };
    metadata.permissions().mode() & forbidden != 0
}

/// PEM, else DER. Nobody is asked for a passphrase.
fn read_key(path: &Path, password: Option<&Secret>) -> Result<PKey<Private>, Failure> {
    let bytes = std::fs::read(path)
        .map_err(|error| Failure::KeyUnreadable { path: path.to_owned(), reason: error.to_string() })?;
    let mut locked = false;
    let read = PKey::private_key_from_pem_callback(&bytes, |buffer| {
        locked = true;
        let passphrase = password.map_or("", Secret::expose).as_bytes();
        let length = passphrase.len().min(buffer.len());
        buffer.iter_mut().zip(passphrase).for_each(|(to, from)| *to = *from);
        Ok(length)
    });
    let error = match read {
        Ok(key) => return Ok(key),
        Err(error) => error,
    };
    if locked {
        return Err(Failure::KeyLocked { path: path.to_owned(), tried: password.is_some() });
    }
    let unreadable = |_| Failure::KeyUnreadable { path: path.to_owned(), reason: reason(&error) };
    PKey::private_key_from_der(&bytes).map_err(unreadable)
}

fn reason(error: &ErrorStack) -> String {
    error.errors().first().and_then(openssl::error::Error::reason).unwrap_or("OpenSSL gives no reason").to_owned()
}
