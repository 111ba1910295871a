//! Combinations drawn from modes, chains, roots, lists, client certificates and rules, each asked of psql as well.
//!
//! `PGPREFLIGHT_DRAWN` says how many are drawn, `PGPREFLIGHT_SEED` which; a failure names its seed.

use std::fmt::Write as _;

use fastrand::Rng;
use openssl::symm::Cipher;
use pgpreflight::lab::pki::{Identity, Spec};

use super::own_pki::{CHAINS, OwnPki};
use super::{Asked, Files, ask};
use crate::client::PASSWORD;
use crate::cluster::{Cluster, ClusterConfig};

const MODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

const ROOTS: [&str; 14] = [
    "",
    "R.crt",
    "R.crt",
    "R.crt",
    "RI.crt",
    "I.crt",
    "R2.crt",
    "CHAIN.crt",
    "R.der",
    "Rgarb.crt",
    "Rcrlf.crt",
    "Rbroken.crt",
    "empty.crt",
    "text.crt",
];

const LISTS: [&str; 8] = ["", "", "", "all.crl", "revoked.crl", "old.crl", "R.crl", "none.crl"];

const HOSTS: [&str; 8] = [
    "db.own.test",
    "db.own.test",
    "db.own.test",
    "my_db.own.test",
    "a.b.own.test",
    "127.0.0.1",
    "db.own.test.",
    "db.test",
];

/// Certificates and keys that a client may name; see [`write_clients`].
const SHOWN: [(&str, &str); 9] = [
    ("", ""),
    ("", ""),
    ("u", "u"),
    ("u+I", "u"),
    ("other+I", "other"),
    ("stranger", "stranger"),
    ("old+I", "old"),
    ("u+I", "locked"),
    ("u+I", "other"),
];

/// Databases and their rules: trust, SCRAM, a certificate, and TLS alone.
const DATABASES: [&str; 5] = ["d", "s", "s", "c", "t"];

const BINDINGS: [&str; 3] = ["disable", "prefer", "require"];
const CERT_MODES: [&str; 4] = ["disable", "allow", "allow", "require"];
const VERSIONS: [&str; 3] = ["", "TLSv1.2", "TLSv1.3"];

#[test]
fn drawn_certificates() {
    let number = |name: &str, default: u64| std::env::var(name).map_or(default, |text| text.parse().unwrap());
    let (count, seed) = (number("PGPREFLIGHT_DRAWN", 270), number("PGPREFLIGHT_SEED", 18));
    let mut rng = Rng::with_seed(seed);
    let files = Files::new();
    let pki = OwnPki::new(&files);
    write_clients(&pki, &files);
    let clusters = [15, 18].map(|major| start(major, &pki, &files));
    let mut complaints = Vec::new();
    let mut connected = 0;
    for index in 0..count {
        // A new chain now and then: every server has to read it.
        let chain = CHAINS[usize::try_from(index / 10).unwrap() % CHAINS.len()];
        if index % 10 == 0 {
            let tls = pki.tls(chain, &files);
            for cluster in &clusters {
                cluster.set_tls(&tls);
            }
        }
        let cluster = &clusters[rng.usize(..clusters.len())];
        let conninfo = draw(&mut rng, chain, cluster, &files);
        let asked = ask(cluster, &conninfo, &[("PGPASSWORD", PASSWORD)]);
        connected += u32::from(asked.psql.connects);
        complaints.extend(complaint(&asked, chain).map(|text| format!("{index} of seed {seed}, {chain}: {text}")));
    }
    assert!(complaints.is_empty(), "{} of {count}:\n{}", complaints.len(), complaints.join("\n"));
    // Both outcomes are worth drawing.
    assert!(u64::from(connected) > count / 10 && u64::from(connected) < count * 9 / 10, "{connected} of {count}");
}

