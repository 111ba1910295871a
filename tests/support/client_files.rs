//! A client certificate and keys: its own in every form, and others. All are made anew, and thrown away.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use openssl::asn1::Asn1Time;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::symm::Cipher;
use openssl::x509::{X509, X509Name};

/// Opens `locked.key`.
pub const PASSPHRASE: &str = "opensesame";

/// Writes `client.crt` and `client.key`, which belong together; the key also as `client.der`, `locked.key`, `open.key`
/// (readable by all), `group.key` (readable by its group) and, without certificate, `other.key`; `text` is neither.
pub fn write(directory: &Path) {
    let key = key();
    let certificate = certificate(&key);
    let pem = key.private_key_to_pem_pkcs8().unwrap();
    let locked = key.private_key_to_pem_pkcs8_passphrase(Cipher::aes_256_cbc(), PASSPHRASE.as_bytes()).unwrap();
    let files: [(&str, Vec<u8>, u32); 9] = [
        ("client.crt", certificate.to_pem().unwrap(), 0o644),
        ("client.crt.der", certificate.to_der().unwrap(), 0o644),
        ("client.key", pem.clone(), 0o600),
        ("client.der", key.private_key_to_der().unwrap(), 0o600),
        ("locked.key", locked, 0o600),
        ("open.key", pem.clone(), 0o644),
        ("group.key", pem, 0o640),
        ("other.key", self::key().private_key_to_pem_pkcs8().unwrap(), 0o600),
        ("text", b"neither certificate nor key\n".to_vec(), 0o600),
    ];
    for (name, bytes, mode) in files {
        let path = directory.join(name);
        std::fs::write(&path, bytes).unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    }
}

fn key() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

fn certificate(key: &PKey<Private>) -> X509 {
    let mut name = X509Name::builder().unwrap();
    name.append_entry_by_nid(Nid::COMMONNAME, "alice").unwrap();
    let name = name.build();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder.set_subject_name(&name).unwrap();
    builder.set_issuer_name(&name).unwrap();
    builder.set_pubkey(key).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(1).unwrap()).unwrap();
    builder.sign(key, MessageDigest::sha256()).unwrap();
    builder.build()
}
