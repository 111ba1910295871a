//! Throw-away certificates and keys: roots, intermediates and leaves, sound or with one chosen defect.
//! Every certificate carries basicConstraints, keyUsage and the key identifiers that RFC 5280 asks of it.

mod revocation;

use std::net::IpAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use openssl::asn1::{Asn1Integer, Asn1Object, Asn1OctetString, Asn1Time};
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{Id, PKey, Private};
use openssl::pkey_ctx::PkeyCtx;
use openssl::rsa::Rsa;
use openssl::x509::extension::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName, SubjectKeyIdentifier,
};
use openssl::x509::{X509, X509Builder, X509Extension, X509Name};

/// A certificate with its private key and the certificates between it and its root.
///
/// It serves as a server or client identity and, when [`Spec::authority`] is set, as an issuer.
pub struct Identity {
    certificate: X509,
    key: PKey<Private>,
    intermediates: Vec<X509>,
    self_signed: bool,
}

/// What goes into a certificate. [`Spec::leaf`] and [`Spec::root`] give sound starting points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    /// CN of the subject, after `O=pgpreflight lab`.
    pub common_name: String,
    /// All of the subject in place of that: OpenSSL's short names (`OU`, `CN`, …) and their values, in order.
    pub subject: Vec<(&'static str, String)>,
    /// X.509 version 1, which has no extensions: neither names nor what a key may be used for.
    pub version_1: bool,
    /// dNSName entries of subjectAltName.
    pub dns_names: Vec<String>,
    /// iPAddress entries of subjectAltName.
    pub ip_addresses: Vec<IpAddr>,
    /// notBefore, in days from now; negative is in the past.
    pub starts_in_days: i32,
    /// notAfter, in days from now; negative is in the past.
    pub ends_in_days: i32,
    /// The subject's key.
    pub key: KeyKind,
    /// Digest of the issuer's signature over this certificate; an Ed25519 issuer has no choice and ignores it.
    pub digest: SignatureDigest,
    /// The one extendedKeyUsage; `None` leaves the extension out.
    pub purpose: Option<Purpose>,
    /// CA:TRUE, and keyUsage of a certificate authority.
    pub authority: bool,
    /// nameConstraints: the one domain that an authority may sign for, shorter than 64 octets.
    pub permitted_name: Option<String>,
}

/// Algorithm and size of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// ECDSA over prime256v1, the fastest to make.
    P256,
    /// ECDSA over secp384r1.
    P384,
    /// RSA, 2048 bits.
    Rsa2048,
    /// RSA, 4096 bits, which takes a second to make.
    Rsa4096,
    /// RSA, 1024 bits: refused at OpenSSL security level 1 and above.
    Rsa1024,
    /// RSA for PSS signatures only (RFC 4055), 2048 bits: what it signs is signed so.
    RsaPss2048,
    /// Ed25519, for which libpq finds no channel-binding digest when an Ed25519 key also signed the certificate.
    Ed25519,
}

/// Digest of a certificate's signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureDigest {
    /// SHA-1, refused at OpenSSL security level 1 and above.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
}

/// extendedKeyUsage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// id-kp-serverAuth.
    ServerAuth,
    /// id-kp-clientAuth.
    ClientAuth,
}

impl Spec {
    /// A server certificate without names but its CN, valid from yesterday for a year, P-256 and SHA-256.
    pub fn leaf(common_name: &str) -> Self {
        Self {
            common_name: common_name.to_owned(),
            subject: Vec::new(),
            version_1: false,
            dns_names: Vec::new(),
            ip_addresses: Vec::new(),
            starts_in_days: -1,
            ends_in_days: 365,
            key: KeyKind::P256,
            digest: SignatureDigest::Sha256,
            purpose: Some(Purpose::ServerAuth),
            authority: false,
            permitted_name: None,
        }
    }

    /// A certificate authority, valid from ten years ago for another ten, so that it outlives any leaf's window.
    pub fn root(common_name: &str) -> Self {
        Self { starts_in_days: -3650, ends_in_days: 3650, purpose: None, authority: true, ..Self::leaf(common_name) }
    }
}

impl Identity {
    /// Makes a key and a certificate signed by that same key.
    pub fn self_signed(spec: &Spec) -> Result<Self, ErrorStack> {
        let key = spec.key.generate()?;
        let name = subject(spec)?;
        let builder = unsigned(spec, &key, &name, None)?;
        let certificate = sign(builder, &key, spec.digest)?;
        Ok(Self { certificate, key, intermediates: Vec::new(), self_signed: true })
    }

