//! Why an inspection failed, and what is odd about the session.

use std::time::Duration;

use super::code::{Code, Confidence};
use super::finding::{Finding, RELOAD, Side, identifier, literal};
use super::refusal::{SEE_SETTINGS, SETTINGS, server_fields};
use super::{delivery, role_settings};
use crate::probe::trace::{Role, SessionSeen, Silence, Trace};
use crate::target::{SessionAttrs, Target};

/// The lowest major version that the community still maintains (postgresql.org, versioning policy: 14 until
/// 2026-11-12, then 15).
const OLDEST_MAINTAINED: u32 = 15;

/// The one cause, at stage session.
pub fn explain(failure: &Silence, target: &Target, trace: &Trace) -> Finding {
    match failure {
        Silence::Refused(error) if error.sqlstate == "57014" => role_settings::cut_off(error, target),
        _ if trace.session.is_none() && is_console(trace) => console(target, trace),
        _ => unanswered(failure, Code::SessionNoReply, target, trace),
    }
}

/// A question that was not answered, under the code of its stage.
pub fn unanswered(failure: &Silence, code: Code, target: &Target, trace: &Trace) -> Finding {
    let finding = Finding::new(code, "logged in, but a question to the server was not answered");
    let user = literal(&target.user);
    match failure {
        Silence::NoReply { after } => {
            let finding = finding
                .because(format!("nothing came for {:.1} s", after.as_secs_f64()))
                .evidence("silent_s", after.as_secs_f64())
                .fix(
                    Side::Server,
                    "see what it waits for, and for whom, while it hangs",
                    [format!(
                        "SELECT pid, wait_event_type, wait_event, pg_blocking_pids(pid) FROM pg_stat_activity WHERE usename = {user};"
                    )],
                )
                .fix(
                    Side::Server,
                    "if that is a lock of other sessions, end them",
                    [format!(
                        "SELECT pg_terminate_backend(unnest(pg_blocking_pids(pid))) FROM pg_stat_activity WHERE usename = {user};"
                    )],
                )
                .advise(Side::Network, "where small answers arrive and large ones do not, the path MTU is too small");
            delivery::tell(finding, "the question", trace)
        }
        Silence::Broken { reason } => finding
            .because(reason.as_str())
            .evidence("reason", reason.as_str())
            .advise(Side::Server, "read its log: the process may have been ended"),
        Silence::LargeResult { after } => delivery::tell(large_result(*after), "the question", trace),
        Silence::Refused(error) => {
            let finding = finding
                .because(format!("it said {}: {}", error.sqlstate, error.message))
                .evidence("sqlstate", error.sqlstate.as_str())
                .evidence("server_message", error.message.as_str())
                .evidence("server_fields", server_fields(error));
            // Class 57 is what ends sessions from outside: an administrator, a shutdown, the crash of another.
            if error.sqlstate.starts_with("57") {
                return finding.advise(Side::Server, "read its log: it tells what ended the session");
            }
            finding.fix(Side::Server, SEE_SETTINGS, [SETTINGS])
        }
    }
}

fn large_result(after: Duration) -> Finding {
    Finding::new(Code::SessionLargeResultStalls, "small answers arrive, and one of 8 kB does not")
        .because(format!("the answers before it came at once; the large one did not, for {:.1} s", after.as_secs_f64()))
        .because(
            "its packets are the first of full size: a path with a smaller MTU loses them, and nobody tells the server",
        )
        .confidence(Confidence::Likely)
        .fix(
            Side::Network,
            "let ICMP `fragmentation needed` pass (type 3, code 4), or have the router lower the segment size",
            ["sudo iptables -t mangle -A FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu"],
        )
        .fix(
            Side::Client,
            "or send and announce smaller segments (eth0 stands for the interface)",
            ["sudo ip link set dev eth0 mtu 1400"],
        )
        .evidence("silent_s", after.as_secs_f64())
        .evidence("answer_bytes", 8192)
}

fn is_console(trace: &Trace) -> bool {
    trace.login.parameter("server_version").is_some_and(|version| version.contains("/bouncer"))
}

/// PgBouncer's own database, which understands SHOW and little else.
fn console(target: &Target, trace: &Trace) -> Finding {
    Finding::new(Code::SessionNoReply, format!("{:?} is PgBouncer's own console, and no database", target.database))
        .because("it understands SHOW and a few commands, and no queries")
        .fix(Side::Client, "name a database that PgBouncer serves (SHOW DATABASES lists them)", ["dbname=DATABASE"])
        .evidence("server_version", trace.login.parameter("server_version").map(str::to_owned))
}

