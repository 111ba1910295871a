//! Which `Host` is ours. A page in somebody's browser can make its own name lead here; it cannot change what `Host` says.

use std::net::{IpAddr, SocketAddr};

/// The hosts that callers may name.
#[derive(Debug)]
pub struct Hosts {
    loopback_only: bool,
    names: Vec<String>,
}

impl Hosts {
    /// Addresses (of loopback, where the service listens there), `localhost`, and these names.
    pub fn new(listen: SocketAddr, names: &[String]) -> Self {
        let names = names.iter().map(|name| name.to_ascii_lowercase()).chain(["localhost".to_owned()]).collect();
        Self { loopback_only: listen.ip().is_loopback(), names }
    }

    /// Whether a `Host` (with or without a port) is ours.
    pub fn know(&self, host: &str) -> bool {
        let name = without_port(host);
        let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
        if let Ok(address) = bare.parse::<IpAddr>() {
            return !self.loopback_only || address.to_canonical().is_loopback();
        }
        let name = name.strip_suffix('.').unwrap_or(name);
        self.names.iter().any(|own| own.eq_ignore_ascii_case(name))
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !port.is_empty() => name,
        _ => host,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test says by panicking what did not hold")]
mod tests {
    use super::*;

    #[test]
    fn on_loopback_only_loopback_is_ours() {
        let hosts = Hosts::new("127.0.0.1:8642".parse().unwrap(), &[]);
        for own in ["127.0.0.1:8642", "127.0.0.1", "localhost:8642", "LOCALHOST.", "[::1]:8642", "127.0.0.2:1"] {
            assert!(hosts.know(own), "{own}");
        }
        for foreign in
            ["evil.test", "evil.test:8642", "10.0.0.1:8642", "", "localhost.evil.test", "[::1", "127.0.0.1.nip.io"]
        {
            assert!(!hosts.know(foreign), "{foreign}");
        }
    }

    #[test]
    fn elsewhere_addresses_and_the_names_given_are_ours() {
        let hosts = Hosts::new("0.0.0.0:80".parse().unwrap(), &["Flow.Example.com".to_owned()]);
        for own in ["10.0.0.1", "flow.example.com:80", "localhost"] {
            assert!(hosts.know(own), "{own}");
        }
        assert!(!hosts.know("example.com"));
    }
}
