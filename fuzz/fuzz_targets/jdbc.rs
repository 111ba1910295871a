//! JDBC URLs of both drivers, and URLs with other schemes: a password with anything before and behind it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pgpreflight_fuzz::{MARKER, target};

fuzz_target!(|parts: (u8, &str, &str)| {
    let (form, before, behind) = parts;
    target(match form % 6 {
        0 => format!("jdbc:postgresql:{before}{behind}"),
        1 => format!("jdbc:postgresql://db.test/orders?{before}&password={MARKER}{behind}"),
        2 => format!("jdbc:postgresql://alice:{before}{MARKER}{behind}@db.test/orders"),
        3 => format!("jdbc:redshift://db.test/dev;{before};PWD={MARKER}{behind}"),
        4 => format!("jdbc:redshift:iam://{before}/dev?PWD={MARKER}{behind}"),
        _ => format!("cockroachdb://alice:{before}{MARKER}{behind}@db.test/orders"),
    });
});
