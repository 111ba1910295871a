//! The facts of one certificate, read once from OpenSSL's form into plain data.

use std::net::IpAddr;

use jiff::Timestamp;
use openssl::asn1::{Asn1Time, Asn1TimeRef};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{Id, PKeyRef, Public};
use openssl::x509::{X509NameRef, X509Ref};

use crate::wire::screen::{Screen, hex};

/// One certificate of the chain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Certificate {
    /// The subject, as `CN=…, O=…` in the certificate's own order.
    pub subject: String,
    /// The issuer, likewise.
    pub issuer: String,
    /// The common name of the subject, when it has one.
    pub common_name: Option<String>,
    /// Subject alternative names.
    pub names: Vec<SubjectName>,
    /// Valid from.
    pub not_before: Timestamp,
    /// Valid until.
    pub not_after: Timestamp,
    /// `RSA 2048`, `EC prime256v1`, `ED25519`, …
    pub key: String,
    /// `sha256WithRSAEncryption`, …
    pub signature: String,
    /// In hexadecimal.
    pub serial: String,
    /// The fingerprint, in hexadecimal.
    pub sha256: String,
    /// All of it, in DER form.
    pub der: Vec<u8>,
    /// It has an Authority Information Access pointing to its issuer's certificate, as public authorities' have.
    pub names_issuer_url: bool,
}

/// One subject alternative name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubjectName {
    /// dNSName
    Dns(String),
    /// iPAddress
    Ip(IpAddr),
}

impl SubjectName {
    fn shown(self, screen: &Screen) -> Self {
        match self {
            Self::Dns(name) => Self::Dns(screen.text(name.as_bytes())),
            Self::Ip(address) => Self::Ip(address),
        }
    }
}

impl std::fmt::Display for SubjectName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Dns(name) => f.write_str(name),
            Self::Ip(address) => address.fmt(f),
        }
    }
}

impl Certificate {
    /// Reads a certificate. What cannot be read is left empty: a fact that is missing is no reason to stop a diagnosis.
    pub fn read(certificate: &X509Ref, screen: &Screen) -> Self {
        let name = |name: &X509NameRef| screen.text(name_text(name).as_bytes());
        let names = names(certificate);
        Self {
            subject: name(certificate.subject_name()),
            issuer: name(certificate.issuer_name()),
            common_name: names.common_name.map(|name| screen.text(name.as_bytes())),
            names: names.alternatives.into_iter().map(|name| name.shown(screen)).collect(),
            not_before: timestamp(certificate.not_before()),
            not_after: timestamp(certificate.not_after()),
            key: certificate.public_key().map(|key| key_text(&key)).unwrap_or_default(),
            signature: nid_text(certificate.signature_algorithm().object().nid()),
            serial: serial(certificate),
            sha256: certificate.digest(MessageDigest::sha256()).map(|digest| hex(&digest)).unwrap_or_default(),
            der: certificate.to_der().unwrap_or_default(),
            names_issuer_url: certificate.authority_info().is_some(),
        }
    }

    /// Issuer and subject are the same.
    pub fn is_self_issued(&self) -> bool {
        self.subject == self.issuer
    }
}

/// The names of a certificate as they are, for a comparison; those of a [`Certificate`] are made safe to show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// The first common name of the subject.
    pub common_name: Option<String>,
    /// Subject alternative names.
    pub alternatives: Vec<SubjectName>,
}

/// Reads the names of a certificate.
pub fn names(certificate: &X509Ref) -> Names {
    Names { common_name: common_name(certificate), alternatives: alternatives(certificate) }
}

fn name_text(name: &X509NameRef) -> String {
    let parts: Vec<String> = name
        .entries()
        .map(|entry| {
            let key = entry.object().nid().short_name().unwrap_or("OID");
            let value = entry.data().to_string().unwrap_or_default();
            format!("{key}={value}")
        })
        .collect();
    parts.join(", ")
}

fn common_name(certificate: &X509Ref) -> Option<String> {
    // libpq looks at the first (X509_NAME_get_index_by_NID from -1).
    let entry = certificate.subject_name().entries_by_nid(Nid::COMMONNAME).next()?;
    entry.data().to_string().ok()
}

fn alternatives(certificate: &X509Ref) -> Vec<SubjectName> {
    let Some(names) = certificate.subject_alt_names() else {
        return Vec::new();
    };
    names
        .iter()
        .filter_map(|name| {
            if let Some(dns) = name.dnsname() {
                return Some(SubjectName::Dns(dns.to_owned()));
            }
            let octets = name.ipaddress()?;
            let address = <[u8; 4]>::try_from(octets)
                .map(IpAddr::from)
                .or_else(|_| <[u8; 16]>::try_from(octets).map(IpAddr::from));
            address.ok().map(SubjectName::Ip)
        })
        .collect()
}

fn timestamp(time: &Asn1TimeRef) -> Timestamp {
    let seconds = Asn1Time::from_unix(0)
        .and_then(|epoch| epoch.diff(time))
        .map_or(0, |diff| i64::from(diff.days) * 86_400 + i64::from(diff.secs));
    Timestamp::from_second(seconds).unwrap_or_default()
}

fn key_text(key: &PKeyRef<Public>) -> String {
    match key.id() {
        Id::RSA => format!("RSA {}", key.bits()),
        Id::RSA_PSS => format!("RSA-PSS {}", key.bits()),
        Id::EC => {
            let curve = key.ec_key().ok().and_then(|key| key.group().curve_name());
            format!("EC {}", curve.map_or_else(|| key.bits().to_string(), nid_text))
        }
        Id::ED25519 => "ED25519".to_owned(),
        Id::ED448 => "ED448".to_owned(),
        Id::DSA => format!("DSA {}", key.bits()),
        other => format!("key type {} of {} bits", other.as_raw(), key.bits()),
    }
}

fn nid_text(nid: Nid) -> String {
    nid.long_name().unwrap_or("unknown").to_owned()
}

fn serial(certificate: &X509Ref) -> String {
    let number = certificate.serial_number().to_bn().and_then(|number| number.to_hex_str());
    number.map(|hex| hex.to_string()).unwrap_or_default()
}
