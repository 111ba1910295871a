//! The PostgreSQL protocol, version 3, over any stream: framing, the messages a login and an inspection need, and text
//! from the other side made safe to show. It knows nothing of targets, stages or findings.

pub mod connection;
pub mod message;
pub mod meter;
pub mod screen;

use tokio::io::{AsyncRead, AsyncWrite};

/// Anything the protocol can be spoken over.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A stream whose kind (TCP, Unix socket, TLS) no longer matters.
pub type AnyStream = Box<dyn Stream>;
