//! A session on a caller's database, by the driver that Rust applications use: at permitted addresses only, so many bytes
//! at most, within a time, and with nothing of it shown unscreened.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_postgres::config::SslMode as DriverSslMode;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Config, SimpleQueryMessage, SimpleQueryRow};

use crate::registry::driver::{connector, said};
use crate::registry::network::Network;
use crate::registry::problem::Problem;
use crate::target::{Encryption, Endpoint, Target};
use crate::wire::screen::Screen;

/// How long everything may take.
const TIME: Duration = Duration::from_secs(25);

/// How long the connect of each address may take.
const CONNECT_TIME: Duration = Duration::from_secs(10);

/// How many bytes a server may send in all.
const MOST_BYTES: u64 = 32 * 1024 * 1024;

/// An open session; its end closes the connection.
pub struct Session {
    client: Client,
    driving: JoinHandle<()>,
    screen: Screen,
    deadline: Instant,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.driving.abort();
    }
}

/// One row by the names of its columns.
pub struct Row(SimpleQueryRow);

impl Row {
    /// None where it is null.
    pub fn get(&self, column: &str) -> Option<&str> {
        self.0.try_get(column).ok().flatten()
    }

    /// Empty where it is null.
    pub fn text(&self, column: &str) -> &str {
        self.get(column).unwrap_or_default()
    }
}

/// Logs in, with the encryptions of the mode in libpq's order, and begins a transaction that cannot write.
pub async fn connect(target: &Target, network: &Network) -> Result<Session, Problem> {
    let deadline = Instant::now() + TIME;
    let screen = Screen::new(target.secrets());
    let (first, second) = target.tls.mode.plan();
    let mut opened = open(target, network, first, deadline).await;
    let second = second.filter(|_| !target.tls.plain_only_on_refusal);
    if let (Err(Failure::Encryption(_)), Some(second)) = (&opened, second) {
        opened = open(target, network, second, deadline).await;
    }
    match opened {
        Ok((client, driving)) => {
            let session = Session { client, driving, screen, deadline };
            session.rows("BEGIN READ ONLY").await?;
            Ok(session)
        }
        Err(Failure::Encryption(message) | Failure::Other(message)) => {
            Err(Problem::refused(&screen.text(message.as_bytes())))
        }
    }
}

impl Session {
    /// The rows of one statement.
    pub async fn rows(&self, sql: &str) -> Result<Vec<Row>, Problem> {
        let refused = |message: &str| Problem::refused(&self.screen.text(message.as_bytes()));
        let answered = timeout_at(self.deadline, self.client.simple_query(sql)).await;
        let messages = answered.map_err(|_| refused("no answer in time"))?.map_err(|error| refused(&said(&error)))?;
        let row = |message| if let SimpleQueryMessage::Row(row) = message { Some(Row(row)) } else { None };
        Ok(messages.into_iter().filter_map(row).collect())
    }
}

enum Failure {
    /// The other encryption may do: TLS failed, or the server refused before it knew who asks.
    Encryption(String),
    Other(String),
}

async fn open(
    target: &Target,
    network: &Network,
    encryption: Encryption,
    deadline: Instant,
) -> Result<(Client, JoinHandle<()>), Failure> {
    let Endpoint::Tcp { host, .. } = &target.endpoint else {
        return Err(Failure::Other("Unix sockets are not dialled".to_owned()));
    };
    let stream = timeout_at(deadline, dial(&target.endpoint, network)).await;
    let stream = stream.map_err(|_| Failure::Other("no answer in time".to_owned()))?.map_err(Failure::Other)?;
    let mut config = Config::new();
    config.user(&target.user).dbname(&target.database).application_name("pgpreflight");
    config.ssl_mode(match encryption {
        Encryption::Plain => DriverSslMode::Disable,
        Encryption::Tls if target.tls.plain_only_on_refusal => DriverSslMode::Prefer,
        Encryption::Tls => DriverSslMode::Require,
    });
    if let Some(password) = &target.password {
        config.password(password.expose());
    }
    let mut tls = connector(&target.tls).map_err(Failure::Other)?;
    let name = target.tls.certificate_name.as_deref().unwrap_or(host);
    let tls = MakeTlsConnect::<Bounded>::make_tls_connect(&mut tls, name);
    let tls = tls.map_err(|error| Failure::Other(error.to_string()))?;
    let connecting = timeout_at(deadline, config.connect_raw(Bounded { stream, left: MOST_BYTES }, tls));
    match connecting.await {
        Ok(Ok((client, connection))) => {
            let driving = tokio::spawn(async move {
                // What ends it is told to whoever waits for an answer.
                drop(connection.await);
            });
            Ok((client, driving))
        }
        Ok(Err(error)) => {
            let message = said(&error);
            // A refusal by pg_hba.conf comes before any credentials are asked for.
            let by_rule = error.as_db_error().is_some_and(|error| error.routine() == Some("ClientAuthentication"));
            if by_rule || (encryption == Encryption::Tls && error.as_db_error().is_none()) {
                return Err(Failure::Encryption(message));
            }
            Err(Failure::Other(message))
        }
        Err(_) => Err(Failure::Other("no answer in time".to_owned())),
    }
}

/// The first permitted address that answers. What is dialled is what the resolver said now, not what a name promises.
async fn dial(endpoint: &Endpoint, network: &Network) -> Result<TcpStream, String> {
    let addresses = tokio::net::lookup_host((endpoint.host(), endpoint.port()));
    let addresses = addresses.await.map_err(|error| format!("the host name cannot be resolved: {error}"))?;
    let mut last = "connections to that address are forbidden here".to_owned();
    for address in addresses.filter(|address| network.permits(*address)) {
        match timeout(CONNECT_TIME, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                stream.set_nodelay(true).map_err(|error| error.to_string())?;
                return Ok(stream);
            }
            Ok(Err(error)) => last = format!("{address}: {error}"),
            Err(_) => last = format!("{address}: no answer in time"),
        }
    }
    Err(last)
}

/// A stream that ends after so many bytes read: a server may be anybody's, and say anything.
struct Bounded {
    stream: TcpStream,
    left: u64,
}

impl AsyncRead for Bounded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        let got = buffer.filled().len().saturating_sub(before) as u64;
        let Some(left) = self.left.checked_sub(got) else {
            return Poll::Ready(Err(io::Error::other("the server sends more than is read of it")));
        };
        self.left = left;
        read
    }
}

impl AsyncWrite for Bounded {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
