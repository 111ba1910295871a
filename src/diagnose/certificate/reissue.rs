//! Another certificate for the server: the request for it, and what makes the server load it.

use std::net::IpAddr;

use crate::diagnose::finding::RELOAD;
use crate::probe::certificate::{Certificate, SubjectName};

/// What a new certificate is asked for with.
#[must_use]
pub struct Request<'a> {
    /// The name or address that it has to be for.
    host: &'a str,
    /// The names that it is to keep.
    kept: &'a [SubjectName],
    /// By what openssl-req(1) finds or makes the key.
    key: &'static str,
    /// One more extension.
    extension: &'static str,
    /// What has to be moved to its place.
    moved: Option<&'static str>,
}

impl<'a> Request<'a> {
    /// For this host, with the key that the server has.
    pub fn new(host: &'a str) -> Self {
        Self { host, kept: &[], key: "-new -key server.key", extension: "", moved: None }
    }

    /// Keeps the names of the present certificate.
    pub fn keeping(self, present: Option<&'a Certificate>) -> Self {
        Self { kept: present.map_or(&[], |present| &present.names), ..self }
    }

    /// With a key of its own, which is put in its place only together with its certificate.
    pub fn with_new_key(self) -> Self {
        let key = "-new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout new.key";
        Self { key, moved: Some("mv new.key server.key"), ..self }
    }

    /// Says that it is for a server.
    pub fn for_servers(self) -> Self {
        Self { extension: " -addext extendedKeyUsage=serverAuth", ..self }
    }

    /// The lines for the data directory and for psql; between them the request is signed into `server.crt`.
    pub fn lines(&self) -> Vec<String> {
        let Self { key, extension, .. } = self;
        let (subject, names) = (self.subject(), self.names().join(","));
        let request =
            format!("openssl req {key} -subj {subject} -addext 'subjectAltName={names}'{extension} -out server.csr");
        let moved = self.moved.map(str::to_owned);
        std::iter::once(request).chain(moved).chain([RELOAD.to_owned()]).collect()
    }

    /// A common name has at most 64 characters (RFC 5280, ub-common-name); the names of all clients stand elsewhere.
    fn subject(&self) -> String {
        if self.host.len() > 64 { "/".to_owned() } else { format!("/CN={}", self.host) }
    }

    fn names(&self) -> Vec<String> {
        let host = match self.host.parse() {
            Ok(address) => SubjectName::Ip(address),
            Err(_) => SubjectName::Dns(self.host.to_owned()),
        };
        let kept = self.kept.iter().filter(|name| **name != host && is_fit(name));
        std::iter::once(&host).chain(kept).map(entry).collect()
    }
}

fn entry(name: &SubjectName) -> String {
    match name {
        SubjectName::Dns(name) => format!("DNS:{name}"),
        SubjectName::Ip(address) => format!("IP:{address}"),
    }
}

/// What the present certificate says is the server's word: nothing goes into a line for a shell that is no host name. Nor
/// does what strict clients take offence at: an address among the names, and a wildcard for all below a single label.
fn is_fit(name: &SubjectName) -> bool {
    let SubjectName::Dns(name) = name else {
        return true;
    };
    let plain = name.strip_prefix("*.").filter(|domain| domain.contains('.')).unwrap_or(name);
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !plain.is_empty() && plain.bytes().all(allowed) && plain.parse::<IpAddr>().is_err()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]
mod tests {
    use super::*;

    fn request(host: &str, names: &[SubjectName]) -> String {
        let present = Certificate { names: names.to_vec(), ..Certificate::default() };
        Request::new(host).keeping(Some(&present)).lines().swap_remove(0)
    }

    #[test]
    fn names_are_kept_unless_they_are_none() {
        let address = |text: &str| SubjectName::Ip(text.parse().unwrap());
        let dns = |text: &str| SubjectName::Dns(text.to_owned());
        for (host, names, expected) in [
            ("db.test", vec![], "-subj /CN=db.test -addext 'subjectAltName=DNS:db.test'"),
            ("db.test", vec![dns("*.a.test"), address("::1")], "'subjectAltName=DNS:db.test,DNS:*.a.test,IP:::1'"),
            ("192.0.2.7", vec![dns("192.0.2.7"), dns("a.test")], "'subjectAltName=IP:192.0.2.7,DNS:a.test'"),
            ("db.test", vec![dns("*.test"), dns("a'; reboot"), dns("a b"), dns("")], "'subjectAltName=DNS:db.test'"),
            (&"d".repeat(65), vec![], "-subj / -addext"),
        ] {
            let line = request(host, &names);
            assert!(line.contains(expected), "{line}");
        }
    }
}