    /// Makes a key and a certificate signed by this identity. Whether that signature is worth anything
    /// is for the verifier to find out: an identity without [`Spec::authority`] may issue too.
    pub fn issue(&self, spec: &Spec) -> Result<Self, ErrorStack> {
        let key = spec.key.generate()?;
        let name = subject(spec)?;
        let builder = unsigned(spec, &key, &name, Some(&self.certificate))?;
        let certificate = sign(builder, &self.key, spec.digest)?;
        let mut intermediates = Vec::new();
        if !self.self_signed {
            intermediates.push(self.certificate.clone());
            intermediates.extend(self.intermediates.iter().cloned());
        }
        Ok(Self { certificate, key, intermediates, self_signed: false })
    }

    /// The same with the last bit of the signature turned over.
    pub fn tampered(self) -> Result<Self, ErrorStack> {
        let mut der = self.certificate.to_der()?;
        if let Some(last) = der.last_mut() {
            *last ^= 1;
        }
        Ok(Self { certificate: X509::from_der(&der)?, ..self })
    }

    /// The certificate itself.
    pub fn certificate(&self) -> &X509 {
        &self.certificate
    }

    /// The private key.
    pub fn key(&self) -> &PKey<Private> {
        &self.key
    }

    /// The certificates from the issuer up to, and without, the root.
    pub fn intermediates(&self) -> &[X509] {
        &self.intermediates
    }

    /// The certificate alone, PEM.
    pub fn certificate_pem(&self) -> Result<String, ErrorStack> {
        pem(&[&self.certificate])
    }

    /// The certificate and its intermediates, PEM, in the order in which a server's `ssl_cert_file` holds them.
    pub fn chain_pem(&self) -> Result<String, ErrorStack> {
        let chain: Vec<&X509> = std::iter::once(&self.certificate).chain(&self.intermediates).collect();
        pem(&chain)
    }

