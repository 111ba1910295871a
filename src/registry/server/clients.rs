//! Who may call: the clients of a TOML file, each with its secret and its organisations.

use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::registry::scope::LOCAL_ORGANIZATION;
use crate::registry::seal::random;
use crate::target::Secret;

/// All that may ask for a token.
#[derive(Debug, Default)]
pub struct Clients(Vec<Client>);

/// One of them.
#[derive(Debug)]
pub struct Client {
    /// `client_id`, and `x-api-key`.
    pub id: String,
    secret: Secret,
    organizations: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    client: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: String,
    secret: Option<String>,
    secret_file: Option<PathBuf>,
    organizations: Vec<String>,
}

impl Clients {
    /// Reads the file. A `secret_file` is looked for beside it.
    pub fn read(path: &Path) -> Result<Self, ClientsError> {
        let unreadable = |source| ClientsError::Unreadable { path: path.to_owned(), source };
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        let invalid = |line, reason| ClientsError::Invalid { path: path.to_owned(), line, reason };
        // The parser's own message would quote the line, and with it perhaps a secret.
        let file: File = toml::from_str(&text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            invalid(before.matches('\n').count() + 1, "not TOML of [[client]] tables with id, secret and organizations")
        })?;
        let mut clients = Vec::new();
        for (number, entry) in (1..).zip(file.client) {
            let client = Client::new(entry, path).map_err(|reason| match reason {
                Flaw::Entry(reason) => ClientsError::Client { path: path.to_owned(), number, reason },
                Flaw::File(path, source) => ClientsError::Unreadable { path, source },
            })?;
            if clients.iter().any(|other: &Client| other.id == client.id) {
                return Err(ClientsError::Client { path: path.to_owned(), number, reason: "its id is taken" });
            }
            clients.push(client);
        }
        if clients.is_empty() {
            return Err(invalid(1, "it has no [[client]]"));
        }
        Ok(Self(clients))
    }

    /// Makes the file with one client, with mode 0600, unless it is there already.
    pub fn make(path: &Path) -> Result<(), ClientsError> {
        let unwritable = |source| ClientsError::Unwritable { path: path.to_owned(), source };
        let id = hexadecimal(random::<16>().map_err(|error| unwritable(io::Error::other(error)))?);
        let secret = hexadecimal(random::<32>().map_err(|error| unwritable(io::Error::other(error)))?);
        let text = format!(
            "# Made by pgpreflight serve. Whoever has id and secret may use the service.\n\n\
             [[client]]\nid = \"{id}\"\nsecret = \"{secret}\"\norganizations = [\"{LOCAL_ORGANIZATION}\"]\n"
        );
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut new = tempfile::NamedTempFile::new_in(directory).map_err(unwritable)?; // with mode 0600
        io::Write::write_all(&mut new, text.as_bytes()).map_err(unwritable)?;
        match new.persist_noclobber(path) {
            Ok(_) => Ok(()),
            Err(lost) if lost.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(failed) => Err(unwritable(failed.error)),
        }
    }

    /// The client of an id.
    pub fn find(&self, id: &str) -> Option<&Client> {
        self.0.iter().find(|client| client.id == id)
    }
}

enum Flaw {
    Entry(&'static str),
    File(PathBuf, io::Error),
}

impl Client {
    fn new(entry: Entry, path: &Path) -> Result<Self, Flaw> {
        let secret = match (entry.secret, entry.secret_file) {
            (Some(secret), None) => secret,
            (None, Some(file)) => {
                let file = path.parent().unwrap_or(path).join(file);
                let text = std::fs::read_to_string(&file).map_err(|source| Flaw::File(file, source))?;
                text.lines().next().unwrap_or_default().to_owned()
            }
            _ => return Err(Flaw::Entry("it has to have either secret or secret_file")),
        };
        // Both travel in headers.
        let plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        if !plain(&entry.id) {
            return Err(Flaw::Entry("its id is empty, or not of printable ASCII"));
        }
        if secret.is_empty() {
            return Err(Flaw::Entry("its secret is empty"));
        }
        if entry.organizations.is_empty() || !entry.organizations.iter().all(|organization| plain(organization)) {
            return Err(Flaw::Entry("its organizations are none, or not of printable ASCII"));
        }
        Ok(Self { id: entry.id, secret: Secret::new(secret), organizations: entry.organizations })
    }

