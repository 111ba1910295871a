//! Which addresses are dialled for callers. A caller must not reach through the service what it cannot reach itself:
//! cloud metadata, this machine's own services, the service itself.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use ipnet::{IpNet, Ipv6Net};

/// Where clouds tell a machine its credentials, beside the link-local range.
const METADATA: [IpAddr; 3] = [
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254)), // Amazon
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),                    // Alibaba
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),                        // Oracle
];

/// Prefixes of IPv6 that an IPv4 address stands at the end of (RFC 4291 2.5.5.1, RFC 6052, RFC 8215, RFC 2765).
const EMBEDDING: [(Ipv6Addr, u8); 5] = [
    (Ipv6Addr::UNSPECIFIED, 96),
    (Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96),
    (Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, 0, 0), 96),
    (Ipv6Addr::new(0x0064, 0xff9b, 0, 0, 0, 0, 0, 0), 96),
    (Ipv6Addr::new(0x0064, 0xff9b, 1, 0, 0, 0, 0, 0), 48),
];

/// Says of every address whether it may be dialled.
#[derive(Debug, Clone)]
pub struct Network(Option<Rules>);

#[derive(Debug, Clone)]
struct Rules {
    listen: SocketAddr,
    allow: Vec<IpNet>,
    deny: Vec<IpNet>,
}

impl Network {
    /// Of a service that listens there. Where networks are allowed, only those are.
    pub fn new(listen: SocketAddr, allow: Vec<IpNet>, deny: Vec<IpNet>) -> Self {
        Self(Some(Rules { listen, allow, deny }))
    }

    /// Of somebody who dials for nobody else.
    pub fn everywhere() -> Self {
        Self(None)
    }

    /// Whether it may be dialled, in whatever way it is written.
    pub fn permits(&self, address: SocketAddr) -> bool {
        self.0.as_ref().is_none_or(|rules| rules.permit(address))
    }
}

impl Rules {
    fn permit(&self, address: SocketAddr) -> bool {
        let spellings = spellings(address.ip());
        let any = |test: &dyn Fn(IpAddr) -> bool| spellings.iter().any(|spelling| test(*spelling));
        if any(&is_never_dialled) || any(&|ip| self.is_own(SocketAddr::new(ip, address.port()))) {
            return false;
        }
        let within = |networks: &[IpNet]| any(&|ip| networks.iter().any(|network| network.contains(&ip)));
        if within(&self.deny) {
            return false;
        }
        if !self.allow.is_empty() {
            return within(&self.allow);
        }
        self.listen.ip().is_loopback() || !any(&is_this_host)
    }

    /// The place where the service itself listens.
    fn is_own(&self, address: SocketAddr) -> bool {
        if address.port() != self.listen.port() {
            return false;
        }
        let own = self.listen.ip().to_canonical();
        own == address.ip() || (own.is_unspecified() && is_local(address.ip())) || address.ip().is_unspecified()
    }
}

fn is_never_dialled(ip: IpAddr) -> bool {
    let special = match ip {
        IpAddr::V4(ip) => ip.is_link_local() || ip.is_broadcast(),
        // fe80::/10, and fec0::/10 which once was site-local.
        IpAddr::V6(ip) => ip.segments().first().is_some_and(|head| head & 0xff80 == 0xfe80),
    };
    special || ip.is_multicast() || METADATA.contains(&ip)
}

/// Loopback, and `0.0.0.0/8` and `::`, which lead there too.
fn is_this_host(ip: IpAddr) -> bool {
    let zero = matches!(ip, IpAddr::V4(ip) if ip.octets().first() == Some(&0));
    ip.is_loopback() || ip.is_unspecified() || zero
}

/// Whether it is one of this machine's own addresses: no other can be bound.
fn is_local(ip: IpAddr) -> bool {
    UdpSocket::bind(SocketAddr::new(ip, 0)).is_ok()
}

