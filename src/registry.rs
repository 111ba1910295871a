//! Where a checked endpoint becomes a base connection: the types of the Flow Service API and the local store behind it.
//!
//! Nothing here dials a database or decides whether an endpoint is ready; callers do that first.

pub mod api;
pub mod auth;
pub mod client;
mod connection_string;
mod driver;
mod endpoint;
mod explore;
mod list;
pub mod local;
mod network;
mod patch;
pub mod payload;
pub mod place;
mod preflight;
mod problem;
pub mod query;
pub mod record;
pub mod registration;
pub mod scope;
pub mod seal;
pub mod server;
pub mod service;
mod specs;
pub mod storage;
pub mod store;
