//! Bodies of `POST /connections`: any bytes around a password, and a connection string within.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pgpreflight_fuzz::{MARKER, payload};

const SPEC: &str = r#""connectionSpec": {"id": "74a1c565-4e59-48d7-9d67-7c03b8a13137"}"#;

fuzz_target!(|parts: (u8, &[u8], &[u8])| {
    let (form, before, behind) = parts;
    let (start, end) = match form % 3 {
        0 => (String::new(), String::new()),
        1 => (
            format!("{{{SPEC}, \"auth\": {{\"specName\": \"Basic Authentication\", \"params\": {{\"password\": \""),
            "\", \"server\": \"db.test\", \"database\": \"orders\", \"username\": \"alice\"}}}".to_owned(),
        ),
        _ => (
            format!(
                "{{{SPEC}, \"auth\": {{\"specName\": \"Connection String Based Authentication\", \"params\": \
                 {{\"connectionString\": \"Server=db.test;UID=alice;PWD="
            ),
            "\"}}}".to_owned(),
        ),
    };
    payload([start.as_bytes(), before, MARKER.as_bytes(), behind, end.as_bytes()].concat());
});
