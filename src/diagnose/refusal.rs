//! An ErrorResponse during the login, and what it means.

use std::net::IpAddr;

use serde_json::{Map, Value};

use super::client_certificate;
use super::code::{Code, Confidence};
use super::finding::{Finding, Side, identifier, scram_password};
use super::words::{Meaning, meaning};
use crate::probe::trace::{Admission, Method, Trace};
use crate::target::{Encryption, ProtocolVersion, Target};
use crate::wire::message::ServerError;

/// The one cause.
pub fn explain(error: &ServerError, target: &Target, trace: &Trace) -> Finding {
    let refusal = Refusal { error, target, trace };
    let finding = match (error.sqlstate.as_str(), error.routine()) {
        ("28P01", _) => refusal.password_rejected(),
        ("28000", "ClientAuthentication") => refusal.by_rule(),
        ("28000", "InitializeSessionUserId") => refusal.role(),
        ("28000", "auth_failed") => refusal.external(),
        ("3D000", _) => refusal.database_missing(),
        ("42501", "CheckMyDatabase") => refusal.connect_denied(),
        ("55000", "CheckMyDatabase" | "InitPostgres") => refusal.database_closed(),
        ("53300", "CheckMyDatabase") => refusal.database_full(),
        ("53300", "InitializeSessionUserId") => refusal.role_full(),
        ("53300", "InitPostgres") => refusal.reserved_slots(),
        ("53300", _) => server_full(),
        ("57P03", _) => refusal.state(),
        ("0A000", "ProcessStartupPacket") => refusal.protocol(),
        ("08P01", "") if refusal.is_bad_packet_header() => refusal.protocol(),
        ("42704" | "42501" | "42601" | "22023" | "55P02", _) if trace.login.authenticated => refusal.parameter(),
        _ => refusal.other(),
    };
    finding
        .evidence("sqlstate", error.sqlstate.as_str())
        .evidence("routine", error.routine.clone())
        .evidence("server_message", error.message.as_str())
        .evidence("server_fields", server_fields(error))
        .evidence("authenticated", trace.login.authenticated)
}

/// Every field of an ErrorResponse, by its letter (manual, section 54.8).
pub fn server_fields(error: &ServerError) -> Map<String, Value> {
    error.fields.iter().map(|(letter, text)| (letter.to_string(), Value::from(text.as_str()))).collect()
}

/// Which connections a line of `pg_hba.conf` is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connection {
    /// `hostssl`
    Tls,
    /// `host`
    Any,
    /// `local`
    Unix,
}

/// A line of `pg_hba.conf` that lets this target in from one address, by SCRAM.
pub fn hba_line(target: &Target, address: &str, connection: Connection) -> String {
    let (database, user) = (identifier(&target.database), identifier(&target.user));
    let mask = match address.parse::<IpAddr>() {
        Ok(IpAddr::V6(_)) => "/128",
        Ok(IpAddr::V4(_)) => "/32",
        Err(_) => "",
    };
    match connection {
        Connection::Tls => format!("hostssl {database} {user} {address}{mask} scram-sha-256"),
        Connection::Any => format!("host {database} {user} {address}{mask} scram-sha-256"),
        Connection::Unix => format!("local {database} {user} scram-sha-256"),
    }
}

struct Refusal<'a> {
    error: &'a ServerError,
    target: &'a Target,
    trace: &'a Trace,
}

