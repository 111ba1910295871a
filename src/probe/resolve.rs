//! Stage resolve: the system's `getaddrinfo` decides what is dialled, as it does for every client.

mod dns;
mod exchange;
mod hosts_file;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use dns_lookup::{AddrInfoHints, LookupError, SockType};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::trace::{DnsSeen, ResolveFailure, Resolved, is_localhost, is_public};

/// `AI_CANONNAME` of `netdb.h`; the same on Linux, macOS and the BSDs.
const AI_CANONNAME: i32 = 0x0002;

/// The least that `options timeout:` of resolv.conf(5) can be is a second; resolvers round it a little.
const SHORTEST_WAIT: Duration = Duration::from_millis(950);

/// A look-up that takes longer looks like one that will fail.
const SLOW: Duration = Duration::from_secs(1);

/// What is left of the time when the name servers are no longer waited for.
const TELLING: Duration = Duration::from_millis(20);

/// For questions about a name that has led somewhere.
const DOUBT: Duration = Duration::from_millis(300);

/// `EAI_*` of `netdb.h` on Linux (glibc and musl).
mod eai {
    pub const AGAIN: i32 = -3;
    pub const FAIL: i32 = -4;
    pub const NODATA: i32 = -5;
    pub const ADDRFAMILY: i32 = -9;
}

/// Looks a host up; numeric addresses need no look-up. Where it fails, the name servers are asked why.
pub async fn run(host: &str, port: u16, deadline: Instant, seen: &mut Resolved) -> Result<(), ResolveFailure> {
    if let Ok(ip) = host.parse::<IpAddr>() {
        seen.addresses = vec![SocketAddr::new(ip, port)];
        return Ok(());
    }
    if !is_name(host) {
        return Err(ResolveFailure::NameInvalid);
    }
    let began = Instant::now();
    let name = host.to_owned();
    // getaddrinfo cannot be cancelled; past the deadline its thread is left behind.
    let mut lookup = tokio::task::spawn_blocking(move || look_up(&name, port));
    let mut witness = Witness::new(host, deadline);
    let looked_up = if let Ok(soon) = timeout_at(began + SLOW.min((deadline - began) / 2), &mut lookup).await {
        Ok(soon)
    } else {
        // It looks like a failure; what the name servers say has to be heard before the time is up.
        witness.ask();
        timeout_at(deadline, lookup).await
    };
    let failure = match looked_up {
        Ok(Ok(Ok(found))) => {
            *seen = found;
            seen.dns = witness.heard();
            return Ok(());
        }
        // No resolver is configured to give up sooner: an error after that time is silence, not an answer.
        Ok(Ok(Err(ResolveFailure::ServerFailure { code: eai::AGAIN }))) if began.elapsed() >= SHORTEST_WAIT => {
            ResolveFailure::TimedOut { after: began.elapsed() }
        }
        Ok(Ok(Err(failure))) => failure,
        Ok(Err(_)) => ResolveFailure::ServerFailure { code: eai::FAIL },
        Err(_) => ResolveFailure::TimedOut { after: began.elapsed() },
    };
    seen.dns = witness.wait().await;
    Err(failure)
}

/// The walk has failed past this stage: whether the name had to do with it. `hijack` asks whether just any name has an
/// address here.
pub async fn doubt(host: &str, hijack: bool, deadline: Instant, seen: &mut Resolved) {
    let (name, addresses) = (host.to_owned(), ips(&seen.addresses));
    let lookup = tokio::task::spawn_blocking(move || hosts_file::line(&name, &addresses));
    // A file is read in no time, also when the time is up.
    seen.hosts_line =
        timeout_at(deadline.max(Instant::now() + TELLING), lookup).await.ok().and_then(Result::ok).flatten();
    let public = is_public(host);
    if is_localhost(host) || (seen.hosts_line.is_none() && !(public && (hijack || seen.nowhere().is_some()))) {
        return;
    }
    let until = deadline.min(Instant::now() + DOUBT);
    let dns = seen.dns.insert(dns::ask(host, until).await);
    if hijack && public {
        dns.made_up = dns::ask_made_up(host, until).await;
    }
}

/// The question to the name servers, asked at most once.
struct Witness<'a> {
    host: &'a str,
    deadline: Instant,
    asking: JoinSet<DnsSeen>,
}

impl<'a> Witness<'a> {
    fn new(host: &'a str, deadline: Instant) -> Self {
        Self { host, deadline: deadline.checked_sub(TELLING).unwrap_or(deadline), asking: JoinSet::new() }
    }

    fn ask(&mut self) {
        let (host, deadline) = (self.host.to_owned(), self.deadline);
        self.asking.spawn(async move { dns::ask(&host, deadline).await });
    }

    /// What has been heard by now, if it was asked.
    fn heard(&mut self) -> Option<DnsSeen> {
        self.asking.try_join_next()?.ok()
    }

    async fn wait(mut self) -> Option<DnsSeen> {
        if self.asking.is_empty() {
            self.ask();
        }
        self.asking.join_next().await?.ok()
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
    if resolved.nowhere().is_some() {
        resolved.hosts_line = hosts_file::line(host, &ips(&resolved.addresses));
    }
    if resolved.addresses.is_empty() { Err(ResolveFailure::NoAddress) } else { Ok(resolved) }
}

fn ips(addresses: &[SocketAddr]) -> Vec<IpAddr> {
    addresses.iter().map(SocketAddr::ip).collect()
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
            let mut seen = Resolved::default();
            assert_eq!(run(host, 5432, Instant::now() + PATIENCE, &mut seen).await, Ok(()));
            let addresses: Vec<String> = seen.addresses.iter().map(ToString::to_string).collect();
            assert_eq!(addresses, [expected]);
        }
    }

    #[tokio::test]
    async fn names_that_cannot_exist_are_not_looked_up() {
        let long = "x".repeat(64);
        for host in ["db..test", ".db", long.as_str(), "db test"] {
            let looked_up = run(host, 5432, Instant::now(), &mut Resolved::default()).await;
            assert_eq!(looked_up, Err(ResolveFailure::NameInvalid), "{host}");
        }
    }
}
