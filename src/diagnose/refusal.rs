//! An ErrorResponse during the login, and what it means.

mod admission;
mod password;
mod rule;
mod state;

use serde_json::{Map, Value};

pub use self::rule::{Connection, hba_line, scram_line};
use self::state::server_full;
use super::code::Code;
use super::finding::{Finding, Side, identifier};
use super::product::is_padb;
use super::{client_certificate, pooler, token};
use crate::probe::trace::{Method, Trace};
use crate::target::Target;
use crate::wire::message::ServerError;

/// The one cause.
pub fn explain(error: &ServerError, target: &Target, trace: &Trace) -> Finding {
    let refusal = Refusal { error, target, trace };
    let special = token::explain(&refusal).or_else(|| pooler::explain(&refusal));
    special
        .unwrap_or_else(|| by_sqlstate(&refusal))
        .evidence("sqlstate", error.sqlstate.as_str())
        .evidence("routine", error.routine.clone())
        .evidence("server_message", error.message.as_str())
        .evidence("server_fields", server_fields(error))
        .evidence("authenticated", trace.login.authenticated)
}

fn by_sqlstate(refusal: &Refusal<'_>) -> Finding {
    let Refusal { error, trace, .. } = refusal;
    match (error.sqlstate.as_str(), error.routine()) {
        ("28P01", _) => refusal.password_rejected(),
        _ if refusal.is_library() => refusal.library(),
        _ if refusal.is_login_trigger() => refusal.login_trigger(),
        ("28000", "ClientAuthentication") => refusal.by_rule(),
        ("28000", "InitializeSessionUserId") => refusal.role(),
        ("28000", "auth_failed") if refusal.is_password_of_redshift() => refusal.password_rejected(),
        ("28000", "auth_failed") => refusal.external(),
        ("3D000", _) => refusal.database_missing(),
        ("42501", "CheckMyDatabase") => refusal.connect_denied(),
        ("55000", "CheckMyDatabase" | "InitPostgres") => refusal.database_closed(),
        ("53300", "CheckMyDatabase") => refusal.database_full(),
        ("53300", "InitializeSessionUserId") => refusal.role_full(),
        // Redshift has no slots that are reserved for administrators of its users.
        ("53300", "InitPostgres") if is_padb(error) => server_full(),
        ("53300", "InitPostgres") => refusal.reserved_slots(),
        ("53300", _) => server_full(),
        ("57P03", _) => refusal.state(),
        ("0A000", "ProcessStartupPacket") => refusal.protocol(),
        ("08P01", "") if refusal.is_bad_packet_header() => refusal.protocol(),
        ("42704" | "42501" | "42601" | "22023" | "55P02", _) if trace.login.authenticated => refusal.parameter(),
        _ => refusal.other(),
    }
}

/// Where what a session begins with was set, beside the server's own files.
pub const SEE_SETTINGS: &str = "see what the role and the database set for their sessions";

/// In psql this is `\drds`.
pub const SETTINGS: &str = "SELECT setrole::regrole, setdatabase, setconfig FROM pg_db_role_setting;";

/// Every field of an ErrorResponse, by its letter (manual, section 54.8).
pub fn server_fields(error: &ServerError) -> Map<String, Value> {
    error.fields.iter().map(|(letter, text)| (letter.to_string(), Value::from(text.as_str()))).collect()
}

/// An ErrorResponse before the session, and all that is known around it.
pub(super) struct Refusal<'a> {
    pub(super) error: &'a ServerError,
    pub(super) target: &'a Target,
    pub(super) trace: &'a Trace,
}

impl Refusal<'_> {
    fn user(&self) -> String {
        identifier(&self.target.user)
    }

    fn database(&self) -> String {
        identifier(&self.target.database)
    }

    /// A reason that holds for every refusal after AuthenticationOk.
    pub(super) fn after_authentication(&self, finding: Finding) -> Finding {
        if self.trace.login.password_checked() {
            return finding.because("AuthenticationOk had come before: role and password are right");
        }
        if self.trace.login.authenticated {
            return finding.because("AuthenticationOk had come before, without a look at the password");
        }
        finding
    }

    /// The same where a pooler has let the client in: the database has not looked at it.
    pub(super) fn after_pooler_ok(&self, finding: Finding) -> Finding {
        if self.trace.login.accepted() {
            return finding.because("it had let the client in before: user and password are right there");
        }
        finding
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
        if (self.error.sqlstate.as_str(), self.error.routine()) == ("F0000", "ClientAuthentication") {
            return client_certificate::no_authorities(finding);
        }
        finding.advise(Side::Server, "read the log of the server")
    }
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
        Method::RedshiftDigest => "redshift-digest".to_owned(),
        Method::RedshiftToken => "redshift-idp".to_owned(),
        Method::Other(code) => format!("code-{code}"),
    }
}
