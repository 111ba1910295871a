//! Framing of the frontend/backend protocol as a server sees it (PostgreSQL documentation, chapter "Message Formats").

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::moment::Hangup;
use super::redshift;
use super::scenario::Engine;
use super::server_error::ServerError;

/// The longest message taken from a client.
const LONGEST_MESSAGE: usize = 1 << 20;
/// `MAX_STARTUP_PACKET_LENGTH` of PostgreSQL.
const LONGEST_STARTUP: usize = 10_000;

/// Why a conversation does not go on.
#[derive(Debug)]
pub(super) enum Halt {
    /// The server has said its last word, or the client its own.
    Finished,
    /// The scenario breaks off here.
    Hangup(Hangup),
    /// The client or the network has gone.
    Lost,
}

/// A step of a conversation.
pub(super) type Step<T> = Result<T, Halt>;

/// Messages over a stream; what is queued goes out with [`Channel::flush`].
pub(super) struct Channel<S> {
    pub(super) stream: S,
    /// How errors are written.
    engine: Engine,
    queue: Vec<u8>,
}

/// A message from the client.
pub(super) struct Message {
    pub(super) tag: u8,
    pub(super) body: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Channel<S> {
    pub(super) fn new(stream: S, engine: Engine) -> Self {
        Self { stream, engine, queue: Vec::new() }
    }

    /// Reads a packet without a type byte, as they come before the login; the length is not part of it.
    pub(super) async fn receive_startup(&mut self) -> Step<Vec<u8>> {
        self.receive_body(8..=LONGEST_STARTUP).await
    }

    /// Reads one message.
    pub(super) async fn receive(&mut self) -> Step<Message> {
        let tag = self.stream.read_u8().await?;
        let body = self.receive_body(4..=LONGEST_MESSAGE).await?;
        Ok(Message { tag, body })
    }

    async fn receive_body(&mut self, lengths: std::ops::RangeInclusive<usize>) -> Step<Vec<u8>> {
        let length = self.stream.read_u32().await?;
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if !lengths.contains(&length) {
            return Err(Halt::Finished); // PostgreSQL closes without a word
        }
        let mut body = vec![0; length - 4];
        self.stream.read_exact(&mut body).await?;
        Ok(body)
    }

    /// Sends what is queued.
    pub(super) async fn flush(&mut self) -> Step<()> {
        self.stream.write_all(&self.queue).await?;
        self.stream.flush().await?;
        self.queue.clear();
        Ok(())
    }

    /// Queues a message of parts.
    pub(super) fn queue(&mut self, tag: u8, parts: &[&[u8]]) {
        let length: usize = 4 + parts.iter().map(|part| part.len()).sum::<usize>();
        self.queue.push(tag);
        self.queue.extend(u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
        for part in parts {
            self.queue.extend_from_slice(part);
        }
    }

    /// Queues bytes that are no message.
    pub(super) fn queue_raw(&mut self, bytes: &[u8]) {
        self.queue.extend_from_slice(bytes);
    }

    /// Queues an Authentication… message.
    pub(super) fn queue_authentication(&mut self, code: i32, body: &[u8]) {
        self.queue(b'R', &[&code.to_be_bytes(), body]);
    }

    /// Queues `ParameterStatus`.
    pub(super) fn queue_parameter(&mut self, name: &str, value: &str) {
        self.queue(b'S', &[name.as_bytes(), b"\0", value.as_bytes(), b"\0"]);
    }

    /// Queues `NoticeResponse`.
    pub(super) fn queue_notice(&mut self, notice: &ServerError) {
        self.queue(b'N', &[&error_body(notice, self.engine)]);
    }

    /// Queues `ErrorResponse`.
    pub(super) fn queue_error(&mut self, error: &ServerError) {
        self.queue(b'E', &[&error_body(error, self.engine)]);
    }

    /// Sends an `ErrorResponse` that ends the connection.
    pub(super) async fn fail<T>(&mut self, error: &ServerError) -> Step<T> {
        self.queue_error(error);
        self.flush().await?;
        Err(Halt::Finished)
    }

    /// Queues `CommandComplete`.
    pub(super) fn queue_complete(&mut self, tag: &str) {
        self.queue(b'C', &[tag.as_bytes(), b"\0"]);
    }

    /// Sends `ReadyForQuery`; `status` is that of the transaction.
    pub(super) async fn ready(&mut self, status: u8) -> Step<()> {
        self.queue(b'Z', &[&[status]]);
        self.flush().await
    }
}

/// The text up to the first NUL, as a client's password and query messages hold it.
pub(super) fn until_nul(body: &[u8]) -> String {
    let text = body.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(text).into_owned()
}

impl From<io::Error> for Halt {
    fn from(_: io::Error) -> Self {
        Self::Lost
    }
}

fn error_body(error: &ServerError, engine: Engine) -> Vec<u8> {
    let dressed = match engine {
        Engine::Postgresql => error,
        Engine::Redshift => &redshift::dressed(error),
    };
    let mut body = Vec::new();
    for (letter, value) in dressed.fields() {
        let mut utf8 = [0; 4];
        body.extend_from_slice(letter.encode_utf8(&mut utf8).as_bytes());
        body.extend_from_slice(value.as_bytes());
        body.push(0);
    }
    body.push(0);
    body
}
