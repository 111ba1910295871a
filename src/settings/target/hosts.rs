//! host, hostaddr and port, each of which may be a list: the endpoints they name, in the order in which libpq tries them
//! (`fe-connect.c`, `pqConnectOptions2` for the lists, `PQconnectPoll` for what is wrong with one host).

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use dns_lookup::{AddrInfoHints, SockType};

use super::{Reader, keepalives, number};
use crate::settings::InputFailure;
use crate::target::{Endpoint, Oddity, SslMode};

/// The directories in which PostgreSQL builds put their Unix sockets: Debian's and Red Hat's, then upstream's.
const SOCKET_DIRECTORIES: [&str; 2] = ["/var/run/postgresql", "/tmp"];

/// The longest name of a Unix socket, in bytes (`sockaddr_un.sun_path`, with a zero byte at its end).
const LONGEST_SOCKET_PATH: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// `AI_NUMERICHOST` of `netdb.h`; the same on Linux, macOS and the BSDs.
const AI_NUMERICHOST: i32 = 0x0004;

const DEFAULT_PORT: u16 = 5432;

/// A host of the list.
#[derive(Debug)]
pub struct Host {
    /// What is dialled.
    pub endpoint: Endpoint,
    /// What the password file calls it, and its port.
    pub in_passfile: (String, String),
}

/// The texts of one host; an empty one says nothing.
struct Element<'a> {
    host: &'a str,
    hostaddr: &'a str,
    port: &'a str,
}

/// Why a host is not dialled.
struct Unusable {
    failure: InputFailure,
    keyword: &'static str,
    /// libpq does not go on to the next.
    last: bool,
}

/// All hosts that libpq would dial, and what is to be said of those it passes over.
#[derive(Debug)]
pub struct Hosts {
    /// The one that is dialled first.
    pub first: Host,
    /// Those after it.
    pub others: Vec<Host>,
}

/// At least one host, else what is wrong with the first of the list.
pub fn read(reader: &Reader<'_>, mode: SslMode, oddities: &mut Vec<Oddity>) -> Result<Hosts, InputFailure> {
    let (first, others) = elements(reader)?;
    lint(reader, &first)?;
    others.iter().try_for_each(|element| lint(reader, element))?;
    let first = dialled(reader, &first, mode);
    let mut over = leaves_out(&first, 1, oddities);
    let mut hosts = first.map(|first| Hosts { first, others: Vec::new() });
    for (index, element) in others.iter().enumerate() {
        if over {
            break;
        }
        let next = dialled(reader, element, mode);
        over = leaves_out(&next, index + 2, oddities);
        hosts = match (hosts, next) {
            (Ok(mut hosts), Ok(next)) => {
                hosts.others.push(next);
                Ok(hosts)
            }
            (Err(_), Ok(first)) => Ok(Hosts { first, others: Vec::new() }),
            (hosts, Err(_)) => hosts,
        };
    }
    hosts.map_err(|unusable| unusable.failure)
}

/// Says so where a host is passed over; whether those after it are too.
fn leaves_out(host: &Result<Host, Unusable>, place: usize, oddities: &mut Vec<Oddity>) -> bool {
    let Err(Unusable { keyword, last, .. }) = host else {
        return false;
    };
    oddities.push(Oddity::HostLeftOut { place, keyword, last: *last });
    *last
}

/// The first host and the others, of lists of one length; one port is every host's.
fn elements<'a>(reader: &'a Reader<'_>) -> Result<(Element<'a>, Vec<Element<'a>>), InputFailure> {
    let list = |keyword| reader.text(keyword).map(|text| text.split(',').collect::<Vec<_>>());
    let (hosts, hostaddrs, ports) = (list("host"), list("hostaddr"), list("port"));
    let length = hostaddrs.as_ref().or(hosts.as_ref()).map_or(1, Vec::len);
    let fits = |keyword, list: &Option<Vec<&str>>| match list.as_ref().map(Vec::len) {
        Some(count) if count != length && !(keyword == "port" && count == 1) => {
            Err(InputFailure::ListsDiffer { keyword, count, hosts: length })
        }
        _ => Ok(()),
    };
    fits("host", &hosts)?;
    fits("port", &ports)?;
    let at = |list: &Option<Vec<&'a str>>, index| list.as_ref().and_then(|list| list.get(index)).copied().unwrap_or("");
    let shared = ports.as_ref().is_some_and(|ports| ports.len() == 1);
    let element = |index| Element {
        host: at(&hosts, index),
        hostaddr: at(&hostaddrs, index),
        port: at(&ports, if shared { 0 } else { index }),
    };
    Ok((element(0), (1..length).map(element).collect()))
}