/// The address itself, and the IPv4 addresses that stand in an IPv6 one.
fn spellings(ip: IpAddr) -> Vec<IpAddr> {
    let mut all = vec![ip];
    let IpAddr::V6(six) = ip else {
        return all;
    };
    let embedded = EMBEDDING
        .iter()
        .any(|&(prefix, length)| Ipv6Net::new(prefix, length).is_ok_and(|network| network.contains(&six)));
    let [.., a, b, c, d] = six.octets();
    if embedded && !six.is_loopback() && !six.is_unspecified() {
        all.push(Ipv4Addr::new(a, b, c, d).into());
    }
    // 6to4 (RFC 3056) has it behind its first two bytes; Teredo (RFC 4380) has the client's at the end, inverted.
    match six.octets() {
        [0x20, 0x02, a, b, c, d, ..] => all.push(Ipv4Addr::new(a, b, c, d).into()),
        [0x20, 0x01, 0, 0, .., a, b, c, d] => all.push(Ipv4Addr::new(!a, !b, !c, !d).into()),
        _ => {}
    }
    all
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test says by panicking what did not hold")]
mod tests {
    use super::*;

    fn network(listen: &str, allow: &[&str], deny: &[&str]) -> Network {
        let nets = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
        Network::new(listen.parse().unwrap(), nets(allow), nets(deny))
    }

    fn permits(network: &Network, ip: &str) -> bool {
        network.permits(SocketAddr::new(ip.parse().unwrap(), 5432))
    }

    #[test]
    fn link_local_and_metadata_are_never_dialled_in_any_spelling() {
        let loopback = network("127.0.0.1:8642", &[], &[]);
        let all = network("127.0.0.1:8642", &["0.0.0.0/0", "::/0"], &[]);
        for ip in [
            "169.254.169.254",
            "169.254.0.1",
            "::ffff:169.254.169.254",
            "::169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::a9fe:a9fe",
            "2002:a9fe:a9fe::1",
            "::ffff:0:a9fe:a9fe",
            "2001:0:1:2:3:4:5601:5601",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "fd00:ec2::254",
            "100.100.100.200",
            "192.0.0.192",
            "::ffff:100.100.100.200",
            "224.0.0.1",
            "ff02::1",
            "255.255.255.255",
        ] {
            assert!(!permits(&loopback, ip), "{ip}");
            assert!(!permits(&all, ip), "{ip}");
        }
        for ip in ["10.0.0.1", "192.168.1.1", "93.184.216.34", "2001:db8::1", "fd00:ec2::253", "::ffff:10.0.0.1"] {
            assert!(permits(&loopback, ip), "{ip}");
        }
    }

    #[test]
    fn loopback_is_dialled_only_from_loopback() {
        let inside = network("127.0.0.1:8642", &[], &[]);
        let outside = network("10.0.0.1:8642", &[], &[]);
        for ip in ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1", "0.0.0.0", "0.0.0.1", "::", "::ffff:0.0.0.0"] {
            assert!(permits(&inside, ip), "{ip}");
            assert!(!permits(&outside, ip), "{ip}");
        }
        assert!(permits(&network("10.0.0.1:8642", &["127.0.0.0/8"], &[]), "127.0.0.1"));
    }

    #[test]
    fn the_service_does_not_dial_itself() {
        let rows = [
            ("127.0.0.1:8642", "127.0.0.1:8642", false),
            ("127.0.0.1:8642", "[::ffff:127.0.0.1]:8642", false),
            ("127.0.0.1:8642", "0.0.0.0:8642", false),
            ("127.0.0.1:8642", "127.0.0.1:8643", true),
            ("[::1]:8642", "[::1]:8642", false),
            ("0.0.0.0:8642", "10.255.255.254:8642", true),
        ];
        for (listen, address, expected) in rows {
            assert_eq!(network(listen, &[], &[]).permits(address.parse().unwrap()), expected, "{listen} {address}");
        }
        let everywhere = network("0.0.0.0:8642", &["127.0.0.0/8"], &[]);
        assert!(!everywhere.permits("127.0.0.1:8642".parse().unwrap()));
    }

    #[test]
    fn networks_given_say_more_and_denial_wins() {
        let allowed = network("127.0.0.1:8642", &["10.0.0.0/8"], &["10.1.0.0/16"]);
        assert!(permits(&allowed, "10.0.0.1") && permits(&allowed, "::ffff:10.0.0.1"));
        for ip in ["10.1.0.1", "::ffff:10.1.0.1", "11.0.0.1", "127.0.0.1"] {
            assert!(!permits(&allowed, ip), "{ip}");
        }
        assert!(!permits(&network("127.0.0.1:8642", &[], &["127.0.0.0/8"]), "127.0.0.1"));
    }
}
