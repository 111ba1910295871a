//! The certificate of this side and its key, read as libpq reads them (`fe-secure-openssl.c`, `initialize_SSL`).

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use openssl::pkey::{PKey, Private};
use openssl::ssl::SslContextBuilder;
use openssl::x509::X509;

use crate::probe::certificate::Certificate;
use crate::probe::trace::{IdentityFault, TlsFailure};
use crate::target::{ClientCertificate, Secret};
use crate::wire::screen::Screen;

/// Makes the builder show the certificate, and those behind it in the file, to a server that asks for one.
pub fn load(
    builder: &mut SslContextBuilder,
    shown: &ClientCertificate,
    screen: &Screen,
) -> Result<Certificate, TlsFailure> {
    let unreadable = |fault| TlsFailure::Identity { path: shown.certificate.clone(), fault };
    let pem = fs::read(&shown.certificate).map_err(|_| unreadable(IdentityFault::CertificateUnreadable))?;
    let leaf = X509::from_pem(&pem).map_err(|_| unreadable(IdentityFault::CertificateUnreadable))?;
    builder
        .set_certificate_chain_file(&shown.certificate)
        .map_err(|_| unreadable(IdentityFault::CertificateUnreadable))?;
    let unusable = |fault| TlsFailure::Identity { path: shown.key.clone(), fault };
    let key = read_key(&shown.key, shown.password.as_ref()).map_err(unusable)?;
    let fitting = builder.set_private_key(&key).and_then(|()| builder.check_private_key());
    fitting.map_err(|_| unusable(IdentityFault::KeyMismatch))?;
    Ok(Certificate::read(&leaf, screen))
}

fn read_key(path: &Path, password: Option<&Secret>) -> Result<PKey<Private>, IdentityFault> {
    let metadata = fs::metadata(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => IdentityFault::KeyMissing,
        _ => IdentityFault::KeyUnreadable,
    })?;
    if !metadata.is_file() {
        return Err(IdentityFault::KeyUnreadable);
    }
    if is_open_to_others(&metadata) {
        return Err(IdentityFault::KeyPermissions);
    }
    let bytes = fs::read(path).map_err(|_| IdentityFault::KeyUnreadable)?;
    // An empty password opens nothing, and keeps OpenSSL from asking for one at the terminal.
    let password = password.map_or("", Secret::expose);
    PKey::private_key_from_pem_passphrase(&bytes, password.as_bytes())
        .or_else(|_| PKey::private_key_from_der(&bytes))
        .map_err(|_| if is_encrypted(&bytes) { IdentityFault::KeyLocked } else { IdentityFault::KeyUnreadable })
}

/// The group may read a file of root's, nobody else may do anything with it.
fn is_open_to_others(metadata: &Metadata) -> bool {
    let forbidden = if metadata.uid() == 0 { 0o037 } else { 0o077 };
    metadata.mode() & forbidden != 0
}

/// `BEGIN ENCRYPTED PRIVATE KEY`, or `Proc-Type: 4,ENCRYPTED` in the older form.
fn is_encrypted(pem: &[u8]) -> bool {
    pem.windows(9).any(|window| window == b"ENCRYPTED")
}
