//! Real faults of a network: client, router and server in namespaces of their own, joined by virtual cables, with a real
//! PostgreSQL at the far end. The program has to name each fault in its time; the real psql and pg_isready run beside it.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test ends at the first surprise")]
#![expect(clippy::expect_used, reason = "a test ends at the first surprise")]

#[path = "../support/cluster.rs"]
#[expect(dead_code, unused_imports, reason = "other tests use the rest")]
mod cluster;
mod faults;
#[path = "../support/namespace.rs"]
mod namespace;
mod play;
#[path = "../support/program.rs"]
#[expect(dead_code, reason = "the report says it all")]
mod program;
mod queue;
mod world;

use faults::{CONNECT, DATA, HERE, IPV6, ROUTES};
use namespace::inside;
use play::play;
use world::World;

#[test]
fn what_answers_the_first_packet_is_told_apart() {
    if inside("what_answers_the_first_packet_is_told_apart") {
        play(&World::new(128), CONNECT);
    }
}

#[test]
fn what_this_machine_itself_forbids_is_told_apart() {
    if inside("what_this_machine_itself_forbids_is_told_apart") {
        play(&World::new(128), HERE);
    }
}

/// `connect-address-family` is among them.
#[test]
fn addresses_that_no_route_leads_to_are_told_apart() {
    if inside("addresses_that_no_route_leads_to_are_told_apart") {
        play(&World::new(128), ROUTES);
    }
}

#[test]
fn the_same_is_told_of_ipv6() {
    if inside("the_same_is_told_of_ipv6") {
        play(&World::new(128), IPV6);
    }
}

/// `tls-request-lost` is among them.
#[test]
fn what_happens_to_data_after_the_connection_is_told_apart() {
    if inside("what_happens_to_data_after_the_connection_is_told_apart") {
        play(&World::new(128), DATA);
    }
}

#[test]
fn a_full_queue_of_connections_is_seen_by_what_was_sent_again() {
    if inside("a_full_queue_of_connections_is_seen_by_what_was_sent_again") {
        queue::fill_and_empty(&World::new(1));
    }
}
