//! The SSLRequest and its answer: one byte from a real server, and whatever a stranger says.

use std::io;
use std::time::Duration;

use postgres_protocol::message::frontend;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::Instant;

use super::Context;
use crate::probe::stranger::identify;
use crate::probe::trace::{SslReply, TlsFailure, TlsSeen};
use crate::wire::Stream;
use crate::wire::connection::Broken;
use crate::wire::message::{self, Message, ServerError};
use crate::wire::screen::Screen;

/// An SSLRequest that has been sent, or could not be.
pub struct Asked {
    sent: io::Result<()>,
    at: Instant,
}

/// Sends the SSLRequest.
pub async fn ask<S: Stream>(stream: &mut S) -> Asked {
    let at = Instant::now();
    let mut asked = bytes::BytesMut::new();
    frontend::ssl_request(&mut asked);
    Asked { sent: stream.write_all(&asked).await, at }
}

/// Reads the answer. A real server sends exactly one byte and then waits: more is a banner, or plaintext stuffed in
/// before the handshake (CVE-2021-23222).
pub async fn hear<S: Stream>(
    stream: &mut S,
    asked: Asked,
    context: &Context<'_>,
    seen: &mut TlsSeen,
) -> Result<SslReply, TlsFailure> {
    let mut answer = vec![0; 1024];
    let received = match asked.sent {
        Ok(()) => stream.read(&mut answer).await,
        Err(error) => Err(error),
    };
    match received.map_err(Broken::from) {
        Ok(0) | Err(Broken::Closed) => Err(TlsFailure::ClosedBeforeReply { reset: false }),
        Err(Broken::TimedOut) => Err(TlsFailure::NoReply { after: asked.at.elapsed() }),
        Err(Broken::Reset | Broken::Other(_)) => Err(TlsFailure::ClosedBeforeReply { reset: true }),
        Ok(length) => {
            answer.truncate(length);
            judge_answer(stream, answer, context, seen).await
        }
    }
}

async fn judge_answer<S: Stream>(
    stream: &mut S,
    mut answer: Vec<u8>,
    context: &Context<'_>,
    seen: &mut TlsSeen,
) -> Result<SslReply, TlsFailure> {
    let known = match answer.as_slice() {
        b"S" => Some(SslReply::Willing),
        b"N" => Some(SslReply::Unwilling),
        _ => None,
    };
    if let Some(reply) = known {
        seen.reply = Some(reply.clone());
        return Ok(reply);
    }
    // Whatever it is, it will not be spoken with: hear it out for a moment, to name it.
    hear_out(stream, &mut answer).await;
    if let Some(error) = error_response(&answer, context.screen) {
        seen.reply = Some(SslReply::Error);
        return Err(TlsFailure::ServerError(Box::new(error)));
    }
    let stranger = identify(&answer);
    seen.reply = Some(SslReply::Stranger(stranger));
    Err(TlsFailure::NotPostgres { stranger, first_bytes: first_bytes(&answer, context.screen) })
}

/// Reads on until the peer pauses for 100 ms, closes, or has said enough.
async fn hear_out<S: Stream>(stream: &mut S, heard: &mut Vec<u8>) {
    const PAUSE: Duration = Duration::from_millis(100);
    const ENOUGH: usize = 4096;
    while heard.len() < ENOUGH {
        match tokio::time::timeout(PAUSE, stream.read_buf(heard)).await {
            Ok(Ok(1..)) => {}
            _ => return,
        }
    }
}

/// An ErrorResponse of protocol 3, or the bare text of protocol 2 that a server sends when it cannot even fork.
fn error_response(answer: &[u8], screen: &Screen) -> Option<ServerError> {
    let text = answer.strip_prefix(b"E")?;
    if let Ok(Message::Error(error)) = message::parse(&mut answer.into(), screen) {
        return Some(error);
    }
    let line = text.strip_suffix(b"\0")?;
    let printable = line.len() > 2 && line.iter().all(|byte| *byte >= b' ' || *byte == b'\n');
    printable.then(|| ServerError { message: screen.text(line.trim_ascii()), ..ServerError::default() })
}

/// How something began, made safe to show.
pub fn first_bytes(bytes: &[u8], screen: &Screen) -> String {
    // Cut only when it is screened: half a secret would not be known for one.
    screen.text(bytes).chars().take(100).collect()
}
