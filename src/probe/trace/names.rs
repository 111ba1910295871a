//! Stage resolve: what name servers said, asked beside `getaddrinfo` where that failed or gave a doubtful answer.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::Resolved;

/// What raw DNS says of a name. Empty where no name server could be asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DnsSeen {
    /// Every question and what came back: the name itself at each name server of resolv.conf in its order, then what
    /// followed from that.
    pub asked: Vec<Asked>,
    /// The addresses that a name made up on the spot has, which none should have; where it was asked for.
    pub made_up: Option<Vec<IpAddr>>,
}

/// One question to one name server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Of resolv.conf.
    pub server: IpAddr,
    /// The name asked for, without the dot at its end.
    pub name: String,
    /// What came back.
    pub reply: Reply,
    /// How long that took.
    pub elapsed: Duration,
}

/// What a name server did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It answered.
    Answered(Answer),
    /// It did not, in the time it had.
    Silent,
    /// The packet came back, or was not let out: its errno.
    Unreachable(Option<i32>),
    /// What came is no DNS message.
    Garbled,
}

/// An answer, to A or AAAA.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The response code.
    pub code: ResponseCode,
    /// Where the name leads, alias by alias.
    pub aliases: Vec<String>,
    /// The addresses at the end of that.
    pub addresses: Vec<IpAddr>,
    /// The reason a server gives for its failure (RFC 8914).
    pub extended_error: Option<u16>,
    /// After SERVFAIL: whether it answers once told not to check signatures (CD=1).
    pub unchecked: Option<bool>,
}

/// Response codes (RFC 1035, section 4.1.1) that tell causes apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseCode {
    /// The name exists.
    NoError,
    /// The server failed.
    ServFail,
    /// The name does not exist.
    NxDomain,
    /// The server will not answer this client, or for this name.
    Refused,
    /// Any other.
    Other(u16),
}

impl Asked {
    /// The answer, if one came.
    pub fn answer(&self) -> Option<&Answer> {
        match &self.reply {
            Reply::Answered(answer) => Some(answer),
            Reply::Silent | Reply::Unreachable(_) | Reply::Garbled => None,
        }
    }
}

impl Answer {
    /// It says whether the name exists.
    pub fn is_decisive(&self) -> bool {
        matches!(self.code, ResponseCode::NoError | ResponseCode::NxDomain)
    }

    /// The signatures of the zone do not hold: by the server's own word (RFC 8914, codes 5 to 12), or because it
    /// answers when they are not checked.
    pub fn is_bogus(&self) -> bool {
        matches!(self.extended_error, Some(5..=12)) || self.unchecked == Some(true)
    }
}

impl Resolved {
    /// An address that no server has which others are to reach: unspecified, loopback, or kept for documentation.
    pub fn nowhere(&self) -> Option<IpAddr> {
        self.addresses.iter().map(SocketAddr::ip).find(|ip| is_nowhere(*ip))
    }
}

/// RFC 1122 (`0.0.0.0/8`, `127.0.0.0/8`), RFC 5737 and RFC 3849 (documentation), RFC 4291.
fn is_nowhere(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_nowhere_v4(ip),
        IpAddr::V6(ip) => {
            let mapped = ip.to_ipv4_mapped().is_some_and(is_nowhere_v4);
            ip.is_unspecified() || ip.is_loopback() || mapped || matches!(ip.segments(), [0x2001, 0x0db8, ..])
        }
    }
}

fn is_nowhere_v4(ip: Ipv4Addr) -> bool {
    ip.octets().first() == Some(&0) || ip.is_loopback() || ip.is_documentation()
}

/// Top-level domains and suffixes whose names mean something here alone: RFC 6761 and its registry, RFC 8375 (home.arpa),
/// `.internal` (ICANN, 2024), and those in private use since long (RFC 6762, appendix G).
const PRIVATE: [&str; 16] = [
    "corp",
    "example",
    "home",
    "home.arpa",
    "internal",
    "intranet",
    "invalid",
    "lan",
    "local",
    "localdomain",
    "localhost",
    "onion",
    "private",
    "test",
    "docker",
    "consul",
];

/// Public names that lead to the own machine on purpose, for developers.
const LOOPBACK_ON_PURPOSE: [&str; 5] = ["localtest.me", "lvh.me", "vcap.me", "traefik.me", "localhost.direct"];

/// The name means the same everywhere: it has a dot, and is in no domain kept for private or special use. Names that
/// spell their address (`127-0-0-1.sslip.io`) are not.
pub fn is_public(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let within = |domain: &str| host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    let spelled = ["127.0.0.1", "127-0-0-1", "0.0.0.0", "0-0-0-0"].iter().any(|address| host.contains(address));
    host.contains('.') && !spelled && !PRIVATE.iter().chain(&LOOPBACK_ON_PURPOSE).any(|domain| within(domain))
}

/// `localhost`, and what is under it (RFC 6761, section 6.3).
pub fn is_localhost(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    host == "localhost" || host.ends_with(".localhost") || host == "localhost.localdomain"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_name_means_the_same_everywhere() {
        let rows = [
            ("db.example.org", true),
            ("DB.Example.ORG.", true),
            ("contest", false),
            ("db.contest", true),
            ("db", false),
            ("localhost", false),
            ("db.test", false),
            ("db.localhost.", false),
            ("db.svc.cluster.local", false),
            ("db.home.arpa", false),
            ("db.localtest.me", false),
            ("127-0-0-1.sslip.io", false),
        ];
        for (host, public) in rows {
            assert_eq!(is_public(host), public, "{host}");
        }
    }

    #[test]
    fn addresses_that_lead_nowhere() {
        let rows = [
            ("0.0.0.0", true),
            ("127.0.1.1", true),
            ("::", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("192.0.2.1", true),
            ("198.51.100.7", true),
            ("203.0.113.9", true),
            ("2001:db8::5", true),
            ("10.0.0.1", false),
            ("192.0.3.1", false),
            ("2001:db9::1", false),
        ];
        for (ip, nowhere) in rows {
            assert_eq!(ip.parse().map(is_nowhere), Ok(nowhere), "{ip}");
        }
    }
}