fn dialled(reader: &Reader<'_>, element: &Element<'_>, mode: SslMode) -> Result<Host, Unusable> {
    let port = port(reader, element.port)?;
    let address = address(reader, element)?;
    let in_passfile = (name_in_passfile(element), element.port.to_owned());
    if let Some(directory) = socket_directory(element) {
        return Ok(Host { endpoint: unix(reader, directory, port)?, in_passfile });
    }
    keepalives::check(reader).map_err(|(keyword, failure)| Unusable { failure, keyword, last: false })?;
    // The certificate is never compared with hostaddr.
    if element.host.is_empty() && mode == SslMode::VerifyFull {
        return Err(Unusable { failure: InputFailure::HostNameMissing, keyword: "host", last: true });
    }
    let (host, hostaddr) = match address {
        // An address with a scope can be dialled by its text only.
        Some(SocketAddr::V6(six)) if six.scope_id() != 0 => (element.hostaddr.to_owned(), None),
        Some(address) if element.host.is_empty() => (address.ip().to_string(), Some(address.ip())),
        address => (element.host.to_owned(), address.map(|address| address.ip())),
    };
    Ok(Host { endpoint: Endpoint::Tcp { host, hostaddr, port }, in_passfile })
}

/// No number ends everything; a number that is no port ends this host only. In a random order nobody can say what comes
/// after it.
fn port(reader: &Reader<'_>, text: &str) -> Result<u16, Unusable> {
    if text.is_empty() {
        return Ok(DEFAULT_PORT);
    }
    let number = number::parse(text);
    let port = number.and_then(|number| u16::try_from(number).ok()).filter(|port| *port > 0);
    port.ok_or_else(|| Unusable {
        failure: InputFailure::PortInvalid { source: reader.source("port") },
        keyword: "port",
        last: number.is_none() && reader.text("load_balance_hosts") != Some("random"),
    })
}

fn address(reader: &Reader<'_>, element: &Element<'_>) -> Result<Option<SocketAddr>, Unusable> {
    if element.hostaddr.is_empty() {
        return Ok(None);
    }
    let scoped = |address: &SocketAddr| matches!(address, SocketAddr::V6(six) if six.scope_id() != 0);
    let parsed = parse_address(element.hostaddr);
    // With a scope and a name beside it there is no place for the scope.
    let usable = parsed.filter(|address| element.host.is_empty() || !scoped(address));
    usable.map(Some).ok_or_else(|| Unusable {
        failure: reader.invalid("hostaddr", "an IPv4 or IPv6 address"),
        keyword: "hostaddr",
        last: false,
    })
}

/// As `getaddrinfo` reads it, which knows `127.1` and `fe80::1%eth0`; nothing is resolved.
fn parse_address(text: &str) -> Option<SocketAddr> {
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Some(SocketAddr::new(ip, 0));
    }
    let hints = AddrInfoHints { socktype: SockType::Stream.into(), flags: AI_NUMERICHOST, ..AddrInfoHints::default() };
    let found = dns_lookup::getaddrinfo(Some(text), None, Some(hints)).ok()?;
    found.flatten().map(|found| found.sockaddr).next()
}

/// A socket, unless there is an address or a host that is no directory.
fn socket_directory(element: &Element<'_>) -> Option<PathBuf> {
    match element.host {
        _ if !element.hostaddr.is_empty() => None,
        "" => Some(default_socket_directory()),
        // `@` stands for a name that no file has: Linux' abstract sockets.
        host if host.starts_with(['/', '@']) => Some(PathBuf::from(host)),
        _ => None,
    }
}

fn unix(reader: &Reader<'_>, directory: PathBuf, port: u16) -> Result<Endpoint, Unusable> {
    let path = format!("{}/.s.PGSQL.{port}", directory.display());
    if path.len() > LONGEST_SOCKET_PATH {
        let source = reader.source("host");
        let failure = InputFailure::SocketPathTooLong { longest: LONGEST_SOCKET_PATH, source };
        return Err(Unusable { failure, keyword: "host", last: false });
    }
    Ok(Endpoint::Unix { directory, port })
}

/// host, else hostaddr; the default socket is `localhost`.
fn name_in_passfile(element: &Element<'_>) -> String {
    let name = if element.host.is_empty() { element.hostaddr } else { element.host };
    let default = default_socket_directory();
    if name.is_empty() || Path::new(name) == default { "localhost".to_owned() } else { name.to_owned() }
}

/// What is no name, and surely meant as something else. Next to hostaddr a host is a name only, so any will do.
fn lint(reader: &Reader<'_>, element: &Element<'_>) -> Result<(), InputFailure> {
    let host = element.host;
    if !element.hostaddr.is_empty() || host.starts_with(['/', '@']) {
        return Ok(());
    }
    if host.contains('@') {
        return Err(InputFailure::ReservedCharacter('@'));
    }
    if host.contains('/') {
        return Err(InputFailure::HostHasScheme { source: reader.source("host") });
    }
    let (name, port) = host.split_once(':').unwrap_or((host, ""));
    if !port.is_empty() && parse_address(host).is_none() && !port.contains(':') {
        let number = port.bytes().all(|byte| byte.is_ascii_digit());
        return Err(InputFailure::HostHasPort { parts: number.then(|| (name.to_owned(), port.to_owned())) });
    }
    Ok(())
}

fn default_socket_directory() -> PathBuf {
    let existing = SOCKET_DIRECTORIES.iter().map(Path::new).find(|directory| directory.is_dir());
    existing.unwrap_or(Path::new("/tmp")).to_owned()
}
