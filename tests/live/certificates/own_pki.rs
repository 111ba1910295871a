//! A root, an intermediate, and one leaf for each fault: the certificates of the table's own rows.

use pgpreflight::lab::pki::{Identity, KeyKind, Purpose, SignatureDigest, Spec};

use super::Files;
use crate::cluster::Tls;

/// The authorities, and what they have issued.
pub struct OwnPki {
    root: Identity,
    intermediate: Identity,
    stranger: Identity,
}

/// The chains by the names that the table gives them, and a few more.
pub const CHAINS: [&str; 28] = [
    "ok",
    "okalone",
    "okmess",
    "wild",
    "wildpartial",
    "wildtop",
    "cnwild",
    "cnonly",
    "underscore",
    "ip",
    "ipdns",
    "ipcn",
    "clientonly",
    "serveronly",
    "noeku",
    "expired",
    "notyet",
    "ed",
    "edca",
    "pss",
    "rsa1024",
    "sha1",
    "self",
    "selfnoca",
    "nc",
    "byleaf",
    "v1",
    "tampered",
];

impl OwnPki {
    /// Makes new keys, and writes the roots in all their forms.
    pub fn new(files: &Files) -> Self {
        let root = Identity::self_signed(&Spec::root("Own Root R")).unwrap();
        let intermediate = root.issue(&Spec::root("Own Intermediate I")).unwrap();
        let stranger = Identity::self_signed(&Spec::root("Own Root R2")).unwrap();
        let pem = root.certificate_pem().unwrap();
        files.write("R.crt", &pem);
        files.write("I.crt", intermediate.certificate_pem().unwrap());
        files.write("RI.crt", pem.clone() + &intermediate.certificate_pem().unwrap());
        files.write("R2.crt", stranger.certificate_pem().unwrap());
        files.write("R.der", root.certificate().to_der().unwrap());
        files.write("Rgarb.crt", format!("Some words before.\n{pem}and after\n"));
        files.write("Rcrlf.crt", pem.replace('\n', "\r\n"));
        files.write("Rbroken.crt", format!("{pem}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"));
        files.write("empty.crt", "");
        files.write("text.crt", "no certificate here\n");
        files.write("R.crl", root.revocation_list(&[], 30).unwrap());
        files.write("I.crl", intermediate.revocation_list(&[], 30).unwrap());
        Self { root, intermediate, stranger }
    }

    /// What a server shows under this name; its certificate is also a file of the client's.
    pub fn tls(&self, chain: &str, files: &Files) -> Tls {
        let identity = self.identity(chain);
        let alone = identity.certificate_pem().unwrap();
        files.write(&format!("{chain}.crt"), &alone);
        let certificate = match chain {
            "okalone" => alone,
            "okmess" => {
                alone + &self.stranger.certificate_pem().unwrap() + &self.intermediate.certificate_pem().unwrap()
            }
            _ => identity.chain_pem().unwrap(),
        };
        files.write("all.crl", self.list(&[], files));
        files.write("revoked.crl", self.list(&[&identity], files));
        files.write("old.crl", files.read("R.crl") + &self.intermediate.revocation_list(&[], -3).unwrap());
        Tls { certificate, key: identity.key_pem().unwrap(), ca: Some(files.read("R.crt")), crl: None }
    }

    /// The lists of both authorities, with these of the intermediate's revoked.
    pub fn list(&self, revoked: &[&Identity], files: &Files) -> String {
        files.read("R.crl") + &self.intermediate.revocation_list(revoked, 30).unwrap()
    }

    /// A certificate for clients.
    pub fn client(&self, spec: &Spec) -> Identity {
        self.intermediate.issue(&Spec { purpose: Some(Purpose::ClientAuth), ..spec.clone() }).unwrap()
    }

    /// One that the server does not trust.
    pub fn client_of_stranger(&self, name: &str) -> Identity {
        self.stranger.issue(&Spec { purpose: Some(Purpose::ClientAuth), ..Spec::leaf(name) }).unwrap()
    }

    fn identity(&self, chain: &str) -> Identity {
        let named = |name: &str| Spec { dns_names: vec![name.to_owned()], ..Spec::leaf("db.own.test") };
        let sound = named("db.own.test");
        let by_intermediate = |spec: &Spec| self.intermediate.issue(spec).unwrap();
        let spec = match chain {
            "wild" => named("*.own.test"),
            "wildpartial" => named("d*.own.test"),
            "wildtop" => named("*.test"),
            "cnwild" => Spec::leaf("*.own.test"),
            "cnonly" => Spec::leaf("db.own.test"),
            "underscore" => named("my_db.own.test"),
            "ip" => Spec { ip_addresses: vec!["127.0.0.1".parse().unwrap()], ..Spec::leaf("db.own.test") },
            "ipdns" => named("127.0.0.1"),
            "ipcn" => Spec { dns_names: vec!["db.own.test".to_owned()], ..Spec::leaf("127.0.0.1") },
            "clientonly" => Spec { purpose: Some(Purpose::ClientAuth), ..sound },
            "noeku" => Spec { purpose: None, ..sound },
            "expired" => Spec { starts_in_days: -30, ends_in_days: -3, ..sound },
            "notyet" => Spec { starts_in_days: 3, ends_in_days: 30, ..sound },
            "ed" | "edca" => Spec { key: KeyKind::Ed25519, ..sound },
            "rsa1024" => Spec { key: KeyKind::Rsa1024, ..sound },
            "sha1" => Spec { digest: SignatureDigest::Sha1, ..sound },
            "v1" => Spec { version_1: true, ..Spec::leaf("db.own.test") },
            "self" => Spec { authority: true, ..sound },
            "ok" | "okalone" | "okmess" | "serveronly" | "selfnoca" | "nc" | "byleaf" | "tampered" | "pss" => sound,
            _ => panic!("{chain} is no chain"),
        };
        match chain {
            "self" | "selfnoca" => Identity::self_signed(&spec).unwrap(),
            "tampered" => by_intermediate(&spec).tampered().unwrap(),
            "edca" | "pss" => {
                let key = if chain == "pss" { KeyKind::RsaPss2048 } else { KeyKind::Ed25519 };
                let authority = Spec { key, ..Spec::root("Own Intermediate of another kind") };
                self.root.issue(&authority).unwrap().issue(&spec).unwrap()
            }
            "nc" => {
                let permitted = Some("allowed.test".to_owned());
                let authority = Spec { permitted_name: permitted, ..Spec::root("Own Intermediate NC") };
                self.root.issue(&authority).unwrap().issue(&spec).unwrap()
            }
            "byleaf" => by_intermediate(&Spec::leaf("no authority")).issue(&spec).unwrap(),
            _ => by_intermediate(&spec),
        }
    }
}
