//! What is said of the certificates of both sides: one cause, by its code, and its neighbours told from it.

use pgpreflight::lab::pki::{Identity, Spec};

use super::own_pki::OwnPki;
use super::table::MAJORS;
use super::{Files, ask};
use crate::accuracy::{self, Asked, Play};
use crate::answer::Answer;
use crate::client::{PASSWORD, WRONG};
use crate::cluster::{Cluster, ClusterConfig, Tls};

/// What a client of `db.own.test` says, and the code of the cause, with the exit code of its stage.
struct Row {
    line: &'static str,
    cause: Option<(&'static str, i32)>,
    /// Stands in the first finding.
    says: &'static str,
    /// What else is found.
    beside: &'static [&'static str],
}

const fn fails(line: &'static str, code: &'static str, exit: i32, says: &'static str) -> Row {
    Row { line, cause: Some((code, exit)), says, beside: &[] }
}

const fn connects(line: &'static str) -> Row {
    Row { line, cause: None, says: "", beside: &[] }
}

const REFUSED: &str = "login-client-certificate-refused";
const REQUIRED: &str = "login-client-certificate-required";
const USER: &str = "login-client-certificate-user";

#[test]
fn client_certificates_are_told_by_what_the_server_has_against_them() {
    let files = Files::new();
    let pki = OwnPki::new(&files);
    let tls = with_clients(&pki, &files);
    let rows = [
        connects("dbname=c sslcert=u+I.crt sslkey=u.key"),
        connects("dbname=c sslcert=u+I.crt sslkey=u.key sslcertmode=require"),
        connects("dbname=t sslcert=u+I.crt sslkey=u.key sslcertmode=require"),
        fails("dbname=c", REQUIRED, 13, "none was sent"),
        fails(
            "dbname=c sslcert=u+I.crt sslkey=u.key sslcertmode=disable",
            REQUIRED,
            13,
            "sslcertmode=disable keeps any",
        ),
        fails("dbname=t sslcertmode=require", REQUIRED, 13, "there is no certificate to show"),
        fails("dbname=d sslmode=disable sslcertmode=require", REQUIRED, 13, "without TLS nobody can ask"),
        fails("dbname=c sslcert=u.crt sslkey=u.key", REFUSED, 13, "unknown_ca"),
        fails("dbname=t sslcert=stranger.crt sslkey=stranger.key", REFUSED, 13, "not known to the server"),
        fails(
            "dbname=t sslcert=stranger.crt sslkey=stranger.key ssl_max_protocol_version=TLSv1.2",
            REFUSED,
            13,
            "within the handshake",
        ),
        fails("dbname=c sslcert=old+I.crt sslkey=old.key", REFUSED, 13, "certificate_expired"),
        fails(
            "dbname=c sslcert=old+I.crt sslkey=old.key ssl_max_protocol_version=TLSv1.2",
            REFUSED,
            13,
            "certificate_expired",
        ),
        fails("dbname=c sslcert=revoked+I.crt sslkey=revoked.key", REFUSED, 13, "certificate_revoked"),
        fails("dbname=c sslcert=other+I.crt sslkey=other.key", USER, 13, "\"other\", and the user is \"u\""),
        fails("dbname=v sslcert=other+I.crt sslkey=other.key", USER, 13, "\"other\", and the user is \"u\""),
        fails("dbname=m sslcert=u+I.crt sslkey=u.key", USER, 13, "map does not make that the user"),
        fails(
            "dbname=w sslcert=other+I.crt sslkey=other.key",
            "login-password-rejected",
            13,
            "is of \"other\", not of \"u\"",
        ),
        // The server is not verified, so the certificate is not shown, and its fault stays unseen.
        fails(
            "dbname=c host=other.own.test sslmode=verify-full sslcert=old+I.crt sslkey=old.key",
            "tls-certificate-name-mismatch",
            12,
            "db.own.test",
        ),
        fails(
            "dbname=c sslrootcert=R2.crt sslmode=verify-ca sslcert=old+I.crt sslkey=old.key",
            "tls-certificate-unknown-issuer",
            12,
            "",
        ),
        // Without TLS nobody asks for a certificate, and then it is used after all.
        connects("dbname=d sslmode=prefer sslcert=u+I.crt sslkey=other.key"),
        fails(
            "dbname=c sslmode=prefer sslcert=u+I.crt sslkey=other.key",
            "input-client-key-mismatch",
            4,
            "is not the key of",
        ),
        fails(
            "dbname=c sslmode=allow sslcert=u+I.crt sslkey=none.key",
            "input-client-key-missing",
            4,
            "does not exist",
        ),
    ];
    for major in MAJORS {
        hold(&start(major, &tls), &files, &rows);
    }
}

