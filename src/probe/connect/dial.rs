//! Dials one TCP address, and asks whose refusal it was where it was refused.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use nix::errno::Errno;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, timeout_at};

use super::errors::ErrorQueue;
use super::families::is_ours;
use crate::probe::trace::{Delivery, Dialled, Icmp};

/// No answer of the network comes as soon as one of this machine's own rules.
const AT_ONCE: Duration = Duration::from_millis(50);

/// An address that was not connected to.
pub struct NotConnected {
    /// How the attempt ended.
    pub outcome: Dialled,
    /// The ICMP message that ended it.
    pub icmp: Option<Icmp>,
}

impl From<Dialled> for NotConnected {
    fn from(outcome: Dialled) -> Self {
        Self { outcome, icmp: None }
    }
}

/// How often an address is dialled again that was reset while this machine was not looking.
const AGAIN: u32 = 3;

/// Dials until the deadline.
///
/// A server that resets each connection may be faster than this side, to which the dialling itself has failed then. That it
/// accepts is what tells it from one that refuses, so it is dialled until a connection is seen before it is gone.
pub async fn dial(address: SocketAddr, until: Instant) -> Result<TcpStream, NotConnected> {
    let mut dialled = dial_once(address, until).await;
    for _ in 0..AGAIN {
        if !dialled.as_ref().is_err_and(|failed| failed.outcome == Dialled::Other(Some(Errno::ECONNRESET as i32))) {
            break;
        }
        dialled = dial_once(address, until).await;
    }
    dialled
}

async fn dial_once(address: SocketAddr, until: Instant) -> Result<TcpStream, NotConnected> {
    let began = Instant::now();
    let socket = open(address)?;
    let errors = ErrorQueue::open(&socket, address);
    let error = match timeout_at(until, socket.connect(address)).await {
        Ok(Ok(stream)) => {
            ErrorQueue::close(&stream, address);
            // Without it Nagle and delayed acknowledgements cost 40 ms between the TLS Finished and the startup packet.
            stream.set_nodelay(true).map_err(|error| Dialled::from_error(&error))?;
            return Ok(stream);
        }
        Ok(Err(error)) => error,
        Err(_) => {
            let delivery = errors.and_then(|errors| errors.delivery());
            let held_back = delivery.as_ref().is_some_and(Delivery::is_held_back);
            return Err(if held_back { Dialled::DroppedLocally } else { Dialled::TimedOut }.into());
        }
    };
    let icmp = errors.and_then(|errors| errors.read());
    let took = began.elapsed();
    let outcome = match Dialled::from_error(&error) {
        // IPv6 is switched off here; ports do not run out for one address family alone.
        _ if address.is_ipv6() && error.kind() == io::ErrorKind::AddrNotAvailable => Dialled::NetworkUnreachable,
        // A packet of this machine to itself. After seconds it says that nobody answered for the address (ARP, NDP).
        _ if icmp.as_ref().is_some_and(|icmp| icmp.ours) && took < AT_ONCE => Dialled::RejectedLocally,
        Dialled::Refused if icmp.is_none() && took < AT_ONCE && is_refused_here(address, until).await => {
            Dialled::RejectedLocally
        }
        // EACCES and ENOPROTOOPT, which is what the system makes of some messages of others.
        Dialled::BlockedLocally | Dialled::Other(_) if icmp.is_some() => Dialled::HostUnreachable,
        outcome => outcome,
    };
    Err(NotConnected { outcome, icmp })
}

fn open(address: SocketAddr) -> Result<TcpSocket, Dialled> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() };
    socket.map_err(|error| Dialled::from_error(&error))
}

/// Whether a filter of this machine sends the reset: a SYN that can go out over loopback only gets it as well, and one
/// that nobody here answers is never seen by the network.
async fn is_refused_here(address: SocketAddr, until: Instant) -> bool {
    const PATIENCE: Duration = Duration::from_millis(100);
    if address.ip().is_loopback() || is_ours(address.ip()) {
        return false;
    }
    let Ok(socket) = open(address) else {
        return false;
    };
    if !bind_to_loopback(&socket) {
        return false;
    }
    let tried = timeout_at(until.min(Instant::now() + PATIENCE), socket.connect(address)).await;
    tried.is_ok_and(|tried| tried.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused))
}

#[cfg(target_os = "linux")]
fn bind_to_loopback(socket: &TcpSocket) -> bool {
    socket.bind_device(Some(b"lo")).is_ok()
}

#[cfg(not(target_os = "linux"))]
fn bind_to_loopback(_socket: &TcpSocket) -> bool {
    false
}
