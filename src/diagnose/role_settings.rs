//! What `ALTER ROLE … SET` and `ALTER DATABASE … SET` have left for new sessions, where it bends them.

use super::code::{Code, Confidence, Severity};
use super::finding::{Finding, RELOAD, Side, identifier};
use crate::probe::trace::{RoleSetting, SessionSeen};
use crate::target::Target;
use crate::wire::message::ServerError;

/// Time-outs shorter than this, in milliseconds, end what a client does in the ordinary way.
const TINY: [(&str, u64, &str); 5] = [
    ("statement_timeout", 5_000, "every statement is cancelled after"),
    ("transaction_timeout", 5_000, "every transaction ends with its session after"),
    ("lock_timeout", 100, "a statement gives up waiting for a lock after"),
    ("idle_in_transaction_session_timeout", 1_000, "a session is ended when it is idle in a transaction for"),
    ("idle_session_timeout", 10_000, "a session is ended when it is idle for"),
];

/// The settings that bend the session, all in one finding.
pub fn remark(target: &Target, seen: &SessionSeen) -> Option<Finding> {
    let bent: Vec<(&RoleSetting, String)> =
        seen.settings.iter().filter_map(|setting| Some((setting, bends(setting)?))).collect();
    let (first, _) = bent.first()?;
    let names: Vec<&str> = bent.iter().map(|(setting, _)| setting.name.as_str()).collect();
    let summary = format!("settings of {} bend the session: {}", owner(first), names.join(", "));
    let finding = Finding::new(Code::SessionRoleSettings, summary).evidence("settings", names);
    let finding = bent.iter().fold(finding, |finding, (setting, how)| {
        finding.because(format!("{} of {} is {}: {how}", setting.name, owner(setting), setting.value))
    });
    let resets = bent.iter().map(|(setting, _)| reset(setting, target));
    Some(finding.fix(Side::Server, "take it back, for sessions that begin from then on", resets))
}

/// The settings cut off even the questions of this check.
pub fn cut_off(error: &ServerError, target: &Target) -> Finding {
    let finding = Finding::new(
        Code::SessionRoleSettings,
        "statement_timeout is so short that the questions of this check are cut off",
    )
    .confidence(Confidence::Likely)
    .because(format!("it said {}: {}", error.sqlstate, error.message))
    .because("nothing else cancels the first statements of a new session")
    .fix(
        Side::Server,
        "take it back: the first line where it is the role's, the second where it is the database's, the others where it \
         is the server's",
        [
            format!("ALTER ROLE {} RESET statement_timeout;", identifier(&target.user)),
            format!("ALTER DATABASE {} RESET statement_timeout;", identifier(&target.database)),
            "ALTER SYSTEM SET statement_timeout = 0;".to_owned(),
            RELOAD.to_owned(),
        ],
    )
    .evidence("settings", vec!["statement_timeout"])
    .evidence("sqlstate", error.sqlstate.as_str())
    .evidence("server_message", error.message.as_str());
    Finding { severity: Severity::Error, ..finding }
}

/// What the setting does to a session, where that is out of the ordinary.
fn bends(setting: &RoleSetting) -> Option<String> {
    match setting.name.as_str() {
        "role" if setting.effect != setting.value.trim_matches('"') => Some(format!(
            "the login could not take that role (not a member of it, or there is none), and went on as {}",
            setting.effect
        )),
        "search_path" if setting.effect.is_empty() => Some(
            "none of these schemas is there and may be used, so a table without its schema is not found".to_owned(),
        ),
        name => {
            let (_, least, what) = TINY.iter().find(|(known, ..)| *known == name)?;
            let value = milliseconds(&setting.value)?;
            (value > 0 && value < *least).then(|| format!("{what} {value} ms"))
        }
    }
}

/// A time as PostgreSQL reads it where the unit is milliseconds (manual, section 20.1.1).
fn milliseconds(text: &str) -> Option<u64> {
    let text = text.trim().trim_matches('\'');
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(end)?;
    let number: u64 = number.parse().ok()?;
    match unit.trim() {
        "" | "ms" => Some(number),
        "us" => Some(number.div_ceil(1_000)),
        "s" => number.checked_mul(1_000),
        "min" => number.checked_mul(60_000),
        "h" => number.checked_mul(3_600_000),
        "d" => number.checked_mul(86_400_000),
        _ => None,
    }
}

/// Whose setting it is.
pub fn owner(setting: &RoleSetting) -> &'static str {
    match (setting.for_role, setting.in_database) {
        (true, true) => "the role in this database",
        (true, false) => "the role",
        (false, true) => "the database",
        (false, false) => "all roles",
    }
}

/// The statement that takes it back.
pub fn reset(setting: &RoleSetting, target: &Target) -> String {
    let (role, database) = (identifier(&target.user), identifier(&target.database));
    let name = &setting.name;
    match (setting.for_role, setting.in_database) {
        (true, true) => format!("ALTER ROLE {role} IN DATABASE {database} RESET {name};"),
        (true, false) => format!("ALTER ROLE {role} RESET {name};"),
        (false, true) => format!("ALTER DATABASE {database} RESET {name};"),
        (false, false) => format!("ALTER ROLE ALL RESET {name};"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(name: &str, value: &str, effect: &str) -> RoleSetting {
        let (name, value, effect) = (name.to_owned(), value.to_owned(), effect.to_owned());
        RoleSetting { name, value, for_role: true, in_database: false, effect }
    }

    #[test]
    fn only_what_is_out_of_the_ordinary_bends_a_session() {
        let rows = [
            ("statement_timeout", "1ms", "0", true),
            ("statement_timeout", "4999", "0", true),
            ("statement_timeout", "4s", "0", true),
            ("statement_timeout", "900us", "0", true),
            ("statement_timeout", "0", "0", false),
            ("statement_timeout", "5s", "0", false),
            ("statement_timeout", "1min", "0", false),
            ("lock_timeout", "50", "50", true),
            ("lock_timeout", "2s", "2s", false),
            ("idle_session_timeout", "5s", "5s", true),
            ("idle_session_timeout", "10min", "10min", false),
            ("role", "reader", "none", true),
            ("role", "reader", "reader", false),
            ("role", "\"Reader\"", "Reader", false),
            ("search_path", "nowhere", "", true),
            ("search_path", "sales, public", "public", false),
            ("work_mem", "1", "1", false),
        ];
        for (name, value, effect, expected) in rows {
            assert_eq!(bends(&setting(name, value, effect)).is_some(), expected, "{name} = {value}");
        }
    }
}