impl Refusal<'_> {
    fn user(&self) -> String {
        identifier(&self.target.user)
    }

    fn database(&self) -> String {
        identifier(&self.target.database)
    }

    /// A reason that holds for every refusal after AuthenticationOk.
    fn after_authentication(&self, finding: Finding) -> Finding {
        if self.trace.login.password_checked() {
            return finding.because("AuthenticationOk had come before: role and password are right");
        }
        if self.trace.login.authenticated {
            return finding.because("AuthenticationOk had come before, without a look at the password");
        }
        finding
    }

    fn password_rejected(&self) -> Finding {
        let user = &self.target.user;
        let capitals = user.chars().any(char::is_uppercase);
        let finding = Finding::new(
            Code::LoginPasswordRejected,
            format!("the server refused user {user:?} with this password"),
        )
        .because("28P01 looks the same for all these causes, by design; likeliest first:")
        .because("1. the password is wrong (also: blank or line end in it, or `$` eaten by a shell)")
        .because(if capitals {
            "2. there is no such role: unquoted names are folded to lower case when created, and this one has capitals"
        } else {
            "2. there is no such role"
        })
        .because("3. the password has expired (VALID UNTIL)")
        .because("4. the role has no password, or an MD5 one under a scram-sha-256 rule")
        .because("the log of the server tells which: look for the DETAIL line after this message")
        .fix(
            Side::Server,
            "look at the role",
            [format!("SELECT rolcanlogin, rolvaliduntil FROM pg_roles WHERE rolname = {};", literal(user))],
        )
        .fix(Side::Server, "if it is there, set its password anew (psql asks for it)", self.set_password())
        .fix(
            Side::Server,
            "if it is not, create it",
            std::iter::once(format!("CREATE ROLE {} LOGIN;", self.user())).chain(self.set_password()),
        );
        let finding = match client_certificate::of_another(self.target, self.trace) {
            Some(name) => finding.because(format!(
                "5. the rule has clientcert=verify-full, and the client certificate is of {name:?}, not of {user:?}"
            )),
            None => finding,
        };
        let source = self.target.sources.get("password").cloned();
        let finding = match &source {
            Some(source) => {
                finding.advise(Side::Client, format!("check the password that was used; it came from {source}"))
            }
            None => finding,
        };
        finding.evidence("password_source", source)
    }

    /// For the rule that matched: one for SCRAM refuses a password that is stored as MD5.
    fn set_password(&self) -> Vec<String> {
        let scram = matches!(self.trace.login.method, Some(Method::Scram | Method::ScramPlus));
        if scram { scram_password(&self.target.user).into() } else { vec![format!("\\password {}", self.user())] }
    }

    /// `pg_hba.conf` decides before any password is asked for.
    fn by_rule(&self) -> Finding {
        let candidates = [Meaning::NoHbaEntry, Meaning::HbaReject, Meaning::CertificateRequired];
        let meaning = meaning(&self.error.message, &candidates);
        if meaning == Some(Meaning::CertificateRequired) {
            return client_certificate::required(self.target);
        }
        if let Some((other, Admission::Admitted)) = &self.trace.other_encryption {
            return self.other_encryption_admitted(*other);
        }
        match meaning {
            Some(Meaning::HbaReject) => self.hba_reject(),
            Some(_) => self.no_hba_entry(),
            None => self.no_hba_entry().confidence(Confidence::Likely),
        }
    }

    fn other_encryption_admitted(&self, other: Encryption) -> Finding {
        match other {
            Encryption::Tls => Finding::new(Code::LoginTlsRequired, "the server lets this role in over TLS only")
                .because("without TLS no rule of pg_hba.conf admits it; with TLS one does (tried, without credentials)")
                .fix(Side::Client, "demand TLS, and better a verified certificate", ["sslmode=require"]),
            Encryption::Plain => Finding::new(Code::LoginTlsForbidden, "the server lets this role in without TLS only")
                .because("with TLS no rule of pg_hba.conf admits it; without TLS one does (tried, without credentials)")
                .fix(Side::Server, "let it in over TLS: add this line to pg_hba.conf", [self.line()])
                .fix(Side::Server, "then reload", [RELOAD]),
        }
    }

    fn no_hba_entry(&self) -> Finding {
        let address = self.address();
        Finding::new(
            Code::LoginNoHbaEntry,
            format!(
                "no line of pg_hba.conf lets {:?} into {:?} from {address}",
                self.target.user, self.target.database
            ),
        )
        .because(format!("the server sees this client at {address}, which may be another address than its own (NAT)"))
        .because(self.tried_encryption())
        .fix(Side::Server, "add this line to pg_hba.conf (SHOW hba_file; tells where it is)", [self.line()])
        .fix(Side::Server, "then reload", [RELOAD])
        .evidence("client_address", address)
    }

    fn hba_reject(&self) -> Finding {
        let address = self.address();
        Finding::new(
            Code::LoginHbaReject,
            format!(
                "a line of pg_hba.conf rejects {:?} for {:?} from {address}",
                self.target.user, self.target.database
            ),
        )
        .because("a rule with the method `reject` matches; the first that matches decides")
        .fix(Side::Server, "take that line out of pg_hba.conf, or put this one above it", [self.line()])
        .fix(Side::Server, "then reload", [RELOAD])
        .evidence("client_address", address)
    }

    fn tried_encryption(&self) -> String {
        let now = if self.trace.tls.negotiated { "with TLS" } else { "without TLS" };
        match &self.trace.other_encryption {
            Some((_, Admission::Refused(_))) => "it does so neither with TLS nor without".to_owned(),
            _ => format!("this connection was {now}"),
        }
    }

    fn line(&self) -> String {
        if self.target.endpoint.is_unix() {
            return hba_line(self.target, "", Connection::Unix);
        }
        let tried_first = matches!(self.trace.other_encryption, Some((Encryption::Plain, _)));
        let tls = self.trace.tls.negotiated || tried_first || self.target.tls.mode.demands_tls();
        hba_line(self.target, &self.address(), if tls { Connection::Tls } else { Connection::Any })
    }

    /// The address of this client as the server sees it: it stands in the message, whatever the language.
    fn address(&self) -> String {
        let mut words = self.error.message.split(|c: char| !(c.is_ascii_hexdigit() || matches!(c, '.' | ':')));
        let seen = words.find_map(|word| word.parse::<IpAddr>().ok());
        let own = || self.trace.connected.local.map(|local| local.ip());
        seen.or_else(own).map_or_else(|| "[local]".to_owned(), |ip| ip.to_string())
    }

    /// 28000 after AuthenticationOk. A password that was checked proves that the role exists.
    fn role(&self) -> Finding {
        let cannot_login = self.trace.login.password_checked();
        match meaning(&self.error.message, &[Meaning::RoleCannotLogIn, Meaning::RoleMissing]) {
            _ if cannot_login => self.role_cannot_login(),
            Some(Meaning::RoleCannotLogIn) => self.role_cannot_login(),
            Some(_) => self.role_missing(),
            None => self.role_missing().confidence(Confidence::Likely),
        }
    }

    fn role_cannot_login(&self) -> Finding {
        let finding = Finding::new(
            Code::LoginRoleCannotLogin,
            format!("the role {:?} exists, but may not log in", self.target.user),
        );
        self.after_authentication(finding)
            .because("it has the attribute NOLOGIN, as roles made by CREATE ROLE have unless told otherwise")
            .fix(Side::Server, "let it log in", [format!("ALTER ROLE {} LOGIN;", self.user())])
    }

    fn role_missing(&self) -> Finding {
        let finding = Finding::new(Code::LoginRoleMissing, format!("there is no role {:?}", self.target.user)).because(
            "the server took the connection without a password (trust, peer or cert), and then found no such role",
        );
        let defaulted = self.target.sources.get("user").is_some_and(|source| source == "default");
        let finding = if defaulted {
            finding.because("no user was given; the name is the operating system user's").fix(
                Side::Client,
                "name the role",
                ["user=ROLE"],
            )
        } else {
            finding
        };
        finding.fix(Side::Server, "create it", [format!("CREATE ROLE {} LOGIN;", self.user())])
    }

    fn external(&self) -> Finding {
        // The untranslated names of the methods stand in the message in every language (`auth.c`, `auth_failed`).
        let methods = ["Ident", "Peer", "PAM", "LDAP", "RADIUS", "BSD", "GSSAPI", "SSPI", "certificate", "OAuth"];
        let method = methods.into_iter().find(|method| self.error.message.contains(method));
        // Whose name is translated is `certificate`; `trust` stands for a trust rule with clientcert=verify-full.
        if let Some(shown) = self.trace.tls.shown_certificate()
            && self.trace.login.method.is_none()
            && matches!(method, None | Some("certificate"))
        {
            return client_certificate::of_another_user(shown, self.target);
        }
        let which = method.unwrap_or("external");
        Finding::new(Code::LoginExternalRefused, format!("{which} authentication refused user {:?}", self.target.user))
            .because(format!("the server delegates the decision, and got a no: {}", self.error.message))
            .advise(
                Side::Server,
                "its log has the answer of that service; the line of pg_hba.conf that matched names it",
            )
            .evidence("method", method)
    }

    fn database_missing(&self) -> Finding {
        let database = &self.target.database;
        let finding = self.after_authentication(Finding::new(
            Code::LoginDatabaseMissing,
            format!("there is no database {database:?}"),
        ));
        let defaulted = self.target.sources.get("dbname").is_some_and(|source| source == "default");
        let finding = if defaulted {
            finding.because("no database was given; libpq's default is the name of the user")
        } else {
            finding
        };
        let finding =
            if database.trim() == database { finding } else { finding.because("the name has blanks around it") };
        finding
            .fix(
                Side::Client,
                "use the name of one that exists (SELECT datname FROM pg_database;)",
                ["dbname=DATABASE"],
            )
            .fix(Side::Server, "or create it", [format!("CREATE DATABASE {};", self.database())])
    }

    fn connect_denied(&self) -> Finding {
        let (user, database) = (self.user(), self.database());
        let finding = Finding::new(
            Code::LoginConnectDenied,
            format!("the role {:?} may not connect to the database {:?}", self.target.user, self.target.database),
        );
        self.after_authentication(finding)
            .because("it lacks the CONNECT privilege, which PUBLIC has unless it was revoked")
            .fix(Side::Server, "grant it", [format!("GRANT CONNECT ON DATABASE {database} TO {user};")])
    }

    fn database_closed(&self) -> Finding {
        let database = self.database();
        let finding = Finding::new(
            Code::LoginDatabaseClosed,
            format!("the database {:?} takes no connections", self.target.database),
        );
        self.after_authentication(finding)
            .because("datallowconn is off, or an interrupted DROP DATABASE has left it invalid")
            .fix(Side::Server, "open it", [format!("ALTER DATABASE {database} ALLOW_CONNECTIONS true;")])
            .fix(Side::Server, "or, if it is invalid, drop it", [format!("DROP DATABASE {database};")])
    }

    fn database_full(&self) -> Finding {
        let database = self.database();
        let finding = Finding::new(
            Code::LoginDatabaseFull,
            format!("the database {:?} has all the connections it may have", self.target.database),
        );
        self.after_authentication(finding)
            .fix(Side::Server, "raise or lift its limit", [format!("ALTER DATABASE {database} CONNECTION LIMIT -1;")])
            .advise(Side::Client, "or close sessions")
    }

    fn role_full(&self) -> Finding {
        let user = self.user();
        let finding = Finding::new(
            Code::LoginRoleFull,
            format!("the role {:?} has all the connections it may have", self.target.user),
        );
        self.after_authentication(finding)
            .fix(Side::Server, "raise or lift its limit", [format!("ALTER ROLE {user} CONNECTION LIMIT -1;")])
            .advise(Side::Client, "or close sessions")
    }

    fn reserved_slots(&self) -> Finding {
        let finding =
            Finding::new(Code::LoginReservedSlots, "only the connections reserved for administrators are left");
        self.after_authentication(finding)
            .because("superuser_reserved_connections (and, from 16 on, reserved_connections) are kept free")
            .fix(
                Side::Server,
                "end what is idle",
                ["SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle' AND pid <> pg_backend_pid();"],
            )
            .fix(Side::Server, "or allow more; this needs a restart", ["ALTER SYSTEM SET max_connections = 200;", "sudo systemctl restart postgresql"])
    }

    /// 57P03: which of the states shows in the words, and in the DETAIL from 14 on.
    fn state(&self) -> Finding {
        match meaning(&self.error.message, &[Meaning::StandbyClosed, Meaning::ShuttingDown, Meaning::StartingUp]) {
            Some(Meaning::StandbyClosed) => Finding::new(
                Code::LoginStandbyClosed,
                "the server is a standby that takes no sessions; waiting does not help",
            )
            .because("hot_standby is off")
            .fix(Side::Server, "let it take sessions: add this line to its postgresql.conf", ["hot_standby = on"])
            .fix(Side::Server, "then restart it", ["sudo systemctl restart postgresql"])
            .advise(Side::Client, "or connect to the primary"),
            Some(Meaning::ShuttingDown) => Finding::new(Code::LoginShuttingDown, "the server is shutting down")
                .because("it takes no new sessions while it ends the old ones")
                .fix(Side::Server, "start it again", ["sudo systemctl start postgresql"]),
            found => {
                let finding = Finding::new(
                    Code::LoginStartingUp,
                    "the server is starting up or recovering; try again in a while",
                )
                .because("it answers, and takes no sessions yet (57P03)")
                .because("on PostgreSQL 13 and older a standby with hot_standby=off says so for ever")
                .advise(Side::Server, "wait; its log tells how far it is");
                if found.is_some() { finding } else { finding.confidence(Confidence::Likely) }
            }
        }
    }

    /// PgBouncer up to 1.18 takes a startup packet of a newer protocol for a broken one, and shows its first bytes.
    fn is_bad_packet_header(&self) -> bool {
        self.target.protocol.max > ProtocolVersion::V3_0 && self.error.message.starts_with("bad packet header")
    }

    fn protocol(&self) -> Finding {
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

    fn parameter(&self) -> Finding {
        let given: Vec<&str> = self.target.startup.iter().map(|(name, _)| *name).collect();
        let finding = Finding::new(Code::LoginParameterRefused, "the server refuses a parameter of the startup packet");
        self.after_authentication(finding)
            .because(format!("it says: {}", self.error.message))
            .because(format!("sent were: {}", given.join(", ")))
            .advise(Side::Client, "take the parameter out of `options` (or PGOPTIONS)")
    }

    fn other(&self) -> Finding {
        let pooler = self.error.routine.is_none();
        let finding =
            Finding::new(Code::LoginServerError, format!("the server refused the login: {}", self.error.message))
                .because(format!("it sent SQLSTATE {}", self.error.sqlstate));
        let finding = self.after_authentication(finding);
        let finding = match self.error.field('D') {
            Some(detail) => finding.because(format!("detail: {detail}")),
            None => finding,
        };
        let finding = match self.error.field('H') {
            Some(hint) => finding.because(format!("hint: {hint}")),
            None => finding,
        };
        if pooler {
            return finding
                .because("the error has no routine field, which PostgreSQL always sends: a pooler or proxy speaks here")
                .advise(Side::Server, "read the log of the pooler");
        }
        finding.advise(Side::Server, "read the log of the server")
    }
}