/// `target_session_attrs` is not met.
pub fn wrong_role(role: Role, target: &Target) -> Finding {
    let wanted = target.session_attrs;
    let (is, reason) = match wanted {
        // libpq's own words for it.
        SessionAttrs::ReadWrite => ("the session is read-only", "a session here begins read-only"),
        SessionAttrs::ReadOnly => ("the session is not read-only", "a session here may write"),
        SessionAttrs::Primary | SessionAttrs::Any => ("the server is in hot standby mode", "it is a standby"),
        SessionAttrs::Standby | SessionAttrs::PreferStandby => {
            ("the server is not in hot standby mode", "it is a primary")
        }
    };
    let finding = Finding::new(
        Code::SessionWrongRole,
        format!("{is}, and target_session_attrs={} is asked for", wanted.as_str()),
    )
    .because(format!("{reason}: {}", role_facts(role)))
    .evidence("target_session_attrs", wanted.as_str())
    .evidence("in_hot_standby", role.standby)
    .evidence("read_only", role.read_only);
    let finding = if wanted == SessionAttrs::ReadWrite && role.standby == Some(false) {
        finding.fix(
            Side::Server,
            "the server is a primary: let its sessions write; the second line where the role has the setting, the third \
             where the database has it, those after them where it is the server's",
            [
                LET_WRITE.to_owned(),
                format!("ALTER ROLE {} RESET {READ_ONLY};", identifier(&target.user)),
                format!("ALTER DATABASE {} RESET {READ_ONLY};", identifier(&target.database)),
                format!("ALTER SYSTEM SET {READ_ONLY} = off;"),
                RELOAD.to_owned(),
            ],
        )
    } else {
        finding
    };
    finding.fix(Side::Client, "name a server that is what is asked for, or several of them", ["host=HOST1,HOST2"]).fix(
        Side::Client,
        "or take any",
        ["target_session_attrs=any"],
    )
}

fn role_facts(role: Role) -> String {
    let fact =
        |name: &str, value: Option<bool>| value.map(|value| format!("{name} is {}", if value { "on" } else { "off" }));
    let facts = [fact("in_hot_standby", role.standby), fact("read-only", role.read_only)];
    facts.into_iter().flatten().collect::<Vec<String>>().join(", ")
}

/// What makes sessions begin read-only.
const READ_ONLY: &str = "default_transaction_read_only";

/// First of all the administrator's own session, which may begin so, too.
const LET_WRITE: &str = "SET default_transaction_read_only = off;";

/// What is odd.
pub fn remarks(target: &Target, seen: &SessionSeen, product: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    if seen.standby {
        findings.push(
            Finding::new(Code::SessionStandby, "this server is a standby: it can be read, not written")
                .because("pg_is_in_recovery() is true")
                .evidence("pg_is_in_recovery", true)
                .advise(Side::Client, "connect to the primary if anything is to be written"),
        );
    }
    if seen.read_only && !seen.standby {
        findings.push(read_only(target, seen));
    }
    findings.extend(nearly_full(seen));
    findings.extend(version(seen, product));
    findings
}

fn read_only(target: &Target, seen: &SessionSeen) -> Finding {
    let finding = Finding::new(Code::SessionReadOnly, "the session is read-only, though the server is a primary")
        .evidence("transaction_read_only", "on");
    let Some(setting) = seen.settings.iter().find(|setting| setting.name == READ_ONLY) else {
        return finding
            .because("transaction_read_only is on: by default_transaction_read_only of the server, or in PGOPTIONS")
            .fix(
                Side::Server,
                "see where it is set (source is client where this side asks for it)",
                [format!("SELECT source, sourcefile FROM pg_settings WHERE name = '{READ_ONLY}';")],
            )
            .fix(
                Side::Server,
                "if sessions are to write, let them",
                [format!("ALTER SYSTEM SET {READ_ONLY} = off;"), RELOAD.to_owned()],
            );
    };
    finding.because(format!("transaction_read_only is on: by {READ_ONLY} of {}", role_settings::owner(setting))).fix(
        Side::Server,
        "if it is to write, take it back, for sessions that begin from then on",
        [LET_WRITE.to_owned(), role_settings::reset(setting, target)],
    )
}

/// Less than a tenth, or three, of the usable slots are free.
fn nearly_full(seen: &SessionSeen) -> Option<Finding> {
    let connections = seen.connections?;
    let usable = connections.limit.saturating_sub(connections.reserved);
    let free = usable.saturating_sub(connections.used);
    if free >= (usable / 10).max(3) {
        return None;
    }
    let finding = Finding::new(Code::SessionNearlyFull, format!("only {free} of {usable} usable connections are free"))
        .because(format!(
            "{} are in use, max_connections is {}, {} of them reserved",
            connections.used, connections.limit, connections.reserved
        ))
        .fix(
            Side::Server,
            "allow more, and restart",
            [
                format!("ALTER SYSTEM SET max_connections = {};", connections.limit.saturating_mul(2)),
                "sudo systemctl restart postgresql".to_owned(),
            ],
        )
        .evidence("free", free)
        .evidence("usable", usable);
    Some(finding)
}

fn version(seen: &SessionSeen, product: &str) -> Option<Finding> {
    let major = major(&seen.server_version)?;
    if major >= OLDEST_MAINTAINED || !["PostgreSQL", "Aurora", "Neon"].contains(&product) {
        return None;
    }
    let finding = Finding::new(Code::SessionVersionUnsupported, format!("PostgreSQL {major} is past its end of life"))
        .because(format!(
            "the server says {}; the community maintains {OLDEST_MAINTAINED} and later",
            seen.server_version
        ))
        .confidence(Confidence::Likely)
        .advise(Side::Server, "plan the upgrade")
        .evidence("server_version", seen.server_version.as_str());
    Some(finding)
}

/// The number that a version begins with.
pub fn major(version: &str) -> Option<u32> {
    version.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}
