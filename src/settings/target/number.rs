//! Whole numbers by libpq's rules (`fe-connect.c`, `pqParseIntParam`).

use crate::settings::keyvalue::is_space;

/// A decimal number of 32 bits, white space around it.
pub fn parse(text: &str) -> Option<i32> {
    let text = text.trim_matches(is_space);
    // Rust takes a sign and digits, as strtol does.
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_libpq_reads_them() {
        let rows = [
            ("5432", Some(5432)),
            (" +05432\t", Some(5432)),
            ("-1", Some(-1)),
            ("2147483647", Some(i32::MAX)),
            ("2147483648", None),
            ("99999999999999999999", None),
            ("0x10", None),
            ("1 2", None),
            ("+ 1", None),
            ("+-1", None),
            ("5s", None),
            ("", None),
            (" ", None),
            ("\u{a0}5", None),
        ];
        for (text, expected) in rows {
            assert_eq!(parse(text), expected, "{text:?}");
        }
    }
}