fn server_full() -> Finding {
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
        .fix(Side::Server, "or allow more; this needs a restart", ["ALTER SYSTEM SET max_connections = 200;", "sudo systemctl restart postgresql"])
        .advise(Side::Client, "keep fewer connections open, or put a pooler in front")
}

const RELOAD: &str = "SELECT pg_reload_conf();";

/// An SQL string constant.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The method that was used, in the words of the report. A client certificate that was shown takes the place of a
/// challenge.
pub fn method(trace: &Trace) -> Option<String> {
    match trace.login.method? {
        Method::Trust if trace.tls.shown_certificate().is_some() => Some("cert".to_owned()),
        other => Some(method_word(other)),
    }
}

/// A method in the words of the report.
pub fn method_word(method: Method) -> String {
    match method {
        Method::Trust => "trust".to_owned(),
        Method::Password => "password".to_owned(),
        Method::Md5 => "md5".to_owned(),
        Method::Scram => "scram-sha-256".to_owned(),
        Method::ScramPlus => "scram-sha-256-plus".to_owned(),
        Method::OauthBearer => "oauthbearer".to_owned(),
        Method::UnknownSasl => "sasl".to_owned(),
        Method::Gss => "gss".to_owned(),
        Method::Sspi => "sspi".to_owned(),
        Method::Other(code) => format!("code-{code}"),
    }
}
