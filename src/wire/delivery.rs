//! How the packets of a TCP connection fare, by what the kernel of this machine counts (`TCP_INFO`, tcp(7)).

use std::os::fd::AsFd;

use tokio::net::{TcpStream, UnixStream};

/// What became of what was sent over one TCP connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delivery {
    /// Segments that the kernel of the other side has not acknowledged.
    pub unacknowledged: u32,
    /// How often the oldest of them has been sent again since the last acknowledgement.
    pub retransmits: u32,
    /// Segments under way for a second time: those that could leave this machine.
    pub under_way_again: u32,
    /// Segments sent again since the first SYN, that included.
    pub retransmits_in_all: u32,
    /// Segments received while one before them was missing; 0 where the kernel does not count them (before Linux 5.4).
    pub out_of_order: u32,
    /// The longest segment that is sent, in bytes of data.
    pub segment: u32,
    /// The longest packet that the path is known to take, in bytes.
    pub path_mtu: u32,
}

impl Delivery {
    /// Something was sent again, and nothing of it has been acknowledged: it does not get through. An acknowledgement
    /// that is only late takes less time than the first retransmission (200 ms at least).
    pub fn is_lost(&self) -> bool {
        self.unacknowledged > 0 && self.retransmits > 0
    }

    /// What was sent again never left: a filter of this machine drops it, which TCP is told of.
    pub fn is_held_back(&self) -> bool {
        self.is_lost() && self.under_way_again == 0
    }
}

/// A stream that may know how its packets fare.
pub trait Gauge {
    /// As of now; None where the system does not say.
    fn delivery(&self) -> Option<Delivery> {
        None
    }
}

impl Gauge for UnixStream {}

#[cfg(test)]
impl Gauge for tokio::io::DuplexStream {}

impl Gauge for TcpStream {
    fn delivery(&self) -> Option<Delivery> {
        Delivery::of(self)
    }
}

#[cfg(not(target_os = "linux"))]
impl Delivery {
    /// Other systems are not asked.
    pub fn of(_socket: &impl AsFd) -> Option<Self> {
        None
    }
}

#[cfg(target_os = "linux")]
impl Delivery {
    /// Of the TCP socket behind a handle.
    pub fn of(socket: &impl AsFd) -> Option<Self> {
        let words = nix::sys::socket::getsockopt(socket, TcpInfo).ok()?;
        let [first, _, _, _, segment, _, unacknowledged, _, _, under_way_again, _, _, _, _, _, path_mtu, .., again] =
            words;
        let [_, _, retransmits, probes] = first.to_ne_bytes();
        let out_of_order = out_of_order(socket).unwrap_or_default();
        // What cannot leave at all is tried again as a probe, and counts as sent in no other place.
        if unacknowledged == 0 && probes > 0 {
            return Some(Self {
                unacknowledged: 1,
                retransmits: probes.into(),
                under_way_again: 0,
                retransmits_in_all: again,
                out_of_order,
                segment,
                path_mtu,
            });
        }
        Some(Self {
            unacknowledged,
            retransmits: retransmits.into(),
            under_way_again,
            retransmits_in_all: again,
            out_of_order,
            segment,
            path_mtu,
        })
    }
}

#[cfg(target_os = "linux")]
fn out_of_order(socket: &impl AsFd) -> Option<u32> {
    // A shorter answer than the one asked for would be an error of the program to nix.
    let uname = rustix::system::uname();
    let mut release = uname.release().to_str().ok()?.split(|c: char| !c.is_ascii_digit());
    let (major, minor): (u32, u32) = (release.next()?.parse().ok()?, release.next()?.parse().ok()?);
    if (major, minor) < (5, 4) {
        return None;
    }
    let [.., out_of_order] = nix::sys::socket::getsockopt(socket, LongTcpInfo).ok()?;
    Some(out_of_order)
}

/// `struct tcp_info` of linux/tcp.h as far as every kernel has it, in words of 32 bits.
#[cfg(target_os = "linux")]
type Words = [u32; 26];

/// The same up to `tcpi_rcv_ooopack`.
#[cfg(target_os = "linux")]
type MoreWords = [u32; 57];

#[cfg(target_os = "linux")]
#[derive(Clone, Copy)]
struct TcpInfo;

#[cfg(target_os = "linux")]
#[derive(Clone, Copy)]
struct LongTcpInfo;

#[cfg(target_os = "linux")]
mod option {
    use nix::libc;
    use nix::sys::socket::sockopt::GetStruct;

    use super::{LongTcpInfo, MoreWords, TcpInfo, Words};

    nix::getsockopt_impl!(TcpInfo, libc::IPPROTO_TCP, libc::TCP_INFO, Words, GetStruct<Words>);
    nix::getsockopt_impl!(LongTcpInfo, libc::IPPROTO_TCP, libc::TCP_INFO, MoreWords, GetStruct<MoreWords>);
}
