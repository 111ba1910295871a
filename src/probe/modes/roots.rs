//! The verdict of the system's roots on a chain that was sent, whatever the settings trust.

use openssl::error::ErrorStack;
use openssl::ssl::{SslContext, SslMethod};
use openssl::stack::Stack;
use openssl::x509::verify::X509VerifyParam;
use openssl::x509::{X509, X509PurposeId, X509StoreContext};

use crate::probe::certificate::Certificate;
use crate::probe::tls;
use crate::probe::trace::Objection;

/// What a TLS client that trusts the system's roots objects to first, or nothing.
pub fn objections(chain: &[Certificate]) -> Result<Vec<Objection>, ErrorStack> {
    let mut sent = Stack::new()?;
    for certificate in chain {
        sent.push(X509::from_der(&certificate.der)?)?;
    }
    let Some(leaf) = sent.get(0).map(ToOwned::to_owned) else {
        return Ok(Vec::new());
    };
    let context = client()?;
    let objection = X509StoreContext::new()?.init(context.cert_store(), &leaf, &sent, |verifying| {
        let fine = verifying.verify_cert()?;
        let objection = Objection { depth: verifying.error_depth(), verify_code: verifying.error().as_raw() };
        Ok((!fine).then_some(objection))
    })?;
    Ok(objection.into_iter().collect())
}

/// A handshake would demand the same of its certificates: that they are for a server, and of today's strength.
fn client() -> Result<SslContext, ErrorStack> {
    let usual_level = SslContext::builder(SslMethod::tls_client())?.build().security_level();
    let mut demands = X509VerifyParam::new()?;
    demands.set_purpose(X509PurposeId::SSL_SERVER)?;
    demands.set_auth_level(i32::try_from(usual_level).unwrap_or(i32::MAX));
    let mut builder = SslContext::builder(SslMethod::tls_client())?;
    tls::trust_system(&mut builder)?;
    builder.cert_store_mut().set_param(&demands)?;
    Ok(builder.build())
}
