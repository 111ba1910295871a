//! `ErrorResponse` and `NoticeResponse` as a scenario writes them: the protocol's own field letters, text values.

use std::collections::BTreeMap;

use serde::Deserialize;

/// Field letters in the order in which PostgreSQL sends them (src/backend/utils/error/elog.c, `send_message_to_frontend`).
const LETTERS: &str = "SVCMDHPpqWstcdnFLR";

/// The fields of an `ErrorResponse` or `NoticeResponse`.
///
/// In TOML a table of one-letter keys: `{ C = "3D000", M = "database \"x\" does not exist" }`. `S` and `V` are `FATAL`
/// unless given; an empty text leaves a field out, as PgBouncer does with `V`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "BTreeMap<String, String>")]
pub struct ServerError {
    fields: Vec<(char, String)>,
}

impl ServerError {
    /// A FATAL error of this SQLSTATE and message.
    pub fn fatal(sqlstate: &str, message: &str) -> Self {
        let fields = [('S', "FATAL"), ('V', "FATAL"), ('C', sqlstate), ('M', message)];
        Self { fields: fields.map(|(letter, value)| (letter, value.to_owned())).to_vec() }
    }

    /// An ERROR, after which the session goes on.
    pub fn error(sqlstate: &str, message: &str) -> Self {
        Self::fatal(sqlstate, message).with('S', "ERROR").with('V', "ERROR")
    }

    /// The same with one field set; an empty value leaves the field out.
    #[must_use]
    pub fn with(mut self, letter: char, value: &str) -> Self {
        self.fields.retain(|(known, _)| *known != letter);
        if !value.is_empty() {
            self.fields.push((letter, value.to_owned()));
        }
        self.fields.sort_by_key(|(letter, _)| LETTERS.find(*letter));
        self
    }

    /// The fields in the order in which they are sent.
    pub fn fields(&self) -> impl Iterator<Item = (char, &str)> {
        self.fields.iter().map(|(letter, value)| (*letter, value.as_str()))
    }

    /// Whether the server ends the connection after it.
    pub fn ends_session(&self) -> bool {
        let severity = |wanted| self.fields().find(|(letter, _)| *letter == wanted).map(|(_, value)| value);
        matches!(severity('V').or(severity('S')), Some("FATAL" | "PANIC"))
    }
}

impl TryFrom<BTreeMap<String, String>> for ServerError {
    type Error = String;

    fn try_from(fields: BTreeMap<String, String>) -> Result<Self, String> {
        let mut error = Self::fatal("", "").with('C', "").with('M', "");
        for (name, value) in fields {
            let mut letters = name.chars();
            match (letters.next(), letters.next()) {
                (Some(letter), None) if LETTERS.contains(letter) => error = error.with(letter, &value),
                _ => return Err(format!("unknown field `{name}`, expected one letter of {LETTERS}")),
            }
        }
        Ok(error)
    }
}
