//! A pooler or proxy in place of PostgreSQL: known by an error without file, line and routine, and told apart by words.

use std::time::Duration;

use super::code::{Code, Confidence};
use super::finding::{Finding, Side, identifier, literal, shell_word};
use super::refusal::Refusal;
use super::session::major;
use super::words::pooler::{Speaker, Trouble, passed_on, said};
use super::words::{Meaning, meaning};
use super::{product, provider};
use crate::probe::trace::Trace;
use crate::target::Target;

const RELOAD: &str = "RELOAD;";

const RELOAD_WHERE: &str = "and reload, on PgBouncer's console (database pgbouncer)";

/// What a refusal means that PostgreSQL itself did not send. None where it did, or where SQLSTATE says enough.
pub fn explain(refusal: &Refusal<'_>) -> Option<Finding> {
    if refusal.error.routine.is_some() {
        return None;
    }
    let known = said(&refusal.error.message);
    let voice = Voice { refusal, speaker: known.map(|(speaker, _)| speaker) };
    let trouble = voice.of_the_database().or(known.map(|(_, trouble)| trouble)).or_else(|| voice.by_sqlstate())?;
    let finding = match trouble {
        Trouble::UserUnknown => voice.user_unknown(),
        Trouble::DatabaseUnknown => voice.database_unknown(),
        Trouble::BackendDown => voice.backend_down(),
        Trouble::BackendRefused => voice.backend_refused(),
        Trouble::Parameter => voice.parameter(),
        Trouble::Full => voice.full(),
        Trouble::ShuttingDown => voice.shutting_down(),
        Trouble::TlsRequired if super::token::is_iam(refusal.target) => super::token::needs_tls(refusal.target),
        Trouble::TlsRequired => voice.tls_required(),
        Trouble::IamNeedsTls => super::token::needs_tls(refusal.target),
        Trouble::AddressRefused => voice.address_refused(),
        Trouble::RuleRefused => voice.rule_refused(),
    };
    let finding = finding
        .because(format!("it says: {}", refusal.error.message))
        .because("the error names no file, line and routine, as PostgreSQL's own do: a pooler or proxy speaks here");
    Some(finding.evidence("pooler", voice.speaker.map(Speaker::as_str)))
}

/// The password is right, and then nothing comes: PostgreSQL is then only a moment away from the session, a pooler waits
/// for it.
pub fn explain_silence(after: Duration, target: &Target, trace: &Trace) -> Option<Finding> {
    let login = &trace.login;
    let (last, sign) = if login.proven && !login.authenticated {
        let sign =
            "PostgreSQL sends AuthenticationOk along with SASLFinal; PgBouncer waits in between for the database";
        ("SASLFinal came (the password is right)", sign.to_owned())
    } else if login.authenticated {
        ("AuthenticationOk came", sign(target, trace)?)
    } else {
        return None;
    };
    let finding = Finding::new(
        Code::LoginPoolerBackendDown,
        "the pooler let the client in, and gets no connection to the database behind it",
    )
    .confidence(Confidence::Likely)
    .because(format!("{last}, and then nothing for {:.1} s", after.as_secs_f64()))
    .because(sign)
    .evidence("authenticated", login.authenticated)
    .evidence("silent_s", after.as_secs_f64());
    Some(look_behind(finding).fix(Side::Server, TRY_AGAIN, try_again(&target.database)))
}

