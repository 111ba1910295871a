//! An endpoint that listens, for as long as its [`Lab`] lives.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use openssl::error::ErrorStack;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;

use super::converse::{Ending, converse};
use super::endpoint::Endpoint;
use super::scenario::{Scenario, Transport};

/// How often a port that is free at one address but taken at another is given up for another.
const PORT_ATTEMPTS: u32 = 16;

/// Connections that may wait to be accepted; the kernel may allow fewer (`net.core.somaxconn`).
const BACKLOG: u32 = 1024;

/// How long no connection is accepted when one could not be: descriptors or memory have run out, and other
/// connections have to end first.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// A running endpoint. It ends, connections and all, when this is dropped. What it has seen is read through
/// [`Endpoint`], to which it dereferences.
pub struct Lab {
    address: SocketAddr,
    endpoint: Arc<Endpoint>,
    root: PathBuf,
    certificate: PathBuf,
    /// Removed with the lab, unless the directory is somebody else's.
    _directory: Option<TempDir>,
    /// What keeps the port as it is; dropping it ends every connection.
    _held: Vec<Held>,
}

/// Where an endpoint listens, and where it leaves its certificates.
#[derive(Debug, Clone)]
pub struct Place {
    /// Addresses, all under one port.
    pub addresses: Vec<IpAddr>,
    /// The port; 0 is any that is free at all of them.
    pub port: u16,
    /// An existing directory.
    pub directory: PathBuf,
    /// What the names of the files begin with: `NAME.root.pem`, `NAME.server.pem`.
    pub name: String,
}

/// Why an endpoint could not be started.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// Certificates, TLS or verifiers could not be made.
    #[error("cannot prepare the endpoint: {0}")]
    OpenSsl(#[from] ErrorStack),
    /// The port could not be had.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// The certificates could not be written.
    #[error("cannot write the certificates: {0}")]
    Files(#[source] io::Error),
}

enum Held {
    Serving { _tasks: JoinSet<()> },
    Reserved { _socket: TcpSocket },
    Full { _listener: TcpListener, _filler: TcpStream },
}

impl Lab {
    /// Starts an endpoint on a free port of 127.0.0.1, and of `::1` where the scenario says so.
    pub async fn start(scenario: Scenario) -> Result<Self, LabError> {
        let directory = tempfile::Builder::new().prefix("pgpreflight-lab-").tempdir().map_err(LabError::Files)?;
        let mut addresses = vec![IpAddr::V4(Ipv4Addr::LOCALHOST)];
        if scenario.ipv6 {
            addresses.push(IpAddr::V6(Ipv6Addr::LOCALHOST));
        }
        let place = Place { addresses, port: 0, directory: directory.path().to_owned(), name: "lab".to_owned() };
        Ok(Self { _directory: Some(directory), ..Self::start_at(scenario, &place).await? })
    }

    /// Starts an endpoint at this place. It is served by the runtime this is called in.
    pub async fn start_at(scenario: Scenario, place: &Place) -> Result<Self, LabError> {
        let transport = scenario.transport;
        let endpoint = Arc::new(Endpoint::at(scenario, &place.addresses)?);
        let file = |kind| place.directory.join(format!("{}.{kind}.pem", place.name));
        let (root, certificate) = (file("root"), file("server"));
        std::fs::write(&root, endpoint.root_pem()).map_err(LabError::Files)?;
        std::fs::write(&certificate, endpoint.certificate_pem()).map_err(LabError::Files)?;

        let sockets = bind(&place.addresses, place.port, transport)?;
        let first = sockets.first().and_then(|socket| socket.local_addr().ok());
        let address = first.unwrap_or(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), place.port));
        let mut held = Vec::new();
        for socket in sockets {
            held.push(hold(socket, transport, &endpoint).await.map_err(|source| LabError::Listen { address, source })?);
        }
        Ok(Self { address, endpoint, root, certificate, _directory: None, _held: held })
    }

    /// Where it listens: the first address of its place, and the port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The file, PEM, with the root a client is to trust (`sslrootcert`).
    pub fn root_pem_path(&self) -> &Path {
        &self.root
    }

    /// The file, PEM, with the certificate it shows, for clients that trust a server's own.
    pub fn certificate_pem_path(&self) -> &Path {
        &self.certificate
    }
}

impl Deref for Lab {
    type Target = Endpoint;

    fn deref(&self) -> &Endpoint {
        &self.endpoint
    }
}

/// Sockets at all of these addresses, under one port.
fn bind(addresses: &[IpAddr], port: u16, transport: Transport) -> Result<Vec<TcpSocket>, LabError> {
    let mut attempts = 0;
    loop {
        let mut sockets: Vec<TcpSocket> = Vec::new();
        let mut taken = None;
        for address in addresses {
            let free = sockets.first().and_then(|socket| socket.local_addr().ok()).map(|first| first.port());
            let address = SocketAddr::new(*address, free.unwrap_or(port));
            match bind_one(address, transport) {
                Ok(socket) => sockets.push(socket),
                Err(source) => {
                    taken = Some(LabError::Listen { address, source });
                    break;
                }
            }
        }
        match taken {
            None => return Ok(sockets),
            Some(LabError::Listen { source, .. })
                if port == 0 && source.kind() == io::ErrorKind::AddrInUse && attempts < PORT_ATTEMPTS =>
            {
                attempts += 1;
            }
            Some(error) => return Err(error),
        }
    }
}

fn bind_one(address: SocketAddr, transport: Transport) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // Connections of an earlier run that are still winding up do not count. A port at which nobody listens would no
    // longer be ours alone by it.
    socket.set_reuseaddr(address.port() != 0 && transport != Transport::Refuse)?;
    socket.bind(address)?;
    Ok(socket)
}

async fn hold(socket: TcpSocket, transport: Transport, endpoint: &Arc<Endpoint>) -> io::Result<Held> {
    match transport {
        // Bound, and not listening: the kernel answers every SYN with RST, and nobody else can have the port.
        Transport::Refuse => Ok(Held::Reserved { _socket: socket }),
        // There is room for one connection, which is taken and never accepted: Linux then drops every further SYN.
        Transport::BacklogFull => {
            let listener = socket.listen(0)?;
            let filler = TcpStream::connect(listener.local_addr()?).await?;
            Ok(Held::Full { _listener: listener, _filler: filler })
        }
        _ => {
            let mut tasks = JoinSet::new();
            tasks.spawn(accept(socket.listen(BACKLOG)?, Arc::clone(endpoint)));
            Ok(Held::Serving { _tasks: tasks })
        }
    }
}

/// Accepts for ever, any number of connections at a time.
async fn accept(listener: TcpListener, endpoint: Arc<Endpoint>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    endpoint.counts.connections.fetch_add(1, Ordering::SeqCst);
                    connections.spawn(serve(stream, peer, Arc::clone(&endpoint)));
                }
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(mut stream: TcpStream, peer: SocketAddr, endpoint: Arc<Endpoint>) {
    if stream.set_nodelay(true).is_err() {
        return; // the client is gone
    }
    if converse(&mut stream, peer.ip(), &endpoint).await == Ending::Reset {
        // Should it fail, the client has left before the reset.
        drop(stream.set_zero_linger());
    }
}
