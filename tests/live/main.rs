//! The real binary against real PostgreSQL servers of every major, with `psql` asked the same questions.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends at the first surprise"
)]
#![expect(
    clippy::duplicate_mod,
    reason = "the table of accuracy runs the installed clients, as the servers' support does"
)]

#[path = "../support/accuracy.rs"]
mod accuracy;
#[path = "../support/cluster.rs"]
mod cluster;
#[path = "../support/container.rs"]
mod container;
#[path = "../support/pgbouncer.rs"]
mod pgbouncer;

mod all_modes;
mod answer;
mod attempts;
mod certificates;
mod client;
mod container_test;
mod drawn;
mod driver;
mod facts;
mod faults;
mod fixes;
mod healthy;
mod hosts;
mod modes;
mod negotiation;
mod pki;
mod play;
mod pooler;
mod protocol;
mod redshift;
mod require_auth;
mod round_trips;
mod server;
mod session;
mod translated;
mod unix_socket;
