//! The servers that most tests share, one a major, and those that a test has for itself.

use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock};
use std::thread;
use std::time::Duration;

use crate::answer::Answer;
use crate::client::{self, PASSWORD, Psql, Settings};
use crate::cluster::{Cluster, ClusterConfig, Tls, majors};
use crate::pki::{self, Pki};

/// How long anything that is waited for may take.
pub const LIMIT: Duration = crate::cluster::LIMIT;

/// A role gets in by the rule of the group it is in; a role in none of them has no rule.
const RULES: &[&str] = &[
    "host      all +by_scram    127.0.0.1/32 scram-sha-256",
    "host      all +by_md5      127.0.0.1/32 md5",
    "host      all +by_password 127.0.0.1/32 password",
    "host      all +by_trust    127.0.0.1/32 trust",
    "host      all +by_ident    127.0.0.1/32 ident",
    "host      all +by_reject   127.0.0.1/32 reject",
    "hostssl   all +by_cert     127.0.0.1/32 cert",
    "hostssl   all +by_tls      127.0.0.1/32 scram-sha-256",
    "hostnossl all +by_plain    127.0.0.1/32 scram-sha-256",
    "host      all unknown,\"unknown too\" 127.0.0.1/32 scram-sha-256",
    "host      all ghost,ghost_too 127.0.0.1/32 trust",
    "local     all +by_scram                 scram-sha-256",
    "local     all +by_trust                 trust",
    "local     all +by_peer                  peer",
];

const GROUPS: &str = "create role by_scram; create role by_md5; create role by_password; create role by_trust; \
    create role by_ident; create role by_reject; create role by_cert; create role by_tls; create role by_plain; \
    create role by_peer; create role by_nothing;";

/// A server with its rules, groups and root certificates.
pub struct Server {
    /// Its PostgreSQL major.
    pub major: u32,
    /// Itself.
    pub cluster: Cluster,
    /// Held while `pg_hba.conf` is changed.
    pub editing: Mutex<()>,
}

/// The shared servers with TLS, one a major.
pub fn servers() -> &'static [Server] {
    static SERVERS: OnceLock<Vec<Server>> = OnceLock::new();
    SERVERS.get_or_init(|| on_all_majors(|major| Server::start(major, &[])))
}

/// The shared servers whose TLS is switched off, one a major.
pub fn plain_servers() -> &'static [Server] {
    static SERVERS: OnceLock<Vec<Server>> = OnceLock::new();
    SERVERS.get_or_init(|| on_all_majors(|major| Server::start(major, &[("ssl", "off")])))
}

/// One result a major; all majors are worked on at once.
pub fn on_all_majors<T: Send>(make: impl Fn(u32) -> T + Sync) -> Vec<T> {
    on_each(majors(), make)
}

/// The same of the oldest and the newest alone: for what has little to do with the age of a server.
pub fn on_oldest_and_newest<T: Send>(make: impl Fn(u32) -> T + Sync) -> Vec<T> {
    let majors = majors();
    on_each(majors.iter().copied().filter(|major| [majors.first(), majors.last()].contains(&Some(major))), make)
}

fn on_each<T: Send>(majors: impl IntoIterator<Item = u32>, make: impl Fn(u32) -> T + Sync) -> Vec<T> {
    let make = &make;
    thread::scope(|scope| {
        let running: Vec<_> = majors.into_iter().map(|major| scope.spawn(move || make(major))).collect();
        running.into_iter().map(|one| one.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    })
}

impl Server {
    /// Starts a server with a sound certificate, these settings, and the groups of the rules.
    pub fn start(major: u32, settings: &[(&str, &str)]) -> Self {
        let server = Self::start_empty(major, settings);
        server.cluster.sql(GROUPS);
        server
    }

    /// Starts a server with a sound certificate and these settings, to which nobody has connected yet.
    pub fn start_empty(major: u32, settings: &[(&str, &str)]) -> Self {
        let pki = Pki::new();
        let tls = Tls { ca: Some(pki.root.certificate_pem().expect("PEM")), ..pki::tls(&pki.sound()) };
        Self::start_with(major, settings, &pki, tls)
    }

    /// Starts a server with this certificate, these settings, and nothing in it.
    pub fn start_with(major: u32, settings: &[(&str, &str)], pki: &Pki, tls: Tls) -> Self {
        let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let hba = RULES.iter().map(|rule| (*rule).to_owned()).collect();
        let cluster =
            Cluster::start(major, &ClusterConfig { hba, settings, tls: Some(tls), ..ClusterConfig::default() });
        let server = Self { major, cluster, editing: Mutex::new(()) };
        fs::write(server.root(), pki.root.certificate_pem().expect("PEM")).expect("a file");
        fs::write(server.wrong_root(), pki.stranger.certificate_pem().expect("PEM")).expect("a file");
        server
    }

    /// The file with the root of the server's certificate.
    pub fn root(&self) -> String {
        format!("{}/right-root.crt", self.socket())
    }

    /// A file with another root.
    pub fn wrong_root(&self) -> String {
        format!("{}/wrong-root.crt", self.socket())
    }

    /// The directory of its Unix socket, for `host`.
    pub fn socket(&self) -> String {
        self.cluster.socket_dir().display().to_string()
    }

    /// An empty directory.
    pub fn home(&self) -> PathBuf {
        self.cluster.socket_dir().join("home")
    }

    /// Makes a role that may log in with the right password, in this group.
    pub fn role(&self, name: &str, group: &str) -> Settings {
        self.cluster.sql(&role(name, group));
        self.settings(name)
    }

    /// Settings for this user, verifying everything.
    pub fn settings(&self, user: &str) -> Settings {
        Settings::new(self.cluster.port(), user).with("sslmode=verify-full").set("sslrootcert", self.root())
    }

    /// Checks it.
    pub fn check(&self, settings: &Settings) -> Answer {
        client::check(&self.home(), settings)
    }

    /// Asks psql.
    pub fn psql(&self, settings: &Settings) -> Psql {
        client::psql(&self.cluster, settings)
    }
}

/// The statements that make a role; its password is stored as its group's rule wants it.
pub fn role(name: &str, group: &str) -> String {
    let name = name.replace('"', "\"\"");
    let stored = if group == "by_md5" { "md5" } else { "scram-sha-256" };
    format!(
        "set client_min_messages = error; set password_encryption = '{stored}'; \
         create role \"{name}\" login password '{PASSWORD}' in role {group};"
    )
}
