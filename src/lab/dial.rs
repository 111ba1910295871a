//! What a client has to be told so that it meets a fault: libpq keywords, the password, and where the endpoint is.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::scenario::{DEFAULT_PASSWORD, DEFAULT_USER};

/// The database that messages of the scenarios speak of.
const DATABASE: &str = "orders";
/// Stands for the file with the root of the endpoint's certificate.
const ROOT: &str = "{root}";
/// Stands for the file with the endpoint's own certificate.
const CERTIFICATE: &str = "{certificate}";

/// A client as a scenario file describes it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Client {
    /// libpq keywords.
    #[serde(default, rename = "client")]
    pub keywords: BTreeMap<String, String>,
    /// The password; empty is none.
    #[serde(default = "default_password")]
    pub password: String,
}

/// A running endpoint, as seen by its client.
#[derive(Debug, Clone)]
pub struct Dial {
    /// What to dial: `localhost`, or an address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Role.
    pub user: String,
    /// Its password, if one is to be given. It protects nothing.
    pub password: Option<String>,
    /// Database.
    pub dbname: String,
    /// The file with the root that the endpoint's certificate should lead to, whether or not the fault wants it checked.
    pub root: PathBuf,
    /// All other keywords, `sslmode` among them.
    pub others: BTreeMap<String, String>,
}

impl Client {
    /// Tells the client where its endpoint listens, and where these files are.
    pub fn at(&self, address: SocketAddr, root: &Path, certificate: &Path) -> Dial {
        let mut others = self.keywords.clone();
        // The tests name the address beside the host; a name that leads to it is enough.
        others.remove("hostaddr");
        if others.get("host").is_some_and(|host| leads_elsewhere(host)) {
            others.insert("hostaddr".to_owned(), address.ip().to_string());
        }
        for (placeholder, file) in [(ROOT, root), (CERTIFICATE, certificate)] {
            let file = file.display().to_string();
            others.values_mut().filter(|value| *value == placeholder).for_each(|value| value.clone_from(&file));
        }
        let mut take = |keyword: &str| others.remove(keyword).filter(|value| !value.is_empty());
        Dial {
            host: host(take("host"), address.ip()),
            port: address.port(),
            user: take("user").unwrap_or_else(|| DEFAULT_USER.to_owned()),
            password: take("password").or_else(|| Some(self.password.clone()).filter(|given| !given.is_empty())),
            dbname: take("dbname").unwrap_or_else(|| DATABASE.to_owned()),
            root: root.to_owned(),
            others,
        }
    }
}

/// A name of the world outside, to which the endpoint lends its address.
fn leads_elsewhere(host: &str) -> bool {
    host.contains('.') && !host.contains(',') && host.parse::<IpAddr>().is_err()
}

/// The host that the file names, as far as it leads to the address; for most that is `localhost`.
fn host(named: Option<String>, address: IpAddr) -> String {
    if address.is_unspecified() {
        return named.unwrap_or_else(|| "localhost".to_owned());
    }
    let by_address = named.as_ref().is_some_and(|host| host.parse::<IpAddr>().is_ok());
    if by_address || ![IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)].contains(&address) {
        return address.to_string();
    }
    named.unwrap_or_else(|| "localhost".to_owned())
}

impl Dial {
    /// As libpq's URI.
    pub fn uri(&self) -> String {
        let mut uri = format!("postgresql://{}", encoded(&self.user));
        if let Some(password) = &self.password {
            uri.push(':');
            uri.push_str(&encoded(password));
        }
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { encoded(&self.host) };
        // Writing to a String cannot fail.
        let _ = write!(uri, "@{host}:{}/{}", self.port, encoded(&self.dbname));
        for (index, (keyword, value)) in self.others.iter().enumerate() {
            let sign = if index == 0 { '?' } else { '&' };
            // Paths stay readable: a slash means nothing there.
            let _ = write!(uri, "{sign}{keyword}={}", encoded(value).replace("%2F", "/"));
        }
        uri
    }

    /// Every libpq keyword with its value.
    pub fn keywords(&self) -> BTreeMap<&str, String> {
        let mut keywords: BTreeMap<&str, String> =
            self.others.iter().map(|(keyword, value)| (keyword.as_str(), value.clone())).collect();
        keywords.insert("host", self.host.clone());
        keywords.insert("port", self.port.to_string());
        keywords.insert("user", self.user.clone());
        keywords.insert("dbname", self.dbname.clone());
        if let Some(password) = &self.password {
            keywords.insert("password", password.clone());
        }
        keywords
    }

