//! Stage connect: every address is dialled at once, and the first in the resolver's order that has answered is kept.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use tokio::net::{TcpStream, UnixStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::trace::{Attempt, ConnectFailure, Connected, Dialled};
use crate::wire::AnyStream;

/// Dials all addresses side by side. `patience` bounds each of them, the deadline all.
pub async fn tcp(
    addresses: &[SocketAddr],
    patience: Option<Duration>,
    deadline: Instant,
    seen: &mut Connected,
) -> Result<AnyStream, ConnectFailure> {
    let began = Instant::now();
    let until = patience.map_or(deadline, |patience| deadline.min(began + patience));
    let mut dialling = JoinSet::new();
    for (index, address) in addresses.iter().copied().enumerate() {
        dialling.spawn(async move {
            let dialled = dial(address, until).await;
            (index, dialled, began.elapsed())
        });
    }
    let mut outcomes: Vec<Option<(Dialled, Duration)>> = vec![None; addresses.len()];
    let mut best: Option<(usize, TcpStream, Duration)> = None;
    while let Some(Ok((index, dialled, elapsed))) = next(&mut dialling, best.is_some()).await {
        let outcome = match dialled {
            Ok(stream) => {
                if best.as_ref().is_none_or(|(kept, ..)| index < *kept) {
                    best = Some((index, stream, elapsed));
                }
                Dialled::Connected
            }
            Err(outcome) => outcome,
        };
        if let Some(slot) = outcomes.get_mut(index) {
            *slot = Some((outcome, elapsed));
        }
    }
    for (address, outcome) in addresses.iter().zip(outcomes) {
        let (outcome, elapsed) = outcome.unwrap_or_else(|| (Dialled::Abandoned, began.elapsed()));
        seen.attempts.push(Attempt { address: address.to_string(), outcome, elapsed });
    }
    let Some((_, stream, rtt)) = best else {
        let outcome = seen.attempts.first().map_or(Dialled::Other(None), |attempt| attempt.outcome.clone());
        return Err(ConnectFailure { outcome });
    };
    seen.address = stream.peer_addr().ok().map(|address| address.to_string());
    seen.local = stream.local_addr().ok();
    seen.rtt = Some(rtt);
    Ok(Box::new(stream))
}

/// Opens a Unix socket.
pub async fn unix(path: &Path, deadline: Instant, seen: &mut Connected) -> Result<AnyStream, ConnectFailure> {
    let began = Instant::now();
    let dialled = match timeout_at(deadline, UnixStream::connect(path)).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => Err(Dialled::from_error(&error)),
        Err(_) => Err(Dialled::TimedOut),
    };
    let elapsed = began.elapsed();
    let outcome = dialled.as_ref().err().cloned().unwrap_or(Dialled::Connected);
    seen.attempts.push(Attempt { address: path.display().to_string(), outcome, elapsed });
    let stream = dialled.map_err(|outcome| ConnectFailure { outcome })?;
    seen.address = Some(path.display().to_string());
    seen.rtt = Some(elapsed);
    Ok(Box::new(stream))
}

/// The next address to answer. Once one has connected, only those that have answered by now are still heard.
async fn next<T: 'static>(dialling: &mut JoinSet<T>, connected: bool) -> Option<Result<T, tokio::task::JoinError>> {
    if connected { dialling.try_join_next() } else { dialling.join_next().await }
}

async fn dial(address: SocketAddr, until: Instant) -> Result<TcpStream, Dialled> {
    let stream = match timeout_at(until, TcpStream::connect(address)).await {
        Ok(Ok(stream)) => stream,
        // IPv6 is switched off here; ports do not run out for one address family alone.
        Ok(Err(error)) if address.is_ipv6() && error.kind() == io::ErrorKind::AddrNotAvailable => {
            return Err(Dialled::NetworkUnreachable);
        }
        Ok(Err(error)) => return Err(Dialled::from_error(&error)),
        Err(_) => return Err(Dialled::TimedOut),
    };
    // Without it Nagle and delayed acknowledgements cost 40 ms between the TLS Finished and the startup packet.
    stream.set_nodelay(true).map_err(|error| Dialled::from_error(&error))?;
    Ok(stream)
}
