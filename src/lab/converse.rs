//! One connection from its first byte to its last, over any stream: what is not PostgreSQL, the encryption, the login,
//! the session, and the way it ends.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::Ordering;

use openssl::ssl::Ssl;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_openssl::SslStream;

use super::channel::{Channel, Halt, Step};
use super::endpoint::Endpoint;
use super::login::{Client, login};
use super::moment::Hangup;
use super::pace::Paced;
use super::query;
use super::scenario::{Alpn, Engine, Scenario, SslRequest, Transport};
use super::startup::{Opening, opening};

/// The first byte of a TLS record that holds a `ClientHello`.
const TLS_HANDSHAKE: u8 = 0x16;

/// How the caller is to end a stream that [`converse`] has given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Nothing is left to do: the stream is shut down, or the client has left.
    Closed,
    /// The stream is to be reset (RST), which needs the socket itself.
    Reset,
}

/// Serves one connection until both sides have ended it. `peer` is the client's address as `pg_hba.conf` would see it.
///
/// Faults of the network are not errors here: the connection is then simply over.
pub async fn converse<S>(stream: S, peer: IpAddr, endpoint: &Endpoint) -> Ending
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut raw = Paced::new(stream, &endpoint.scenario, &endpoint.counts.bytes_sent);
    let hangup = match dialogue(&mut raw, peer, endpoint).await {
        Ok(()) | Err(Halt::Finished | Halt::Lost) => Hangup::Close,
        Err(Halt::Hangup(hangup)) => hangup,
    };
    match hangup {
        Hangup::Reset if !raw.stalled() => return Ending::Reset,
        // A client that is gone already cannot be told; there is nothing to do about it.
        Hangup::Close => drop(raw.shutdown().await),
        Hangup::Silent | Hangup::Reset => {}
    }
    drain(raw.inner()).await;
    Ending::Closed
}

async fn dialogue<S>(raw: &mut Paced<'_, S>, peer: IpAddr, endpoint: &Endpoint) -> Step<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let scenario = &endpoint.scenario;
    match scenario.transport {
        Transport::Listen | Transport::Refuse | Transport::BacklogFull => {}
        Transport::AcceptThenClose => return Err(Halt::Hangup(Hangup::Close)),
        Transport::AcceptThenReset => return Err(Halt::Hangup(Hangup::Reset)),
        Transport::AcceptThenSilent => return Err(Halt::Hangup(Hangup::Silent)),
    }
    if scenario.greeting.is_some() || scenario.answer_any.is_some() {
        return foreign(raw, scenario).await;
    }

    let first = raw.read_u8().await?;
    raw.unread(&[first]);
    if first == TLS_HANDSHAKE {
        // Up to PostgreSQL 16, and for Redshift, this is a startup packet of an impossible length.
        return if scenario.direct_tls && scenario.engine == Engine::Postgresql {
            secured(raw, peer, endpoint, true).await
        } else {
            Err(Halt::Finished)
        };
    }

    let mut channel = Channel::new(&mut *raw, scenario.engine);
    let mut asked_tls = false;
    loop {
        match opening(&mut channel, asked_tls, scenario).await? {
            Opening::Startup(startup) => {
                endpoint.counts.startups.fetch_add(1, Ordering::SeqCst);
                let client = Client { address: peer, encrypted: false, startup };
                let mut backend = login(&mut channel, client, endpoint).await?;
                return query::serve(&mut channel, &mut backend).await;
            }
            Opening::SslRequest => {
                asked_tls = true;
                if answer_ssl_request(&mut channel, scenario).await? {
                    return secured(raw, peer, endpoint, false).await;
                }
            }
        }
    }
}

/// Speaks as something that is not PostgreSQL.
async fn foreign<S>(raw: &mut Paced<'_, S>, scenario: &Scenario) -> Step<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    if let Some(greeting) = &scenario.greeting {
        raw.write_all(&greeting.0).await?;
    }
    wait_for_bytes(raw).await?;
    if let Some(answer) = &scenario.answer_any {
        raw.write_all(&answer.0).await?;
    }
    Err(Halt::Hangup(scenario.after_answer))
}

