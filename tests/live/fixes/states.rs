//! Servers that take no sessions: what is printed starts them, or lets them be waited for.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};

use super::Fixes;
use crate::client::check_with;
use crate::cluster::{client, is_running, poll};
use crate::faults::states::restart_as_standby;
use crate::server::{LIMIT, Server, on_all_majors, servers};
use crate::session::Session;

fn signal(pid: u32, signal: Signal) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).expect("a pid");
    kill_process(pid, signal).expect("our process");
}

fn await_end(server: &Server) {
    poll(LIMIT, || (!is_running(server.cluster.pid())).then_some(())).expect("the server ends");
}

#[test]
fn a_server_that_starts_up_is_waited_for() {
    on_all_majors(|major| {
        let mut server = Server::start(major, &[]);
        let settings = server.role("early", "by_scram");
        let restored = server.cluster.socket_dir().join("restored");
        let restore = format!("until [ -e {} ]; do sleep 0.05; done; false", restored.display());
        restart_as_standby(&mut server, &[("restore_command", &restore)], "starting");
        let answer = server.check(&settings);
        answer.fails_with("login-starting-up", 13);
        assert!(answer.to_string().contains("server: wait; its log tells how far it is"), "{answer}");
        fs::write(restored, "").expect("a file");
        server.cluster.wait_log(|line| line.contains("consistent recovery state reached"));
        server.cluster.wait_log(|line| line.contains("ready to accept read"));
        server.check(&settings).remarks("session-standby");
    });
}

#[test]
fn a_server_that_shuts_down_is_started_again() {
    on_all_majors(|major| {
        let mut server = Server::start(major, &[]);
        let settings = server.role("late", "by_scram");
        let held = Session::open(&settings);
        signal(server.cluster.pid(), Signal::TERM); // a smart shutdown waits for the sessions
        server.cluster.wait_log(|line| line.contains("received smart shutdown request"));
        let answer = server.check(&settings);
        answer.fails_with("login-shutting-down", 13);
        let lines = Fixes::of(&answer).server_lines().join("\n");
        assert_eq!(lines, "sudo systemctl start postgresql", "{answer}");
        drop(held);
        await_end(&server);
        server.cluster.restart();
        server.check(&settings).passes();
    });
}

#[test]
fn the_files_of_a_database_are_put_back() {
    on_all_majors(|major| {
        let server = Server::start(major, &[]);
        let settings = server.role("archivist", "by_scram").with("dbname=files");
        server.cluster.sql("create database files");
        let number = server.cluster.sql("select oid from pg_database where datname = 'files'");
        let directory = server.cluster.socket_dir().join("data/base").join(number);
        let away = directory.with_extension("away");
        fs::rename(&directory, &away).expect("the server's directory is ours");
        let answer = server.check(&settings);
        answer.fails_with("login-database-missing", 13);
        assert!(answer.to_string().contains("server: put its directory back"), "{answer}");
        fs::rename(&away, &directory).expect("the server's directory is ours");
        server.check(&settings).passes();
    });
}

/// The first of two hosts is down, and then it is not.
#[test]
fn the_first_of_several_hosts_is_mended() {
    on_all_majors(|major| {
        let (mut first, second) = (Server::start(major, &[]), Server::start(major, &[]));
        second.role("traveller", "by_scram");
        let ports = format!("{},{}", first.cluster.port(), second.cluster.port());
        let settings =
            first.role("traveller", "by_scram").with("host=localhost,localhost hostaddr=127.0.0.1,127.0.0.1");
        let settings = settings.set("port", ports).with("sslmode=require").without("sslrootcert");
        signal(first.cluster.pid(), Signal::INT);
        await_end(&first);
        let answer = first.check(&settings);
        answer.remarks("connect-some-hosts-fail");
        assert!(answer.to_string().contains("server: mend it"), "{answer}");
        first.cluster.restart();
        let answer = first.check(&settings);
        answer.passes();
        assert!(answer.finding("connect-some-hosts-fail").is_none(), "{answer}");
    });
}

