//! The error queue of a socket that is being connected (`IP_RECVERR`, ip(7)): the ICMP message behind an error, whose kind
//! and sender `connect(2)` does not tell.

use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};

use crate::probe::trace::{Delivery, Icmp};

/// A second handle of the socket, which outlives the attempt.
pub struct ErrorQueue(OwnedFd);

impl ErrorQueue {
    /// How its SYN fares.
    pub fn delivery(&self) -> Option<Delivery> {
        Delivery::of(&self.0)
    }
}

#[cfg(target_os = "linux")]
mod queue {
    use std::io::IoSliceMut;
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
    use std::os::fd::AsRawFd as _;

    use nix::libc;
    use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt, sockopt};

    use super::super::families::is_ours;
    use super::{AsFd, ErrorQueue, Icmp, SocketAddr};

    impl ErrorQueue {
        /// Before the socket is connected.
        pub fn open(socket: &impl AsFd, address: SocketAddr) -> Option<Self> {
            switch(socket, address, true).ok()?;
            socket.as_fd().try_clone_to_owned().ok().map(Self)
        }

        /// Once it is connected: an ICMP message then would end what TCP could yet mend.
        pub fn close(stream: &impl AsFd, address: SocketAddr) {
            // What could be switched on can be switched off.
            let _ = switch(stream, address, false);
        }

        /// The message that ended the attempt.
        pub fn read(&self) -> Option<Icmp> {
            let (mut quoted, mut space) = ([0; 128], nix::cmsg_space!(libc::sock_extended_err, libc::sockaddr_in6));
            let mut parts = [IoSliceMut::new(&mut quoted)];
            let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
            let read = recvmsg::<SockaddrStorage>(self.0.as_raw_fd(), &mut parts, Some(&mut space), flags).ok()?;
            read.cmsgs().ok()?.find_map(|message| match message {
                ControlMessageOwned::Ipv4RecvErr(error, from) => {
                    let from = from.map(|from| IpAddr::V4(Ipv4Addr::from(from.sin_addr.s_addr.to_ne_bytes())));
                    icmp(error, libc::SO_EE_ORIGIN_ICMP, from)
                }
                ControlMessageOwned::Ipv6RecvErr(error, from) => {
                    let from = from.map(|from| IpAddr::V6(Ipv6Addr::from(from.sin6_addr.s6_addr)));
                    icmp(error, libc::SO_EE_ORIGIN_ICMP6, from)
                }
                _ => None,
            })
        }
    }

    fn icmp(error: libc::sock_extended_err, origin: u8, from: Option<IpAddr>) -> Option<Icmp> {
        let version_6 = origin == libc::SO_EE_ORIGIN_ICMP6;
        let ours = from.is_some_and(is_ours);
        (error.ee_origin == origin).then_some(Icmp { version_6, kind: error.ee_type, code: error.ee_code, from, ours })
    }

    fn switch(socket: &impl AsFd, address: SocketAddr, on: bool) -> nix::Result<()> {
        if address.is_ipv4() {
            setsockopt(socket, sockopt::Ipv4RecvErr, &on)
        } else {
            setsockopt(socket, sockopt::Ipv6RecvErr, &on)
        }
    }
}

#[cfg(not(target_os = "linux"))]
impl ErrorQueue {
    /// Other systems have none.
    pub fn open(_socket: &impl AsFd, _address: SocketAddr) -> Option<Self> {
        None
    }

    /// Nothing to do.
    pub fn close(_stream: &impl AsFd, _address: SocketAddr) {}

    /// Nothing to read.
    pub fn read(&self) -> Option<Icmp> {
        None
    }
}
