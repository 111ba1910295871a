//! The driver that Rust applications use (tokio-postgres over native-tls), set up as a target says.

use native_tls::{Certificate, TlsConnector};
use postgres_native_tls::MakeTlsConnector;

use crate::target::{Roots, TlsSettings, Verification};

/// TLS that verifies what the settings demand. Loading the system's roots takes a while: only where they are needed.
pub(crate) fn connector(settings: &TlsSettings) -> Result<MakeTlsConnector, String> {
    let mut builder = TlsConnector::builder();
    let verification = settings.verification();
    if verification == Verification::None {
        builder.danger_accept_invalid_certs(true).disable_built_in_roots(true);
    }
    builder.danger_accept_invalid_hostnames(verification < Verification::ChainAndName);
    if let (Roots::File(path), true) = (&settings.roots, verification > Verification::None) {
        let pem = std::fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        builder.disable_built_in_roots(true);
        for root in Certificate::stack_from_pem(&pem).map_err(|error| error.to_string())? {
            builder.add_root_certificate(root);
        }
    }
    builder.build().map(MakeTlsConnector::new).map_err(|error| error.to_string())
}

/// The server's own words where there are some, else those of the driver, down to the root.
pub(crate) fn said(error: &tokio_postgres::Error) -> String {
    if let Some(error) = error.as_db_error() {
        return format!("{}: {} (SQLSTATE {})", error.severity(), error.message(), error.code().code());
    }
    let mut said = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        said = format!("{said}: {cause}");
        source = cause.source();
    }
    said
}
