//! tls-server-end-point: the digest of the server's certificate that SCRAM is bound to (RFC 5929, section 4.1).

use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::x509::X509Ref;

/// Tags of ASN.1, in DER.
const SEQUENCE: u8 = 0x30;
const OBJECT_IDENTIFIER: u8 = 0x06;
const FIRST_OPTIONAL: u8 = 0xa0;

/// 2.16.840.1.101.3.4.2, where NIST numbers the digests of the SHA-2 family.
const SHA_2: [u8; 8] = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02];

/// The digest by the hash of the certificate's own signature, but SHA-256 in place of MD5 and SHA-1. None for a signature
/// without a hash of its own, such as Ed25519: libpq cannot bind to it.
pub fn of(certificate: &X509Ref) -> Option<Vec<u8>> {
    let signature = certificate.signature_algorithm().object().nid();
    let digest = if signature == Nid::RSASSAPSS {
        pss_digest(&certificate.to_der().ok()?)?
    } else {
        match signature.signature_algorithms()?.digest {
            Nid::MD5 | Nid::SHA1 => MessageDigest::sha256(),
            other => MessageDigest::from_nid(other)?,
        }
    };
    certificate.digest(digest).ok().map(|digest| digest.to_vec())
}

/// RSASSA-PSS names its hash in the parameters of the signature (RFC 4055, section 3.1); SHA-1 where it names none.
fn pss_digest(certificate: &[u8]) -> Option<MessageDigest> {
    let (_, parts) = element(certificate, SEQUENCE)?;
    let (after_signed_part, _) = element(parts, SEQUENCE)?;
    let (_, algorithm) = element(after_signed_part, SEQUENCE)?;
    let (parameters, _) = element(algorithm, OBJECT_IDENTIFIER)?;
    let (_, parameters) = element(parameters, SEQUENCE)?;
    let Some((_, hash)) = element(parameters, FIRST_OPTIONAL) else {
        return Some(MessageDigest::sha256());
    };
    let (_, hash) = element(hash, SEQUENCE)?;
    let (_, hash) = element(hash, OBJECT_IDENTIFIER)?;
    match hash.strip_prefix(&SHA_2) {
        // What is not of that family is SHA-1.
        None | Some([1]) => Some(MessageDigest::sha256()),
        Some([2]) => Some(MessageDigest::sha384()),
        Some([3]) => Some(MessageDigest::sha512()),
        Some([4]) => Some(MessageDigest::sha224()),
        Some(_) => None,
    }
}

/// An element of DER: what follows it, and what is in it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (first, rest) = der.split_first()?;
    if *first != tag {
        return None;
    }
    let (length, rest) = rest.split_first()?;
    let (length, rest) = match usize::from(*length) {
        short @ 0..=0x7f => (short, rest),
        long => {
            let (digits, rest) = rest.split_at_checked(long - 0x80)?;
            (
                digits
                    .iter()
                    .try_fold(0_usize, |length, digit| length.checked_mul(256)?.checked_add((*digit).into()))?,
                rest,
            )
        }
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((rest, content))
}