#[test]
fn a_server_that_asks_for_no_certificate_is_found_out() {
    let files = Files::new();
    let pki = OwnPki::new(&files);
    let tls = Tls { ca: None, crl: None, ..with_clients(&pki, &files) };
    let asks = "came no CertificateRequest";
    let rows = [
        fails("dbname=t sslcert=u+I.crt sslkey=u.key sslcertmode=require", REQUIRED, 13, asks),
        fails(
            "dbname=t sslcert=u+I.crt sslkey=u.key sslcertmode=require ssl_max_protocol_version=TLSv1.2",
            REQUIRED,
            13,
            asks,
        ),
        connects("dbname=t sslcert=u+I.crt sslkey=u.key"),
    ];
    for major in MAJORS {
        let cluster = Cluster::start(major, &ClusterConfig { hba: vec![TLS_ALONE.to_owned()], ..config(&tls) });
        create(&cluster);
        hold(&cluster, &files, &rows);
    }
}

#[test]
fn revoked_certificates_and_missing_lists_are_told_apart() {
    let files = Files::new();
    let pki = OwnPki::new(&files);
    let tls = pki.tls("ok", &files);
    std::fs::create_dir(files.path("lists")).unwrap();
    let (revoked, unknown) = ("tls-certificate-revoked", "tls-revocation-unknown");
    let rows = [
        connects("dbname=d sslcrl=all.crl"),
        fails("dbname=d sslcrl=revoked.crl", revoked, 12, "has been revoked"),
        fails("dbname=d sslcrl=revoked.crl sslmode=require", revoked, 12, "has been revoked"),
        fails("dbname=d sslcrl=R.crl", unknown, 12, "Own Intermediate I"),
        fails("dbname=d sslcrl=old.crl", unknown, 12, "out of date"),
        fails("dbname=d sslcrldir=lists", unknown, 12, "there is no list"),
        connects("dbname=d sslcrl=revoked.crl sslmode=prefer"),
        connects("dbname=d sslcrl=none.crl"),
        connects("dbname=d sslcrl=none.crl sslcrldir=lists"),
    ];
    for major in MAJORS {
        let cluster = start(major, &Tls { ca: None, ..tls.clone() });
        hold(&cluster, &files, &rows);
    }
}

/// With the certificates of Ed25519 authorities libpq's SCRAM cannot do, and with PSS it can.
#[test]
fn scram_is_bound_to_what_libpq_binds_it_to() {
    let files = Files::new();
    let pki = OwnPki::new(&files);
    let (unavailable, beside) = ("login-channel-binding-unavailable", &["tls-certificate-breaks-libpq"]);
    let rows = [
        Row { beside, ..fails("dbname=s", unavailable, 13, "cannot bind SCRAM to it") },
        Row { beside, ..fails("dbname=s channel_binding=require", unavailable, 13, "cannot bind SCRAM to it") },
        connects("dbname=s channel_binding=disable"),
        connects("dbname=t"),
        connects("dbname=s sslmode=disable"),
    ];
    for major in MAJORS {
        let cluster = start(major, &Tls { ca: None, ..pki.tls("edca", &files) });
        hold(&cluster, &files, &rows);
        let sound = ask_row(&cluster, &files, "dbname=s channel_binding=disable");
        assert!(sound.ours.finding("tls-certificate-breaks-libpq").is_some(), "{}", sound.ours);
        let failed = ask_row(&cluster, &files, "dbname=s");
        assert!(failed.ours.finding("tls-certificate-breaks-libpq").is_some(), "{}", failed.ours);
        cluster.set_tls(&Tls { ca: None, ..pki.tls("pss", &files) });
        hold(&cluster, &files, &[connects("dbname=s channel_binding=require"), connects("dbname=s")]);
    }
}

const TLS_ALONE: &str = "hostssl t all 127.0.0.1/32 trust";

fn hold(cluster: &Cluster, files: &Files, rows: &[Row]) {
    for row in rows {
        let asked = ask_row(cluster, files, row.line);
        if let Some(complaint) = asked.complaint() {
            panic!("{complaint}\n{}", asked.ours);
        }
        let Some((code, exit)) = row.cause else {
            asked.ours.passes();
            continue;
        };
        enter(cluster, row, (code, &asked.ours));
        asked.ours.fails_with(code, exit);
        let first = asked.ours.finding(code).unwrap().to_string().replace("\\\"", "\"");
        assert!(first.contains(row.says), "{:?} is not said: {first}", row.says);
    }
}