    /// Whether this is its secret; takes as long for a wrong one.
    pub fn has_secret(&self, secret: &str) -> bool {
        let digest = openssl::sha::sha256(secret.as_bytes());
        openssl::memcmp::eq(&digest, &openssl::sha::sha256(self.secret.expose().as_bytes()))
    }

    /// Whether it belongs to the organisation.
    pub fn is_in(&self, organization: &str) -> bool {
        self.organizations.iter().any(|own| own == organization)
    }

    /// A mark of its secret, for tokens to end with it.
    pub fn mark(&self) -> String {
        let digest = openssl::sha::sha256(format!("token\0{}", self.secret.expose()).as_bytes());
        hexadecimal(digest.into_iter().take(8))
    }
}

fn hexadecimal(bytes: impl IntoIterator<Item = u8>) -> String {
    bytes.into_iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// Why there are no clients. Quotes nothing of the file.
#[derive(Debug, thiserror::Error)]
pub enum ClientsError {
    /// The file, or one with a secret, cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file cannot be made.
    #[error("cannot make {}: {source}", path.display())]
    Unwritable {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file cannot be understood.
    #[error("{}, line {line}: {reason}", path.display())]
    Invalid {
        /// Which.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        reason: &'static str,
    },
    /// One client is not usable.
    #[error("{}, client {number}: {reason}", path.display())]
    Client {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        number: usize,
        /// What is wrong.
        reason: &'static str,
    },
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test says by panicking what did not hold")]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Clients, String> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("clients.toml");
        std::fs::write(&path, text).unwrap();
        std::fs::write(directory.path().join("secret"), "hunter2\nrest").unwrap();
        let shown = format!("{}/", directory.path().display());
        Clients::read(&path).map_err(|error| error.to_string().replace(&shown, ""))
    }

    #[test]
    fn a_client_is_known_by_its_secret_and_organizations() {
        for secret in ["secret = 'hunter2'", "secret_file = 'secret'"] {
            let text = format!("[[client]]\nid = 'a'\n{secret}\norganizations = ['X@AdobeOrg']\n");
            let clients = read(&text).unwrap();
            let client = clients.find("a").unwrap();
            assert!(client.has_secret("hunter2") && !client.has_secret("hunter3") && !client.has_secret(""));
            assert!(client.is_in("X@AdobeOrg") && !client.is_in("Y@AdobeOrg"));
            assert!(!format!("{clients:?}").contains("hunter2"));
        }
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said_without_quoting_it() {
        let form = "not TOML of [[client]] tables with id, secret and organizations";
        let rows = [
            ("[[client]]\nid = 'a'\nsecret = 'hunter2", format!("clients.toml, line 3: {form}")),
            (
                "[[client]]\nid = 'a'\nsecret = ['hunter2']\norganizations = ['o']",
                format!("clients.toml, line 3: {form}"),
            ),
            ("[[client]]\nid = 'a'\nhunter2 = 1\norganizations = ['o']", format!("clients.toml, line 3: {form}")),
            ("", "clients.toml, line 1: it has no [[client]]".to_owned()),
            (
                "[[client]]\nid = 'a'\norganizations = ['o']",
                "clients.toml, client 1: it has to have either secret or secret_file".to_owned(),
            ),
            (
                "[[client]]\nid = 'a'\nsecret = 'hunter2'\norganizations = []",
                "clients.toml, client 1: its organizations are none, or not of printable ASCII".to_owned(),
            ),
        ];
        for (text, expected) in rows {
            assert_eq!(read(text).unwrap_err(), expected, "{text}");
        }
        let client = "[[client]]\nid = 'a'\nsecret = 'hunter2'\norganizations = ['o']\n";
        assert_eq!(read(&client.repeat(2)).unwrap_err(), "clients.toml, client 2: its id is taken");
    }

    #[test]
    fn a_client_is_made_once_for_the_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("clients.toml");
        Clients::make(&path).unwrap();
        let text = std::fs::read(&path).unwrap();
        Clients::make(&path).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), text);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(Clients::read(&path).unwrap().0.first().unwrap().is_in(LOCAL_ORGANIZATION));
    }
}