/// A session that a pooler or proxy stands in the middle of.
pub fn remark(trace: &Trace) -> Option<Finding> {
    let session = trace.session.as_ref()?;
    // Others that speak the protocol have reasons of their own for each of these signs.
    if !["PostgreSQL", "Aurora", "Neon"].contains(&product::name(session, &trace.login)) {
        return None;
    }
    let major = major(&session.server_version)?;
    let mut signs = Vec::new();
    let passed_on = matches!((trace.login.process, session.process), (Some(named), Some(serving)) if named != serving);
    if passed_on {
        signs.push("the process that answers (pg_backend_pid) is not the one that the login named");
    }
    if major >= 11 && ends_tls(trace) {
        signs.push("SCRAM is offered without channel binding over TLS: TLS ends before PostgreSQL");
    }
    // PostgreSQL reports it first (up to 15) or in the middle; PgBouncer what it keeps track of last.
    let last = trace.login.parameters.last().map(|(name, _)| name.as_str());
    if last == Some("application_name") {
        signs.push("application_name is the last parameter reported, an order that PostgreSQL does not have");
    }
    // A pooler may also pass notices on as they are, so these are a sign beside others only.
    if !signs.is_empty() && trace.login.notices.iter().any(|notice| notice.routine.is_none()) {
        signs.push("a notice names no file, line and routine, as PostgreSQL's own do");
    }
    if signs.is_empty() {
        return None;
    }
    let finding =
        Finding::new(Code::SessionPooler, "a pooler or proxy stands between, and answers in PostgreSQL's place");
    let finding = signs.iter().fold(finding, |finding, sign| finding.because(*sign));
    let confidence = if passed_on || signs.len() > 1 { Confidence::Certain } else { Confidence::Likely };
    let finding = finding
        .confidence(confidence)
        .because(
            "where it pools by transaction, what belongs to a session is lost between two of them: SET, prepared \
             statements by name, LISTEN, advisory locks, temporary tables, cursors WITH HOLD",
        )
        .because("what is said of the server and its connections is true of the one behind; roles and limits of the pooler come first")
        .advise(Side::Client, "let drivers prepare no statements by name (JDBC: prepareThreshold=0), or pool by session")
        .advise(Side::Client, "for replication, backups and migrations dial the database itself")
        .evidence("signs", signs.clone());
    Some(finding)
}

/// What tells a pooler before it has said a word.
fn sign(target: &Target, trace: &Trace) -> Option<String> {
    if ends_tls(trace) {
        return Some(
            "it offers SCRAM without channel binding over TLS: TLS ends before PostgreSQL, at a pooler".to_owned(),
        );
    }
    if let Some(pooler) = provider::pooler_of(target) {
        return Some(format!("the host name is that of {pooler}"));
    }
    let usual = match target.endpoint.port() {
        6432 => "PgBouncer",
        6543 => "Supavisor",
        9999 => "Pgpool-II",
        _ => return None,
    };
    Some(format!("port {} is the usual one of {usual}", target.endpoint.port()))
}

/// PostgreSQL 11 and later always offers channel binding over its own TLS.
fn ends_tls(trace: &Trace) -> bool {
    let offers = |name: &str| trace.login.mechanisms.iter().any(|mechanism| mechanism == name);
    trace.tls.negotiated && offers("SCRAM-SHA-256") && !offers("SCRAM-SHA-256-PLUS")
}

struct Voice<'a> {
    refusal: &'a Refusal<'a>,
    speaker: Option<Speaker>,
}

