//! Misbehaving PostgreSQL endpoints on loopback: one scenario description, one scripted server.
//! It shares no code with the client it is used to test.

mod authenticate;
pub mod certificate;
mod channel;
mod converse;
mod endpoint;
mod login;
pub mod moment;
mod pace;
pub mod pki;
mod query;
pub mod scenario;
pub mod scram;
mod server;
mod server_error;
pub mod session;
mod startup;

pub use converse::{Ending, converse};
pub use endpoint::Endpoint;
pub use scenario::Scenario;
pub use server::{Lab, LabError};
pub use server_error::ServerError;
