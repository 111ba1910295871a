//! Whether a certificate names a host, by libpq's rules (`fe-secure-common.c`, `fe-secure-openssl.c`,
//! `pgtls_verify_peer_name_matches_certificate_guts`).

use std::net::IpAddr;

use super::certificate::{Certificate, SubjectName};

/// Compares `host` with the subject alternative names, and with the common name where there is no alternative name of
/// the host's own kind.
pub fn matches(certificate: &Certificate, host: &str) -> bool {
    let address = address(host);
    let mut has_own_kind = false;
    for name in &certificate.names {
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
    !has_own_kind && certificate.common_name.as_deref().is_some_and(|name| matches_name(name, host))
}

/// An address in any spelling that `inet_aton` and `inet_pton` take; libpq uses both.
pub fn address(host: &str) -> Option<IpAddr> {
    host.parse().ok().or_else(|| inet_aton(host))
}

/// The dotted forms of `inet_aton(3)` with four parts, each decimal, octal (`0…`) or hexadecimal (`0x…`).
fn inet_aton(host: &str) -> Option<IpAddr> {
    let parts: Vec<&str> = host.split('.').collect();
    let octets: [&str; 4] = parts.try_into().ok()?;
    let mut address = [0; 4];
    for (octet, text) in address.iter_mut().zip(octets) {
        *octet = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
            Some(hex) => u8::from_str_radix(hex, 16).ok()?,
            None if text.len() > 1 && text.starts_with('0') => u8::from_str_radix(text, 8).ok()?,
            None => text.parse().ok()?,
        };
    }
    Some(IpAddr::from(address))
}

/// Letter case does not matter; a leading `*.` stands for exactly one label that is not empty.
fn matches_name(pattern: &str, host: &str) -> bool {
    if pattern.eq_ignore_ascii_case(host) {
        return true;
    }
    let Some(suffix) = pattern.strip_prefix('*').filter(|suffix| suffix.starts_with('.') && suffix.len() > 1) else {
        return false;
    };
    let Some(split) = host.len().checked_sub(suffix.len()).filter(|split| host.is_char_boundary(*split)) else {
        return false;
    };
    let (label, rest) = host.split_at(split);
    rest.eq_ignore_ascii_case(suffix) && !label.is_empty() && !label.contains('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(common_name: &str, names: &[&str]) -> Certificate {
        Certificate {
            common_name: (!common_name.is_empty()).then(|| common_name.to_owned()),
            names: names
                .iter()
                .map(|name| name.parse().map_or_else(|_| SubjectName::Dns((*name).to_owned()), SubjectName::Ip))
                .collect(),
            ..Certificate::default()
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
        ];
        for (common_name, names, host, expected) in rows {
            assert_eq!(matches(&certificate(common_name, names), host), *expected, "{common_name:?} {names:?} {host}");
        }
    }
}
