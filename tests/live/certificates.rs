//! Certificates of both sides against real servers: what psql says on libpq 18 and on 15, we say.
//!
//! `tests/cases/certificates.json` holds what libpq 18 made of PostgreSQL's own suite and of further rows.

mod drawn;
mod further;
mod identity;
mod ours;
mod own_pki;
mod suite_pki;
mod table;

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::answer::Answer;
use crate::client::{Psql, check_string, psql_string};
use crate::cluster::{Cluster, libpq};

/// The files that a client names, in a directory of their own.
pub struct Files {
    directory: TempDir,
}

impl Files {
    pub fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        set_mode(&path, 0o600);
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }
}

pub fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
}

/// What all three clients made of one string.
pub struct Asked {
    pub ours: Answer,
    /// On libpq 18.
    pub psql: Psql,
    /// On Debian's libpq, where it knows the keywords.
    pub older: Option<Psql>,
}

/// Asks all three.
pub fn ask(cluster: &Cluster, conninfo: &str, environment: &[(&str, &str)]) -> Asked {
    let home = cluster.socket_dir().join("home");
    let ours = check_string(&home, conninfo, environment, &["--timeout", "10s"]);
    let library = libpq(18).display().to_string();
    let with_library = [environment, &[("LD_LIBRARY_PATH", library.as_str())]].concat();
    let psql = psql_string(cluster, conninfo, &with_library);
    // libpq 16 brought these.
    let newer = ["sslcertmode", "sslrootcert=system", "sslrootcert='system'", "require_auth", "sslkeylogfile"];
    let older =
        (!newer.iter().any(|word| conninfo.contains(word))).then(|| psql_string(cluster, conninfo, environment));
    Asked { ours, psql, older }
}

impl Asked {
    /// What is not as libpq has it.
    pub fn complaint(&self) -> Option<String> {
        let clients =
            std::iter::once(("libpq 18", &self.psql)).chain(self.older.iter().map(|older| ("libpq 15", older)));
        let differing = clients.filter(|(_, psql)| !self.agrees(psql));
        let complaints: Vec<String> = differing.map(|(name, psql)| format!("{name}: {psql:?}")).collect();
        let (cause, encrypted) = (self.ours.cause(), self.encrypted());
        let we = if self.ours.connects() { format!("connects, encrypted: {encrypted}") } else { format!("{cause:?}") };
        (!complaints.is_empty()).then(|| format!("{}\n  {}\n  we: {we}", self.ours.asked(), complaints.join("\n  ")))
    }

    fn encrypted(&self) -> bool {
        self.ours.fact("tls", "negotiated") == true
    }

    /// Whether psql came to the same.
    pub fn agrees(&self, psql: &Psql) -> bool {
        self.ours.connects() == psql.connects && (!psql.connects || self.encrypted() == psql.encrypted)
    }
}
