//! TLS itself: versions, a pooler's, and servers that cannot even answer the request for it.

use super::{Fixes, in_data_directory, reload};
use crate::client::{PASSWORD, check_with};
use crate::cluster::{LIMIT, poll};
use crate::faults::states::Frozen;
use crate::pgbouncer::PgBouncer;
use crate::server::{Server, on_oldest_and_newest, role};

#[test]
fn versions_are_allowed() {
    on_oldest_and_newest(|major| {
        if major < 12 {
            return; // it has no such settings
        }
        let server = Server::start(major, &[]);
        let settings = server.role("guest", "by_scram");
        for (range, line) in [
            (("TLSv1.3", ""), "ssl_max_protocol_version=TLSv1.2"),
            (("TLSv1.2", "TLSv1.2"), "ssl_min_protocol_version=TLSv1.3"),
            (("TLSv1", "TLSv1.1"), "sslmode=verify-full"),
        ] {
            let (least, most) = range;
            server.cluster.sql(&format!(
                "alter system set ssl_min_protocol_version = '{least}';\n
                 alter system set ssl_max_protocol_version = '{most}'"
            ));
            server.cluster.reload();
            let settings = settings.clone().with(line);
            let answer = server.check(&settings);
            answer.fails_with("tls-version-unsupported", 12);
            let fixes = Fixes::of(&answer);
            reload(&server, &fixes.statements("ALTER SYSTEM SET ssl_min_protocol_version").join("\n"));
            server.check(&settings).passes();
        }
        // A client that wants less than TLS 1.2 has to be changed itself.
        let old = settings.with("ssl_min_protocol_version=TLSv1 ssl_max_protocol_version=TLSv1.1");
        let answer = server.check(&old);
        answer.fails_with("tls-version-unsupported", 12);
        assert!(Fixes::of(&answer).server_lines().is_empty(), "{answer}");
    });
}

#[test]
fn a_pooler_offers_tls() {
    on_oldest_and_newest(|major| {
        let server = Server::start(major, &[]);
        server.cluster.sql(&role("app", "by_scram"));
        let database = ["postgres = host=127.0.0.1 port={port}"];
        let pooler = PgBouncer::start(&server.cluster, &database, &[], &[("app", PASSWORD), ("admin", PASSWORD)]);
        let settings = server.settings("app").set("port", pooler.port().to_string());
        let answer = server.check(&settings);
        answer.fails_with("tls-not-offered", 12);
        let fixes = Fixes::of(&answer);
        let [setting @ .., command] = fixes.statements("client_tls_sslmode") else { panic!("lines: {answer}") };
        let data = super::data(&server).display().to_string();
        for line in setting {
            pooler.add("[pgbouncer]", &line.replace("/etc/pgbouncer", &data));
        }
        let admin = settings.clone().with("user=admin dbname=pgbouncer sslmode=disable");
        let output = server.cluster.psql(command, &admin.conninfo(), &admin.environment());
        assert!(output.status.success(), "{}{}", String::from_utf8_lossy(&output.stderr), pooler.log());
        server.check(&settings).passes();
    });
}

#[test]
fn a_stopped_server_goes_on() {
    on_oldest_and_newest(|major| {
        let server = Server::start(major, &[]);
        let settings = server.role("guest", "by_scram");
        let frozen = Frozen::new(&server);
        let answer = check_with(&server.home(), &settings, &["--timeout", "1s"]);
        answer.fails_with("tls-no-reply", 12);
        let fixes = Fixes::of(&answer);
        let [see, go_on] = fixes.statements("ps ") else { panic!("two lines: {answer}") };
        let pid = server.cluster.pid().to_string();
        let processes = in_data_directory(&server, see);
        let state = processes.lines().map(|line| line.split_whitespace().collect::<Vec<&str>>());
        let state = state.into_iter().find(|words| words[0] == pid).expect("it is listed");
        assert!(state[1].starts_with('T'), "{processes}");
        in_data_directory(&server, &go_on.replace("sudo ", "").replace("PID", &pid));
        server.check(&settings).passes();
        drop(frozen);
    });
}

/// The limit on processes is met, and lifted.
#[test]
fn processes_are_freed() {
    on_oldest_and_newest(|major| {
        let server = Server::start(major, &[]);
        let settings = server.role("guest", "by_scram");
        let limit = |words: &str| {
            in_data_directory(&server, &format!("/usr/bin/prlimit --pid {} {words}", server.cluster.pid()))
        };
        let before = limit("--nproc --noheadings --raw --output SOFT");
        limit("--nproc=1:");
        let answer = server.check(&settings);
        answer.fails_with("tls-server-error", 12);
        // As the words say: the log has the reason.
        poll(LIMIT, || server.cluster.log().contains("could not fork").then_some(())).expect("a line of the log");
        limit(&format!("--nproc={}:", before.trim()));
        server.check(&settings).passes();
    });
}
