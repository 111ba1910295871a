//! Misbehaving PostgreSQL and Redshift endpoints on loopback: one scenario description, one scripted server.
//! It shares no code with the client it is used to test.

pub mod answers;
mod authenticate;
mod backend;
pub mod catalog;
pub mod certificate;
mod channel;
mod converse;
pub mod dial;
mod endpoint;
mod extended;
pub mod held;
mod login;
pub mod moment;
mod pace;
mod parameters;
pub mod pki;
mod query;
mod redshift;
mod result;
pub mod scenario;
pub mod scram;
mod server;
mod server_error;
pub mod session;
mod startup;
mod statement;

pub use converse::{Ending, converse};
pub use endpoint::Endpoint;
pub use scenario::Scenario;
pub use server::{Lab, LabError, Place};
pub use server_error::ServerError;
