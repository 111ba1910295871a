//! The platform's connection strings: a password with anything before and behind it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pgpreflight_fuzz::{MARKER, target};

fuzz_target!(|parts: (u8, &str, &str)| {
    let (form, before, behind) = parts;
    target(match form % 4 {
        0 => format!("Server={before};{behind}"),
        1 => format!("Server=db.test;UID=alice;{before};PWD={MARKER}{behind}"),
        2 => format!("Server=db.test;UID=alice;PWD={{{before}{MARKER}{behind}}};EncryptionMethod=1"),
        _ => format!("Server=db.test;UID=alice;Password='{before}{MARKER}{behind}"),
    });
});
