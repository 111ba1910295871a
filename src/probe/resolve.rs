//! Stage resolve: the system's `getaddrinfo` decides what is dialled, as it does for every client.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use dns_lookup::{AddrInfoHints, LookupError, SockType};
use tokio::time::{Instant, timeout_at};

use super::trace::{ResolveFailure, Resolved};

/// `AI_CANONNAME` of `netdb.h`; the same on Linux, macOS and the BSDs.
const AI_CANONNAME: i32 = 0x0002;

/// The least that `options timeout:` of resolv.conf(5) can be is a second; resolvers round it a little.
const SHORTEST_WAIT: Duration = Duration::from_millis(950);

/// `EAI_*` of `netdb.h` on Linux (glibc and musl).
mod eai {
    pub const AGAIN: i32 = -3;
    pub const FAIL: i32 = -4;
    pub const NODATA: i32 = -5;
    pub const ADDRFAMILY: i32 = -9;
}

/// Looks a host up; numeric addresses need no look-up.
pub async fn run(host: &str, port: u16, deadline: Instant) -> Result<Resolved, ResolveFailure> {
    if let Ok(ip) = host.parse::<IpAddr>() {
        return Ok(Resolved { addresses: vec![SocketAddr::new(ip, port)], canonical_name: None });
    }
    if !is_name(host) {
        return Err(ResolveFailure::NameInvalid);
    }
    let began = Instant::now();
    let name = host.to_owned();
    // getaddrinfo cannot be cancelled; past the deadline its thread is left behind.
    let lookup = tokio::task::spawn_blocking(move || look_up(&name, port));
    match timeout_at(deadline, lookup).await {
        // No resolver is configured to give up sooner: an error after that time is silence, not an answer.
        Ok(Ok(Err(ResolveFailure::ServerFailure { code: eai::AGAIN }))) if began.elapsed() >= SHORTEST_WAIT => {
            Err(ResolveFailure::TimedOut { after: began.elapsed() })
        }
        Ok(Ok(found)) => found,
        Ok(Err(_)) => Err(ResolveFailure::ServerFailure { code: eai::FAIL }),
        Err(_) => Err(ResolveFailure::TimedOut { after: began.elapsed() }),
    }
}

fn look_up(host: &str, port: u16) -> Result<Resolved, ResolveFailure> {
    let hints = AddrInfoHints { socktype: SockType::Stream.into(), flags: AI_CANONNAME, ..AddrInfoHints::default() };
    let found = dns_lookup::getaddrinfo(Some(host), None, Some(hints)).map_err(failure)?;
    let mut resolved = Resolved::default();
    for entry in found.flatten() {
        let mut address = entry.sockaddr;
        address.set_port(port);
        resolved.canonical_name = resolved.canonical_name.or(entry.canonname);
        if !resolved.addresses.contains(&address) {
            resolved.addresses.push(address);
        }
    }
    if resolved.addresses.is_empty() { Err(ResolveFailure::NoAddress) } else { Ok(resolved) }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape map_err wants")]
fn failure(error: LookupError) -> ResolveFailure {
    match error.error_num() {
        eai::NODATA | eai::ADDRFAMILY => ResolveFailure::NoAddress,
        code @ (eai::AGAIN | eai::FAIL) => ResolveFailure::ServerFailure { code },
        _ => ResolveFailure::NotFound,
    }
}

/// A host name may not have empty labels, labels over 63 octets, or more than 253 octets in all (RFC 1035, 2.3.4).
fn is_name(host: &str) -> bool {
    let name = host.strip_suffix('.').unwrap_or(host);
    name.len() <= 253
        && name.split('.').all(|label| (1..=63).contains(&label.len()) && !label.contains(char::is_whitespace))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    #[tokio::test]
    async fn addresses_are_taken_as_they_are() {
        for (host, expected) in [("127.0.0.1", "127.0.0.1:5432"), ("::1", "[::1]:5432")] {
            let resolved = run(host, 5432, Instant::now() + PATIENCE).await;
            let addresses: Vec<String> =
                resolved.map(|seen| seen.addresses.iter().map(ToString::to_string).collect()).unwrap_or_default();
            assert_eq!(addresses, [expected]);
        }
    }

    #[tokio::test]
    async fn names_that_cannot_exist_are_not_looked_up() {
        let long = "x".repeat(64);
        for host in ["db..test", ".db", long.as_str(), "db test"] {
            assert_eq!(run(host, 5432, Instant::now()).await.err(), Some(ResolveFailure::NameInvalid), "{host}");
        }
    }
}
