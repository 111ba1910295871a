//! Connection URIs: a password with anything before and behind it, where a password belongs and elsewhere.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pgpreflight_fuzz::{MARKER, target};

fuzz_target!(|parts: (u8, &str, &str)| {
    let (form, before, behind) = parts;
    target(match form % 4 {
        0 => format!("postgresql://{before}{behind}"),
        1 => format!("postgres://alice:{before}{MARKER}{behind}"),
        2 => format!("postgresql://alice:{before}{MARKER}{behind}@db.test/orders"),
        _ => format!("postgresql://db.test/orders?{before}&password={MARKER}{behind}"),
    });
});
