//! An endpoint on loopback, for as long as its [`Lab`] lives.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use openssl::error::ErrorStack;
use openssl::rand::rand_bytes;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;

use super::converse::{Ending, converse};
use super::endpoint::Endpoint;
use super::scenario::{Scenario, Transport};

/// How often a port that is free on 127.0.0.1 but taken on `::1` is given up for another.
const PORT_ATTEMPTS: u32 = 16;

/// A running endpoint. It ends, connections and all, when this is dropped. What it has seen is read through
/// [`Endpoint`], to which it dereferences.
pub struct Lab {
    address: SocketAddr,
    endpoint: Arc<Endpoint>,
    root: RootFile,
    /// What keeps the port as it is; dropping it ends every connection.
    _held: Held,
}

/// Why an endpoint could not be started.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// Certificates, TLS or verifiers could not be made.
    #[error("cannot prepare the endpoint: {0}")]
    OpenSsl(#[from] ErrorStack),
    /// The port could not be had.
    #[error("cannot listen on loopback: {0}")]
    Listen(#[source] io::Error),
    /// The root certificate could not be written.
    #[error("cannot write the root certificate: {0}")]
    RootFile(#[source] io::Error),
}

enum Held {
    Serving { _tasks: JoinSet<()> },
    Reserved { _socket: TcpSocket },
    Full { _listener: TcpListener, _filler: TcpStream },
}

impl Lab {
    /// Starts an endpoint on a free port of 127.0.0.1. It is served by the runtime this is called in.
    pub async fn start(scenario: Scenario) -> Result<Self, LabError> {
        let transport = scenario.transport;
        let ipv6 = scenario.ipv6;
        let endpoint = Arc::new(Endpoint::new(scenario)?);
        let root = RootFile::write(endpoint.root_pem())?;
        let (address, held) = match transport {
            Transport::Refuse => reserve(),
            Transport::BacklogFull => fill_backlog().await,
            _ => listen(ipv6, &endpoint).await,
        }
        .map_err(LabError::Listen)?;
        Ok(Self { address, endpoint, root, _held: held })
    }

    /// Where it listens: 127.0.0.1 and the port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The file, PEM, with the root a client is to trust (`sslrootcert`).
    pub fn root_pem_path(&self) -> &Path {
        &self.root.path
    }
}

impl Deref for Lab {
    type Target = Endpoint;

    fn deref(&self) -> &Endpoint {
        &self.endpoint
    }
}

async fn listen(ipv6: bool, endpoint: &Arc<Endpoint>) -> io::Result<(SocketAddr, Held)> {
    let listeners = bind(ipv6).await?;
    let address = listeners.0.local_addr()?;
    let mut tasks = JoinSet::new();
    tasks.spawn(accept(listeners.0, Arc::clone(endpoint)));
    if let Some(listener) = listeners.1 {
        tasks.spawn(accept(listener, Arc::clone(endpoint)));
    }
    Ok((address, Held::Serving { _tasks: tasks }))
}

async fn bind(ipv6: bool) -> io::Result<(TcpListener, Option<TcpListener>)> {
    let mut attempts = 0;
    loop {
        let v4 = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        if !ipv6 {
            return Ok((v4, None));
        }
        match TcpListener::bind((Ipv6Addr::LOCALHOST, v4.local_addr()?.port())).await {
            Ok(v6) => return Ok((v4, Some(v6))),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && attempts < PORT_ATTEMPTS => attempts += 1,
            Err(error) => return Err(error),
        }
    }
}

/// A bound socket that does not listen: the kernel answers every SYN with RST, and nobody else can have the port.
fn reserve() -> io::Result<(SocketAddr, Held)> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
    Ok((socket.local_addr()?, Held::Reserved { _socket: socket }))
}

/// A listener with room for one connection, which is taken and never accepted: Linux then drops every further SYN.
async fn fill_backlog() -> io::Result<(SocketAddr, Held)> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
    let listener = socket.listen(0)?;
    let address = listener.local_addr()?;
    let filler = TcpStream::connect(address).await?;
    Ok((address, Held::Full { _listener: listener, _filler: filler }))
}

async fn accept(listener: TcpListener, endpoint: Arc<Endpoint>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    endpoint.counts.connections.fetch_add(1, Ordering::SeqCst);
                    connections.spawn(serve(stream, peer, Arc::clone(&endpoint)));
                }
                // Out of descriptors: one of our own connections has to end first.
                Err(_) => match connections.join_next().await {
                    Some(_) => {}
                    None => return,
                },
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

/// The root certificate in a directory of its own, removed with it.
struct RootFile {
    path: PathBuf,
}

impl RootFile {
    fn write(pem: &str) -> Result<Self, LabError> {
        let mut random = [0; 16];
        rand_bytes(&mut random)?;
        let name = format!("pgpreflight-lab-{:032x}", u128::from_be_bytes(random));
        let directory = std::env::temp_dir().join(name);
        std::fs::create_dir(&directory).map_err(LabError::RootFile)?;
        let file = Self { path: directory.join("root.pem") };
        std::fs::write(&file.path, pem).map_err(LabError::RootFile)?;
        Ok(file)
    }
}

impl Drop for RootFile {
    fn drop(&mut self) {
        if let Some(directory) = self.path.parent() {
            // What cannot be removed is one public certificate in the directory for temporary files.
            drop(std::fs::remove_dir_all(directory));
        }
    }
}
