//! The certificate that this side shows: where it is, and whether it can be used, by libpq's rules
//! (`fe-secure-openssl.c`, `initialize_SSL`). Stage input asks in the modes that demand TLS, a handshake in all.

use std::fs::Metadata;
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::PathBuf;

use openssl::error::ErrorStack;
use openssl::pkey::{PKey, Private};
use openssl::ssl::SslContextBuilder;
use openssl::x509::X509;

use super::Secret;

/// The certificate that this side shows when it is asked for one.
#[derive(Clone, Debug)]
pub struct ClientCertificate {
    /// `sslcert`: a PEM file; behind the certificate the intermediates may follow.
    pub certificate: PathBuf,
    /// `sslkey`: a file in PEM or DER form.
    pub key: PathBuf,
    /// The key was named; else it is in the default place.
    pub key_named: bool,
    /// `sslpassword`: opens the key.
    pub password: Option<Secret>,
}

/// What libpq holds against the files of a client certificate (`fe-secure-openssl.c`, `initialize_SSL`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientCertificateFailure {
    /// The certificate file cannot be read, or OpenSSL does not take what is in it.
    CertificateUnreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// There is a certificate, and no key.
    KeyMissing {
        /// The certificate.
        certificate: PathBuf,
        /// Where the key was looked for; None where there is no home directory to look in.
        key: Option<PathBuf>,
        /// It was named by `sslkey`; else it is the default place.
        named: bool,
    },
    /// Others than the owner may use the key.
    KeyPermissions {
        /// The key.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// Its owner is root: then its group may read it.
        owned_by_root: bool,
    },
    /// It is no plain file, or holds no key.
    KeyUnreadable {
        /// The key.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The key has a passphrase.
    KeyLocked {
        /// The key.
        path: PathBuf,
        /// `sslpassword` was given, and does not open it.
        tried: bool,
    },
    /// The key is another certificate's.
    KeyMismatch {
        /// The certificate.
        certificate: PathBuf,
        /// The key.
        key: PathBuf,
    },
}

impl ClientCertificate {
    /// Makes the builder show the certificate, and those behind it in the file; gives the certificate itself.
    pub fn load(&self, builder: &mut SslContextBuilder) -> Result<X509, ClientCertificateFailure> {
        let path = &self.certificate;
        let unreadable = |reason| ClientCertificateFailure::CertificateUnreadable { path: path.clone(), reason };
        let pem = std::fs::read(path).map_err(|error| unreadable(error.to_string()))?;
        // A context may refuse a certificate that can be read (`ee key too small`).
        let taken = builder.set_certificate_chain_file(path).and_then(|()| X509::from_pem(&pem));
        let leaf = taken.map_err(|error| unreadable(reason(&error)))?;
        let key = self.read_key()?;
        let fitting = builder.set_private_key(&key).and_then(|()| builder.check_private_key());
        fitting.map_err(|_| ClientCertificateFailure::KeyMismatch {
            certificate: self.certificate.clone(),
            key: self.key.clone(),
        })?;
        Ok(leaf)
    }

    fn read_key(&self) -> Result<PKey<Private>, ClientCertificateFailure> {
        let unreadable = |reason| ClientCertificateFailure::KeyUnreadable { path: self.key.clone(), reason };
        let metadata = std::fs::metadata(&self.key).map_err(|error| match error.kind() {
            ErrorKind::NotFound => self.key_missing(),
            _ => unreadable(error.to_string()),
        })?;
        if !metadata.is_file() {
            return Err(unreadable("it is no plain file".to_owned()));
        }
        if others_may_use(&metadata) {
            return Err(ClientCertificateFailure::KeyPermissions {
                path: self.key.clone(),
                mode: metadata.permissions().mode() & 0o777,
                owned_by_root: metadata.uid() == 0,
            });
        }
        let bytes = std::fs::read(&self.key).map_err(|error| unreadable(error.to_string()))?;
        self.decode(&bytes)
    }

    /// PEM, else DER. Nobody is asked for a passphrase.
    fn decode(&self, bytes: &[u8]) -> Result<PKey<Private>, ClientCertificateFailure> {
        let path = || self.key.clone();
        let mut locked = false;
        let read = PKey::private_key_from_pem_callback(bytes, |buffer| {
            locked = true;
            let passphrase = self.password.as_ref().map_or("", Secret::expose).as_bytes();
            let length = passphrase.len().min(buffer.len());
            buffer.iter_mut().zip(passphrase).for_each(|(to, from)| *to = *from);
            Ok(length)
        });
        let error = match read {
            Ok(key) => return Ok(key),
            Err(error) => error,
        };
        if locked {
            return Err(ClientCertificateFailure::KeyLocked { path: path(), tried: self.password.is_some() });
        }
        let unreadable = |_| ClientCertificateFailure::KeyUnreadable { path: path(), reason: reason(&error) };
        PKey::private_key_from_der(bytes).map_err(unreadable)
    }

    fn key_missing(&self) -> ClientCertificateFailure {
        ClientCertificateFailure::KeyMissing {
            certificate: self.certificate.clone(),
            key: Some(self.key.clone()),
            named: self.key_named,
        }
    }
}

/// Root's key may be read by its group: so a key for the whole system can be shared.
fn others_may_use(metadata: &Metadata) -> bool {
    let forbidden = if metadata.uid() == 0 { 0o037 } else { 0o077 };
    metadata.permissions().mode() & forbidden != 0
}

fn reason(error: &ErrorStack) -> String {
    error.errors().first().and_then(openssl::error::Error::reason).unwrap_or("OpenSSL gives no reason").to_owned()
}
