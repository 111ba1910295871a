//! One way to connect: which encryption first, which after it, and what is demanded of the certificate.

use crate::target::{Encryption, Roots, SslMode, Target, TlsSettings, Verification};

/// The settings of the platform's connection strings, as users write them.
pub const PLATFORM: [&str; 4] = [
    "EncryptionMethod=0",
    "EncryptionMethod=1",
    "EncryptionMethod=1;ValidateServerCertificate=1",
    "EncryptionMethod=6",
];

/// Of two settings of the platform that come to the same, the one that demands more has the higher number.
pub fn demands(name: &str) -> u8 {
    match name {
        "EncryptionMethod=6" => 1,
        "EncryptionMethod=1" => 2,
        "EncryptionMethod=1;ValidateServerCertificate=1" => 3,
        _ => 0,
    }
}

/// One way to connect.
pub struct Way {
    /// The name of its row.
    pub name: &'static str,
    /// The target, with the settings that it comes to.
    pub target: Target,
    /// What is tried first.
    pub first: Encryption,
    /// What is tried when that does not do.
    pub fallback: Option<Encryption>,
    /// The platform's driver falls back where the server offers no TLS, and never else; it verifies by the system's
    /// roots, which the handshake was not made with.
    pub of_platform: bool,
    /// How far the certificate is verified.
    pub demanded: Verification,
}

impl Way {
    /// A mode of libpq.
    pub fn of_libpq(target: &Target, mode: SslMode, tls: &TlsSettings) -> Self {
        let (first, fallback) = mode.plan();
        let target = Target { tls: tls.clone(), ..target.clone() };
        let demanded = tls.verification();
        Self { name: mode.as_str(), target, first, fallback, of_platform: false, demanded }
    }

    /// The settings of the platform, in the order of [`PLATFORM`].
    pub fn of_platform(target: &Target) -> [Self; 4] {
        let [none, tls, verified, lenient] = PLATFORM;
        let way = |name, mode: SslMode, roots: Roots| {
            let (first, fallback) = mode.plan();
            let settings = TlsSettings { mode, roots, ..target.tls.clone() };
            let demanded = settings.verification();
            let target = Target { tls: settings, ..target.clone() };
            Self { name, target, first, fallback, of_platform: true, demanded }
        };
        [
            way(none, SslMode::Disable, Roots::None),
            way(tls, SslMode::Require, Roots::None),
            // Its driver looks at the chain, not at the name; a root file cannot be given to it.
            way(verified, SslMode::VerifyCa, Roots::System),
            way(lenient, SslMode::Prefer, Roots::None),
        ]
    }
}
