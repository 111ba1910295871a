//! `register`: the real binary, against the local store, a real `serve`, and a platform that fails in every way.
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
#[path = "../support/served.rs"]
#[expect(dead_code, reason = "not every field matters here")]
mod lab_served;
#[path = "../support/play.rs"]
#[expect(dead_code, reason = "here the program checks, not the library")]
mod play;
#[path = "../support/program.rs"]
mod program;

mod faults;
mod local;
mod payloads;
mod platform;
mod redshift;
mod remarks;
mod run;
mod schemas;
mod served;
