//! The files that TLS needs: libpq looks at them when the server has agreed to TLS, and here they are looked at before.

use std::collections::BTreeMap;
use std::path::Path;

use pgpreflight::settings::InputFailure;
use pgpreflight::target::ClientCertificateFailure;

use crate::client_files;
use crate::compare::ours;
use crate::conninfo::{Question, ask};

const CERTIFICATES: [&str; 6] = ["", "client.crt", "client.crt.der", "text", "nowhere", "directory"];

const KEYS: [&str; 10] = [
    "",
    "client.key",
    "client.der",
    "locked.key",
    "open.key",
    "group.key",
    "other.key",
    "text",
    "nowhere",
    "directory",
];

const ROOTS: [&str; 4] = ["client.crt", "text", "nowhere", ""];

/// What libpq says, and what it is called here.
const ERRORS: &[(&str, &str)] = &[
    ("root certificate file", "root missing"),
    ("could not read root certificate file", "root unreadable"),
    ("could not open certificate file", "certificate unreadable"),
    ("could not read certificate file", "certificate unreadable"),
    ("certificate present, but not private key file", "key missing"),
    ("has group or world access", "key permissions"),
    ("is not a regular file", "key unreadable"),
    ("could not load private key file", "key unreadable"),
    ("key values mismatch", "key mismatch"),
    // All files are to its taste: it has begun the handshake, and the server has hung up.
    ("SSL SYSCALL error: EOF detected", "none"),
    ("SSL error: unexpected eof", "none"),
    // Or it has not asked for TLS, and takes the agreement for something else.
    ("expected authentication request from server, but received S", "none"),
];

#[test]
fn client_certificates_are_judged_as_by_libpq() {
    let directory = tempfile::tempdir().unwrap();
    prepare(directory.path());
    let mut questions = Vec::new();
    for certificate in CERTIFICATES {
        for key in KEYS {
            for rest in [
                "sslmode=require",
                "sslmode=require sslpassword=opensesame",
                "sslmode=require sslpassword=wrong",
                "sslmode=require sslcertmode=disable",
                "sslmode=disable",
            ] {
                let file = |keyword: &str, name: &str| match name {
                    "" => String::new(),
                    name => format!("{keyword}='{}/{name}'", directory.path().display()),
                };
                let conninfo = format!("host=db {} {} {rest}", file("sslcert", certificate), file("sslkey", key));
                questions.push(question(conninfo, directory.path()));
            }
        }
    }
    agree(&questions, 300);
}

#[test]
fn the_default_files_are_looked_for_where_libpq_does() {
    let mut questions = Vec::new();
    let homes: Vec<_> = (0..16).map(|_| tempfile::tempdir().unwrap()).collect();
    for (number, home) in homes.iter().enumerate() {
        let place = home.path().join(".postgresql");
        std::fs::create_dir(&place).unwrap();
        prepare(&place);
        for (bit, from, to) in [(1, "client.crt", "postgresql.crt"), (2, "client.key", "postgresql.key")] {
            if number & bit != 0 {
                std::fs::rename(place.join(from), place.join(to)).unwrap();
            }
        }
        for (bit, from) in [(4, "client.crt.der"), (8, "text")] {
            if number & bit != 0 {
                std::fs::copy(place.join(from), place.join("root.crt")).unwrap();
            }
        }
        for sslmode in ["require", "verify-ca", "verify-full"] {
            questions.push(question(format!("host=db sslmode={sslmode}"), home.path()));
        }
    }
    agree(&questions, 48);
}

#[test]
fn root_files_are_judged_as_by_libpq() {
    let directory = tempfile::tempdir().unwrap();
    prepare(directory.path());
    let mut questions = Vec::new();
    for root in ROOTS {
        for sslmode in ["require", "verify-ca", "verify-full"] {
            let root = if root.is_empty() { String::new() } else { format!("{}/{root}", directory.path().display()) };
            questions.push(question(format!("host=db sslmode={sslmode} sslrootcert='{root}'"), directory.path()));
        }
    }
    agree(&questions, 12);
}

fn prepare(directory: &Path) {
    client_files::write(directory);
    std::fs::create_dir(directory.join("directory")).unwrap();
}

fn question(conninfo: String, home: &Path) -> Question {
    let environment = BTreeMap::from([("HOME".to_owned(), home.to_str().unwrap().to_owned())]);
    Question { conninfo, environment, tls: true }
}

fn agree(questions: &[Question], count: usize) {
    assert_eq!(questions.len(), count);
    let mut differences = Vec::new();
    for (question, answer) in questions.iter().zip(ask(questions)) {
        assert_eq!(answer.refused, None, "{question:?}");
        let found = ERRORS.iter().rev().find(|(words, _)| answer.attempt.contains(words));
        let (_, libpq) = found.unwrap_or_else(|| panic!("{question:?}: {}", answer.attempt));
        let ours = ours(question).err();
        let ours = ours.as_ref().map_or("none", name);
        if ours != *libpq {
            differences.push(format!("{}: {ours} instead of {libpq}: {}", question.conninfo, answer.attempt));
        }
    }
    assert!(differences.is_empty(), "\n{}\n", differences.join("\n"));
}

fn name(failure: &InputFailure) -> &'static str {
    match failure {
        InputFailure::RootCertificateMissing { .. } => "root missing",
        InputFailure::RootCertificateUnreadable { .. } => "root unreadable",
        InputFailure::ClientCertificate(ClientCertificateFailure::CertificateUnreadable { .. }) => {
            "certificate unreadable"
        }
        InputFailure::ClientCertificate(ClientCertificateFailure::KeyMissing { .. }) => "key missing",
        InputFailure::ClientCertificate(ClientCertificateFailure::KeyPermissions { .. }) => "key permissions",
        // libpq has the same words for both; only psql asks for the passphrase.
        InputFailure::ClientCertificate(
            ClientCertificateFailure::KeyUnreadable { .. } | ClientCertificateFailure::KeyLocked { .. },
        ) => "key unreadable",
        InputFailure::ClientCertificate(ClientCertificateFailure::KeyMismatch { .. }) => "key mismatch",
        other => panic!("{other:?}"),
    }
}
