//! Stage connect: every address is dialled at once, and the first in the resolver's order that has answered is kept.

mod dial;
mod errors;
mod families;
mod neighbours;

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::unistd::{Uid, User};
use tokio::net::{TcpStream, UnixStream};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{Instant, timeout_at};

use self::dial::{NotConnected, dial};
use super::trace::{Attempt, ConnectFailure, Connected, Dialled, Icmp};
use crate::wire::AnySocket;
use crate::wire::delivery::Gauge as _;

/// How long other ports are given after a refusal.
const GLANCE: Duration = Duration::from_millis(300);

/// Dials all addresses side by side, and says which was kept. The deadline bounds each of them. Where none answers and
/// `looks_around` says so, other ports of the first are tried within the same time.
pub async fn tcp(
    addresses: &[SocketAddr],
    until: Instant,
    looks_around: bool,
    seen: &mut Connected,
) -> Result<(AnySocket, SocketAddr), ConnectFailure> {
    let began = Instant::now();
    let mut dialling = JoinSet::new();
    for (index, address) in addresses.iter().copied().enumerate() {
        dialling.spawn(async move {
            let dialled = dial(address, until).await;
            (index, dialled, began.elapsed())
        });
    }
    let first = addresses.first().copied().filter(|_| looks_around);
    // Ends when it is dropped: once something has answered nobody needs it.
    let mut looking = JoinSet::new();
    if let Some(first) = first {
        looking.spawn(neighbours::look_late(first, until));
    }
    let mut outcomes: Vec<Option<(Dialled, Option<Icmp>, Duration)>> = vec![None; addresses.len()];
    let mut best: Option<(usize, TcpStream, Duration)> = None;
    while let Some(Ok((index, dialled, elapsed))) = next(&mut dialling, best.is_some()).await {
        let (outcome, icmp) = match dialled {
            Ok(stream) => {
                if best.as_ref().is_none_or(|(kept, ..)| index < *kept) {
                    best = Some((index, stream, elapsed));
                }
                (Dialled::Connected, None)
            }
            Err(NotConnected { outcome, icmp }) => (outcome, icmp),
        };
        if let Some(slot) = outcomes.get_mut(index) {
            *slot = Some((outcome, icmp, elapsed));
        }
    }
    for (address, outcome) in addresses.iter().zip(outcomes) {
        let (outcome, icmp, elapsed) = outcome.unwrap_or_else(|| (Dialled::Abandoned, None, began.elapsed()));
        seen.attempts.push(Attempt { address: address.to_string(), outcome, icmp, elapsed });
    }
    let kept = best.and_then(|(index, stream, rtt)| Some((*addresses.get(index)?, stream, rtt)));
    let Some((address, stream, rtt)) = kept else {
        let outcome = seen.attempts.first().map_or(Dialled::Other(None), |attempt| attempt.outcome.clone());
        seen.families = (outcome == Dialled::NetworkUnreachable).then(families::look);
        seen.neighbours = match (&outcome, first) {
            (Dialled::Refused, Some(first)) => Some(neighbours::look(first, until.min(Instant::now() + GLANCE)).await),
            (Dialled::TimedOut, _) => looking.join_next().await.and_then(Result::ok),
            _ => None,
        };
        return Err(ConnectFailure { outcome });
    };
    seen.address = stream.peer_addr().ok().map(|address| address.to_string());
    seen.local = stream.local_addr().ok();
    seen.rtt = Some(rtt);
    seen.syn_retransmits = stream.delivery().map_or(0, |delivery| delivery.retransmits_in_all);
    Ok((Box::new(stream), address))
}

/// Dials one address once more.
pub async fn tcp_again(address: SocketAddr, until: Instant) -> Result<AnySocket, ConnectFailure> {
    let stream = dial(address, until).await.map_err(|failed| ConnectFailure { outcome: failed.outcome })?;
    Ok(Box::new(stream))
}

/// Opens a Unix socket, and looks at whose server is behind it where `peer` names a user.
pub async fn unix(
    path: &Path,
    peer: Option<&str>,
    until: Instant,
    seen: &mut Connected,
) -> Result<AnySocket, ConnectFailure> {
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
    seen.attempts.push(Attempt { address: path.display().to_string(), outcome, icmp: None, elapsed });
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
