//! Client settings drawn at random and written in one of libpq's forms; both clients get the very same.

use std::fmt::Write as _;
use std::process::{Command, Output, Stdio};

use fastrand::Rng;

use super::cause;
use super::world::{ROLES, World};
use crate::answer::Answer;
use crate::client::{PASSWORD, WRONG};
use crate::cluster::{client, libpq};

/// What both clients get.
pub struct Client {
    target: String,
    environment: Vec<(String, String)>,
}

impl Client {
    /// Draws one for this server.
    pub fn draw(rng: &mut Rng, world: &World) -> Self {
        let keywords = keywords(rng, world);
        // A few keywords by the environment, the rest in TARGET.
        let (mut target, mut environment) = (Vec::new(), Vec::new());
        for (keyword, value) in keywords {
            match variable(keyword) {
                Some(variable) if rng.u8(..6) == 0 => environment.push((variable.to_owned(), value)),
                _ => target.push((keyword, value)),
            }
        }
        let target = if rng.bool() { uri(&target) } else { conninfo(&target) };
        Self { target, environment }
    }

    /// Asks both; whether they connect, or how they differ.
    pub fn compare(&self, world: &World) -> Result<bool, String> {
        let psql = self.psql(world);
        let answer = self.check(world);
        let said = String::from_utf8_lossy(&psql.stderr);
        let connects = psql.status.success();
        let encrypted = String::from_utf8_lossy(&psql.stdout).trim() == "t";
        // A session that is not what target_session_attrs asks for is none to libpq.
        let ours = answer.connects() && answer.cause() != Some("session-wrong-role");
        let agree = if connects {
            ours && *answer.fact("tls", "negotiated") == encrypted
        } else {
            !ours && answer.cause().is_some_and(|code| cause::fits(&said, code))
        };
        if agree {
            return Ok(connects);
        }
        Err(format!(
            "  TARGET {}\n  environment {:?}\n  psql: connects {connects}, encrypted {encrypted}\n{said}\n  we: connects {}, encrypted {}, cause {:?}",
            self.target,
            self.environment,
            ours,
            answer.fact("tls", "negotiated"),
            answer.cause(),
        ))
    }

    fn psql(&self, world: &World) -> Output {
        let question = "select ssl from pg_stat_ssl where pid = pg_backend_pid()";
        let mut psql = Command::new("/usr/bin/timeout");
        psql.arg("60").arg(client("psql")).args(["-XAtwc", question]);
        self.run(psql.arg(&self.target), world)
    }

    fn check(&self, world: &World) -> Answer {
        let mut check = Command::new("/usr/bin/timeout");
        check.args(["60", env!("CARGO_BIN_EXE_pgpreflight"), "check", "--format", "json", "--timeout", "30s"]);
        Answer::read(&self.run(check.arg(&self.target), world), &self.target)
    }

    fn run(&self, command: &mut Command, world: &World) -> Output {
        command.stdin(Stdio::null()).env_clear().env("HOME", world.server.home()).env("LC_ALL", "C");
        command.env("LD_LIBRARY_PATH", libpq(18)).env("PGCONNECT_TIMEOUT", "30");
        command.envs(self.environment.iter().map(|(name, value)| (name, value))).output().expect("the client runs")
    }
}

