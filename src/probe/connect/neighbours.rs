//! The other ports on which PostgreSQL, Redshift and poolers usually listen, at an address that was not connected to:
//! whether the host is up, and whether the port is merely the wrong one. TCP alone; not a byte is sent.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::probe::trace::Neighbours;

/// PostgreSQL and the second server on a machine; Redshift; PgBouncer; Supavisor; DigitalOcean.
const PORTS: [u16; 6] = [5432, 5433, 5439, 6432, 6543, 25060];

/// Tries each of them once, side by side.
pub async fn look(address: SocketAddr, until: Instant) -> Neighbours {
    let mut dialling = JoinSet::new();
    for port in PORTS.into_iter().filter(|port| *port != address.port()) {
        let neighbour = SocketAddr::new(address.ip(), port);
        dialling.spawn(async move { (port, timeout_at(until, TcpStream::connect(neighbour)).await) });
    }
    let mut seen = Neighbours::default();
    while let Some(Ok((port, dialled))) = dialling.join_next().await {
        match dialled {
            Ok(Ok(_)) => seen.open.push(port),
            Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => seen.refused.push(port),
            _ => {}
        }
    }
    seen.open.sort_unstable();
    seen.refused.sort_unstable();
    seen
}

/// The same when half of the time has passed in silence.
pub async fn look_late(address: SocketAddr, until: Instant) -> Neighbours {
    let now = Instant::now();
    sleep_until(now + until.saturating_duration_since(now) / 2).await;
    look(address, until).await
}
