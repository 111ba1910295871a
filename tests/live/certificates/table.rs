//! The rows of PostgreSQL's own suite, and those beside them that need its certificates.

use std::sync::OnceLock;
use std::thread;

use serde_json::Value;

use super::{Files, ask, further, suite_pki};
use crate::cluster::{Cluster, ClusterConfig, Tls};

/// Where they run: the description of the table has DNs mapped, which came with PostgreSQL 14.
pub const MAJORS: [u32; 2] = [15, 18];

/// The table.
pub fn table() -> &'static Value {
    static TABLE: OnceLock<Value> = OnceLock::new();
    TABLE.get_or_init(|| serde_json::from_str(include_str!("../../cases/certificates.json")).unwrap())
}

/// What a server is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Given<'a> {
    /// `ssl_cert_file`, `ssl_key_file` and `ssl_ca_file`, as the suite names them.
    pub certificate: &'a str,
    pub key: &'a str,
    pub authority: &'a str,
    /// `ssl_crl_file`
    pub crl: &'a str,
    /// The method of most rules.
    pub method: &'a str,
}

/// One row.
pub struct Row<'a> {
    pub id: &'a str,
    pub server: Given<'a>,
    pub conninfo: String,
    pub environment: Vec<(&'a str, String)>,
    /// Whether libpq connected when the table was made.
    pub connects: Option<bool>,
}

#[test]
fn the_rows_of_the_suite() {
    let files = Files::new();
    suite_pki::write(table(), &files);
    let rows: Vec<Row<'_>> = table()["cases"].as_array().unwrap().iter().map(read).collect();
    assert_eq!(rows.len(), 37);
    for major in MAJORS {
        play(major, &rows.iter().collect::<Vec<_>>(), &files);
    }
}

#[test]
fn further_rows_with_the_certificates_of_the_suite() {
    let files = Files::new();
    suite_pki::write(table(), &files);
    let rows = further::rows();
    thread::scope(|scope| {
        for (turn, major) in MAJORS.into_iter().enumerate() {
            let (rows, files) = (rows.iter().skip(turn).step_by(MAJORS.len()).collect::<Vec<_>>(), &files);
            scope.spawn(move || play(major, &rows, files));
        }
    });
}

fn read(case: &Value) -> Row<'_> {
    let text = |value: &'static str| case["server"][value].as_str().unwrap();
    let environment = case["env"].as_object().unwrap().iter();
    Row {
        id: case["id"].as_str().unwrap(),
        server: Given {
            certificate: text("certfile"),
            key: text("keyfile"),
            authority: text("cafile"),
            crl: text("crlfile"),
            method: case["auth"].as_str().unwrap(),
        },
        conninfo: case["conninfo"].as_str().unwrap().to_owned(),
        environment: environment.map(|(name, value)| (name.as_str(), value.as_str().unwrap().to_owned())).collect(),
        connects: case["expect"]["ok"].as_bool(),
    }
}

fn play(major: u32, rows: &[&Row<'_>], files: &Files) {
    let mut complaints = Vec::new();
    for method in ["trust", "scram-sha-256"] {
        let of_method: Vec<&&Row<'_>> = rows.iter().filter(|row| row.server.method == method).collect();
        let Some(first) = of_method.first() else { continue };
        let cluster = start(major, method, &tls(&first.server, files));
        let mut given = first.server;
        for row in of_method {
            if row.server != given {
                given = row.server;
                cluster.set_tls(&tls(&given, files));
            }
            let complaint = judge(row, files, &cluster);
            complaints.extend(complaint.map(|complaint| format!("{} on {major}: {complaint}", row.id)));
        }
    }
    assert!(complaints.is_empty(), "{} rows:\n{}", complaints.len(), complaints.join("\n"));
}

fn judge(row: &Row<'_>, files: &Files, cluster: &Cluster) -> Option<String> {
    let fill = |text: &str| {
        let places = [("ssl/", "ssl/"), ("KEYS/", "KEYS/"), ("TMP/", ""), ("SSLDIR/", "ssl/")];
        places.iter().fold(text.to_owned(), |text, (from, to)| {
            let to = files.text(to);
            text.replace(&format!("={from}"), &format!("={to}")).replace(&format!("='{from}"), &format!("='{to}"))
        })
    };
    let conninfo = fill(&format!("{} port={}", row.conninfo, cluster.port()));
    let environment: Vec<(&str, String)> =
        row.environment.iter().map(|(name, value)| (*name, fill(&format!("={value}"))[1..].to_owned())).collect();
    let environment: Vec<(&str, &str)> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let asked = ask(cluster, &conninfo, &environment);
    if let Some(connects) = row.connects.filter(|connects| *connects != asked.psql.connects) {
        return Some(format!("the table says {connects}: {:?}", asked.psql));
    }
    asked.complaint()
}

/// As the table describes it; nothing accepts a connection without TLS.
fn start(major: u32, method: &str, tls: &Tls) -> Cluster {
    let lines = [
        "hostssl trustdb md5testuser 127.0.0.1/32 md5".to_owned(),
        format!("hostssl trustdb all 127.0.0.1/32 {method}"),
        format!("hostssl verifydb ssltestuser,anotheruser 127.0.0.1/32 {method} clientcert=verify-full"),
        format!("hostssl verifydb yetanotheruser 127.0.0.1/32 {method} clientcert=verify-ca"),
        "hostssl certdb all 127.0.0.1/32 cert".to_owned(),
        "hostssl certdb_dn all 127.0.0.1/32 cert clientname=DN map=dn".to_owned(),
        "hostssl certdb_dn_re all 127.0.0.1/32 cert clientname=DN map=dnre".to_owned(),
        "hostssl certdb_cn all 127.0.0.1/32 cert clientname=CN map=cn".to_owned(),
    ];
    let ident = [
        r#"dn "CN=ssltestuser-dn,OU=Testing,OU=Engineering,O=PGDG" ssltestuser"#,
        r#"dnre "/^.*OU=Testing,.*$" ssltestuser"#,
        "cn ssltestuser-dn ssltestuser",
    ];
    let config = ClusterConfig {
        hba: lines.to_vec(),
        ident: ident.map(str::to_owned).to_vec(),
        tls: Some(tls.clone()),
        ..ClusterConfig::default()
    };
    let cluster = Cluster::start(major, &config);
    cluster.sql(
        "set client_min_messages = error; set password_encryption = 'scram-sha-256'; \
         create role ssltestuser login password 'pass'; create role anotheruser login password 'pass'; \
         create role yetanotheruser login password 'pass'; \
         set password_encryption = 'md5'; create role md5testuser login password 'pass';",
    );
    for database in ["trustdb", "verifydb", "certdb", "certdb_dn", "certdb_dn_re", "certdb_cn"] {
        cluster.sql(&format!("create database {database}"));
    }
    cluster
}

fn tls(given: &Given<'_>, files: &Files) -> Tls {
    Tls {
        certificate: files.read(&format!("ssl/{}.crt", given.certificate)),
        key: files.read(&format!("KEYS/{}.key", given.key)),
        ca: Some(files.read(&format!("ssl/{}.crt", given.authority))),
        crl: Some(files.read(&format!("ssl/{}", given.crl))),
    }
}
