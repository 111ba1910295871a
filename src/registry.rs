//! Where a checked endpoint becomes a base connection: the types of the Flow Service API and the local store behind it.
//!
//! Nothing here dials a database or decides whether an endpoint is ready; callers do that first.

pub mod api;
pub mod auth;
mod connection_string;
mod driver;
pub mod place;
pub mod query;
pub mod record;
pub mod scope;
pub mod seal;
pub mod server;
pub mod store;