impl Voice<'_> {
    /// Who speaks, in a sentence.
    fn name(&self) -> &'static str {
        self.speaker.map_or("the pooler", Speaker::as_str)
    }

    /// What the database behind said to the pooler, which it passes on, with its SQLSTATE or under its own.
    fn of_the_database(&self) -> Option<Trouble> {
        let error = self.refusal.error;
        let own = error.sqlstate == "08P01";
        // What a pooler says of its own accord before AuthenticationOk has no name in it.
        if !self.refusal.trace.login.accepted() && !own {
            return None;
        }
        if own && self.names_missing_database() {
            return Some(Trouble::DatabaseUnknown);
        }
        let sqlstate = if own { passed_on(&error.message)? } else { error.sqlstate.as_str() };
        match sqlstate {
            "28P01" | "28000" | "53300" | "55000" | "42501" => Some(Trouble::BackendRefused),
            _ => None,
        }
    }

    /// Which name the pooler asks the database for: it need not be the one that its clients do.
    fn database_behind(&self) -> Option<&str> {
        let (name, _) = self.refusal.error.message.strip_prefix("database \"")?.rsplit_once('"')?;
        Some(name)
    }

    /// PostgreSQL's `database "x" does not exist`, in its languages, under the pooler's SQLSTATE.
    fn names_missing_database(&self) -> bool {
        let (message, target) = (&self.refusal.error.message, self.refusal.target);
        let is_missing = meaning(message, &[Meaning::RoleMissing]).is_some();
        is_missing && (message.starts_with("database \"") || message.contains(&target.database))
    }

    fn by_sqlstate(&self) -> Option<Trouble> {
        match self.refusal.error.sqlstate.as_str() {
            "28P01" | "28000" => Some(Trouble::UserUnknown),
            "3D000" => Some(Trouble::DatabaseUnknown),
            "53300" => Some(Trouble::Full),
            "08001" | "08003" | "08006" => Some(Trouble::BackendDown),
            "42704" | "42601" | "22023" | "55P02" => Some(Trouble::Parameter),
            // PgBouncer up to 1.18 has these words for a wrong password under auth_type md5 and plain.
            "08P01" if self.refusal.error.message.contains("authentication failed") => Some(Trouble::UserUnknown),
            _ => None,
        }
    }

    fn user_unknown(&self) -> Finding {
        let target = self.refusal.target;
        let user = &target.user;
        let finding = Finding::new(
            Code::LoginPoolerUserUnknown,
            format!("{} does not know user {user:?}, or not with this password", self.name()),
        )
        .because("a pooler has its own list of users and passwords, or asks for it; both causes look the same")
        .evidence("user", user.as_str());
        let finding = provider::names_users(finding, target);
        let finding = match self.speaker {
            Some(Speaker::Supavisor) => supavisor_user(finding, target),
            Some(Speaker::RdsProxy) => finding.advise(
                Side::Server,
                "store this user's password in a secret of Secrets Manager, and attach the secret to the proxy",
            ),
            Some(Speaker::Azure) => finding.fix(
                Side::Client,
                "name the server behind the user",
                [format!("user={user}@{}", target.endpoint.host().split('.').next().unwrap_or_default())],
            ),
            Some(Speaker::PgBouncer) | None => auth_file(finding, user),
            Some(Speaker::Pgpool) => finding.fix(
                Side::Server,
                "store the password for Pgpool-II too (it asks for it), then reload",
                [format!("pg_enc -m -u {user} -p"), "pgpool reload".to_owned()],
            ),
            Some(_) => finding.advise(Side::Server, format!("give {} this user and its password", self.name())),
        };
        let source = target.sources.get("password").cloned();
        match source {
            Some(source) => finding.advise(Side::Client, format!("check the password; it came from {source}")),
            None => finding,
        }
    }

    fn database_unknown(&self) -> Finding {
        let target = self.refusal.target;
        let database = &target.database;
        let finding = self.refusal.after_pooler_ok(Finding::new(
            Code::LoginPoolerDatabaseUnknown,
            format!("{} has no database {database:?}", self.name()),
        ));
        let finding = finding.evidence("database", database.as_str());
        match self.speaker {
            Some(Speaker::Neon) => finding.fix(
                Side::Client,
                "dial the endpoint by its whole host name with sslsni=1, or name it in the options",
                ["options=endpoint=ENDPOINT_ID"],
            ),
            Some(Speaker::PgCat) => finding.advise(
                Side::Server,
                format!("add a section [pools.{database}] with this user to pgcat.toml, and reload"),
            ),
            Some(Speaker::Odyssey) => finding.advise(
                Side::Server,
                format!("add a `database \"{database}\"` with a `user` and a `storage` to odyssey.conf, and reload"),
            ),
            None if self.refusal.trace.login.accepted() => finding
                .because(
                    "the pooler let the client in and went on; it is the database server that has no such database",
                )
                .fix(
                    Side::Server,
                    "create it there",
                    [format!("CREATE DATABASE {};", identifier(self.database_behind().unwrap_or(database)))],
                )
                .fix(
                    Side::Server,
                    "or correct `dbname=` of its line under [databases] in pgbouncer.ini, and reload on its console \
                     (database pgbouncer)",
                    [RELOAD],
                )
                .fix(Side::Server, TRY_AGAIN, try_again(database)),
            _ => finding
                .fix(
                    Side::Server,
                    "add this line under [databases] in pgbouncer.ini, with the host of the database",
                    [pgbouncer_line(database)],
                )
                .fix(Side::Server, RELOAD_WHERE, [RELOAD]),
        }
    }

    fn backend_down(&self) -> Finding {
        let summary = format!("{} answers, and gets no connection to the database behind it", self.name());
        let finding = self.refusal.after_pooler_ok(Finding::new(Code::LoginPoolerBackendDown, summary));
        let finding = if self.refusal.error.message.contains("query_wait_timeout") {
            finding
                .confidence(Confidence::Likely)
                .because("it waited as long as it may: the database is down, or all connections of the pool are in use")
        } else {
            finding
        };
        let finding = look_behind(finding);
        match self.speaker {
            Some(Speaker::PgBouncer) | None => {
                finding.fix(Side::Server, TRY_AGAIN, try_again(&self.refusal.target.database))
            }
            Some(_) => finding,
        }
    }

    fn backend_refused(&self) -> Finding {
        let summary =
            format!("{} answers, and the database behind it refuses its login", self.speaker_or("the pooler"));
        let finding = self.refusal.after_pooler_ok(Finding::new(Code::LoginPoolerBackendDown, summary));
        finding
            .because("these are the words of the database to the pooler, which it passes on")
            .advise(
                Side::Server,
                "mend the pooler's own login: its host, user and password for this database, and the line of pg_hba.conf \
                 for the address of the pooler",
            )
            .fix(Side::Server, RELOAD_WHERE, [RELOAD])
            .fix(Side::Server, TRY_AGAIN, try_again(&self.refusal.target.database))
            .fix(
                Side::Server,
                "try it from the machine of the pooler",
                [format!(
                    "psql -h DATABASE_HOST -U {} -d {}",
                    shell_word(&self.refusal.target.user),
                    shell_word(&self.refusal.target.database)
                )],
            )
    }

    fn speaker_or(&self, otherwise: &'static str) -> &'static str {
        self.speaker.map_or(otherwise, Speaker::as_str)
    }

    fn parameter(&self) -> Finding {
        let message = &self.refusal.error.message;
        let sent: Vec<&str> = self.refusal.target.startup.iter().map(|(name, _)| *name).collect();
        // `unsupported startup parameter: NAME`, `… in options: NAME`, `… : NAME=VALUE`.
        let named = message.rsplit_once(": ").map(|(_, rest)| rest.split('=').next().unwrap_or(rest).trim());
        let name = named.filter(|name| is_parameter(name)).unwrap_or("options");
        let finding = Finding::new(
            Code::LoginPoolerParameter,
            format!("{} does not take a parameter of the startup packet", self.name()),
        )
        .because(format!("sent were: {}", sent.join(", ")))
        .evidence("parameter", name);
        let finding = match self.speaker {
            Some(Speaker::PgBouncer) | None => finding
                .fix(
                    Side::Server,
                    "let it pass over the parameter: add this line to pgbouncer.ini (names are separated by commas)",
                    [format!("ignore_startup_parameters = {name}")],
                )
                .fix(Side::Server, RELOAD_WHERE, [RELOAD]),
            Some(_) => finding,
        };
        finding.advise(Side::Client, "or take the parameter out of `options` (or PGOPTIONS)")
    }

    fn full(&self) -> Finding {
        let finding = Finding::new(Code::LoginPoolerFull, format!("{} has all the clients it takes", self.name()));
        let finding = match self.speaker {
            Some(Speaker::PgBouncer) => finding
                .fix(Side::Server, "allow more: change this line of pgbouncer.ini", ["max_client_conn = 1000"])
                .fix(Side::Server, RELOAD_WHERE, [RELOAD]),
            Some(Speaker::Pgpool) => finding
                .fix(Side::Server, "allow more: change this line of pgpool.conf", ["num_init_children = 128"])
                .fix(Side::Server, "then restart it", ["sudo systemctl restart pgpool2"]),
            Some(Speaker::Supavisor) => finding
                .advise(Side::Client, "in session mode (port 5432) clients are few; use transaction mode, port 6543"),
            _ => finding.advise(Side::Server, "raise its limit of clients"),
        };
        finding.advise(Side::Client, "keep fewer connections open")
    }

    fn shutting_down(&self) -> Finding {
        Finding::new(Code::LoginShuttingDown, format!("{} is shutting down", self.name()))
            .advise(Side::Server, "start it again, or wait for its successor")
    }

    fn tls_required(&self) -> Finding {
        let finding = Finding::new(Code::LoginTlsRequired, format!("{} lets clients in over TLS only", self.name()));
        provider::wants_tls(finding, self.refusal.target).fix(
            Side::Client,
            "demand TLS, and better a verified certificate",
            ["sslmode=require"],
        )
    }

    fn address_refused(&self) -> Finding {
        Finding::new(Code::LoginNoHbaEntry, format!("{} does not let this client's address in", self.name()))
            .advise(Side::Server, "add the address that this client has towards the Internet to its list of addresses")
            .evidence("client_address", self.refusal.trace.connected.local.map(|local| local.ip().to_string()))
    }

    fn rule_refused(&self) -> Finding {
        let target = self.refusal.target;
        let address =
            self.refusal.trace.connected.local.map_or_else(|| "[local]".to_owned(), |local| local.ip().to_string());
        let line = super::refusal::hba_line(target, &address, super::refusal::Connection::Any);
        Finding::new(Code::LoginHbaReject, format!("a rule of {} refuses this client, or none lets it in", self.name()))
            .confidence(Confidence::Likely)
            .fix(Side::Server, "put this line above the others in its own file of rules (auth_hba_file)", [line])
            .fix(Side::Server, RELOAD_WHERE, [RELOAD])
            .evidence("client_address", address)
    }
}