/// Answers `SSLRequest`; true when TLS follows, false when the connection goes on in plaintext.
async fn answer_ssl_request<S>(channel: &mut Channel<S>, scenario: &Scenario) -> Step<bool>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let answer: &[u8] = match &scenario.ssl_request {
        SslRequest::Refuse => b"N",
        SslRequest::Error(error) => return channel.fail(error).await,
        SslRequest::Bytes(bytes) => &bytes.0,
        SslRequest::Silent | SslRequest::Close | SslRequest::Reset => b"",
        SslRequest::Accept
        | SslRequest::AcceptThenClose
        | SslRequest::AcceptThenReset
        | SslRequest::AcceptThenSilent
        | SslRequest::AcceptThenGarbage
        | SslRequest::Stuffed(_) => b"S",
    };
    channel.queue_raw(answer);
    if let SslRequest::Stuffed(bytes) = &scenario.ssl_request {
        channel.queue_raw(&bytes.0);
    }
    channel.flush().await?;

    match &scenario.ssl_request {
        SslRequest::Accept | SslRequest::Stuffed(_) => Ok(true),
        SslRequest::Refuse => Ok(false),
        SslRequest::Error(_) => Err(Halt::Finished),
        SslRequest::Bytes(_) => Err(Halt::Hangup(scenario.after_answer)),
        SslRequest::Close | SslRequest::AcceptThenClose => Err(Halt::Hangup(Hangup::Close)),
        SslRequest::Silent | SslRequest::AcceptThenSilent => Err(Halt::Hangup(Hangup::Silent)),
        SslRequest::Reset => Err(Halt::Hangup(Hangup::Reset)),
        SslRequest::AcceptThenReset => {
            wait_for_bytes(&mut channel.stream).await?;
            Err(Halt::Hangup(Hangup::Reset))
        }
        SslRequest::AcceptThenGarbage => {
            wait_for_bytes(&mut channel.stream).await?;
            channel.queue_raw(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
            channel.flush().await?;
            Err(Halt::Hangup(Hangup::Close))
        }
    }
}

async fn secured<S>(raw: &mut Paced<'_, S>, peer: IpAddr, endpoint: &Endpoint, direct: bool) -> Step<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let ssl = Ssl::new(&endpoint.tls).map_err(|_| Halt::Lost)?;
    let mut tls = SslStream::new(ssl, raw).map_err(|_| Halt::Lost)?;
    // A failed handshake has already sent its alert.
    Pin::new(&mut tls).accept().await.map_err(|_| Halt::Lost)?;
    if direct && endpoint.scenario.alpn == Alpn::Chosen && tls.ssl().selected_alpn_protocol().is_none() {
        return Err(Halt::Finished);
    }

    let mut channel = Channel::new(tls, endpoint.scenario.engine);
    let outcome = session_over_tls(&mut channel, peer, endpoint).await;
    if matches!(outcome, Ok(()) | Err(Halt::Finished)) {
        // close_notify, as a server sends it that ends in good order; a client that is gone does not need it.
        drop(channel.stream.shutdown().await);
    }
    outcome
}

async fn session_over_tls<S>(channel: &mut Channel<S>, peer: IpAddr, endpoint: &Endpoint) -> Step<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let Opening::Startup(startup) = opening(channel, true, &endpoint.scenario).await? else {
        return Err(Halt::Finished);
    };
    endpoint.counts.startups.fetch_add(1, Ordering::SeqCst);
    let client = Client { address: peer, encrypted: true, startup };
    let mut backend = login(channel, client, endpoint).await?;
    query::serve(channel, &mut backend).await
}

/// Waits for the client's next bytes and throws them away.
async fn wait_for_bytes<S: AsyncRead + Unpin>(stream: &mut S) -> Step<()> {
    match stream.read(&mut [0; 1024]).await? {
        0 => Err(Halt::Finished),
        _ => Ok(()),
    }
}

/// Reads until the client ends the connection.
async fn drain<S: AsyncRead + Unpin>(stream: &mut S) {
    let mut buffer = [0; 1024];
    while stream.read(&mut buffer).await.is_ok_and(|count| count > 0) {}
}

#[cfg(test)]
mod tests;
