//! A certificate that libpq and strict clients judge differently.

use std::net::IpAddr;

use crate::diagnose::code::Code;
use crate::diagnose::finding::{Finding, Side};
use crate::probe::trace::{StrictObjection, Trace};
use crate::target::Target;

/// libpq takes it, strict clients do not.
pub fn libpq_only(target: &Target, trace: &Trace) -> Option<Finding> {
    let objections = trace.tls.strict.as_ref().filter(|objections| !objections.is_empty())?;
    let host = target.endpoint.host();
    let kind = if host.parse::<IpAddr>().is_ok() { "IP" } else { "DNS" };
    let finding = Finding::new(
        Code::TlsCertificateLibpqOnly,
        "libpq accepts the server's certificate, stricter clients (such as rustls and Go) do not",
    )
    .evidence("reasons", objections.iter().map(word).collect::<Vec<_>>());
    let finding = objections.iter().fold(finding, |finding, objection| finding.because(reason(objection)));
    Some(finding.fix(
        Side::Server,
        "have it issued anew, in version 3, with the host in subjectAltName and SHA-256, then reload",
        [
            format!(
                "openssl req -new -key server.key -subj /CN={host} -addext subjectAltName={kind}:{host} -out server.csr"
            ),
            "SELECT pg_reload_conf();".to_owned(),
        ],
    ))
}

/// Strict clients take it, and libpq's SCRAM cannot be bound to it.
pub fn breaks_libpq(trace: &Trace) -> Option<Finding> {
    let leaf = trace.tls.chain.first()?;
    if trace.tls.bindable || !trace.tls.negotiated || trace.tls.strict.as_ref().is_none_or(|found| !found.is_empty()) {
        return None;
    }
    let finding = Finding::new(
        Code::TlsCertificateBreaksLibpq,
        format!(
            "strict clients accept the server's certificate; libpq's SCRAM login fails over it ({})",
            leaf.signature
        ),
    )
    .because("a signature without a hash of its own gives nothing to bind SCRAM to (RFC 5929, section 4.1)")
    .because("psql and all else on libpq then say `could not find digest for NID`, unless channel_binding=disable")
    .advise(Side::Server, "have it signed by an authority with an RSA or ECDSA key; the key of the server may stay")
    .evidence("signature", leaf.signature.as_str());
    Some(finding)
}

fn word(objection: &StrictObjection) -> &'static str {
    match objection {
        StrictObjection::Version { .. } => "version",
        StrictObjection::CommonNameOnly => "common-name-only",
        StrictObjection::AddressAsName => "address-as-name",
        StrictObjection::AddressSpelling => "address-spelling",
        StrictObjection::WildcardTooWide { .. } => "wildcard-too-wide",
        StrictObjection::AuthorityAsLeaf => "authority-as-leaf",
        StrictObjection::KeyShort { .. } => "key-short",
        StrictObjection::DigestWeak { .. } => "digest-weak",
        StrictObjection::Other { .. } => "other",
    }
}

fn reason(objection: &StrictObjection) -> String {
    match objection {
        StrictObjection::Version { subject } => format!("{subject} is not X.509 version 3"),
        StrictObjection::CommonNameOnly => {
            "the host stands in the common name only; they look at subjectAltName alone".to_owned()
        }
        StrictObjection::AddressAsName => {
            "the address stands among the DNS names, as text; they look for it among the addresses".to_owned()
        }
        StrictObjection::AddressSpelling => "they do not read the address in the way it is spelled here".to_owned(),
        StrictObjection::WildcardTooWide { pattern } => format!("{pattern} stands for all names below one label"),
        StrictObjection::AuthorityAsLeaf => {
            "the server's certificate is that of an authority (CA:TRUE), which is no server's to them".to_owned()
        }
        StrictObjection::KeyShort { subject, bits } => format!("the RSA key of {subject} has {bits} bits, not 2048"),
        StrictObjection::DigestWeak { subject } => format!("the signature of {subject} is by MD5 or SHA-1"),
        StrictObjection::Other { reason } => format!("rustls says: {reason}"),
    }
}