    /// The text with `{uri}`, `{host}`, `{port}`, `{user}`, `{password}`, `{dbname}`, `{sslrootcert}` and `{sslmode}`
    /// filled in.
    pub fn fill(&self, text: &str) -> String {
        let sslmode = self.others.get("sslmode").map_or("prefer", String::as_str);
        let values = [
            ("{uri}", self.uri()),
            ("{host}", self.host.clone()),
            ("{port}", self.port.to_string()),
            ("{user}", self.user.clone()),
            ("{password}", self.password.clone().unwrap_or_default()),
            ("{dbname}", self.dbname.clone()),
            ("{sslrootcert}", self.root.display().to_string()),
            ("{sslmode}", sslmode.to_owned()),
        ];
        values.iter().fold(text.to_owned(), |text, (placeholder, value)| text.replace(placeholder, value))
    }
}

/// Whether nothing stands for what only a test has.
pub(super) fn knows(value: &str) -> bool {
    [ROOT, CERTIFICATE].contains(&value) || !value.contains('{')
}

fn default_password() -> String {
    DEFAULT_PASSWORD.to_owned()
}

/// Percent-encoded, but for the unreserved characters of RFC 3986.
fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    type Keywords = &'static [(&'static str, &'static str)];

    fn dial(keywords: &[(&str, &str)], password: &str, address: &str) -> Dial {
        let keywords = keywords.iter().map(|(keyword, value)| ((*keyword).to_owned(), (*value).to_owned())).collect();
        let client = Client { keywords, password: password.to_owned() };
        let address = SocketAddr::new(address.parse().unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)), 5432);
        client.at(address, Path::new("/tmp/a b/root.pem"), Path::new("/tmp/server.pem"))
    }

    #[test]
    fn a_uri_holds_what_the_client_needs_and_nothing_that_libpq_would_misread() {
        let rows: &[(Keywords, &str, &str)] = &[
            (&[], "wonderland", "postgresql://alice:wonderland@localhost:5432/orders"),
            (&[("hostaddr", "127.0.0.1")], "", "postgresql://alice@localhost:5432/orders"),
            (&[("user", "a@b/c"), ("dbname", "d?e")], "%", "postgresql://a%40b%2Fc:%25@localhost:5432/d%3Fe"),
            (
                &[("sslrootcert", "{root}"), ("sslmode", "verify-ca"), ("options", "-c a=b")],
                "x",
                "postgresql://alice:x@localhost:5432/orders?options=-c%20a%3Db&sslmode=verify-ca\
                 &sslrootcert=/tmp/a%20b/root.pem",
            ),
            (
                &[("sslrootcert", "{certificate}")],
                "",
                "postgresql://alice@localhost:5432/orders?sslrootcert=/tmp/server.pem",
            ),
        ];
        for (keywords, password, uri) in rows {
            assert_eq!(dial(keywords, password, "127.0.0.1").uri(), *uri);
        }
    }

    #[test]
    fn the_host_leads_to_where_the_endpoint_listens() {
        let rows = [
            ("", "127.0.0.1", "localhost"),
            ("", "0.0.0.0", "localhost"),
            ("127.0.0.1", "::1", "::1"),
            ("other.test", "::1", "other.test"),
            ("localhost", "127.0.0.2", "127.0.0.2"),
            ("", "192.0.2.1", "192.0.2.1"),
        ];
        for (named, address, host) in rows {
            assert_eq!(dial(&[("host", named)], "", address).host, host, "{named:?} at {address}");
        }
        assert_eq!(dial(&[], "", "2001:db8::1").uri(), "postgresql://alice@[2001:db8::1]:5432/orders");
    }

    #[test]
    fn placeholders_are_filled_in_wherever_they_stand() {
        let filled =
            dial(&[], "", "127.0.0.1").fill("{user}@{host}:{port}/{dbname} {password}|{sslmode} {sslrootcert} {x}");
        assert_eq!(filled, "alice@localhost:5432/orders |prefer /tmp/a b/root.pem {x}");
    }
}
