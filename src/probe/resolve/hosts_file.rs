//! The hosts file, which most systems look into before they ask a name server.

use std::net::IpAddr;

const HOSTS: &str = "/etc/hosts";

/// The line, counted from one, that gives the name one of these addresses.
pub fn line(host: &str, addresses: &[IpAddr]) -> Option<usize> {
    find(&std::fs::read_to_string(HOSTS).ok()?, host, addresses)
}

/// hosts(5): an address, then its names, to the end of the line or a `#`.
fn find(text: &str, host: &str, addresses: &[IpAddr]) -> Option<usize> {
    let host = host.trim_end_matches('.');
    let listed = |line: &str| {
        let mut words = line.split('#').next().unwrap_or_default().split_ascii_whitespace();
        let address = words.next().and_then(|word| word.parse::<IpAddr>().ok());
        address.is_some_and(|address| addresses.contains(&address)) && words.any(|name| name.eq_ignore_ascii_case(host))
    };
    text.lines().position(listed).map(|place| place + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_with_its_address_alone() {
        let text =
            "# by hand\n127.0.0.1 localhost\n10.0.0.9\tdb.example.org db # old\n#10.0.0.8 off.example.org\nnonsense\n";
        let ten = "10.0.0.9".parse().into_iter().collect::<Vec<IpAddr>>();
        let rows = [
            ("DB.example.org.", Some(3)),
            ("db", Some(3)),
            ("old", None),
            ("off.example.org", None),
            ("localhost", None),
        ];
        for (host, line) in rows {
            assert_eq!(find(text, host, &ten), line, "{host}");
        }
    }
}
