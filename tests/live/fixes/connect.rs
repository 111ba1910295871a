//! Servers that do not run, listen elsewhere, or have a socket that is not found, left over, closed, or somebody else's.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

use super::{Fixes, data};
use crate::answer::Answer;
use crate::client::Settings;
use crate::cluster::free_port;
use crate::server::{Server, on_oldest_and_newest, servers};

#[test]
fn a_server_is_started() {
    on_oldest_and_newest(|major| {
        let mut server = Server::start(major, &[]);
        let settings = server.role("guest", "by_scram");
        let by_socket = settings.clone().without("hostaddr").set("host", server.socket());
        for (settings, code) in [(settings, "connect-refused"), (by_socket, "connect-socket-missing")] {
            server.cluster.stop("INT");
            let answer = server.check(&settings);
            answer.fails_with(code, 11);
            Fixes::of(&answer).run_and_restart("sudo systemctl start", &mut server);
            server.check(&settings).passes();
        }
    });
}

#[test]
fn a_server_listens_where_it_is_dialled() {
    on_oldest_and_newest(|major| {
        for elsewhere in ["'127.0.0.2'", "''"] {
            let mut server = Server::start(major, &[("listen_addresses", elsewhere)]);
            let settings = server.role("guest", "by_scram");
            let answer = server.check(&settings);
            answer.fails_with("connect-refused", 11);
            Fixes::of(&answer).run_and_restart("ALTER SYSTEM SET listen_addresses", &mut server);
            server.check(&settings).passes();
        }
    });
}

/// A printed command that tells something, as root types it.
fn told(command: &str) -> String {
    let command = command.strip_prefix("sudo ").unwrap_or(command);
    let output = Command::new("/bin/sh").args(["-c", command]).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// The line that is about the postmaster.
fn told_of(server: &Server, command: &str) -> String {
    let (told, process) = (told(command), format!("pid={},", server.cluster.pid()));
    let line = told.lines().find(|line| line.contains(&process));
    line.unwrap_or_else(|| panic!("{command}: {told}")).to_owned()
}

#[test]
fn the_port_of_a_server_is_seen() {
    for server in servers() {
        let settings = server.role("at_another_port", "by_scram");
        let answer = server.check(&settings.clone().set("port", free_port().to_string()));
        answer.fails_with("connect-refused", 11);
        let fixes = Fixes::of(&answer);
        let line = told_of(server, fixes.statements("ss ").last().unwrap());
        let listening = line.split_whitespace().find_map(|word| word.strip_prefix("127.0.0.1:")).unwrap();
        server.check(&settings.set("port", listening)).passes();
    }
}

fn by_socket(server: &Server, user: &str) -> Settings {
    server.role(user, "by_scram").without("hostaddr").set("host", server.socket())
}

#[test]
fn a_socket_is_found() {
    for server in servers() {
        let settings = by_socket(server, "by_socket");
        for lost in [
            settings.clone().with("host=/nonexistent"),
            settings.clone().set("port", free_port().to_string()),
            settings.clone().with("host=@nonexistent"),
        ] {
            let answer = server.check(&lost);
            answer.fails_with("connect-socket-missing", 11);
            let shown: Vec<String> =
                Fixes::of(&answer).statements("SHOW").iter().map(|line| server.cluster.sql(line)).collect();
            let [directory, port] = shown.as_slice() else { panic!("two lines: {answer}") };
            server.check(&lost.set("host", directory).set("port", port)).passes();
        }
    }
}

#[test]
fn whose_socket_it_is_is_seen() {
    for server in servers() {
        let settings = by_socket(server, "by_known_socket").with("requirepeer=nobody");
        let answer = server.check(&settings);
        answer.fails_with("connect-peer-mismatch", 11);
        let fixes = Fixes::of(&answer);
        assert!(told_of(server, &fixes.statements("sudo ss")[0]).contains("postgres"));
        server.check(&fixes.change("requirepeer", &settings)).passes();
    }
}

#[test]
fn a_socket_file_is_taken_over() {
    on_oldest_and_newest(|major| {
        let mut server = Server::start(major, &[]);
        let settings = by_socket(&server, "guest");
        server.cluster.stop("INT");
        // As a server leaves it that is killed.
        let file = format!("{}/.s.PGSQL.{}", server.socket(), server.cluster.port());
        drop(UnixListener::bind(file).unwrap());
        let answer = server.check(&settings);
        answer.fails_with("connect-socket-stale", 11);
        Fixes::of(&answer).run_and_restart("sudo systemctl start", &mut server);
        server.check(&settings).passes();
    });
}

/// Checks as somebody else, who is in the server's group, where we are root: root is let in everywhere.
fn check_as_member(server: &Server, settings: &Settings) -> Answer {
    let program = server.cluster.socket_dir().join("pgpreflight");
    // Not by this process: a file that it has open for writing, so may have one that it starts meanwhile, and is not run.
    told(&format!("cp -u {} {}", env!("CARGO_BIN_EXE_pgpreflight"), program.display()));
    let mut command = Command::new(program);
    if rustix::process::geteuid().is_root() {
        command.uid(65_534).gid(fs::metadata(data(server)).unwrap().gid());
    }
    command.args(["check", "--format", "json", &settings.conninfo()]).current_dir("/").stdin(Stdio::null());
    command.env_clear().env("HOME", "/nonexistent").env("LC_ALL", "C").envs(settings.environment());
    Answer::read(&command.output().unwrap(), &settings.conninfo())
}

#[test]
fn a_socket_is_opened() {
    on_oldest_and_newest(|major| {
        let mut server = Server::start(major, &[]);
        let rules = fs::read_to_string(data(&server).join("pg_hba.conf")).unwrap();
        let administrator = server.settings("postgres").with("sslmode=disable");
        fs::write(data(&server).join("pg_hba.conf"), format!("host all postgres 127.0.0.1/32 trust\n{rules}")).unwrap();
        server.cluster.reload();
        fs::set_permissions(server.cluster.socket_dir(), fs::Permissions::from_mode(0o711)).unwrap();
        let settings = by_socket(&server, "guest").with("sslmode=disable").without("sslrootcert");
        let group = told(&format!("stat -c %G {}", data(&server).display()));
        for beginning in ["ALTER SYSTEM SET unix_socket_permissions", "ALTER SYSTEM SET unix_socket_group"] {
            // Over the socket nobody gets in any more but root.
            let set = |server: &Server, statement: &str| {
                let output = server.cluster.psql(statement, &administrator.conninfo(), &[]);
                assert!(output.status.success(), "{statement}: {}", String::from_utf8_lossy(&output.stderr));
            };
            set(&server, "alter system set unix_socket_permissions = '0000'");
            server.cluster.restart();
            let answer = check_as_member(&server, &settings);
            answer.fails_with("connect-socket-denied", 11);
            let fixes = Fixes::of(&answer);
            assert!(told(fixes.lines_of("client")[0]).contains("s---------"), "{answer}");
            for line in fixes.statements(beginning) {
                if line == "sudo systemctl restart postgresql" {
                    server.cluster.restart();
                } else {
                    set(&server, &line.replace("'GROUP'", &format!("'{}'", group.trim())));
                }
            }
            check_as_member(&server, &settings).passes();
        }
    });
}