    /// The private key, unencrypted PKCS#8 PEM.
    pub fn key_pem(&self) -> Result<String, ErrorStack> {
        let bytes = self.key.private_key_to_pem_pkcs8()?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

impl KeyKind {
    fn generate(self) -> Result<PKey<Private>, ErrorStack> {
        match self {
            Self::P256 => on_curve(Nid::X9_62_PRIME256V1),
            Self::P384 => on_curve(Nid::SECP384R1),
            Self::Rsa4096 => PKey::from_rsa(Rsa::generate(4096)?),
            Self::Rsa2048 => PKey::from_rsa(Rsa::generate(2048)?),
            Self::Rsa1024 => PKey::from_rsa(Rsa::generate(1024)?),
            Self::RsaPss2048 => {
                let mut context = PkeyCtx::new_id(Id::RSA_PSS)?;
                context.keygen_init()?;
                context.set_rsa_keygen_bits(2048)?;
                context.keygen()
            }
            Self::Ed25519 => PKey::generate_ed25519(),
        }
    }
}

fn on_curve(curve: Nid) -> Result<PKey<Private>, ErrorStack> {
    let group = EcGroup::from_curve_name(curve)?;
    PKey::from_ec_key(EcKey::generate(&group)?)
}

fn unsigned(
    spec: &Spec,
    key: &PKey<Private>,
    name: &X509Name,
    issuer: Option<&X509>,
) -> Result<X509Builder, ErrorStack> {
    let mut builder = X509Builder::new()?;
    builder.set_version(if spec.version_1 { 0 } else { 2 })?; // counted from zero
    builder.set_serial_number(serial()?.as_ref())?;
    builder.set_subject_name(name)?;
    builder.set_issuer_name(issuer.map_or(name, |issuer| issuer.subject_name()))?;
    builder.set_not_before(days_from_now(spec.starts_in_days)?.as_ref())?;
    builder.set_not_after(days_from_now(spec.ends_in_days)?.as_ref())?;
    builder.set_pubkey(key)?;
    if spec.version_1 {
        return Ok(builder);
    }

    let mut constraints = BasicConstraints::new();
    constraints.critical();
    if spec.authority {
        constraints.ca();
    }
    builder.append_extension(constraints.build()?)?;
    builder.append_extension(key_usage(spec).build()?)?;
    if let Some(purpose) = spec.purpose {
        let mut usage = ExtendedKeyUsage::new();
        match purpose {
            Purpose::ServerAuth => usage.server_auth(),
            Purpose::ClientAuth => usage.client_auth(),
        };
        builder.append_extension(usage.build()?)?;
    }

    if let Some(name) = &spec.permitted_name {
        builder.append_extension(name_constraints(name)?)?;
    }

    // The authority's identifier is copied from the issuer's subjectKeyIdentifier; a self-signed
    // certificate is its own issuer, so the subject's comes first.
    let subject_key = SubjectKeyIdentifier::new().build(&builder.x509v3_context(None, None))?;
    builder.append_extension(subject_key)?;
    let issuer = issuer.map(AsRef::as_ref);
    let authority_key = AuthorityKeyIdentifier::new().keyid(true).build(&builder.x509v3_context(issuer, None))?;
    builder.append_extension(authority_key)?;

    if spec.dns_names.is_empty() && spec.ip_addresses.is_empty() {
        return Ok(builder);
    }
    let mut names = SubjectAlternativeName::new();
    for dns in &spec.dns_names {
        names.dns(dns);
    }
    for ip in &spec.ip_addresses {
        names.ip(&ip.to_string());
    }
    let names = names.build(&builder.x509v3_context(None, None))?;
    builder.append_extension(names)?;
    Ok(builder)
}

/// permittedSubtrees with one dNSName (RFC 5280, section 4.2.1.10), in DER.
fn name_constraints(name: &str) -> Result<X509Extension, ErrorStack> {
    let mut der = name.as_bytes().to_vec();
    // From the inside: dNSName, GeneralSubtree, permittedSubtrees, NameConstraints.
    for tag in [0x82, 0x30, 0xa0, 0x30] {
        let length = u8::try_from(der.len()).unwrap_or(u8::MAX);
        der.splice(0..0, [tag, length]);
    }
    let object = Asn1Object::from_str("2.5.29.30")?;
    let der = Asn1OctetString::new_from_bytes(&der)?;
    X509Extension::new_from_der(&object, true, &der)
}

fn sign(mut builder: X509Builder, key: &PKey<Private>, digest: SignatureDigest) -> Result<X509, ErrorStack> {
    // Ed25519 hashes by itself (RFC 8032) and is signed with the null digest.
    let digest = match (key.id(), digest) {
        (Id::ED25519, _) => MessageDigest::null(),
        (_, SignatureDigest::Sha1) => MessageDigest::sha1(),
        (_, SignatureDigest::Sha256) => MessageDigest::sha256(),
        (_, SignatureDigest::Sha384) => MessageDigest::sha384(),
    };
    builder.sign(key, digest)?;
    Ok(builder.build())
}

fn key_usage(spec: &Spec) -> KeyUsage {
    let mut usage = KeyUsage::new();
    usage.critical();
    if spec.authority {
        usage.key_cert_sign().crl_sign();
    }
    // A self-signed server certificate with CA:TRUE, as `openssl req -x509` makes it, also signs handshakes.
    if !spec.authority || spec.purpose.is_some() {
        usage.digital_signature();
    }
    if matches!(spec.key, KeyKind::Rsa1024 | KeyKind::Rsa2048 | KeyKind::Rsa4096) && !spec.authority {
        usage.key_encipherment();
    }
    usage
}

fn subject(spec: &Spec) -> Result<X509Name, ErrorStack> {
    let mut name = X509Name::builder()?;
    if !spec.subject.is_empty() {
        for (key, value) in &spec.subject {
            name.append_entry_by_text(key, value)?;
        }
        return Ok(name.build());
    }
    name.append_entry_by_nid(Nid::ORGANIZATIONNAME, "pgpreflight lab")?;
    name.append_entry_by_nid(Nid::COMMONNAME, &spec.common_name)?;
    Ok(name.build())
}

fn serial() -> Result<Asn1Integer, ErrorStack> {
    let mut serial = BigNum::new()?;
    serial.rand(127, MsbOption::ONE, false)?;
    serial.to_asn1_integer()
}

fn days_from_now(days: i32) -> Result<Asn1Time, ErrorStack> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let now = i64::try_from(now).unwrap_or(i64::MAX);
    Asn1Time::from_unix(now.saturating_add(i64::from(days) * 86_400))
}

fn pem(certificates: &[&X509]) -> Result<String, ErrorStack> {
    let mut text = String::new();
    for certificate in certificates {
        text.push_str(&String::from_utf8_lossy(&certificate.to_pem()?));
    }
    Ok(text)
}

#[cfg(test)]
mod tests;
