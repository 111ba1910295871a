//! What is wrong with the files of a client certificate.

use crate::diagnose::code::Code;
use crate::diagnose::finding::{Finding, Side};
use crate::target::ClientCertificateFailure;

/// In words, with what to do.
pub fn explain(failure: &ClientCertificateFailure) -> Finding {
    match failure {
        ClientCertificateFailure::CertificateUnreadable { path, reason } => {
            let path = path.display();
            let summary = format!("the client certificate {path} cannot be used: {reason}");
            Finding::new(Code::InputClientCertificateUnreadable, summary)
                .because("libpq reads it in PEM form, the certificate first, then the intermediates that sign it")
                .fix(
                    Side::Client,
                    "if it is in DER form, convert it",
                    [format!("openssl x509 -inform der -in {path} -out client.crt")],
                )
                .fix(Side::Client, "or show none", ["sslcertmode=disable"])
                .evidence("path", path.to_string())
                .evidence("reason", reason.as_str())
        }
        ClientCertificateFailure::KeyMissing { certificate, key, named } => {
            let certificate = certificate.display();
            let place = match (key, named) {
                (Some(key), true) => format!("{}, named by sslkey, does not exist", key.display()),
                (Some(key), false) => format!("sslkey is not set, and the default, {}, does not exist", key.display()),
                (None, _) => "sslkey is not set, and without a home directory there is no default".to_owned(),
            };
            Finding::new(
                Code::InputClientKeyMissing,
                format!("there is no key for the client certificate {certificate}"),
            )
            .because(place)
            .fix(Side::Client, "name the key that belongs to it", ["sslkey=/PATH/TO/client.key"])
            .fix(Side::Client, "or, if the server wants no certificate, show none", ["sslcertmode=disable"])
            .evidence("certificate", certificate.to_string())
            .evidence("key", key.as_ref().map(|key| key.display().to_string()))
        }
        ClientCertificateFailure::KeyPermissions { path, mode, owned_by_root } => {
            let path = path.display();
            let (allowed, who) = if *owned_by_root { ("640", "root's key") } else { ("600", "a key") };
            Finding::new(Code::InputClientKeyPermissions, format!("the client key {path} can be used by others"))
                .because(format!("its mode is {mode:04o}; libpq takes {who} with 0{allowed} or less only"))
                .fix(Side::Client, "keep it to yourself", [format!("chmod {allowed} {path}")])
                .evidence("path", path.to_string())
                .evidence("mode", format!("{mode:04o}"))
        }
        ClientCertificateFailure::KeyUnreadable { path, reason } => {
            let path = path.display();
            Finding::new(Code::InputClientKeyUnreadable, format!("the client key {path} cannot be read: {reason}"))
                .because("libpq reads a key in PEM or in DER form, from a plain file")
                .fix(Side::Client, "look what it is", [format!("openssl pkey -noout -in {path}")])
                .evidence("path", path.to_string())
                .evidence("reason", reason.as_str())
        }
        ClientCertificateFailure::KeyLocked { path, tried } => {
            let path = path.display();
            let reason = if *tried { "sslpassword does not open it" } else { "sslpassword is not set" };
            Finding::new(Code::InputClientKeyLocked, format!("the client key {path} is locked with a passphrase"))
                .because(format!("{reason}; psql would ask for it, programs without a terminal cannot"))
                .fix(Side::Client, "give the passphrase", ["sslpassword='PASSPHRASE'"])
                .fix(Side::Client, "or take it off", [format!("openssl pkey -in {path} -out client.key")])
                .evidence("path", path.to_string())
                .evidence("tried", *tried)
        }
        ClientCertificateFailure::KeyMismatch { certificate, key } => {
            let (certificate, key) = (certificate.display(), key.display());
            Finding::new(Code::InputClientKeyMismatch, format!("{key} is not the key of {certificate}"))
                .because("the public key of the certificate is not the one that belongs to this key")
                .fix(
                    Side::Client,
                    "compare the two, and name the pair",
                    [
                        format!("openssl x509 -noout -pubkey -in {certificate}"),
                        format!("openssl pkey -pubout -in {key}"),
                    ],
                )
                .evidence("certificate", certificate.to_string())
                .evidence("key", key.to_string())
        }
    }
}
