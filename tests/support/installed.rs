//! What `scripts/setup` installed, and who runs it: server and client programs, `initdb` templates, the servers' user.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The majors that live tests run against: `PGPREFLIGHT_TEST_MAJORS` (space-separated), else 10, 15, 17 and 18.
pub fn majors() -> Vec<u32> {
    let majors = std::env::var("PGPREFLIGHT_TEST_MAJORS").unwrap_or_else(|_| "10 15 17 18".to_owned());
    majors.split_whitespace().map(|major| major.parse().expect("a major version")).collect()
}

/// The real clients of the newest PostgreSQL that Debian installed here (`psql`, `pg_isready`, `pgbench`).
/// `/usr/bin/psql` is a Perl wrapper around them.
pub fn client(program: &str) -> PathBuf {
    let installed = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    installed
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|major| client_path(*major, program).is_file())
        .max()
        .map_or_else(|| panic!("{program} is missing: run `make setup`"), |major| client_path(major, program))
}

fn client_path(major: u32, program: &str) -> PathBuf {
    PathBuf::from(format!("/usr/lib/postgresql/{major}/bin/{program}"))
}

/// Where `scripts/setup` keeps servers and the name of the container image.
pub fn cache() -> PathBuf {
    if let Some(cache) = std::env::var_os("PGPREFLIGHT_CACHE") {
        return cache.into();
    }
    if rustix::process::geteuid().is_root() {
        return "/var/cache/pgpreflight".into();
    }
    let home = || PathBuf::from(std::env::var_os("HOME").expect("HOME is set")).join(".cache");
    std::env::var_os("XDG_CACHE_HOME").map_or_else(home, PathBuf::from).join("pgpreflight")
}

/// The directory of `postgres` and `initdb` of a major.
///
/// # Panics
/// When setup has not installed it.
pub fn server_bin(major: u32) -> PathBuf {
    let bin = cache().join(format!("postgresql/{major}/bin"));
    assert!(bin.join("postgres").is_file(), "PostgreSQL {major} is missing from {}: run `make setup`", bin.display());
    bin
}

/// The directory of the client library of a major, for `LD_LIBRARY_PATH`.
///
/// # Panics
/// When setup has not installed it.
pub fn libpq(major: u32) -> PathBuf {
    let lib = cache().join(format!("postgresql/{major}/lib"));
    assert!(lib.join("libpq.so.5").is_file(), "libpq {major} is missing from {}: run `make setup`", lib.display());
    lib
}

/// Makes the data directory of a new server. `initdb` takes a second, so it runs once a major; each server gets a copy.
pub fn copy_template(major: u32, data: &Path) {
    let templates = cache().join("template");
    fs::create_dir_all(&templates).expect("the cache is writable");
    fs::set_permissions(&templates, fs::Permissions::from_mode(0o755)).expect("it is ours");
    let lock = File::create(templates.join(format!("{major}.lock"))).expect("the cache is writable");
    lock.lock().expect("a lock");
    let template = templates.join(major.to_string());
    if !template.exists() {
        make_template(major, &template);
    }
    drop(lock);
    succeed(Command::new("cp").args(["-a", "--reflink=auto"]).arg(template).arg(data));
}

fn make_template(major: u32, template: &Path) {
    let unfinished = template.with_extension("unfinished");
    let _ = fs::remove_dir_all(&unfinished); // of a run that was killed
    fs::create_dir(&unfinished).expect("the cache is writable");
    give_to_server_user(&unfinished, 0o700);
    let mut initdb = as_server_user(server_bin(major).join("initdb"));
    initdb.args(["--no-sync", "--no-locale", "--encoding=UTF8", "--username=postgres", "--auth=trust", "-D"]);
    succeed(initdb.arg(&unfinished));
    fs::rename(unfinished, template).expect("the same directory");
}

/// A program run as the servers' user, in an environment of its own.
pub fn as_server_user(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    if let Some((uid, gid)) = server_user() {
        command.uid(uid).gid(gid);
    }
    command.current_dir("/").env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C");
    command
}

/// Sets a file's mode, and makes it the servers' user's.
pub fn give_to_server_user(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is ours");
    if let Some((uid, gid)) = server_user() {
        chown(path, Some(uid), Some(gid)).expect("we are root");
    }
}

/// The uid and gid of Debian's `postgres` user when we are root, as PostgreSQL refuses to run as root.
fn server_user() -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let passwd = fs::read_to_string("/etc/passwd").expect("/etc/passwd");
    let line = passwd.lines().find(|line| line.starts_with("postgres:"));
    let mut fields = line.expect("there is no user `postgres`: run `make setup`").split(':').skip(2).map(str::parse);
    match (fields.next(), fields.next()) {
        (Some(Ok(uid)), Some(Ok(gid))) => Some((uid, gid)),
        _ => panic!("/etc/passwd has no uid and gid for `postgres`"),
    }
}

/// Runs a program that has to succeed.
pub fn succeed(command: &mut Command) {
    let output = command.output().expect("the program exists");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
