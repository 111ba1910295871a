//! HTTP/1.1 over a socket, as little as a test needs: it can also send half a request, or take no answer.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longer than any answer takes.
const BOUND: Duration = Duration::from_secs(60);

/// One answer.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body as text.
    pub text: String,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// A value in the body.
    pub fn at(&self, pointer: &str) -> Value {
        self.json().pointer(pointer).cloned().unwrap_or_else(|| panic!("no {pointer} in {self:?}"))
    }

    /// A text in the body.
    pub fn text_at(&self, pointer: &str) -> String {
        self.at(pointer).as_str().unwrap_or_else(|| panic!("{pointer} is no text in {self:?}")).to_owned()
    }
}

/// A connection that stays open between calls.
pub struct Http {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Http {
    /// Connects.
    pub async fn connect(address: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, read: Vec::new() })
    }

    /// Sends bytes as they are.
    pub async fn send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// Sends a whole request and waits for its answer. `Host` is sent unless the headers have one.
    pub async fn call(
        &mut self,
        start: &str,
        headers: &[(String, String)],
        body: Option<&str>,
    ) -> std::io::Result<Answer> {
        let mut head = format!("{start} HTTP/1.1\r\n");
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            head.extend(["Host: ", &self.stream.peer_addr()?.to_string(), "\r\n"]);
        }
        for (name, value) in headers {
            head.extend([name, ": ", value, "\r\n"]);
        }
        if let Some(body) = body {
            head.extend(["Content-Length: ", &body.len().to_string(), "\r\n"]);
        }
        self.send(format!("{head}\r\n{}", body.unwrap_or_default()).as_bytes()).await?;
        self.answer().await
    }

    /// Waits for an answer.
    pub async fn answer(&mut self) -> std::io::Result<Answer> {
        let head_end = loop {
            if let Some(end) = self.read.windows(4).position(|window| window == b"\r\n\r\n") {
                break end;
            }
            self.more().await?;
        };
        let head = String::from_utf8_lossy(self.read.get(..head_end).unwrap_or_default()).into_owned();
        self.read.drain(..head_end + 4);
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
        let headers: BTreeMap<String, String> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let length: usize = headers.get("content-length").map_or(0, |length| length.parse().expect("a length"));
        while self.read.len() < length {
            self.more().await?;
        }
        let body: Vec<u8> = self.read.drain(..length).collect();
        let text = String::from_utf8(body).expect("a text");
        Ok(Answer { status: status.expect("a status line"), headers, text })
    }

    /// Whether the other side has ended the connection by now, or does within this time.
    pub async fn ends_within(&mut self, time: Duration) -> bool {
        let mut rest = [0; 1024];
        let ended = async { while !matches!(self.stream.read(&mut rest).await, Ok(0) | Err(_)) {} };
        timeout(time, ended).await.is_ok()
    }

    async fn more(&mut self) -> std::io::Result<()> {
        let count = timeout(BOUND, self.stream.read_buf(&mut self.read)).await.expect("an answer in time")?;
        if count == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }
}
