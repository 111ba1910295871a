//! One real server whose TLS, certificate and rules are drawn again and again.

use std::fmt;
use std::fs;

use fastrand::Rng;
use pgpreflight::lab::pki::{Identity, KeyKind, Purpose, Spec};

use crate::client::PASSWORD;
use crate::cluster::Tls;
use crate::pki::{Pki, issue, localhost, tls};
use crate::server::Server;

/// Roles with the right password, stored for SCRAM unless the name says otherwise.
pub const ROLES: [&str; 5] = ["drawn_a", "drawn_b", "drawn_c", "drawn_md5", "drawn_expired"];

/// The server's certificate, by what is wrong with it.
const CERTIFICATES: [Kind; 16] = [
    Kind::Sound,
    Kind::Sound,
    Kind::Sound,
    Kind::Sound,
    Kind::Sound,
    Kind::Chained,
    Kind::Chained,
    Kind::Incomplete,
    Kind::Expired,
    Kind::NotYetValid,
    Kind::WrongName,
    Kind::CommonNameOnly,
    Kind::AddressOnly,
    Kind::SelfSigned,
    Kind::Stranger,
    Kind::ClientOnly,
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Sound,
    /// With its intermediate.
    Chained,
    /// Without its intermediate.
    Incomplete,
    Expired,
    NotYetValid,
    WrongName,
    CommonNameOnly,
    AddressOnly,
    SelfSigned,
    /// Of another authority.
    Stranger,
    /// Not for servers.
    ClientOnly,
}

/// A server as it is drawn now.
pub struct World {
    /// Itself.
    pub server: Server,
    pki: Pki,
    kind: Option<Kind>,
    rules: Vec<String>,
}

impl World {
    /// Starts it, with the roles and databases that clients are drawn from.
    pub fn start(major: u32) -> Self {
        let pki = Pki::new();
        let server = Server::start_with(major, &[("ssl_prefer_server_ciphers", "on")], &pki, tls(&pki.sound()));
        for role in ROLES {
            let stored = if role == "drawn_md5" { "md5" } else { "scram-sha-256" };
            let until = if role == "drawn_expired" { "valid until '2020-01-01'" } else { "" };
            server.cluster.sql(&format!(
                "set client_min_messages = error; set password_encryption = '{stored}'; \
                 create role {role} login password '{PASSWORD}' {until}"
            ));
        }
        server.cluster.sql("create role drawn_nologin nologin password 'x'");
        for statement in [
            "create database drawn_closed allow_connections false",
            "create database drawn_private",
            "revoke connect on database drawn_private from public",
        ] {
            server.cluster.sql(statement);
        }
        let passfile = format!("{}/passfile", server.socket());
        fs::write(&passfile, format!("*:*:*:*:{}\n", PASSWORD.replace('\\', "\\\\").replace(':', "\\:")))
            .expect("a file");
        fs::set_permissions(&passfile, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("ours");
        fs::write(format!("{}/garbage.crt", server.socket()), "not a certificate\n").expect("a file");
        Self { server, pki, kind: None, rules: Vec::new() }
    }

    /// Draws TLS, the certificate and the rules again, and puts them in force.
    pub fn redraw(&mut self, rng: &mut Rng) {
        self.kind = (rng.u8(..8) > 0).then(|| CERTIFICATES[rng.usize(..CERTIFICATES.len())]);
        self.rules = ROLES.iter().chain(&["drawn_nologin", "drawn_ghost"]).filter_map(|role| rule(rng, role)).collect();
        let cluster = &self.server.cluster;
        cluster.write_hba(&self.rules);
        match self.kind {
            Some(kind) => cluster.set_tls(&self.certificate(kind)),
            None => cluster.switch_tls_off(),
        }
    }

    fn certificate(&self, kind: Kind) -> Tls {
        let spec = localhost();
        let nameless = Spec { dns_names: Vec::new(), ip_addresses: Vec::new(), ..spec.clone() };
        let intermediate = || issue(&self.pki.root, &Spec::root("Live Intermediate"));
        let identity = match kind {
            Kind::Sound => self.pki.sound(),
            Kind::Chained => issue(&intermediate(), &spec),
            Kind::Incomplete => {
                let identity = issue(&intermediate(), &spec);
                return Tls { certificate: identity.certificate_pem().expect("PEM"), ..tls(&identity) };
            }
            Kind::Expired => issue(&self.pki.root, &Spec { starts_in_days: -30, ends_in_days: -3, ..spec }),
            Kind::NotYetValid => issue(&self.pki.root, &Spec { starts_in_days: 3, ends_in_days: 30, ..spec }),
            Kind::WrongName => {
                issue(&self.pki.root, &Spec { dns_names: vec!["db.example.test".to_owned()], ..nameless })
            }
            Kind::CommonNameOnly => issue(&self.pki.root, &nameless),
            Kind::AddressOnly => issue(
                &self.pki.root,
                &Spec { ip_addresses: vec!["127.0.0.1".parse().expect("an address")], ..nameless },
            ),
            Kind::SelfSigned => Identity::self_signed(&Spec { key: KeyKind::Rsa2048, ..spec }).expect("OpenSSL"),
            Kind::Stranger => issue(&self.pki.stranger, &spec),
            Kind::ClientOnly => issue(&self.pki.root, &Spec { purpose: Some(Purpose::ClientAuth), ..spec }),
        };
        tls(&identity)
    }
}

/// A line of `pg_hba.conf` for a role, or none.
fn rule(rng: &mut Rng, role: &str) -> Option<String> {
    let kinds = ["host", "host", "host", "host", "hostssl", "hostssl", "hostnossl", ""];
    let kind = rng.choice(kinds).filter(|kind| !kind.is_empty())?;
    let database = rng.choice(["all", "all", "all", "postgres"])?;
    let methods = ["scram-sha-256", "scram-sha-256", "scram-sha-256", "md5", "md5", "password", "trust", "reject"];
    let method = rng.choice(methods)?;
    Some(format!("{kind} {database} {role} 127.0.0.1/32 {method}"))
}

impl fmt::Display for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Some(kind) => write!(f, "certificate {kind:?}")?,
            None => write!(f, "ssl = off")?,
        }
        self.rules.iter().try_for_each(|rule| write!(f, "\n  {rule}"))
    }
}
