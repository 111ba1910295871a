//! What the Rust driver made of the same settings.

use std::time::Duration;

/// One login by the driver.
#[derive(Debug)]
pub struct DriverSeen {
    /// How long it took, the making of its TLS connector included.
    pub elapsed: Duration,
    /// `keyword=value` of settings that it has no words for, and that were left out or replaced by what is nearest.
    pub not_expressed: Vec<String>,
    /// Why it did not come to a session and an answer.
    pub failure: Option<DriverFailure>,
}

/// How the driver failed.
#[derive(Debug)]
pub struct DriverFailure {
    /// At what.
    pub at: DriverError,
    /// The error and its sources, outermost first, made safe to show.
    pub chain: Vec<String>,
}

/// What the driver failed at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DriverError {
    /// The client certificate and its key could not be loaded.
    Identity,
    /// The root file could not be loaded.
    Roots,
    /// TLS: the handshake, or the verdict on the certificate.
    Tls,
    /// The server sent an ErrorResponse.
    Refused,
    /// It did not end in time.
    TimedOut,
    /// Anything else; the chain of errors tells.
    Other,
}
