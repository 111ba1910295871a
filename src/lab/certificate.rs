//! The certificates a lab endpoint may show, one per fault, with the root that its client is to trust.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use openssl::error::ErrorStack;
use serde::Deserialize;

use super::pki::{Identity, KeyKind, Purpose, SignatureDigest, Spec};

/// Which certificate the endpoint shows. Unless the variant says otherwise it is issued by the lab's root, names
/// `localhost`, 127.0.0.1 and `::1`, and is valid from yesterday for a year.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Certificate {
    /// Nothing is wrong with it.
    #[default]
    Valid,
    /// Ended 30 days ago.
    Expired,
    /// Starts in 30 days.
    NotYetValid,
    /// Ends in 5 days, at the end of a year.
    ExpiresSoon,
    /// Signed by its own key and CA:TRUE, as `openssl req -x509` makes it.
    SelfSigned,
    /// Issued by a root that is not the lab's.
    UnknownIssuer,
    /// Issued by the authority of a product that opens TLS on the way (mitmproxy's, by its name).
    Intercepted,
    /// Issued by an intermediate, which is sent along: sound.
    Intermediate,
    /// Issued by an intermediate, which is not sent.
    ChainIncomplete,
    /// Names `other.test` only.
    WrongName,
    /// Names `localhost`, but no address.
    NamesOnly,
    /// CN `localhost` and no subjectAltName: good for libpq, not for stricter clients.
    CommonNameOnly,
    /// extendedKeyUsage is clientAuth only.
    ClientAuthOnly,
    /// The key is RSA of 1024 bits.
    Rsa1024,
    /// Signed with SHA-1.
    Sha1,
    /// Key and issuer's key are Ed25519, for which libpq finds no channel-binding digest.
    Ed25519,
    /// Issued by a certificate that is no authority (CA:FALSE), which is sent along.
    IssuerNotCa,
    /// Issued by an intermediate that may sign for `other.test` only, which is sent along.
    NameConstraint,
    /// The last bit of its signature is wrong.
    Tampered,
}

/// A certificate as the endpoint uses it.
pub struct Issued {
    /// The root the client is to trust, PEM.
    pub root_pem: String,
    /// What the endpoint shows.
    pub identity: Identity,
    /// Whether the intermediates are sent along.
    pub send_intermediates: bool,
}

impl Certificate {
    /// Makes the certificate, and the root beside it. Where it names the addresses of loopback, it names these too; and
    /// where it names `localhost`, it names `other`.
    pub fn issue(self, addresses: &[IpAddr], other: Option<&str>) -> Result<Issued, ErrorStack> {
        let mut authority = Spec::root("pgpreflight lab root");
        if self == Self::Ed25519 {
            authority.key = KeyKind::Ed25519;
        }
        let root = Identity::self_signed(&authority)?;
        let spec = self.spec(addresses, other);
        let identity = match self {
            Self::SelfSigned => Identity::self_signed(&spec)?,
            Self::UnknownIssuer => Identity::self_signed(&Spec::root("another root"))?.issue(&spec)?,
            Self::Intercepted => Identity::self_signed(&Spec::root("mitmproxy"))?.issue(&spec)?,
            Self::Intermediate | Self::ChainIncomplete => {
                root.issue(&Spec::root("pgpreflight lab intermediate"))?.issue(&spec)?
            }
            Self::IssuerNotCa => root.issue(&Spec::leaf("pgpreflight lab server"))?.issue(&spec)?,
            Self::NameConstraint => {
                let constrained = Spec {
                    permitted_name: Some("other.test".to_owned()),
                    ..Spec::root("pgpreflight lab intermediate")
                };
                root.issue(&constrained)?.issue(&spec)?
            }
            Self::Tampered => root.issue(&spec)?.tampered()?,
            _ => root.issue(&spec)?,
        };
        Ok(Issued { root_pem: root.certificate_pem()?, identity, send_intermediates: self != Self::ChainIncomplete })
    }

    fn spec(self, addresses: &[IpAddr], other: Option<&str>) -> Spec {
        let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        let others = addresses.iter().filter(|address| !(address.is_unspecified() || loopback.contains(address)));
        let named = loopback.iter().chain(others).copied().collect();
        let dns_names = ["localhost"].into_iter().chain(other).map(str::to_owned).collect();
        let sound = Spec { dns_names, ip_addresses: named, ..Spec::leaf("localhost") };
        match self {
            Self::Valid
            | Self::UnknownIssuer
            | Self::Intercepted
            | Self::Intermediate
            | Self::ChainIncomplete
            | Self::IssuerNotCa
            | Self::NameConstraint
            | Self::Tampered => sound,
            Self::Expired => Spec { starts_in_days: -395, ends_in_days: -30, ..sound },
            Self::NotYetValid => Spec { starts_in_days: 30, ends_in_days: 395, ..sound },
            Self::ExpiresSoon => Spec { starts_in_days: -360, ends_in_days: 5, ..sound },
            Self::SelfSigned => Spec { authority: true, ..sound },
            Self::WrongName => Spec { dns_names: vec!["other.test".to_owned()], ..Spec::leaf("other.test") },
            Self::NamesOnly => Spec { ip_addresses: Vec::new(), ..sound },
            Self::CommonNameOnly => Spec::leaf("localhost"),
            Self::ClientAuthOnly => Spec { purpose: Some(Purpose::ClientAuth), ..sound },
            Self::Rsa1024 => Spec { key: KeyKind::Rsa1024, ..sound },
            Self::Sha1 => Spec { digest: SignatureDigest::Sha1, ..sound },
            Self::Ed25519 => Spec { key: KeyKind::Ed25519, ..sound },
        }
    }
}
