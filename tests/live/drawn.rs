//! Drawn at random: server settings (major, TLS, rules, certificate) and client settings (mode, roots, password, names, limits,
//! and the form they are written in). psql on libpq 18 and we get the same, and outcome, encryption and cause have to agree.
//!
//! `PGPREFLIGHT_DRAWN` says how many cases; `PGPREFLIGHT_SEED` repeats a run, and a failure names both.

mod cause;
mod client;
mod world;

use std::sync::atomic::{AtomicUsize, Ordering};

use fastrand::Rng;

use self::client::Client;
use self::world::World;
use crate::cluster::majors;
use crate::server::on_all_majors;

/// As many as the suite has time for.
const USUAL: usize = 640;

/// Client settings drawn for each drawn server.
const CLIENTS: usize = 8;

#[test]
#[expect(clippy::print_stdout, reason = "a soak run says what it drew")]
fn outcome_encryption_and_cause_are_libpqs() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<usize>().expect("a number"));
    let seed = number("PGPREFLIGHT_SEED").unwrap_or_else(|| fastrand::usize(..1_000_000));
    let wanted = number("PGPREFLIGHT_DRAWN").unwrap_or(USUAL);
    let worlds = wanted.div_ceil(majors().len() * CLIENTS);
    let (drawn, connected) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let differences = on_all_majors(|major| {
        let mut world = World::start(major);
        let mut differences = Vec::new();
        for round in 0..worlds {
            // Every round has a seed of its own, so that one can be repeated without those before it.
            let mut rng = Rng::with_seed((seed * 1_000_003 + round * 101 + major as usize) as u64);
            world.redraw(&mut rng);
            for _ in 0..CLIENTS {
                let client = Client::draw(&mut rng, &world);
                drawn.fetch_add(1, Ordering::Relaxed);
                match client.compare(&world) {
                    Ok(connects) => connected.fetch_add(usize::from(connects), Ordering::Relaxed),
                    Err(difference) => {
                        differences.push(format!("round {round} of PostgreSQL {major}, {world}\n{difference}"));
                        0
                    }
                };
            }
        }
        differences
    });
    let differences = differences.concat();
    let (drawn, connected) = (drawn.into_inner(), connected.into_inner());
    assert!(
        differences.is_empty(),
        "{} of {drawn} drawn cases differ (PGPREFLIGHT_SEED={seed} PGPREFLIGHT_DRAWN={wanted}):\n\n{}",
        differences.len(),
        differences.join("\n\n")
    );
    // A generator that hardly ever connects, or always does, would prove little.
    assert!(drawn >= wanted && connected * 10 > drawn && connected * 10 < drawn * 9, "{connected} of {drawn} connect");
    println!("{drawn} drawn cases agree, {connected} of them connect (seed {seed})");
}
