//! Keyword/value strings: a password with anything before and behind it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pgpreflight_fuzz::{MARKER, target};

fuzz_target!(|parts: (u8, &str, &str)| {
    let (form, before, behind) = parts;
    target(match form % 3 {
        0 => format!("{before}{behind}"),
        1 => format!("host=db.test {before} password={MARKER}{behind}"),
        _ => format!("host=db.test password='{before}{MARKER}{behind}"),
    });
});
