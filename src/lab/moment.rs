//! The moments of a login at which an endpoint may fail, and how it then stops talking.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::{Error as ValueError, StringDeserializer};

use super::server_error::ServerError;

/// A moment of the login.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Moment {
    /// The startup packet is read, nothing is answered.
    #[serde(alias = "after-startup")]
    BeforeAuth,
    /// The client has answered the first authentication request (under trust: in its place).
    InExchange,
    /// The client has sent its last proof, which is not looked at (under trust: as [`Self::InExchange`]).
    AfterPassword,
    /// `AuthenticationOk` is sent.
    AfterAuthOk,
    /// `ParameterStatus` and `BackendKeyData` are sent, `ReadyForQuery` is not.
    BeforeReady,
}

/// An `ErrorResponse` during the login, after which the server ends the connection.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "BTreeMap<String, String>")]
pub struct LoginError {
    /// When.
    pub at: Moment,
    /// What.
    pub error: ServerError,
}

/// Silence or an end during the login.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoginHangup {
    /// When.
    pub at: Moment,
    /// What.
    pub does: Hangup,
}

/// How an endpoint stops talking.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hangup {
    /// FIN, without a TLS `close_notify`.
    #[default]
    Close,
    /// RST.
    Reset,
    /// Nothing, ever; the connection stays open.
    Silent,
}

impl TryFrom<BTreeMap<String, String>> for LoginError {
    type Error = String;

    fn try_from(mut fields: BTreeMap<String, String>) -> Result<Self, String> {
        let at = fields.remove("at").ok_or("missing field `at`")?;
        let at: StringDeserializer<ValueError> = at.into_deserializer();
        let at = Moment::deserialize(at).map_err(|error| error.to_string())?;
        Ok(Self { at, error: ServerError::try_from(fields)? })
    }
}
