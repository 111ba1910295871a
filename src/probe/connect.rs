//! Stage connect: every address is dialled at once, and the first in the resolver's order that has answered is kept.

use std::ffi::OsStr;
use std::io;
use std::net::SocketAddr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::unistd::{Uid, User};
use tokio::net::{TcpStream, UnixStream};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{Instant, timeout_at};

use super::trace::{Attempt, ConnectFailure, Connected, Dialled};
use crate::wire::AnyStream;

/// Dials all addresses side by side, and says which was kept. The deadline bounds each of them.
pub async fn tcp(
    addresses: &[SocketAddr],
    until: Instant,
    seen: &mut Connected,
) -> Result<(AnyStream, SocketAddr), ConnectFailure> {
    let began = Instant::now();
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
    let kept = best.and_then(|(index, stream, rtt)| Some((*addresses.get(index)?, stream, rtt)));
    let Some((address, stream, rtt)) = kept else {
        let outcome = seen.attempts.first().map_or(Dialled::Other(None), |attempt| attempt.outcome.clone());
        return Err(ConnectFailure { outcome });
    };
    seen.address = stream.peer_addr().ok().map(|address| address.to_string());
    seen.local = stream.local_addr().ok();
    seen.rtt = Some(rtt);
    Ok((Box::new(stream), address))
}

/// Dials one address once more.
pub async fn tcp_again(address: SocketAddr, until: Instant) -> Result<AnyStream, ConnectFailure> {
    let stream = dial(address, until).await.map_err(|outcome| ConnectFailure { outcome })?;
    Ok(Box::new(stream))
}

/// Opens a Unix socket, and looks at whose server is behind it where `peer` names a user.
pub async fn unix(
    path: &Path,
    peer: Option<&str>,
    until: Instant,
    seen: &mut Connected,
) -> Result<AnyStream, ConnectFailure> {
    let began = Instant::now();
    let opened = async {
        let stream = UnixStream::connect(in_namespace(path)).await.map_err(|error| Dialled::from_error(&error))?;
        if let Some(peer) = peer {
            check_peer(&stream, peer).await?;
        }
        Ok(stream)
    };
    let dialled = timeout_at(until, opened).await.unwrap_or(Err(Dialled::TimedOut));
    let elapsed = began.elapsed();
    let outcome = dialled.as_ref().err().cloned().unwrap_or(Dialled::Connected);
    seen.attempts.push(Attempt { address: path.display().to_string(), outcome, elapsed });
    let stream = dialled.map_err(|outcome| ConnectFailure { outcome })?;
    seen.address = Some(path.display().to_string());
    seen.rtt = Some(elapsed);
    Ok(Box::new(stream))
}

/// A path that begins with `@` is a name in Linux's abstract namespace, where the first byte is a NUL (unix(7)).
fn in_namespace(path: &Path) -> PathBuf {
    let text = path.as_os_str().as_encoded_bytes();
    match text.strip_prefix(b"@") {
        Some(name) => PathBuf::from(OsStr::from_bytes(&[b"\0", name].concat())),
        None => path.to_owned(),
    }
}

/// `requirepeer` (libpq, `fe-connect.c`, `CONNECTION_MADE`): the user of the process that listens must have this name.
async fn check_peer(stream: &UnixStream, wanted: &str) -> Result<(), Dialled> {
    let uid = stream.peer_cred().map_err(|error| Dialled::from_error(&error))?.uid();
    // A name may come from a directory service, and take its time.
    let found = spawn_blocking(move || User::from_uid(Uid::from_raw(uid))).await;
    let name = found.ok().and_then(Result::ok).flatten().map(|user| user.name);
    if name.as_deref() == Some(wanted) { Ok(()) } else { Err(Dialled::WrongPeer { uid, name }) }
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

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::os::linux::net::SocketAddrExt as _;
    use std::os::unix::net::{SocketAddr as UnixAddress, UnixListener};

    use super::*;

    #[tokio::test]
    async fn an_abstract_socket_is_dialled_by_its_name() {
        let name = format!("pgpreflight-{}/.s.PGSQL.5432", std::process::id());
        let deadline = Instant::now() + Duration::from_secs(10);
        let path = format!("@{name}");
        let mut seen = Connected::default();
        assert!(unix(Path::new(&path), None, deadline, &mut seen).await.is_err());
        let listener = UnixAddress::from_abstract_name(&name).and_then(|address| UnixListener::bind_addr(&address));
        assert!(listener.is_ok());
        assert!(unix(Path::new(&path), None, deadline, &mut seen).await.is_ok());
        assert_eq!(seen.address, Some(path));
    }
}
