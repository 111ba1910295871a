//! Lists of revoked certificates, as libpq has OpenSSL read them (`X509_STORE_load_locations`): from the file, and from
//! the directory only if the file could be read. What cannot be read is passed over, and then nothing is checked.

use std::path::Path;

use openssl::error::ErrorStack;
use openssl::ssl::{SslContextBuilder, SslFiletype};
use openssl::x509::X509;
use openssl::x509::store::{X509Lookup, X509StoreBuilder, X509StoreBuilderRef};
use openssl::x509::verify::X509VerifyFlags;

use crate::target::Revocation;

/// How a list begins in a PEM file.
const LIST: &[u8] = b"-----BEGIN X509 CRL-----";

/// Has every certificate of a chain looked up in a list of its issuer, where lists are given and can be read.
pub fn check(builder: &mut SslContextBuilder, revocation: &Revocation) {
    if !revocation.is_none() && load(builder.cert_store_mut(), revocation).is_none() {
        // Without lists, and without the demand for them, as in libpq; of OpenSSL's errors nobody wants to know.
        drop(ErrorStack::get());
    }
}

fn load(store: &mut X509StoreBuilderRef, revocation: &Revocation) -> Option<()> {
    if let Some(file) = &revocation.file {
        load_file(store, file)?;
    }
    if let Some(directory) = revocation.directory.as_ref().and_then(|path| path.to_str()) {
        // Read when a list is needed; a directory that does not exist has none.
        store.add_lookup(X509Lookup::hash_dir()).ok()?.add_dir(directory, SslFiletype::PEM).ok()?;
    }
    store.set_flags(X509VerifyFlags::CRL_CHECK | X509VerifyFlags::CRL_CHECK_ALL).ok()
}

/// All of the file or nothing. Certificates in it are trusted like those of the root file.
fn load_file(store: &mut X509StoreBuilderRef, file: &Path) -> Option<()> {
    let pem = std::fs::read(file).ok()?;
    let certificates = X509::stack_from_pem(&pem).ok()?;
    if certificates.is_empty() || pem.windows(LIST.len()).any(|window| window == LIST) {
        // Into a store of its own first: of a file that is damaged further down no list is used.
        let mut trial = X509StoreBuilder::new().ok()?;
        trial.add_lookup(X509Lookup::file()).ok()?.load_crl_file(file, SslFiletype::PEM).ok()?;
        store.add_lookup(X509Lookup::file()).ok()?.load_crl_file(file, SslFiletype::PEM).ok()?;
    }
    certificates.into_iter().try_for_each(|certificate| store.add_cert(certificate)).ok()
}
