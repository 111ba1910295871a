//! A framed connection: whole messages in, buffered messages out, memory bounded whatever the other side sends.

use std::io;

use bytes::BytesMut;
use postgres_protocol::message::{backend, frontend};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::message::{self, Message, ServerError};
use super::screen::Screen;
use super::{AnyStream, Stream};

/// The longest message taken from a server, in bytes. Our own questions are answered in far less.
const LONGEST_MESSAGE: usize = 4 << 20;

/// The most rows taken from one answer.
const MOST_ROWS: usize = 10_000;

/// The most text taken from one answer, in bytes, give or take a row.
const LONGEST_ANSWER: usize = 4 << 20;

/// The most data taken as it is from one answer, in bytes.
const MOST_DATA: usize = 32 << 20;

/// The tag of DataRow.
const DATA_ROW: u8 = b'D';

/// The tag of ReadyForQuery (manual, section 54.7).
const READY_FOR_QUERY: u8 = b'Z';

/// A protocol 3 connection, past TLS.
pub struct Connection<S = AnyStream> {
    stream: S,
    inbox: BytesMut,
    outbox: BytesMut,
    screen: Screen,
}

/// Why no further message came.
#[derive(Debug)]
pub enum Broken {
    /// The peer closed: FIN.
    Closed,
    /// The peer reset: RST.
    Reset,
    /// Nothing came until the deadline.
    TimedOut,
    /// A TLS alert, or anything else that is not the protocol; with the error of the layer that noticed.
    Other(io::Error),
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Closed,
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionAborted => {
                Self::Reset
            }
            io::ErrorKind::TimedOut => Self::TimedOut,
            _ => Self::Other(error),
        }
    }
}

impl<S: Stream> Connection<S> {
    /// Begins to speak over a stream.
    pub fn new(stream: S, screen: Screen) -> Self {
        Self { stream, inbox: BytesMut::new(), outbox: BytesMut::new(), screen }
    }

    /// Sends what `write` puts into the buffer, in one piece.
    pub async fn send(&mut self, write: impl FnOnce(&mut BytesMut) -> io::Result<()>) -> Result<(), Broken> {
        write(&mut self.outbox)?;
        let sent = self.stream.write_all(&self.outbox).await;
        // What was sent may hold the password: it does not stay in memory longer than needed.
        self.outbox.fill(0);
        self.outbox.clear();
        sent?;
        Ok(self.stream.flush().await?)
    }

    /// The next message of the server.
    pub async fn receive(&mut self) -> Result<Message, Broken> {
        self.await_message().await?;
        Ok(message::parse(&mut self.inbox, &self.screen)?)
    }

    /// Sends all statements in one flight, one simple Query each, so that one failure does not take the others along.
    pub async fn ask(&mut self, statements: &[&str]) -> Result<(), Broken> {
        self.send(|buffer| statements.iter().try_for_each(|sql| frontend::query(sql, buffer))).await
    }

    /// The rows of the next statement asked, or the server's error.
    pub async fn answer(&mut self) -> Result<Result<Rows, ServerError>, Broken> {
        let (mut rows, mut size) = (Vec::new(), 0);
        let mut failed = None;
        loop {
            let message = match (self.receive().await, failed.take()) {
                // Its last word was an error: FATAL ones end the connection.
                (Err(Broken::Closed | Broken::Reset), Some(error)) => return Ok(Err(error)),
                (received, error) => {
                    failed = error;
                    received?
                }
            };
            match message {
                Message::DataRow(row) if rows.len() < MOST_ROWS && size < LONGEST_ANSWER => {
                    size += row.iter().flatten().map(String::len).sum::<usize>();
                    rows.push(row);
                }
                Message::Error(error) => failed = Some(error),
                Message::ReadyForQuery => return Ok(failed.map_or(Ok(rows), Err)),
                _ => {}
            }
        }
    }

    /// Asks one statement, and gives its rows as they are: nothing in them is made safe to show, and nothing is left out.
    /// More than 32 MiB are an error.
    pub async fn rows(&mut self, statement: &str) -> Result<Result<Rows, ServerError>, Broken> {
        self.ask(&[statement]).await?;
        let (mut rows, mut size) = (Vec::new(), 0);
        let mut failed = None;
        loop {
            self.await_message().await?;
            if self.inbox.first() == Some(&DATA_ROW) {
                let row = message::row(&mut self.inbox)?;
                size += row.iter().flatten().map(String::len).sum::<usize>();
                rows.push(row);
                if size > MOST_DATA || rows.len() > MOST_ROWS {
                    return Err(Broken::Other(io::Error::other("the server sends more than is read of it")));
                }
                continue;
            }
            match message::parse(&mut self.inbox, &self.screen)? {
                Message::Error(error) => failed = Some(error),
                Message::ReadyForQuery => return Ok(failed.map_or(Ok(rows), Err)),
                _ => {}
            }
        }
    }

    /// Takes the answer of the next statement asked without a look at it: rows, or an error.
    pub async fn skip_answer(&mut self) -> Result<(), Broken> {
        loop {
            self.await_message().await?;
            if message::skip(&mut self.inbox)? == READY_FOR_QUERY {
                return Ok(());
            }
        }
    }

    /// Says good-bye, without waiting for the peer.
    pub async fn terminate(&mut self) {
        let said = self
            .send(|buffer| {
                frontend::terminate(buffer);
                Ok(())
            })
            .await;
        // A peer that is already gone needs no good-bye.
        drop(said);
    }

    /// Until a whole message is there.
    async fn await_message(&mut self) -> Result<(), Broken> {
        while !self.holds_message()? {
            if self.stream.read_buf(&mut self.inbox).await? == 0 {
                return Err(Broken::Closed);
            }
        }
        Ok(())
    }

    fn holds_message(&self) -> io::Result<bool> {
        let Some(header) = backend::Header::parse(&self.inbox)? else {
            return Ok(false);
        };
        let length = usize::try_from(header.len()).unwrap_or(usize::MAX);
        if length > LONGEST_MESSAGE {
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("a message of {length} bytes")));
        }
        Ok(self.inbox.len() > length)
    }
}

/// Text values; None is NULL.
pub type Row = Vec<Option<String>>;

/// What a statement gives.
pub type Rows = Vec<Row>;