/// The process for the connection, before it has read anything: each of them sleeps first.
fn newcomer(server: &Server) -> u32 {
    let children = format!("/proc/{0}/task/{0}/children", server.cluster.pid());
    let pids = || -> Vec<u32> {
        let text = fs::read_to_string(&children).expect("Linux tells");
        text.split_whitespace().map(|pid| pid.parse().expect("a pid")).collect()
    };
    let known = pids();
    poll(LIMIT, || pids().into_iter().find(|pid| !known.contains(pid))).expect("a new process")
}

/// "Read its log": there it is.
#[test]
fn a_login_whose_process_was_killed_is_in_the_log() {
    on_all_majors(|major| {
        let server = Server::start(major, &[]);
        let settings = server.role("unlucky", "by_scram").with("sslmode=disable");
        server.check(&settings).passes();
        server.cluster.sql("alter system set pre_auth_delay = 60");
        server.cluster.sql("select pg_reload_conf()");
        server.cluster.wait_log(|line| line.contains("\"pre_auth_delay\" changed"));
        let killed = thread::scope(|scope| {
            let checking = scope.spawn(|| check_with(&server.home(), &settings, &["--timeout", "30s"]));
            signal(newcomer(&server), Signal::KILL);
            checking.join().expect("the check ends")
        });
        killed.fails_with("login-closed", 13);
        assert!(killed.to_string().contains("read its log: a crashed or killed process"), "{killed}");
        server.cluster.wait_log(|line| line.contains("was terminated by signal 9"));
    });
}

/// Between the two stands somebody who holds back the client's answer until the server gives up.
#[test]
fn a_login_that_took_too_long_is_in_the_log() {
    on_all_majors(|major| {
        let server = Server::start(major, &[("authentication_timeout", "1s")]);
        let between = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = between.local_addr().expect("bound").port();
        let settings = server.role("slow", "by_scram").with("sslmode=disable").set("port", port.to_string());
        let answer = thread::scope(|scope| {
            scope.spawn(|| {
                let (mut caller, _) = between.accept().expect("a caller");
                let mut server_side = TcpStream::connect(("127.0.0.1", server.cluster.port())).expect("the server");
                let mut startup = [0; 1024];
                let length = caller.read(&mut startup).expect("a packet");
                server_side.write_all(&startup[..length]).expect("the server listens");
                io::copy(&mut server_side, &mut caller).expect("the server closes");
                caller.shutdown(Shutdown::Write).expect("the caller is there");
            });
            server.check(&settings)
        });
        answer.fails_with("login-closed", 13);
        assert!(answer.to_string().contains("authentication_timeout, ends a login without a word"), "{answer}");
        server.cluster.wait_log(|line| line.contains("canceling authentication due to timeout"));
    });
}

/// Where a trigger refuses everybody, the printed command gets a superuser in.
#[test]
fn a_login_trigger_that_refuses_everybody_is_switched_off() {
    for server in servers().iter().filter(|server| server.major >= 17) {
        let settings = server.role("shut_out", "by_scram").set("dbname", "It's shut");
        server.cluster.sql(
            "create database \"It's shut\";\n\\connect \"It's shut\"\n
             create function shut() returns event_trigger language plpgsql as $$ begin raise 'nobody'; end $$;
             create event trigger shut on login execute function shut();
             alter event trigger shut enable always",
        );
        let answer = server.check(&settings);
        answer.fails_with("login-trigger-failed", 13);
        let fixes = Fixes::of(&answer);
        let command = fixes.statements("PGOPTIONS=").join("\n");
        let statement = "ALTER EVENT TRIGGER shut DISABLE";
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", &format!("{command} -Xc '{statement}'")]).env_clear().stdin(Stdio::null());
        shell.env("PATH", client("psql").parent().expect("a directory"));
        shell.env("PGHOST", server.socket()).env("PGPORT", server.cluster.port().to_string());
        let output = shell.output().expect("sh runs");
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
        server.check(&settings).passes();
    }
}