/// OpenSSL 1.1.1, on which libpq 18 runs here, takes short keys and SHA-1 by its security level of 1; Debian's OpenSSL and
/// any of today have 2, and so has the libpq that the table was made with.
fn complaint(asked: &Asked, chain: &str) -> Option<String> {
    match (&asked.older, chain) {
        (Some(older), "rsa1024" | "sha1" | "selfnoca") => {
            (!asked.agrees(older)).then(|| format!("{older:?}\n{}", asked.ours))
        }
        (None, "rsa1024" | "sha1" | "selfnoca") => None,
        _ => asked.complaint(),
    }
}

fn draw(rng: &mut Rng, chain: &str, cluster: &Cluster, files: &Files) -> String {
    let mut line = format!("hostaddr=127.0.0.1 port={} user=u", cluster.port());
    let mut say = |keyword: &str, value: &str| {
        if !value.is_empty() {
            write!(line, " {keyword}={value}").unwrap();
        }
    };
    say("host", rng.choice(HOSTS).unwrap());
    say("dbname", rng.choice(DATABASES).unwrap());
    let mode = rng.choice(MODES).unwrap();
    say("sslmode", mode);
    say("channel_binding", rng.choice(BINDINGS).unwrap());
    say("ssl_max_protocol_version", rng.choice(VERSIONS).unwrap());
    let named = |name: &str| if name.is_empty() { String::new() } else { files.text(name) };
    say("sslrootcert", &named(&rng.choice(ROOTS).unwrap().replace("CHAIN", chain)));
    say("sslcrl", &named(rng.choice(LISTS).unwrap()));
    if rng.u8(..6) == 0 {
        say("sslcrldir", &named("lists"));
    }
    let (certificate, key) = rng.choice(SHOWN).unwrap();
    if !certificate.is_empty() {
        say("sslcert", &named(&format!("{certificate}.crt")));
        say("sslkey", &named(&format!("{key}.key")));
    }
    // The older libpq does not know it. On OpenSSL 1.1.1 libpq 18 takes a request of a handshake that failed for one that
    // was met, and goes on without TLS; on today's OpenSSL it does not.
    let cert_mode = rng.choice(CERT_MODES).unwrap();
    if rng.u8(..3) == 0 && (mode, cert_mode) != ("prefer", "require") {
        say("sslcertmode", cert_mode);
    }
    if key == "locked" && rng.bool() {
        say("sslpassword", "opens");
    }
    line
}

fn write_clients(pki: &OwnPki, files: &Files) {
    let old = Spec { starts_in_days: -30, ends_in_days: -3, ..Spec::leaf("u") };
    let clients = [
        ("u", pki.client(&Spec::leaf("u"))),
        ("other", pki.client(&Spec::leaf("other"))),
        ("old", pki.client(&old)),
        ("stranger", pki.client_of_stranger("u")),
    ];
    for (name, identity) in &clients {
        files.write(&format!("{name}.crt"), identity.certificate_pem().unwrap());
        files.write(&format!("{name}+I.crt"), identity.chain_pem().unwrap());
        files.write(&format!("{name}.key"), identity.key_pem().unwrap());
    }
    files.write("locked.key", locked(&clients[0].1));
    std::fs::create_dir(files.path("lists")).unwrap();
}

fn locked(identity: &Identity) -> Vec<u8> {
    identity.key().private_key_to_pem_pkcs8_passphrase(Cipher::aes_128_cbc(), b"opens").unwrap()
}

fn start(major: u32, pki: &OwnPki, files: &Files) -> Cluster {
    let hba = [
        "host    d all 127.0.0.1/32 trust",
        "host    s all 127.0.0.1/32 scram-sha-256",
        "hostssl c all 127.0.0.1/32 cert",
        "hostssl t all 127.0.0.1/32 trust",
    ];
    let hba = hba.map(str::to_owned).to_vec();
    let config = ClusterConfig { hba, tls: Some(pki.tls("ok", files)), ..ClusterConfig::default() };
    let cluster = Cluster::start(major, &config);
    cluster.sql(&format!("set password_encryption = 'scram-sha-256'; create role u login password '{PASSWORD}'"));
    for database in ["d", "s", "c", "t"] {
        cluster.sql(&format!("create database {database}"));
    }
    cluster
}
