//! The table's own rows: a chain for each fault, against a server that takes connections without TLS too.

use serde_json::Value;

use super::own_pki::OwnPki;
use super::table::{MAJORS, table};
use super::{Files, ask};
use crate::cluster::{Cluster, ClusterConfig};

#[test]
fn the_own_rows() {
    let rows = table()["own_cases"].as_array().unwrap();
    assert_eq!(rows.len(), 23);
    let files = Files::new();
    for home in ["home_none", "home_other/.postgresql"] {
        std::fs::create_dir_all(files.path(&format!("HOMES/{home}"))).unwrap();
    }
    let pki = OwnPki::new(&files);
    files.write("HOMES/home_other/.postgresql/root.crt", files.read("R2.crt"));
    for major in MAJORS {
        let cluster = start(major, &pki, &files);
        let complaints: Vec<String> = rows
            .iter()
            .filter_map(|row| {
                cluster.set_tls(&pki.tls(row["server_chain"].as_str().unwrap(), &files));
                Some(format!("{} {} on {major}: {}", row["id"], row["name"], judge(row, &files, &cluster)?))
            })
            .collect();
        assert!(complaints.is_empty(), "{} rows:\n{}", complaints.len(), complaints.join("\n"));
    }
}

/// A server of user `u` and database `d`.
pub fn start(major: u32, pki: &OwnPki, files: &Files) -> Cluster {
    let hba = vec!["host all all 127.0.0.1/32 trust".to_owned()];
    let cluster =
        Cluster::start(major, &ClusterConfig { hba, tls: Some(pki.tls("ok", files)), ..ClusterConfig::default() });
    cluster.sql("create role u login");
    cluster.sql("create database d");
    cluster
}

fn judge(row: &Value, files: &Files, cluster: &Cluster) -> Option<String> {
    let conninfo = row["conninfo"].as_str().unwrap().replace("port=6400", &format!("port={}", cluster.port()));
    let conninfo = conninfo.replace("sslrootcert=", &format!("sslrootcert={}", files.text("")));
    let home = row["env"]["HOME"].as_str().map(|home| files.text(home));
    let environment: Vec<(&str, &str)> = home.iter().map(|home| ("HOME", home.as_str())).collect();
    let asked = ask(cluster, &conninfo, &environment);
    let observed = &row["observed_libpq_18_6"];
    if observed["ok"] != asked.psql.connects || (asked.psql.connects && observed["ssl"] != asked.psql.encrypted) {
        return Some(format!("the table says {observed}: {:?}", asked.psql));
    }
    asked.complaint()
}
