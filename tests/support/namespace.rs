//! A test of this process's own, run again where the network and the name server are its own too.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

/// Set in the process that runs inside.
const INSIDE: &str = "PGPREFLIGHT_TEST_INSIDE";

/// Runs the test of this name again in its own network and mount namespace, with loopback alone and the name server
/// 127.0.0.1. True inside; outside it returns when the test has passed there.
///
/// # Panics
/// When the test fails inside, or when no namespace can be had.
pub fn inside(test: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        set_up();
        return true;
    }
    // Whoever may not have them so is given them in a user namespace, by its own number where unshare can do that:
    // PostgreSQL refuses to run as root.
    let ways: [&[&str]; 3] = [&["-n", "-m"], &["-c", "--keep-caps", "-n", "-m"], &["-r", "-n", "-m"]];
    let possible = |way: &&&[&str]| {
        let tried = Command::new("unshare").args(**way).arg("true").output();
        tried.is_ok_and(|tried| tried.status.success())
    };
    let way = ways.iter().find(possible).unwrap_or_else(|| {
        panic!("no network namespace can be had: `unshare -rnm true` must work (user namespaces, or root)")
    });
    let ran = Command::new("unshare")
        .args(*way)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(INSIDE, "1")
        .output()
        .unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success() && said.contains("1 passed"), "inside the namespace:\n{said}");
    false
}

fn set_up() {
    command("ip", &["link", "set", "lo", "up"]);
    for (file, text) in [
        ("/etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n"),
        ("/etc/nsswitch.conf", "hosts: dns\n"),
    ] {
        // Without nsswitch.conf glibc asks the name server as well.
        if Path::new(file).exists() {
            replace(file, text.as_bytes());
        }
    }
}

/// The files that are the test's own by now.
static OWN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Puts a text of the test's own in the place of a file, in this mount namespace alone.
pub fn replace(file: &str, text: &[u8]) {
    if !OWN.lock().unwrap().insert(file.to_owned()) {
        fs::write(file, text).unwrap();
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let own = directory.path().join("own");
    fs::write(&own, text).unwrap();
    command("mount", &["--bind", own.to_str().unwrap(), file]);
    fs::remove_file(own).unwrap(); // what is mounted stays
}

/// Runs a program that has to succeed.
pub fn command(program: &str, arguments: &[&str]) {
    let ran = Command::new(program).args(arguments).output();
    let ran = ran.unwrap_or_else(|error| panic!("{program} cannot be run (iproute2, mount): {error}"));
    assert!(ran.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
}
