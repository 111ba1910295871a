//! Rows that the suite has and the table has not, and their neighbours: what libpq says is asked when they run. Each runs
//! on one of the majors; PostgreSQL 15 and 18 come in turns.

use super::suite_pki::PASSPHRASE;
use super::table::{Given, Row};

/// What the suite has before everything else, so that nothing of the user's own takes part.
const NOTHING: &str = "sslkey=invalid sslcert=invalid sslrootcert=invalid sslcrl=invalid sslcrldir=invalid";

const SERVER: Given<'_> = Given {
    certificate: "server-cn-only",
    key: "server-cn-only",
    authority: "root+client_ca",
    crl: "root+client.crl",
    method: "trust",
};

/// All of them.
pub fn rows() -> Vec<Row<'static>> {
    let kinds = [roots(), names(), lists(), client_certificates(), maps(), by_password(), system_roots(), versions()];
    kinds.into_iter().flatten().collect()
}

fn row(id: &'static str, server: Given<'static>, line: &str) -> Row<'static> {
    let conninfo = format!("{NOTHING} user=ssltestuser dbname=trustdb hostaddr=127.0.0.1 {line}");
    Row { id, server, conninfo, environment: Vec::new(), connects: None }
}

fn roots() -> Vec<Row<'static>> {
    let host = "host=common-name.pg-ssltest.test";
    let mut rows = Vec::new();
    for root in [
        "invalid",
        "ssl/root+server_ca.crt",
        "ssl/client_ca.crt",
        "ssl/server_ca.crt",
        "ssl/root_ca.crt",
        "ssl/both-cas-1.crt",
        "ssl/both-cas-2.crt",
    ] {
        for mode in ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] {
            rows.push(row("root", SERVER, &format!("{host} sslrootcert={root} sslmode={mode}")));
        }
    }
    for line in ["sslcertmode=disable", "sslcertmode=allow", "sslcertmode=require", "sslcertmode=nonsense"] {
        rows.push(row("no certificate", SERVER, &format!("{host} sslmode=require {line}")));
    }
    rows
}

fn names() -> Vec<Row<'static>> {
    const CERTIFICATES: [&str; 12] = [
        "server-cn-only",
        "server-no-names",
        "server-ip-cn-only",
        "server-ip-in-dnsname",
        "server-multiple-alt-names",
        "server-single-alt-name",
        "server-ip-alt-names",
        "server-cn-and-alt-names",
        "server-cn-and-ip-alt-names",
        "server-ip-cn-and-alt-names",
        "server-ip-cn-and-dns-alt-names",
        "server-revoked",
    ];
    const HOSTS: [&str; 22] = [
        "common-name.pg-ssltest.test",
        "COMMON-NAME.pg-ssltest.test",
        "dns1.alt-name.pg-ssltest.test",
        "dns2.alt-name.pg-ssltest.test",
        "single.alt-name.pg-ssltest.test",
        "foo.wildcard.pg-ssltest.test",
        "deep.subdomain.wildcard.pg-ssltest.test",
        "wildcard.pg-ssltest.test",
        ".wildcard.pg-ssltest.test",
        "a..wildcard.pg-ssltest.test",
        "wronghost.test",
        "192.0.2.1",
        "192.0.2.2",
        "192.000.002.001",
        "192.0.513",
        "0xc0.0.2.1",
        "3221225985",
        "2001:DB8::1",
        "2001:db8:0:0:0:0:0:1",
        "2001:0db8::0.0.0.1",
        "2001:DB8::1/128",
        "2001:db8::2",
    ];
    let mut rows = Vec::new();
    for certificate in CERTIFICATES {
        let server = Given { certificate, key: certificate, ..SERVER };
        for host in HOSTS {
            rows.push(row(
                certificate,
                server,
                &format!("host={host} sslmode=verify-full sslrootcert=ssl/root+server_ca.crt"),
            ));
        }
    }
    rows
}

