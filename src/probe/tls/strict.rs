//! The verdict of strict clients on a chain and a name that libpq accepts: rustls-webpki, as in rustls. Java and Go have
//! most of its rules.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use openssl::nid::Nid;
use openssl::pkey::Id;
use openssl::x509::{X509, X509Ref};
use rustls_pki_types::{CertificateDer, ServerName, TrustAnchor, UnixTime};
use webpki::{EndEntityCert, Error, KeyUsage, anchor_from_trusted_cert};

use crate::probe::certificate::{self, Certificate, Names, SubjectName};
use crate::probe::names;
use crate::probe::trace::StrictObjection;
use crate::wire::screen::Screen;

/// The shortest RSA key that strict clients take, in bits.
const SHORTEST_RSA: u32 = 2048;

/// X.509 version 3 is written as 2.
const VERSION_3: i32 = 2;

/// What there is to judge. Nothing waits for the verdict: it is made while the server is at work.
pub struct Case {
    /// As the server sent it.
    pub chain: Vec<X509>,
    /// What is trusted.
    pub anchors: Anchors,
    /// The name by which the certificate is judged.
    pub name: String,
    /// Makes names in certificates safe to show.
    pub screen: Screen,
}

/// What a strict client would be given to trust.
pub enum Anchors {
    /// The roots of a file.
    File(PathBuf),
    /// The one of the system's roots that was needed.
    Needed(Option<X509>),
}

impl Anchors {
    fn certificates(&self) -> Vec<X509> {
        match self {
            Self::File(path) => super::roots_of(path),
            Self::Needed(root) => root.iter().cloned().collect(),
        }
    }
}

/// What they object to. None where that depends on the client, such as on the algorithms it was built with.
pub fn judge(case: &Case) -> Option<Vec<StrictObjection>> {
    let sent: Vec<CertificateDer<'_>> = case.chain.iter().filter_map(|one| der(one)).collect();
    let (leaf, intermediates) = sent.split_first()?;
    let mut objections: Vec<StrictObjection> =
        case.chain.iter().filter_map(|one| weakness(one, &case.screen)).collect();
    let name = case.chain.first().and_then(|leaf| name_objection(&certificate::names(leaf), &case.name));
    let leaf = match EndEntityCert::try_from(leaf) {
        Ok(leaf) => leaf,
        Err(Error::UnsupportedCertVersion) => {
            objections.extend(name);
            return Some(objections);
        }
        Err(error) => return Some(vec![StrictObjection::Other { reason: error.to_string() }]),
    };
    match verify_chain(&leaf, intermediates, &case.anchors.certificates()) {
        Err(Error::CaUsedAsEndEntity) => objections.push(StrictObjection::AuthorityAsLeaf),
        // A weakness that was found says why.
        Err(_) if !objections.is_empty() => {}
        Err(
            Error::UnsupportedSignatureAlgorithmContext(_) | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_),
        ) => return None,
        Err(error) => objections.push(StrictObjection::Other { reason: error.to_string() }),
        Ok(()) => {}
    }
    if let Err(error) = verify_name(&leaf, &case.name) {
        objections.push(name.unwrap_or_else(|| StrictObjection::Other { reason: error.to_string() }));
    }
    Some(objections)
}

/// What shows of one certificate alone.
fn weakness(one: &X509Ref, screen: &Screen) -> Option<StrictObjection> {
    let subject = || Certificate::read(one, screen).subject;
    if one.version() != VERSION_3 {
        return Some(StrictObjection::Version { subject: subject() });
    }
    if let Ok(key) = one.public_key()
        && matches!(key.id(), Id::RSA | Id::RSA_PSS)
        && key.bits() < SHORTEST_RSA
    {
        return Some(StrictObjection::KeyShort { subject: subject(), bits: key.bits() });
    }
    let digest = one.signature_algorithm().object().nid().signature_algorithms().map(|signature| signature.digest);
    // Nobody looks at the signature of a root.
    let is_root = one.subject_name().try_cmp(one.issuer_name()).is_ok_and(std::cmp::Ordering::is_eq);
    let weak = matches!(digest, Some(Nid::MD5 | Nid::SHA1)) && !is_root;
    weak.then(|| StrictObjection::DigestWeak { subject: subject() })
}

fn verify_chain(leaf: &EndEntityCert<'_>, intermediates: &[CertificateDer<'_>], anchors: &[X509]) -> Result<(), Error> {
    let trusted: Vec<CertificateDer<'_>> = anchors.iter().filter_map(|anchor| der(anchor)).collect();
    let anchors: Vec<TrustAnchor<'_>> = trusted.iter().filter_map(|one| anchor_from_trusted_cert(one).ok()).collect();
    let now = UnixTime::since_unix_epoch(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default());
    let (algorithms, usage) = (webpki::ALL_VERIFICATION_ALGS, KeyUsage::server_auth());
    leaf.verify_for_usage(algorithms, &anchors, intermediates, now, usage, None, None).map(drop)
}

fn verify_name(leaf: &EndEntityCert<'_>, host: &str) -> Result<(), Error> {
    let name = ServerName::try_from(host).map_err(|_| Error::MalformedDnsIdentifier)?;
    leaf.verify_is_valid_for_subject_name(&name)
}

fn der(certificate: &X509Ref) -> Option<CertificateDer<'static>> {
    certificate.to_der().ok().map(CertificateDer::from)
}

/// By which of libpq's own rules the name was found.
fn name_objection(names: &Names, host: &str) -> Option<StrictObjection> {
    let mut listed = names.alternatives.iter().filter_map(|name| match name {
        SubjectName::Dns(name) => Some(name),
        SubjectName::Ip(_) => None,
    });
    let in_common_name = names.common_name.is_some();
    match (names::address(host), host.parse::<std::net::IpAddr>()) {
        (Some(_), _) if listed.any(|name| name.eq_ignore_ascii_case(host)) => Some(StrictObjection::AddressAsName),
        (Some(address), Err(_)) if names.alternatives.contains(&SubjectName::Ip(address)) => {
            Some(StrictObjection::AddressSpelling { address })
        }
        (Some(address), _) if names.alternatives.contains(&SubjectName::Ip(address)) => None,
        (Some(_), _) => in_common_name.then_some(StrictObjection::CommonNameOnly),
        (None, _) if listed.clone().next().is_none() => in_common_name.then_some(StrictObjection::CommonNameOnly),
        (None, _) => {
            let wide = listed.find(|name| name.strip_prefix("*.").is_some_and(|rest| !rest.contains('.')));
            wide.map(|pattern| StrictObjection::WildcardTooWide { pattern: pattern.clone() })
        }
    }
}
