//! One verdict beside the other: what is accepted, every parameter, every host and its password.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use pgpreflight::settings::keywords::{KEYWORDS, Use};
use pgpreflight::settings::{self, InputFailure, Malformed, Sources};
use pgpreflight::target::{Endpoint, Oddity, Secret, SessionAttrs, Target};

use crate::conninfo::{Answer, Dialled, Question};

/// Where a build of libpq from source and Debian's look for a socket.
const SOCKET_DIRECTORIES: [&str; 2] = ["/tmp", "/var/run/postgresql"];

/// The address that every name has for libpq here.
const EVERY_NAME: &str = "192.0.2.1";

/// What the library makes of it.
pub fn ours(question: &Question) -> Result<Target, InputFailure> {
    let environment = question.environment.clone();
    let look_up = move |name: &str| environment.get(name).cloned();
    let target = (!question.conninfo.is_empty()).then(|| Secret::new(question.conninfo.clone()));
    settings::read(&Sources { target, environment: Some(&look_up), ..Sources::default() })
}

/// What came of comparing the two.
pub enum Compared {
    /// They are of one opinion.
    Same,
    /// They are not, and this is why.
    Excused(&'static str),
    /// They are not.
    Different(String),
}

/// How the two differ, if they do and there is no reason for it.
pub fn difference(question: &Question, libpq: &Answer) -> Option<String> {
    match compare(question, libpq) {
        Compared::Different(how) => Some(format!("{:?} {:?}\n    {how}", question.conninfo, question.environment)),
        Compared::Same | Compared::Excused(_) => None,
    }
}

/// Lays the two beside each other.
pub fn compare(question: &Question, libpq: &Answer) -> Compared {
    match (ours(question), &libpq.refused) {
        (Err(_), Some(_)) => Compared::Same,
        (Ok(target), _) if target.oddities.iter().any(read_as_meant) => {
            Compared::Excused("libpq would not read it at all, or as something else")
        }
        (Ok(target), Some(_)) if by_chance(&target) => {
            Compared::Excused("of hosts in random order one ends the list: what libpq comes to before it is luck")
        }
        (Ok(target), Some(error)) => {
            Compared::Different(format!("accepted as {:?}, libpq: {error}", target.parameters))
        }
        (Err(failure), None) => match stricter(&failure, libpq) {
            Some(reason) => Compared::Excused(reason),
            None => Compared::Different(format!("refused: {failure:?}")),
        },
        (Ok(target), None) => compare_targets(&target, question, libpq),
    }
}

fn compare_targets(target: &Target, question: &Question, libpq: &Answer) -> Compared {
    let (parameters, expected) = (parameters(target), expected_parameters(question, libpq));
    if parameters != expected {
        return Compared::Different(format!("parameters {parameters:?} instead of {expected:?}"));
    }
    let hosts: Vec<Dialled> = target.candidates().iter().map(dialled).collect();
    if !all_the_same(target, &hosts, &libpq.hosts) {
        return Compared::Different(format!("hosts {hosts:?} instead of {:?}", libpq.hosts));
    }
    Compared::Same
}

fn read_as_meant(oddity: &Oddity) -> bool {
    matches!(oddity, Oddity::Padded | Oddity::OtherForm(_))
}

fn by_chance(target: &Target) -> bool {
    target.load_balance && target.oddities.iter().any(|oddity| matches!(oddity, Oddity::HostLeftOut { .. }))
}

/// Why something is refused here that libpq goes on with.
fn stricter(failure: &InputFailure, libpq: &Answer) -> Option<&'static str> {
    match failure.cause() {
        InputFailure::ValueInvalid { keyword: "connect_timeout", .. }
            if libpq.parameters.contains_key("requirepeer") =>
        {
            Some("libpq looks at it only after the peer, and here there is none")
        }
        InputFailure::ReservedCharacter(_) => Some("libpq would look up a piece of a password in the DNS"),
        InputFailure::HostHasPort { .. } | InputFailure::HostHasScheme { .. } => Some("no resolver finds such a host"),
        InputFailure::HostNameMissing => Some("libpq refuses after the handshake"),
        InputFailure::ValueInvalid { keyword: "hostaddr", .. } if libpq.hosts.iter().all(has_no_name) => {
            Some("with sslmode=verify-full libpq refuses the other hosts, too, after the handshake")
        }
        InputFailure::RootCertificateMissing { .. }
        | InputFailure::RootCertificateUnreadable { .. }
        | InputFailure::ClientCertificate(_) => Some("libpq refuses when the server has agreed to TLS"),
        InputFailure::Malformed(Malformed::PercentInvalid) => {
            Some("bytes that are no text; `%` without digits is both's")
        }
        _ => None,
    }
}

fn has_no_name(host: &Dialled) -> bool {
    host.address.starts_with(&format!("{}:", host.host))
}

