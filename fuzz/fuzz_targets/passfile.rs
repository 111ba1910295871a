//! Password files: any bytes, and among them a password.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pgpreflight_fuzz::{MARKER, file};

fuzz_target!(|parts: (&[u8], &[u8])| {
    let (before, behind) = parts;
    let contents = [before, MARKER.as_bytes(), behind].concat();
    file("host=db.test,other dbname=orders user=alice", "PGPASSFILE", &contents);
});
