//! What ends TLS before a server, and speaks it from the first byte.

use std::pin::Pin;

use openssl::pkey::PKey;
use openssl::ssl::{AlpnError, Ssl, SslAcceptor, SslMethod, select_next_proto};
use openssl::x509::X509;
use pgpreflight::lab::pki::Identity;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_openssl::SslStream;

use super::Fixes;
use super::certificates::start;
use crate::pki::Pki;
use crate::server::{Server, on_oldest_and_newest};

/// A listener before a server, ended by drop.
struct Listener {
    port: u16,
    _runtime: Runtime,
}

impl Listener {
    /// Ends TLS where there is something to do so with, and passes on what is inside; else all as it is.
    fn before(server: &Server, acceptor: Option<SslAcceptor>) -> Self {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let (port, behind) = (listener.local_addr().unwrap().port(), server.cluster.port());
        runtime.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(serve(client, behind, acceptor.clone()));
            }
        });
        Self { port, _runtime: runtime }
    }
}

async fn serve(mut client: TcpStream, behind: u16, acceptor: Option<SslAcceptor>) -> Option<()> {
    let mut server = TcpStream::connect(("127.0.0.1", behind)).await.ok()?;
    let Some(acceptor) = acceptor else {
        copy_bidirectional(&mut client, &mut server).await.ok()?;
        return Some(());
    };
    let mut client = SslStream::new(Ssl::new(acceptor.context()).ok()?, client).ok()?;
    Pin::new(&mut client).accept().await.ok()?;
    copy_bidirectional(&mut client, &mut server).await.ok()?;
    Some(())
}

/// Shows this certificate, and chooses `postgresql` by ALPN or nothing at all.
fn acceptor(identity: &Identity, alpn: bool) -> SslAcceptor {
    let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls()).unwrap();
    acceptor.set_certificate(&X509::from_pem(identity.certificate_pem().unwrap().as_bytes()).unwrap()).unwrap();
    acceptor.set_private_key(&PKey::private_key_from_pem(identity.key_pem().unwrap().as_bytes()).unwrap()).unwrap();
    if alpn {
        acceptor.set_alpn_select_callback(|_, offered| {
            select_next_proto(b"\x0apostgresql", offered).ok_or(AlpnError::ALERT_FATAL)
        });
    }
    acceptor.build()
}

#[test]
fn a_listener_speaks_as_the_server_would() {
    on_oldest_and_newest(|major| {
        let pki = Pki::new();
        let sound = pki.sound();
        let server = start(major, &pki);
        let ends = Listener::before(&server, Some(acceptor(&sound, false)));
        let settings = server.settings("guest").set("port", ends.port.to_string());

        let answer = server.check(&settings);
        answer.fails_with("tls-direct-only", 12);
        Fixes::of(&answer).says("let the listener pass TCP on as it is");
        let passes = Listener::before(&server, None);
        server.check(&settings.clone().set("port", passes.port.to_string())).passes();

        let settings = settings.with("sslnegotiation=direct");
        let answer = server.check(&settings);
        answer.fails_with("tls-direct-refused", 12);
        Fixes::of(&answer).says("let it choose `postgresql` by ALPN");
        let chooses = Listener::before(&server, Some(acceptor(&sound, true)));
        server.check(&settings.set("port", chooses.port.to_string())).passes();
    });
}

#[test]
fn the_server_behind_a_proxy_is_started() {
    on_oldest_and_newest(|major| {
        let mut server = Server::start(major, &[]);
        let proxy = Listener::before(&server, None);
        let settings = server.role("guest", "by_scram").set("port", proxy.port.to_string());
        server.cluster.stop("INT");
        let answer = server.check(&settings);
        answer.fails_with("tls-closed-before-reply", 12);
        Fixes::of(&answer).says("look whether the server behind the proxy runs");
        server.cluster.start_again("ready");
        server.check(&settings).passes();
    });
}
