//! Which client certificate there is. What is wrong with its files is an error here only where the mode demands TLS;
//! otherwise libpq goes on without it, and so does the probe.

use std::path::{Path, PathBuf};

use openssl::error::ErrorStack;
use openssl::ssl::{SslContext, SslMethod};

use super::{Reader, tls::default_file};
use crate::settings::InputFailure;
use crate::target::ClientCertificateFailure as Failure;
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
    let key_named = named_key.is_some();
    let Some(key) = key else {
        let missing = Failure::KeyMissing { certificate, key, named: key_named };
        return Err(InputFailure::ClientCertificate(missing));
    };
    let found = ClientCertificate { certificate, key, key_named, password };
    if settings.mode.demands_tls() {
        examine(&found).map_err(InputFailure::ClientCertificate)?;
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

/// By a context of its own, which is not used.
fn examine(found: &ClientCertificate) -> Result<(), Failure> {
    let context = SslContext::builder(SslMethod::tls_client());
    let path = &found.certificate;
    let unreadable =
        |error: ErrorStack| Failure::CertificateUnreadable { path: path.clone(), reason: error.to_string() };
    found.load(&mut context.map_err(unreadable)?).map(drop)
}
