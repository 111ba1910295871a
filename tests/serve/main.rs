//! The local Flow Service: the real binary, called as the platform's clients call it.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends at the first surprise"
)]

#[path = "../support/cluster.rs"]
#[expect(dead_code, unused_imports, reason = "the live tests ask more of a server")]
mod cluster;
#[path = "../support/echo.rs"]
#[expect(dead_code, reason = "its impostor is not needed here")]
mod echo;
#[path = "../support/http.rs"]
mod http;
#[path = "../support/play.rs"]
#[expect(dead_code, reason = "here the service checks, not the library")]
mod play;

mod aepp;
mod calls;
mod changes;
mod described;
mod ending;
mod explore;
mod gateway;
mod limits;
mod lists;
mod network;
mod preflight;
mod schemas;
mod secrets;
mod service;
mod stores;
mod storm;
