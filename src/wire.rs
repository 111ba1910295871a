//! The PostgreSQL protocol, version 3, over any stream: framing, the messages a login and an inspection need, and text
//! from the other side made safe to show. It knows nothing of targets, stages or findings.

pub mod connection;
pub mod delivery;
pub mod message;
pub mod meter;
pub mod screen;

use tokio::io::{AsyncRead, AsyncWrite};

use self::delivery::{Delivery, Gauge};

/// Anything the protocol can be spoken over.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A stream whose kind (TCP, Unix socket, TLS) no longer matters.
pub type AnyStream = Box<dyn Stream>;

/// A stream of the system's own: TCP, or a Unix socket.
pub trait Socket: Stream + Gauge {}

impl<T: Stream + Gauge> Socket for T {}

/// A socket of any kind.
pub type AnySocket = Box<dyn Socket>;

impl Gauge for AnySocket {
    fn delivery(&self) -> Option<Delivery> {
        (**self).delivery()
    }
}
