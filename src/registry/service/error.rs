//! What can go wrong with a Flow Service: operands, not sentences. What the service said has been screened.

use std::fmt;
use std::time::Duration;

use serde_json::Value;

use crate::registry::store::StoreError;

/// Why the service did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[error("{fault}")]
pub struct ServiceError {
    /// What it comes to.
    pub fault: Box<Fault>,
    /// The platform's id of the call, where the answer had one.
    pub request_id: Option<String>,
}

impl ServiceError {
    /// Without a request id.
    pub fn new(fault: Fault) -> Self {
        Self { fault: Box::new(fault), request_id: None }
    }

    /// With the one of the answer.
    #[must_use]
    pub fn with_request_id(mut self, request_id: Option<String>) -> Self {
        self.request_id = request_id;
        self
    }
}

/// A refusal as the service words it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// `1439-404` of a Flow Service, `401013` of the gateway in front of it, the `error` of IMS.
    pub code: Option<String>,
    /// The sentence for people.
    pub text: String,
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.code {
            Some(code) => write!(f, "{code}: {}", self.text),
            None => f.write_str(&self.text),
        }
    }
}

/// The kinds of failure.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// There is no token, or it did not arrive (403010).
    #[error("no access token")]
    TokenMissing,
    /// The token is not taken (401013), or IMS gives none for these credentials.
    #[error("the access token is not taken: {0}")]
    TokenRejected(Said),
    /// `x-api-key` is missing or unknown (403000, 403003).
    #[error("the API key is not taken: {0}")]
    ApiKeyRejected(Said),
    /// `x-gw-ims-org-id` is missing, or not entitled (400003, 403025, 2001-401).
    #[error("the organisation is not taken: {0}")]
    OrganizationRejected(Said),
    /// There is no such sandbox, or none was named (2100-404, 2101-404, 2105-400).
    #[error("the sandbox is unknown: {0}")]
    SandboxUnknown(Said),
    /// A permission is lacking (2118-403, 2120-403, 2121-403).
    #[error("forbidden: {said}")]
    Forbidden {
        /// Its name, where the call tells.
        permission: Option<&'static str>,
        /// In the service's words.
        said: Said,
    },
    /// The request is at fault (1304, 1312, 1405, 1413, 1415, 1455-400 and others).
    #[error("the request is refused: {said}")]
    PayloadRejected {
        /// The field, where the service names one.
        field: Option<String>,
        /// In the service's words.
        said: Said,
    },
    /// The service could not get into the database (1100-400 of its provider, 1308-400).
    #[error("the database refuses the service: {said}")]
    DatabaseRefused {
        /// In the service's words.
        said: Said,
        /// The report of its preflight, where it is a service of ours.
        preflight: Option<Value>,
    },
    /// There is no such connection (1439-404).
    #[error("there is no such connection")]
    NotFound,
    /// It was changed since it was read (1404-412).
    #[error("it was changed in the meantime: {0}")]
    VersionConflict(Said),
    /// 429, after the retries that it asks for.
    #[error("throttled after {attempts} attempts")]
    Throttled {
        /// What the last answer asked for.
        retry_after: Option<Duration>,
        /// How many calls were answered so.
        attempts: u32,
    },
    /// 5xx, or no whole answer: whether it was done is not known.
    #[error("unavailable: {0}")]
    Unavailable(Absence),
    /// Something else answers there.
    #[error("not a Flow Service: {0}")]
    NotTheService(Stranger),
    /// A refusal of the right shape that is none of the above.
    #[error("refused with {status}: {said}")]
    Other {
        /// The HTTP status.
        status: u16,
        /// In the service's words.
        said: Said,
    },
    /// The local store failed: trouble of our own.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How a service was not there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Absence {
    /// No connection came about: name, address, TLS, proxy.
    #[error("{0}")]
    Connect(String),
    /// No answer within the time that was left.
    #[error("no answer in time")]
    Silent,
    /// It hung up before the answer was whole.
    #[error("the answer was cut off")]
    Cut,
    /// It says itself that it cannot.
    #[error("{status}: {said}")]
    Status {
        /// 500 to 599.
        status: u16,
        /// In its words, or those of whatever is in front of it.
        said: Said,
    },
}

/// What something that is no Flow Service answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Stranger {
    /// A redirect; not followed, so that no token goes elsewhere.
    #[error("a redirect ({status})")]
    Redirect {
        /// 300 to 399.
        status: u16,
        /// The host that it leads to, where it names one.
        host: Option<String>,
    },
    /// A web page.
    #[error("a web page ({status})")]
    Html {
        /// The HTTP status.
        status: u16,
    },
    /// Neither a web page nor JSON.
    #[error("no JSON ({status})")]
    NotJson {
        /// The HTTP status.
        status: u16,
    },
    /// JSON of another shape.
    #[error("JSON of another shape ({status}): {lacks} is missing")]
    Shape {
        /// The HTTP status.
        status: u16,
        /// What it should have.
        lacks: &'static str,
    },
    /// More than is read of one answer.
    #[error("more than {limit} bytes ({status})")]
    TooLong {
        /// The HTTP status.
        status: u16,
        /// In bytes.
        limit: usize,
    },
    /// Pages of a list that lead back to one another.
    #[error("a list without an end")]
    Endless,
    /// It does not speak HTTP.
    #[error("no HTTP")]
    NotHttp,
}
