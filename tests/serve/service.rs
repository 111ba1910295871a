//! A running service with clients that the tests know, and calls to it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use pgpreflight::lab::Lab;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::http::{Answer, Http};

/// The base of all calls.
pub const BASE: &str = "/data/foundation/flowservice";
/// The client of every test.
pub const CLIENT: &str = "test-client";
/// Its secret.
pub const SECRET: &str = "test-client-secret";
/// An organisation that it belongs to.
pub const ORGANIZATION: &str = "TEST@AdobeOrg";
/// Another one.
pub const OTHER_ORGANIZATION: &str = "OTHER@AdobeOrg";
/// `connectionSpec.id` of PostgreSQL.
pub const POSTGRESQL: &str = "74a1c565-4e59-48d7-9d67-7c03b8a13137";
/// `connectionSpec.id` of Redshift.
pub const REDSHIFT: &str = "3416976c-a9ca-4bba-901a-1f08f66978ff";

/// Longer than anything takes that is waited for.
pub const BOUND: Duration = Duration::from_secs(60);

/// The process, ended by drop.
pub struct Service {
    /// Where it listens.
    pub address: SocketAddr,
    /// The process.
    pub child: Child,
    /// An access token.
    pub token: String,
    directory: PathBuf,
}

/// A directory with the file of clients.
pub fn place() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let client = |id: &str, organizations: &str| {
        format!("[[client]]\nid = '{id}'\nsecret = '{SECRET}'\norganizations = [{organizations}]\n")
    };
    let text =
        client(CLIENT, &format!("'{ORGANIZATION}', '{OTHER_ORGANIZATION}'")) + &client("other-client", "'X@AdobeOrg'");
    std::fs::write(directory.path().join("clients.toml"), text).unwrap();
    directory
}

/// `pgpreflight serve` with the clients of a place, its log in a file there.
pub fn command(directory: &Path, arguments: &[&str]) -> Command {
    let log = std::fs::File::options().create(true).append(true).open(directory.join("log")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_pgpreflight"));
    command.env_clear().env("HOME", directory).env("RUST_BACKTRACE", "1");
    command.args(["serve", "--listen", "127.0.0.1:0", "--clients"]).arg(directory.join("clients.toml"));
    command.args(arguments).kill_on_drop(true).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
    command
}

impl Service {
    /// Starts it on a SQLite file in the place.
    pub async fn start(directory: &Path, arguments: &[&str]) -> Self {
        let store = directory.join("registry.db").display().to_string();
        Self::start_with(directory, &[&["--store", &store], arguments].concat()).await
    }

    /// Starts it with these arguments alone.
    pub async fn start_with(directory: &Path, arguments: &[&str]) -> Self {
        Self::run(command(directory, arguments), directory).await
    }

    /// Runs the command and asks for a token.
    pub async fn run(mut command: Command, directory: &Path) -> Self {
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = loop {
            let line = timeout(BOUND, lines.next_line()).await.expect("it starts in time").unwrap();
            let log = || std::fs::read_to_string(directory.join("log")).unwrap_or_default();
            let line = line.unwrap_or_else(|| panic!("it does not start: {}", log()));
            if let Some(address) = line.strip_prefix("listening: http://") {
                break address.parse().unwrap();
            }
        };
        let mut service = Self { address, child, token: String::new(), directory: directory.to_owned() };
        service.token = service.new_token(CLIENT).await.text_at("/access_token");
        service
    }

    /// Asks for a token.
    pub async fn new_token(&self, client: &str) -> Answer {
        let form =
            format!("grant_type=client_credentials&client_id={client}&client_secret={SECRET}&scope=openid%2CAdobeID");
        let headers = [("Content-Type".to_owned(), "application/x-www-form-urlencoded".to_owned())];
        self.raw("POST /ims/token/v3", &headers, Some(&form)).await
    }

    /// The headers of every call.
    pub fn headers(&self) -> Vec<(String, String)> {
        let token = format!("Bearer {}", self.token);
        let pairs = [
            ("Authorization", token.as_str()),
            ("x-api-key", CLIENT),
            ("x-gw-ims-org-id", ORGANIZATION),
            ("x-sandbox-name", "prod"),
            ("Content-Type", "application/json"),
        ];
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
    }

    /// [`Service::headers`] with another value of one of them; an empty one leaves it out.
    pub fn headers_with(&self, name: &str, value: &str) -> Vec<(String, String)> {
        let mut headers = self.headers();
        headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        if !value.is_empty() {
            headers.push((name.to_owned(), value.to_owned()));
        }
        headers
    }

    /// One call on a connection of its own.
    pub async fn raw(&self, start: &str, headers: &[(String, String)], body: Option<&str>) -> Answer {
        self.connect().await.call(start, headers, body).await.unwrap()
    }

    /// A connection.
    pub async fn connect(&self) -> Http {
        Http::connect(self.address).await.unwrap()
    }

    /// `GET` under the base.
    pub async fn get(&self, path: &str) -> Answer {
        self.raw(&format!("GET {BASE}{path}"), &self.headers(), None).await
    }

    /// `POST /connections`
    pub async fn create(&self, body: &Value) -> Answer {
        self.raw(&format!("POST {BASE}/connections"), &self.headers(), Some(&body.to_string())).await
    }

    /// The id of a new connection.
    pub async fn created(&self, body: &Value) -> String {
        let answer = self.create(body).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.text_at("/id")
    }

    /// `PATCH` with `If-Match`.
    pub async fn patch(&self, id: &str, etag: &str, body: &Value) -> Answer {
        let mut headers = self.headers();
        headers.push(("If-Match".to_owned(), etag.to_owned()));
        self.raw(&format!("PATCH {BASE}/connections/{id}"), &headers, Some(&body.to_string())).await
    }

    /// `DELETE`
    pub async fn delete(&self, path: &str) -> Answer {
        self.raw(&format!("DELETE {BASE}{path}"), &self.headers(), None).await
    }

    /// Everything that it has logged, in all its lives.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.directory.join("log")).unwrap()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_raw(self.child.id().unwrap().cast_signed()).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }
}

/// The parameters of basic authentication for a lab's server.
pub fn params(lab: &Lab) -> Value {
    let port = lab.address().port().to_string();
    json!({"server": "127.0.0.1", "port": port, "database": "orders", "username": "alice", "password": "wonderland"})
}

/// A connection by basic authentication.
pub fn basic(name: &str, params: &Value) -> Value {
    json!({
        "name": name, "description": "of a test",
        "auth": {"specName": "Basic Authentication", "params": params},
        "connectionSpec": {"id": POSTGRESQL, "version": "1.0"}})
}

/// A connection to where nobody listens, for services that do not dial.
pub fn anywhere(name: &str) -> Value {
    let params = json!({"server": "127.0.0.1", "port": "1", "database": "d", "username": "u", "password": "p"});
    basic(name, &params)
}
