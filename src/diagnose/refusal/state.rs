//! What the server is doing, and what it does not take: full, starting up, shutting down, a parameter, a protocol.

use super::super::code::{Code, Confidence};
use super::super::finding::{Finding, RELOAD, Side, shell_word};
use super::super::session::major;
use super::super::words::{Meaning, meaning};
use super::{Refusal, SEE_SETTINGS, SETTINGS};
use crate::target::ProtocolVersion;

const ALLOW_MORE: &str = "or allow twice as many, in psql (\\gexec runs what the query makes), and restart";

/// How many it allows is not known before there is a session.
const MORE_CONNECTIONS: [&str; 2] = [
    "SELECT format('ALTER SYSTEM SET max_connections = %s;', 2 * setting::int) FROM pg_settings WHERE name = 'max_connections' \\gexec",
    RESTART,
];

const RESTART: &str = "sudo systemctl restart postgresql";

const HOT_STANDBY: &str = "hot_standby = on";

impl Refusal<'_> {
    pub(super) fn reserved_slots(&self) -> Finding {
        let finding =
            Finding::new(Code::LoginReservedSlots, "only the connections reserved for administrators are left");
        self.after_authentication(finding)
            .because("superuser_reserved_connections (and, from 16 on, reserved_connections) are kept free")
            .fix(
                Side::Server,
                "end what is idle",
                ["SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle' AND pid <> pg_backend_pid();"],
            )
            .fix(Side::Server, ALLOW_MORE, MORE_CONNECTIONS)
    }

    /// 57P03: which of the states shows in the words, and in the DETAIL from 14 on.
    pub(super) fn state(&self) -> Finding {
        match meaning(&self.error.message, &[Meaning::StandbyClosed, Meaning::ShuttingDown, Meaning::StartingUp]) {
            Some(Meaning::StandbyClosed) => Finding::new(
                Code::LoginStandbyClosed,
                "the server is a standby that takes no sessions; waiting does not help",
            )
            .because("hot_standby is off")
            .fix(Side::Server, "let it take sessions: add this line to its postgresql.conf", [HOT_STANDBY])
            .fix(Side::Server, "then restart it", [RESTART])
            .advise(Side::Client, "or connect to the primary"),
            Some(Meaning::ShuttingDown) => Finding::new(Code::LoginShuttingDown, "the server is shutting down")
                .because("it takes no new sessions while it ends the old ones")
                .fix(Side::Server, "start it again, once it is down", ["sudo systemctl start postgresql"]),
            found => {
                let finding = Finding::new(
                    Code::LoginStartingUp,
                    "the server is starting up or recovering; try again in a while",
                )
                .because("it answers, and takes no sessions yet (57P03)")
                .because("on PostgreSQL 13 and older a standby with hot_standby=off says so for ever")
                .advise(Side::Server, "wait; its log tells how far it is")
                .fix(
                    Side::Server,
                    "if it is such a standby, let it take sessions: add this line to its postgresql.conf",
                    [HOT_STANDBY],
                )
                .fix(Side::Server, "then restart it", [RESTART]);
                if found.is_some() { finding } else { finding.confidence(Confidence::Likely) }
            }
        }
    }

    /// PgBouncer up to 1.18 takes a startup packet of a newer protocol for a broken one, and shows its first bytes.
    pub(super) fn is_bad_packet_header(&self) -> bool {
        self.target.protocol.max > ProtocolVersion::V3_0 && self.error.message.starts_with("bad packet header")
    }

    pub(super) fn protocol(&self) -> Finding {
        let asked = self.target.protocol.max;
        let finding = Finding::new(
            Code::LoginProtocolUnsupported,
            format!("the server does not speak protocol version {}", asked.as_str()),
        )
        .because(format!("it says: {}", self.error.message));
        if asked == ProtocolVersion::V3_0 {
            return finding.advise(Side::Server, "use a server of version 7.4 or later");
        }
        finding
            .fix(Side::Client, "ask for the protocol that every server speaks", ["max_protocol_version=3.0"])
            .advise(Side::Server, "or use a newer server or pooler: PgBouncer 1.18 does not negotiate, 1.24 does")
    }

    /// `session_preload_libraries` are loaded after the session's parameters have been reported, before any trigger. What
    /// a trigger loads has a context.
    pub(super) fn is_library(&self) -> bool {
        let loads = matches!(self.error.routine(), "internal_load_library" | "incompatible_module_error");
        loads && self.trace.login.authenticated && self.error.field('W').is_none()
    }

    pub(super) fn library(&self) -> Finding {
        let finding = Finding::new(
            Code::LoginServerError,
            "the server cannot load a library that its sessions are to begin with",
        );
        self.after_authentication(finding)
            .because(format!("it says: {}", self.error.message))
            .because("session_preload_libraries of the role, the database or the server names it")
            .fix(Side::Server, SEE_SETTINGS, [SETTINGS])
            .fix(
                Side::Server,
                "install the library, or name it no more: the first line where the role does, the second where the \
                 database does, the others where the server does (or take it out of postgresql.conf, and reload)",
                [
                    format!("ALTER ROLE {} RESET session_preload_libraries;", self.user()),
                    format!("ALTER DATABASE {} RESET session_preload_libraries;", self.database()),
                    "ALTER SYSTEM RESET session_preload_libraries;".to_owned(),
                    RELOAD.to_owned(),
                ],
            )
    }

    /// Login event triggers (PostgreSQL 17) run when the session is there but for ReadyForQuery: its parameters have
    /// been reported. What ends sessions from outside (class 57) may come then too.
    pub(super) fn is_login_trigger(&self) -> bool {
        self.trace.login.authenticated
            && self.error.routine.is_some()
            && self.trace.login.parameter("server_version").and_then(major).is_some_and(|major| major >= 17)
            && !self.error.sqlstate.starts_with("57")
    }

    pub(super) fn login_trigger(&self) -> Finding {
        let finding = Finding::new(
            Code::LoginTriggerFailed,
            format!("a login event trigger of the database {:?} refuses the session", self.target.database),
        );
        let finding = self
            .after_authentication(finding)
            .because("the session's parameters had been reported: only a trigger ON login (PostgreSQL 17 and later) comes after")
            .because(format!("it says: {}", self.error.message))
            .fix(
                Side::Server,
                "see the triggers, and which function each runs",
                ["SELECT evtname, evtenabled, evtfoid::regproc FROM pg_event_trigger WHERE evtevent = 'login';"],
            )
            .fix(
                Side::Server,
                "mend the function, or switch the triggers off (in psql; \\gexec runs what the query makes)",
                ["SELECT format('ALTER EVENT TRIGGER %I DISABLE;', evtname) FROM pg_event_trigger WHERE evtevent = 'login' \\gexec"],
            )
            .fix(
                Side::Server,
                "where it refuses everybody, a superuser gets in without triggers",
                [format!(
                    "PGOPTIONS='-c event_triggers=off' psql -U postgres -d {}",
                    shell_word(&self.target.database)
                )],
            );
        match self.error.field('W') {
            Some(place) => finding.because(format!("where: {place}")).evidence("where", place),
            None => finding.confidence(Confidence::Likely),
        }
    }

    pub(super) fn parameter(&self) -> Finding {
        let given: Vec<&str> = self.target.startup.iter().map(|(name, _)| *name).collect();
        let finding = Finding::new(Code::LoginParameterRefused, "the server refuses a parameter of the startup packet");
        self.after_authentication(finding)
            .because(format!("it says: {}", self.error.message))
            .because(format!("sent were: {}", given.join(", ")))
            .advise(Side::Client, "take the parameter out of `options` (or PGOPTIONS)")
    }
}

pub(super) fn server_full() -> Finding {
    Finding::new(Code::LoginServerFull, "the server has no connection left: max_connections is reached")
        .because("it refused before authentication, so not even a reserved slot was free")
        .fix(
            Side::Server,
            "in a session that is still open (no new one gets in), see who holds the others, and end what is idle",
            [
                "SELECT usename, application_name, state, count(*) FROM pg_stat_activity GROUP BY 1, 2, 3 ORDER BY 4 DESC;",
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle' AND pid <> pg_backend_pid();",
            ],
        )
        .fix(Side::Server, ALLOW_MORE, MORE_CONNECTIONS)
        .advise(Side::Client, "keep fewer connections open, or put a pooler in front")
}
