//! A certificate that libpq and strict clients judge differently.

use super::reissue::Request;
use crate::diagnose::code::Code;
use crate::diagnose::finding::{Finding, Side};
use crate::probe::certificate::Certificate;
use crate::probe::trace::{StrictObjection, Trace};
use crate::target::Target;

/// libpq takes it, strict clients do not.
pub fn libpq_only(target: &Target, trace: &Trace) -> Option<Finding> {
    let objections = trace.tls.strict.as_ref().filter(|objections| !objections.is_empty())?;
    let finding = Finding::new(
        Code::TlsCertificateLibpqOnly,
        "libpq accepts the server's certificate, stricter clients (such as rustls and Go) do not",
    )
    .evidence("reasons", objections.iter().map(word).collect::<Vec<_>>());
    let finding = objections.iter().fold(finding, |finding, objection| finding.because(reason(objection)));
    let leaf = trace.tls.chain.first();
    // There is nothing wrong with the certificate.
    if let [StrictObjection::AddressSpelling { address }] = objections.as_slice() {
        return Some(finding.fix(Side::Client, "spell it as they do", [format!("host={address}")]));
    }
    let request = Request::new(target.certificate_name()).keeping(leaf);
    let of_leaf = |subject: &str| leaf.is_some_and(|leaf| leaf.subject == subject);
    let short = |one: &StrictObjection| matches!(one, StrictObjection::KeyShort { subject, .. } if of_leaf(subject));
    let request = if objections.iter().any(short) { request.with_new_key() } else { request };
    let finding = finding.fix(
        Side::Server,
        "have it issued anew, in version 3, with the host in subjectAltName and SHA-256: sign the request into \
         server.crt, then reload",
        request.lines(),
    );
    let finding = if objections.iter().filter_map(subject).any(|subject| !of_leaf(subject)) {
        finding.advise(Side::Server, "by an authority whose own certificates are so, with keys of 2048 bits or more")
    } else {
        finding
    };
    // It is trusted itself, and no authority with it.
    Some(if objections.contains(&StrictObjection::AuthorityAsLeaf) && leaf.is_some_and(Certificate::is_self_issued) {
        finding.fix(
            Side::Client,
            "then trust the authority that has signed it, in place of the certificate itself",
            ["sslrootcert=/PATH/TO/root.crt"],
        )
    } else {
        finding
    })
}

/// Whose certificate it is about.
fn subject(objection: &StrictObjection) -> Option<&str> {
    match objection {
        StrictObjection::Version { subject }
        | StrictObjection::KeyShort { subject, .. }
        | StrictObjection::DigestWeak { subject } => Some(subject),
        _ => None,
    }
}

/// Strict clients take it, and libpq's SCRAM cannot be bound to it.
pub fn breaks_libpq(target: &Target, trace: &Trace) -> Option<Finding> {
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
    .fix(
        Side::Server,
        "have it signed by an authority with an RSA or ECDSA key, the key of the server may stay: sign the request into \
         server.crt, then reload",
        Request::new(target.certificate_name()).keeping(Some(leaf)).lines(),
    )
    .evidence("signature", leaf.signature.as_str());
    Some(finding)
}

fn word(objection: &StrictObjection) -> &'static str {
    match objection {
        StrictObjection::Version { .. } => "version",
        StrictObjection::CommonNameOnly => "common-name-only",
        StrictObjection::AddressAsName => "address-as-name",
        StrictObjection::AddressSpelling { .. } => "address-spelling",
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
        StrictObjection::AddressSpelling { .. } => {
            "they do not read the address in the way it is spelled here".to_owned()
        }
        StrictObjection::WildcardTooWide { pattern } => format!("{pattern} stands for all names below one label"),
        StrictObjection::AuthorityAsLeaf => {
            "the server's certificate is that of an authority (CA:TRUE), which is no server's to them".to_owned()
        }
        StrictObjection::KeyShort { subject, bits } => format!("the RSA key of {subject} has {bits} bits, not 2048"),
        StrictObjection::DigestWeak { subject } => format!("the signature of {subject} is by MD5 or SHA-1"),
        StrictObjection::Other { reason } => format!("rustls says: {reason}"),
    }
}