type Keywords = Vec<(&'static str, String)>;

fn keywords(rng: &mut Rng, world: &World) -> Keywords {
    let server = &world.server;
    let port = server.cluster.port();
    let mut keywords = Keywords::new();
    let mut add = |keyword, value: &str| keywords.push((keyword, value.to_owned()));
    // Mostly what works: with a fault in every setting nothing would be seen but the first.
    let mut mostly = |usual: &[&'static str], odd: &[&'static str]| {
        let choices = if odd.is_empty() || rng.u8(..10) > 0 { usual } else { odd };
        rng.choice(choices.iter().copied()).unwrap_or_default()
    };

    let host = mostly(&["localhost"], &["LOCALHOST", "127.0.0.1", "db.example.test", "other.test"]);
    match mostly(&["one"], &["after a dead one", "before a dead one", "twice"]) {
        "after a dead one" => add_hosts(&mut add, host, &format!("1,{port}")),
        "before a dead one" => add_hosts(&mut add, host, &format!("{port},1")),
        "twice" => add_hosts(&mut add, host, &format!("{port},{port}")),
        _ => {
            add("host", host);
            add("hostaddr", "127.0.0.1");
            add("port", &port.to_string());
        }
    }
    add("user", mostly(&ROLES[..4], &["drawn_expired", "drawn_nologin", "drawn_ghost"]));
    add("dbname", mostly(&["postgres"], &["drawn_closed", "drawn_private", "drawn_none"]));
    match mostly(&["disable", "allow", "prefer", "require", "verify-ca", "verify-full", "verify-full", ""], &[]) {
        "" => {}
        mode => add("sslmode", mode),
    }
    match mostly(&["right", "right", "right", ""], &["wrong", "missing", "garbage", "system"]) {
        "right" => add("sslrootcert", &server.root()),
        "wrong" => add("sslrootcert", &server.wrong_root()),
        "missing" => add("sslrootcert", "/nonexistent/root.crt"),
        "garbage" => add("sslrootcert", &format!("{}/garbage.crt", server.socket())),
        "system" => add("sslrootcert", "system"),
        _ => {}
    }
    match mostly(&["right", "right", "file"], &["wrong", "none"]) {
        "right" => add("password", PASSWORD),
        "wrong" => add("password", WRONG),
        "file" => add("passfile", &format!("{}/passfile", server.socket())),
        _ => {}
    }
    let rare: [(&'static str, &[&'static str]); 10] = [
        ("require_auth", &["scram-sha-256", "password,md5", "!none", "!scram-sha-256", "none"]),
        ("target_session_attrs", &["any", "read-write", "read-only", "primary", "standby", "prefer-standby"]),
        ("sslcertmode", &["disable", "allow"]),
        ("max_protocol_version", &["3.0", "3.2", "latest"]),
        ("channel_binding", &["disable", "prefer", "require"]),
        ("sslnegotiation", &["postgres", "direct"]),
        ("ssl_max_protocol_version", &["TLSv1.2", "TLSv1.3"]),
        ("ssl_min_protocol_version", &["TLSv1.2", "TLSv1.3"]),
        ("sslsni", &["0", "1"]),
        ("options", &["-cstatement_timeout=1000", "-cno_such_setting=1"]),
    ];
    for (keyword, values) in rare {
        match mostly(&[""], values) {
            "" => {}
            value => add(keyword, value),
        }
    }
    keywords
}

fn add_hosts(add: &mut impl FnMut(&'static str, &str), host: &str, ports: &str) {
    add("host", &format!("{host},{host}"));
    add("hostaddr", "127.0.0.1,127.0.0.1");
    add("port", ports);
}

fn variable(keyword: &str) -> Option<&'static str> {
    pgpreflight::settings::keywords::find(keyword)?.variable
}

fn conninfo(keywords: &Keywords) -> String {
    let quoted = |value: &str| value.replace('\\', "\\\\").replace('\'', "\\'");
    keywords.iter().fold(String::new(), |mut text, (keyword, value)| {
        write!(text, "{keyword}='{}' ", quoted(value)).expect("a String takes all");
        text
    })
}

/// `user:password@host:port/dbname` in their places, everything else as parameters.
fn uri(keywords: &Keywords) -> String {
    let value = |name: &str| keywords.iter().find(|(keyword, _)| *keyword == name).map(|(_, value)| encode(value));
    let mut uri = "postgresql://".to_owned();
    let placed = match (value("user"), value("password")) {
        (Some(user), Some(password)) => {
            write!(uri, "{user}:{password}@").expect("a String takes all");
            vec!["user", "password"]
        }
        _ => Vec::new(),
    };
    let mut placed = placed;
    // A list is a parameter.
    let single = |value: &String| !value.contains("%2C");
    if let Some(host) = value("host").filter(single) {
        uri.push_str(&host);
        placed.push("host");
    }
    if let Some(port) = value("port").filter(single) {
        write!(uri, ":{port}").expect("a String takes all");
        placed.push("port");
    }
    uri.push('/');
    let rest = keywords.iter().filter(|(keyword, _)| !placed.contains(keyword));
    let parameters: Vec<String> = rest.map(|(keyword, value)| format!("{keyword}={}", encode(value))).collect();
    uri + "?" + &parameters.join("&")
}

fn encode(value: &str) -> String {
    value.bytes().fold(String::new(), |mut text, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'/' => text.push(char::from(byte)),
            _ => write!(text, "%{byte:02X}").expect("a String takes all"),
        }
        text
    })
}
