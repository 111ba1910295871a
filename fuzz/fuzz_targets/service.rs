//! Service files: any bytes, and among them a password.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pgpreflight_fuzz::{MARKER, file};

fuzz_target!(|parts: (&[u8], &[u8])| {
    let (before, behind) = parts;
    let contents = [b"[orders]\n", before, b"\npassword=", MARKER.as_bytes(), behind].concat();
    file("service=orders", "PGSERVICEFILE", &contents);
});