fn parameters(target: &Target) -> BTreeMap<String, String> {
    let from_file = target.sources.get("password").is_some_and(|source| source == "passfile");
    let mut parameters: BTreeMap<String, String> =
        target.parameters.iter().map(|(keyword, value)| ((*keyword).to_owned(), value.clone())).collect();
    // libpq keeps the password file's apart; it is compared host by host.
    parameters.retain(|keyword, _| !(keyword == "password" && from_file));
    // What is set to nothing is at its default.
    parameters
        .retain(|keyword, value| !(value.is_empty() && ["user", "dbname", "passfile"].contains(&keyword.as_str())));
    parameters
}

fn expected_parameters(question: &Question, libpq: &Answer) -> BTreeMap<String, String> {
    let mut expected = BTreeMap::new();
    let user = whoami::username().unwrap();
    let named = |keyword: &str| libpq.parameters.get(keyword).map_or("", String::as_str);
    let passfile = format!("{}/.pgpass", question.environment.get("HOME").map_or("", String::as_str));
    for (name, value) in &libpq.parameters {
        let keyword = KEYWORDS.iter().find(|keyword| keyword.name == name).unwrap();
        let default = match name.as_str() {
            "user" => Some(user.as_str()),
            "dbname" => Some(named("user")),
            "passfile" => Some(passfile.as_str()),
            _ => keyword.default,
        };
        if keyword.use_made == Use::Secret {
            if !value.is_empty() {
                expected.insert(name.clone(), "set".to_owned());
            }
        } else if default != Some(value.as_str()) && !(value.is_empty() && name == "passfile") {
            expected.insert(name.clone(), value.clone());
        }
    }
    // libpq writes over `auto` with what it stands for.
    if given_encoding(question) == Some("auto") {
        expected.insert("client_encoding".to_owned(), "auto".to_owned());
    }
    // A user or database that equals the default is still one that was given.
    if let Ok(target) = ours(question) {
        for name in ["user", "dbname", "passfile"] {
            let held = libpq.parameters.get(name);
            if let Some(value) = target.parameters.get(name).filter(|value| !value.is_empty() && held == Some(value)) {
                expected.insert(name.to_owned(), value.clone());
            }
        }
    }
    expected
}

fn given_encoding(question: &Question) -> Option<&'static str> {
    let target = ours(question).ok()?;
    (target.parameters.get("client_encoding")? == "auto").then_some("auto")
}

fn dialled(target: &Target) -> Dialled {
    let password = target.password.as_ref().map_or("", Secret::expose).to_owned();
    let (host, address) = match &target.endpoint {
        Endpoint::Unix { directory, port } => {
            let directory = directory.to_str().unwrap();
            (plain(directory), format!("{}/.s.PGSQL.{port}", plain(directory)))
        }
        Endpoint::Tcp { host, hostaddr, port } => {
            let unresolved = || format!("{EVERY_NAME}:{port}");
            let address = hostaddr.map_or_else(unresolved, |ip| SocketAddr::new(ip, *port).to_string());
            (host.clone(), address)
        }
    };
    Dialled { host, password, address }
}

fn all_the_same(target: &Target, ours: &[Dialled], libpq: &[Dialled]) -> bool {
    if target.load_balance {
        // Every question that is put to libpq shuffles the list anew.
        return libpq.iter().all(|libpq| ours.iter().any(|ours| same(ours, libpq)));
    }
    // After a first pass through the list, in search of a standby, there is a second one, unless a host ended it.
    let ended = target.oddities.iter().any(|oddity| matches!(oddity, Oddity::HostLeftOut { last: true, .. }));
    let passes = if target.session_attrs == SessionAttrs::PreferStandby && !ended { 2 } else { 1 };
    ours.len() * passes == libpq.len() && ours.iter().zip(libpq).all(|(ours, libpq)| same(ours, libpq))
}

fn same(ours: &Dialled, libpq: &Dialled) -> bool {
    let address = match libpq.address.split_once("/.s.PGSQL.") {
        Some((directory, port)) => format!("{}/.s.PGSQL.{port}", plain(directory)),
        None => libpq.address.clone(),
    };
    let (ip, port) = address.rsplit_once(':').unwrap_or((&address, ""));
    // Of a name that is still to be resolved, only the port is known.
    let unresolved = ours.address == format!("{EVERY_NAME}:{port}");
    // Where hostaddr alone is given libpq calls the host by its text, and we by the address.
    let by_address = ip.trim_matches(['[', ']']) == ours.host;
    let named_the_same = by_address || ours.host == plain(&libpq.host);
    (unresolved || ours.address == address) && ours.password == libpq.password && named_the_same
}

fn plain(directory: &str) -> String {
    if SOCKET_DIRECTORIES.contains(&directory) { "(default)".to_owned() } else { directory.to_owned() }
}