/// Adds it to the table of accuracy.
fn enter(cluster: &Cluster, row: &Row, (code, answer): (&str, &Answer)) {
    let play = Play {
        fault: format!("Certificates of both sides: {}", row.line),
        source: "PostgreSQL".to_owned(),
        variant: Some(cluster.major()),
        healthy: false,
        expected: [code].iter().chain(row.beside).map(|code| (*code).to_owned()).collect(),
        timeout: 10_000.0,
    };
    let password = ("PGPASSWORD".to_owned(), password(row.line).to_owned());
    let asked = Asked { conninfo: answer.asked().to_owned(), environment: vec![password], ..Asked::default() };
    accuracy::record(play, &answer.report, &asked);
}

/// A wrong one where the rule would look at it after the certificate.
fn password(line: &str) -> &'static str {
    if line.contains("dbname=w") { WRONG } else { PASSWORD }
}

/// Names of files become paths; the root is the servers' unless the line says otherwise.
fn ask_row(cluster: &Cluster, files: &Files, line: &str) -> super::Asked {
    let mut words: Vec<String> =
        format!("user=u hostaddr=127.0.0.1 port={}", cluster.port()).split(' ').map(str::to_owned).collect();
    for default in ["host=db.own.test", "sslrootcert=R.crt", "sslmode=verify-full"] {
        let keyword = default.split('=').next().unwrap();
        if !line.contains(&format!("{keyword}=")) {
            words.push(default.to_owned());
        }
    }
    words.extend(line.split(' ').map(str::to_owned));
    let paths = words.iter().map(|word| match word.split_once('=') {
        Some((keyword @ ("sslcert" | "sslkey" | "sslrootcert" | "sslcrl" | "sslcrldir"), name)) => {
            format!("{keyword}={}", files.text(name))
        }
        _ => word.clone(),
    });
    let conninfo = paths.collect::<Vec<_>>().join(" ");
    ask(cluster, &conninfo, &[("PGPASSWORD", password(line))])
}

/// Certificates for user `u`, and a server that takes them, but for one that is revoked.
fn with_clients(pki: &OwnPki, files: &Files) -> Tls {
    let leaf = |days: i32| Spec { starts_in_days: -30, ends_in_days: days, ..Spec::leaf("u") };
    let clients: [(&str, Identity); 5] = [
        ("u", pki.client(&leaf(30))),
        ("old", pki.client(&leaf(-3))),
        ("revoked", pki.client(&leaf(30))),
        ("other", pki.client(&Spec::leaf("other"))),
        ("stranger", pki.client_of_stranger("u")),
    ];
    for (name, identity) in &clients {
        files.write(&format!("{name}.crt"), identity.certificate_pem().unwrap());
        files.write(&format!("{name}+I.crt"), identity.chain_pem().unwrap());
        files.write(&format!("{name}.key"), identity.key_pem().unwrap());
    }
    let tls = pki.tls("ok", files);
    Tls { crl: Some(pki.list(&[&clients[2].1], files)), ..tls }
}

fn config(tls: &Tls) -> ClusterConfig {
    let hba = [
        "host    d all 127.0.0.1/32 trust",
        "host    s all 127.0.0.1/32 scram-sha-256",
        "hostssl c all 127.0.0.1/32 cert",
        "hostssl v all 127.0.0.1/32 trust clientcert=verify-full",
        "hostssl w all 127.0.0.1/32 scram-sha-256 clientcert=verify-full",
        "hostssl m all 127.0.0.1/32 cert map=nobody",
        TLS_ALONE,
    ];
    // Without ssl_ca_file PostgreSQL takes no rule that wants certificates.
    let hba = hba.into_iter().filter(|rule| tls.ca.is_some() || !rule.contains("cert"));
    ClusterConfig { hba: hba.map(str::to_owned).collect(), tls: Some(tls.clone()), ..ClusterConfig::default() }
}

fn start(major: u32, tls: &Tls) -> Cluster {
    let cluster = Cluster::start(major, &config(tls));
    create(&cluster);
    cluster
}

fn create(cluster: &Cluster) {
    cluster.sql(&format!("set password_encryption = 'scram-sha-256'; create role u login password '{PASSWORD}'"));
    for database in ["d", "s", "c", "v", "w", "m", "t"] {
        cluster.sql(&format!("create database {database}"));
    }
}