/// The line that PgBouncer's list of users needs is best made by the database, which has the password.
fn auth_file(finding: Finding, user: &str) -> Finding {
    let name = literal(user);
    finding
        .fix(
            Side::Server,
            "have the database print the line for PgBouncer's auth_file, and put it there",
            [format!(
                "SELECT format('\"%s\" \"%s\"', replace(rolname, '\"', '\"\"'), rolpassword) FROM pg_authid WHERE rolname = {name};"
            )],
        )
        .fix(Side::Server, RELOAD_WHERE, [RELOAD])
        .advise(Side::Server, "with auth_query instead of a list, see whether it finds this user")
}

fn supavisor_user(finding: Finding, target: &Target) -> Finding {
    let user = &target.user;
    if user.contains('.') {
        return finding
            .advise(Side::Client, "check the project's reference behind the dot, and the region in the host name");
    }
    finding.because("Supavisor finds the project by the user name, and this one names none").fix(
        Side::Client,
        "name the project behind the user",
        [format!("user={user}.PROJECT_REF")],
    )
}

fn look_behind(finding: Finding) -> Finding {
    finding
        .fix(
            Side::Server,
            "see where the pooler looks for the database, and how it fares (on PgBouncer's console, database pgbouncer)",
            ["SHOW DATABASES;", "SHOW SERVERS;", "SHOW POOLS;"],
        )
        .advise(Side::Server, "start that database, or correct its host and port in the pooler's configuration")
}

/// A line for the section `[databases]`, which can name no database with other characters (1.18: also not in quotes).
/// Those are there by the line for all names.
fn pgbouncer_line(database: &str) -> String {
    let plain = database.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'));
    if plain {
        return format!("{database} = host=DATABASE_HOST port=5432 dbname={database}");
    }
    "* = host=DATABASE_HOST port=5432".to_owned()
}

const TRY_AGAIN: &str = "then have PgBouncer try again at once, and not in 15 s (server_login_retry): this ends what \
                         sessions it has with this database";

/// On PgBouncer's console: it lets go of what it has for a database, and of how the last login there went.
fn try_again(database: &str) -> [String; 2] {
    ["KILL", "RESUME"].map(|command| format!("{command} {};", identifier(database)))
}

/// A name such as `search_path` or `app.user`, and nothing else.
fn is_parameter(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'))
}
