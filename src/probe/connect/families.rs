//! Which of IPv4 and IPv6 this machine can use at all. Nothing is sent.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};

use nix::ifaddrs::getifaddrs;

use crate::probe::trace::{Families, Family};

/// As of now.
pub fn look() -> Families {
    let own = addresses();
    // Addresses for documentation (RFC 5737, RFC 3849), which only a route to everywhere leads to.
    let far: [IpAddr; 2] = [Ipv4Addr::new(192, 0, 2, 1).into(), Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into()];
    let [v4, v6] = far
        .map(|far| Family { routed: is_routed(far), addressed: own.iter().any(|own| own.is_ipv4() == far.is_ipv4()) });
    Families { v4, v6 }
}

/// Whether an address is one of this machine's.
pub fn is_ours(ip: IpAddr) -> bool {
    UdpSocket::bind((ip, 0)).is_ok()
}

/// Connecting UDP looks the route up, and sends nothing.
fn is_routed(far: IpAddr) -> bool {
    let any: IpAddr = if far.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    UdpSocket::bind((any, 0)).is_ok_and(|socket| socket.connect((far, 9)).is_ok())
}

/// The addresses of this machine by which others can be reached.
fn addresses() -> Vec<IpAddr> {
    let found = getifaddrs().into_iter().flatten().filter_map(|interface| interface.address);
    let addresses = found.filter_map(|address| match (address.as_sockaddr_in(), address.as_sockaddr_in6()) {
        (Some(v4), _) => Some(IpAddr::V4(v4.ip())),
        (_, Some(v6)) => Some(IpAddr::V6(v6.ip())),
        _ => None,
    });
    addresses.filter(|address| !address.is_loopback() && !is_link_local(*address)).collect()
}

fn is_link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}
