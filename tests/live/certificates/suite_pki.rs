//! The certificates of PostgreSQL's own suite (`src/test/ssl`), made anew from their description in the table.

use std::collections::BTreeMap;

use openssl::symm::Cipher;
use pgpreflight::lab::pki::{Identity, KeyKind, Spec};
use serde_json::Value;

use super::{Files, set_mode};

/// Signed by one of these authorities.
const AUTHORITIES: [&str; 3] = ["root_ca", "server_ca", "client_ca"];

/// The suite's passphrase of its client key.
pub const PASSPHRASE: &str = "dUmmyP^#+";

/// Writes everything as the suite names it: `ssl/NAME.crt`, `KEYS/NAME.key`, lists and directories of lists.
pub fn write(table: &Value, files: &Files) {
    let described = table["pki"].as_object().unwrap();
    let mut made: BTreeMap<&str, Identity> = BTreeMap::new();
    let root = Identity::self_signed(&spec(&described["root_ca"], true)).unwrap();
    for name in ["server_ca", "client_ca"] {
        made.insert(name, root.issue(&spec(&described[name], true)).unwrap());
    }
    for (name, one) in described.iter().filter(|(name, _)| !AUTHORITIES.contains(&name.as_str())) {
        let spec = spec(one, false);
        let issuer = match one["issuer"].as_str().unwrap() {
            issuer if issuer == one["subject"] => None,
            issuer => Some(if issuer.contains("server certs") { &made["server_ca"] } else { &made["client_ca"] }),
        };
        let identity = issuer.map_or_else(|| Identity::self_signed(&spec), |issuer| issuer.issue(&spec));
        made.insert(name, identity.unwrap());
    }
    made.insert("root_ca", root);
    for (name, identity) in &made {
        files.write(&format!("ssl/{name}.crt"), identity.certificate_pem().unwrap());
        files.write(&format!("KEYS/{name}.key"), identity.key_pem().unwrap());
    }
    for (name, parts) in table["files"].as_object().unwrap().iter().filter(|(name, _)| name.contains(".crt")) {
        let parts =
            parts.as_array().unwrap().iter().map(|part| files.read(&format!("ssl/{}.crt", part.as_str().unwrap())));
        files.write(&format!("ssl/{name}"), parts.collect::<String>());
    }
    write_keys(&made["client"], files);
    write_lists(&made, files);
}

fn write_keys(client: &Identity, files: &Files) {
    let (key, aes) = (client.key(), Cipher::aes_128_cbc());
    files.write("KEYS/client-der.key", key.private_key_to_der().unwrap());
    let locked = key.private_key_to_pem_pkcs8_passphrase(aes, PASSPHRASE.as_bytes()).unwrap();
    files.write("KEYS/client-encrypted-pem.key", locked);
    let locked = key.private_key_to_pkcs8_passphrase(aes, PASSPHRASE.as_bytes()).unwrap();
    files.write("KEYS/client-encrypted-der.key", locked);
    files.write("KEYS/client_wrongperms.key", client.key_pem().unwrap());
    set_mode(&files.path("KEYS/client_wrongperms.key"), 0o644);
}

/// Each list as a file, and in directories under the hash of its issuer's name.
fn write_lists(made: &BTreeMap<&str, Identity>, files: &Files) {
    let lists = [
        ("root", "root_ca", vec![]),
        ("server", "server_ca", vec!["server-revoked"]),
        ("client", "client_ca", vec!["client-revoked", "client-revoked-utf8"]),
    ];
    for (name, authority, revoked) in lists {
        let authority = &made[authority];
        let revoked: Vec<&Identity> = revoked.into_iter().map(|name| &made[name]).collect();
        let list = authority.revocation_list(&revoked, 30).unwrap();
        files.write(&format!("ssl/{name}.crl"), &list);
        let hash = authority.certificate().subject_name_hash();
        for directory in ["root+server-crldir", "root+client-crldir", "server-crldir", "client-crldir"] {
            if directory.contains(name) {
                files.write(&format!("ssl/{directory}/{hash:08x}.r0"), &list);
            }
        }
    }
    for name in ["server", "client"] {
        let both = files.read("ssl/root.crl") + &files.read(&format!("ssl/{name}.crl"));
        files.write(&format!("ssl/root+{name}.crl"), both);
    }
}

fn spec(one: &Value, authority: bool) -> Spec {
    let mut spec = if authority { Spec::root("") } else { Spec { purpose: None, ..Spec::leaf("") } };
    spec.subject = subject(one["subject"].as_str().unwrap());
    spec.version_1 = one["x509_version"] == 1;
    spec.key = match one["sig"].as_str().unwrap() {
        "rsassaPss" => KeyKind::RsaPss2048,
        _ if authority => KeyKind::Rsa2048,
        _ => KeyKind::P256,
    };
    for name in one["san"].as_array().unwrap() {
        match name.as_str().unwrap().split_once(':').unwrap() {
            ("DNS", name) => spec.dns_names.push(name.to_owned()),
            (_, address) => spec.ip_addresses.push(address.parse().unwrap()),
        }
    }
    spec
}

/// In the form of RFC 2253: the last comes first, and what is not ASCII as `\XX`.
fn subject(text: &str) -> Vec<(&'static str, String)> {
    let parts = text.split(',').rev().map(|part| part.split_once('=').unwrap());
    parts
        .map(|(key, value)| {
            let key = ["CN", "OU", "O"].into_iter().find(|known| *known == key).unwrap();
            (key, unescape(value))
        })
        .collect()
}

fn unescape(value: &str) -> String {
    let mut pieces = value.split('\\');
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        let (digits, rest) = piece.split_at(2);
        bytes.push(u8::from_str_radix(digits, 16).unwrap());
        bytes.extend(rest.bytes());
    }
    String::from_utf8(bytes).unwrap()
}