fn lists() -> Vec<Row<'static>> {
    let revoked = Given { certificate: "server-revoked", key: "server-revoked", ..SERVER };
    let lines = [
        "sslcrl=invalid sslcrldir=invalid",
        "sslcrl='' sslcrldir=invalid",
        "sslcrl='' sslcrldir=''",
        "sslcrl=ssl/root+server.crl sslcrldir=''",
        "sslcrl='' sslcrldir=ssl/root+server-crldir",
        "sslcrl=ssl/root+server.crl sslcrldir=ssl/root+server-crldir",
        "sslcrl=ssl/client.crl sslcrldir=''",
        "sslcrl='' sslcrldir=ssl/client-crldir",
        "sslcrl=ssl/server.crl sslcrldir=''",
        "sslcrl=ssl/root.crl sslcrldir=''",
        "sslcrl=ssl/root.crl sslcrldir=ssl/server-crldir",
        "sslcrl=invalid sslcrldir=ssl/root+server-crldir",
        "sslcrl=ssl/root+server-crldir sslcrldir=''",
        "sslcrl=ssl/root+server_ca.crt sslcrldir=''",
        "sslcrl=KEYS/client.key sslcrldir=''",
    ];
    let mut rows = Vec::new();
    for server in [SERVER, revoked] {
        for line in lines {
            for mode in ["prefer", "require", "verify-ca", "verify-full"] {
                let rest = format!("host=common-name.pg-ssltest.test sslmode={mode} {line}");
                rows.push(row("list", server, &format!("{rest} sslrootcert=ssl/root+server_ca.crt")));
            }
            rows.push(row("list, no root", server, &format!("host=localhost sslmode=require {line}")));
            // A certificate among the lists is trusted, too.
            rows.push(row(
                "list, half a root",
                server,
                &format!("host=localhost sslmode=verify-ca {line} sslrootcert=ssl/root_ca.crt"),
            ));
        }
    }
    rows
}

fn client_certificates() -> Vec<Row<'static>> {
    const KEYS: [&str; 11] = [
        "sslkey=KEYS/client.key",
        "sslkey=KEYS/client-der.key",
        "sslkey=KEYS/client-encrypted-pem.key",
        "sslkey=KEYS/client-encrypted-pem.key sslpassword='dUmmyP^#+'",
        "sslkey=KEYS/client-encrypted-pem.key sslpassword='wrong'",
        "sslkey=KEYS/client-encrypted-der.key sslpassword='dUmmyP^#+'",
        "sslkey=KEYS/client-der.key sslpassword='dUmmyP^#+'",
        "sslkey=KEYS/client_wrongperms.key",
        "sslkey=KEYS/none.key",
        "sslkey=KEYS/client_ext.key",
        "sslkey=ssl",
    ];
    assert!(KEYS[3].contains(PASSPHRASE));
    let mut rows = Vec::new();
    let root = "host=localhost sslrootcert=ssl/root+server_ca.crt";
    for key in KEYS {
        for mode in ["disable", "allow", "prefer", "require"] {
            for database in ["certdb", "trustdb"] {
                rows.push(row(
                    key,
                    SERVER,
                    &format!("{root} dbname={database} sslmode={mode} sslcert=ssl/client.crt {key}"),
                ));
            }
        }
    }
    for (certificate, key) in [
        ("client", "client"),
        ("client_ext", "client_ext"),
        ("client-dn", "client-dn"),
        ("client-long", "client-long"),
        ("client-revoked", "client-revoked"),
        ("client-revoked-utf8", "client-revoked-utf8"),
        ("server-cn-only", "server-cn-only"),
        ("client+client_ca", "client"),
        ("none", "client"),
    ] {
        let shown = format!("sslcert=ssl/{certificate}.crt sslkey=KEYS/{key}.key");
        for mode in ["disable", "allow", "require"] {
            for database in ["certdb", "trustdb", "verifydb"] {
                for user in ["ssltestuser", "anotheruser", "yetanotheruser"] {
                    let who = format!("dbname={database} user={user} sslmode=require sslcertmode={mode}");
                    rows.push(row(certificate, SERVER, &format!("{root} {who} {shown}")));
                }
            }
        }
        for version in ["TLSv1.2", "TLSv1.3"] {
            for mode in ["prefer", "require"] {
                let capped = format!("dbname=certdb sslmode={mode} ssl_max_protocol_version={version}");
                rows.push(row(certificate, SERVER, &format!("{root} {capped} {shown}")));
                let root_only = Given { authority: "root_ca", ..SERVER };
                rows.push(row(certificate, root_only, &format!("{root} {capped} {shown}")));
            }
        }
    }
    let shown = "sslcert=ssl/client.crt sslkey=KEYS/client.key dbname=certdb";
    for (host, root) in [
        ("wronghost.test", "root+server_ca"),
        ("localhost", "client_ca"),
        ("common-name.pg-ssltest.test", "root+server_ca"),
    ] {
        for mode in ["prefer", "require", "verify-ca", "verify-full"] {
            rows.push(row(
                "guarded",
                SERVER,
                &format!("host={host} sslrootcert=ssl/{root}.crt sslmode={mode} {shown}"),
            ));
        }
    }
    rows
}

