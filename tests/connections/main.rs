//! `connections`: the real program against a platform that fails in every way, against a real `serve`, and on the local
//! store.
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
#[path = "../support/http.rs"]
#[expect(dead_code, reason = "the tests of the service itself ask more")]
mod http;
#[path = "../support/platform.rs"]
mod platform;
#[path = "../support/program.rs"]
mod program;
#[path = "../serve/service.rs"]
#[expect(dead_code, reason = "the tests of the service itself ask more")]
mod service;

mod arguments;
mod failures;
mod lists;
mod services;
