//! Whether a certificate names a host, by libpq's rules (`fe-secure-common.c`, `fe-secure-openssl.c`,
//! `pgtls_verify_peer_name_matches_certificate_guts`).

use std::net::{IpAddr, Ipv4Addr};

use super::certificate::{Names, SubjectName};

/// Compares `host` with the subject alternative names, and with the common name where there is no alternative name of
/// the host's own kind.
pub fn matches(names: &Names, host: &str) -> bool {
    if host.is_empty() {
        return false;
    }
    let address = address(host);
    let mut has_own_kind = false;
    for name in &names.alternatives {
        match (name, address) {
            (SubjectName::Dns(pattern), _) => {
                has_own_kind |= address.is_none();
                if matches_name(pattern, host) {
                    return true;
                }
            }
            (SubjectName::Ip(listed), Some(address)) => {
                has_own_kind = true;
                if *listed == address {
                    return true;
                }
            }
            (SubjectName::Ip(_), None) => {}
        }
    }
    !has_own_kind && names.common_name.as_deref().is_some_and(|name| matches_name(name, host))
}

/// An address in any spelling that `inet_aton` and `inet_pton` take; libpq uses both.
pub fn address(host: &str) -> Option<IpAddr> {
    host.parse().ok().or_else(|| inet_aton(host))
}

/// The forms of `inet_aton(3)`: one to four parts, each decimal, octal (`0…`) or hexadecimal (`0x…`); the last fills all
/// the octets that are left.
fn inet_aton(host: &str) -> Option<IpAddr> {
    let mut parts = host.split('.').map(inet_aton_part).collect::<Option<Vec<u32>>>()?;
    let last = parts.pop()?;
    let left = 4_u32.checked_sub(u32::try_from(parts.len()).ok()?).filter(|left| *left > 0)?;
    if parts.iter().any(|part| *part > 0xff) || u64::from(last) >= 1_u64 << (8 * left) {
        return None;
    }
    let upper = parts.iter().fold(0_u64, |upper, part| upper << 8 | u64::from(*part)) << (8 * left);
    u32::try_from(upper | u64::from(last)).ok().map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits)))
}

fn inet_aton_part(text: &str) -> Option<u32> {
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        // `from_str_radix` takes a sign, which stands nowhere in an address.
        Some(hex) if hex.starts_with(|c: char| c.is_ascii_hexdigit()) => u32::from_str_radix(hex, 16).ok(),
        Some(_) => None,
        None if text.len() > 1 && text.starts_with('0') => u32::from_str_radix(text, 8).ok(),
        None => text.parse().ok(),
    }
}

/// Letter case does not matter; a leading `*.` stands for exactly one label that is not empty.
fn matches_name(pattern: &str, host: &str) -> bool {
    pattern.eq_ignore_ascii_case(host) || matches_wildcard(pattern.as_bytes(), host.as_bytes())
}

/// To the letter of libpq's `wildcard_certificate_match`, which overlooks a dot right before the one of the pattern.
fn matches_wildcard(pattern: &[u8], host: &[u8]) -> bool {
    let Some(suffix) = pattern.strip_prefix(b"*").filter(|suffix| suffix.starts_with(b".") && suffix.len() > 1) else {
        return false;
    };
    let Some((label, rest)) = host.len().checked_sub(suffix.len()).and_then(|split| host.split_at_checked(split))
    else {
        return false;
    };
    let Some((_, before_last)) = label.split_last() else {
        return false;
    };
    rest.eq_ignore_ascii_case(suffix) && !before_last.contains(&b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(common_name: &str, names: &[&str]) -> Names {
        let read = |name: &&str| name.parse().map_or_else(|_| SubjectName::Dns((*name).to_owned()), SubjectName::Ip);
        Names {
            common_name: (!common_name.is_empty()).then(|| common_name.to_owned()),
            alternatives: names.iter().map(read).collect(),
        }
    }

    /// Rows as in PostgreSQL's own tests of the same rules (`src/test/ssl/t/001_ssltests.pl`), and wire.md 2.3.
    #[test]
    fn hosts_are_matched_as_libpq_matches_them() {
        let rows: &[(&str, &[&str], &str, bool)] = &[
            ("db.example.com", &[], "db.example.com", true),
            ("DB.example.com", &[], "db.EXAMPLE.com", true),
            ("db.example.com", &["other.example.com"], "db.example.com", false),
            ("db.example.com", &["other.example.com"], "other.example.com", true),
            ("", &["*.example.com"], "db.example.com", true),
            ("", &["*.example.com"], "a.db.example.com", false),
            ("", &["*.example.com"], ".example.com", false),
            ("", &["*.example.com"], "example.com", false),
            ("", &["*.test"], "db.test", true),
            ("", &["d*.example.com"], "db.example.com", false),
            ("", &["db.example.com"], "db.example.com.", false),
            ("", &["192.0.2.1"], "192.0.2.1", true),
            ("", &["192.0.2.1"], "192.000.002.001", true),
            ("", &["2001:db8::1"], "2001:DB8:0::1", true),
            ("192.0.2.1", &["db.example.com"], "192.0.2.1", true),
            ("192.0.2.1", &["192.0.2.2"], "192.0.2.1", false),
            ("db.example.com", &["192.0.2.1"], "db.example.com", true),
            ("", &[], "db.example.com", false),
            ("", &["127.0.0.1"], "127.1", true),
            ("", &["127.0.0.1"], "0x7f.1", true),
            ("", &["127.0.0.1"], "2130706433", true),
            ("127.1", &["127.0.0.2"], "127.1", false),
            ("1.2.3.4.5", &["127.0.0.1"], "1.2.3.4.5", true),
            ("", &["*.test"], "a..test", true),
            ("", &["*.test"], "..test", true),
            ("", &["*.test"], ".a.test", false),
            ("", &[], "", false),
        ];
        for (common_name, names, host, expected) in rows {
            assert_eq!(matches(&certificate(common_name, names), host), *expected, "{common_name:?} {names:?} {host}");
        }
    }
}