fn maps() -> Vec<Row<'static>> {
    let mut rows = Vec::new();
    for database in ["certdb_dn", "certdb_dn_re", "certdb_cn"] {
        for certificate in ["client-dn", "client"] {
            let shown = format!("sslcert=ssl/{certificate}.crt sslkey=KEYS/{certificate}.key");
            rows.push(row("map", SERVER, &format!("host=localhost sslmode=require dbname={database} {shown}")));
        }
    }
    rows
}

fn by_password() -> Vec<Row<'static>> {
    let pss = Given { certificate: "server-rsapss", key: "server-rsapss", ..SERVER };
    let mut rows = Vec::new();
    for server in [SERVER, pss] {
        let server = Given { method: "scram-sha-256", ..server };
        for binding in ["disable", "prefer", "require"] {
            for line in [
                "dbname=trustdb",
                "dbname=trustdb sslmode=disable",
                "dbname=trustdb user=md5testuser",
                "dbname=certdb sslcert=ssl/client.crt sslkey=KEYS/client.key",
                "dbname=verifydb sslcert=ssl/client.crt sslkey=KEYS/client.key sslcertmode=require",
                "dbname=verifydb user=anotheruser sslcert=ssl/client.crt sslkey=KEYS/client.key",
                "dbname=trustdb sslcert=ssl/client.crt sslkey=KEYS/client.key sslcertmode=require",
                "dbname=trustdb sslcertmode=require",
            ] {
                let mut row = row("scram", server, &format!("host=localhost channel_binding={binding} {line}"));
                row.environment = vec![("PGPASSWORD", "pass".to_owned())];
                rows.push(row);
            }
        }
    }
    rows
}

fn system_roots() -> Vec<Row<'static>> {
    let server = Given { certificate: "server-cn-only+server_ca", authority: "root_ca", ..SERVER };
    let mut rows = Vec::new();
    for host in ["common-name.pg-ssltest.test", "common-name.pg-ssltest.test.bad"] {
        for mode in ["", "sslmode=require", "sslmode=verify-ca", "sslmode=verify-full"] {
            for list in ["", "sslcrl=ssl/client.crl"] {
                for file in ["SSLDIR/root_ca.crt", "SSLDIR/client_ca.crt", "SSLDIR/none.crt"] {
                    let mut row = row("system", server, &format!("host={host} sslrootcert=system {mode} {list}"));
                    row.environment = vec![("SSL_CERT_FILE", file.to_owned())];
                    rows.push(row);
                }
            }
        }
    }
    rows
}

fn versions() -> Vec<Row<'static>> {
    let mut rows = Vec::new();
    for line in [
        "ssl_min_protocol_version=TLSv1.2 ssl_max_protocol_version=TLSv1.2",
        "ssl_min_protocol_version=TLSv1.3 ssl_max_protocol_version=TLSv1.2",
        "ssl_min_protocol_version=TLSv1.3",
        "ssl_min_protocol_version=incorrect_tls",
        "ssl_max_protocol_version=incorrect_tls",
        "ssl_min_protocol_version='' ssl_max_protocol_version=''",
    ] {
        rows.push(row("version", SERVER, &format!("host=localhost sslmode=require {line}")));
    }
    rows
}
