//! A platform that answers what a test tells it, byte for byte: every way in which a service can fail.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What becomes of one request.
#[derive(Clone, Debug)]
pub enum Reply {
    /// A whole answer with this body; one that begins with `<` is HTML, any other JSON.
    Say(u16, String),
    /// A whole answer with this header as well.
    With(u16, (&'static str, String), String),
    /// These bytes, and the end of the connection.
    Bytes(Vec<u8>),
    /// These bytes one by one, with pauses, without an end.
    Drip(Vec<u8>),
    /// An answer that goes on for ever.
    Endless,
    /// Nothing at all.
    Silence,
}

/// It listens until it is dropped. Requests are answered in turn; the last answer stands for all that follow.
pub struct Platform {
    /// Where.
    pub address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    serving: JoinHandle<()>,
}

impl Drop for Platform {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Platform {
    /// Starts one.
    pub async fn start(script: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, script) = (Arc::clone(&requests), Arc::new(script));
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&seen), Arc::clone(&script)));
            }
        });
        Self { address, requests, serving }
    }

    /// The requests so far: head and body, as they came.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn serve(mut stream: TcpStream, seen: Arc<Mutex<Vec<String>>>, script: Arc<Vec<Reply>>) {
    while let Some(request) = read(&mut stream).await {
        let turn = {
            let mut seen = seen.lock().unwrap();
            seen.push(request);
            seen.len() - 1
        };
        let reply = script.get(turn).or(script.last()).unwrap_or(&Reply::Silence);
        if !send(reply, &mut stream).await {
            return;
        }
    }
}

/// Whether the connection goes on.
async fn send(reply: &Reply, stream: &mut TcpStream) -> bool {
    match reply {
        Reply::Say(status, body) => stream.write_all(&whole(*status, "", body)).await.is_ok(),
        Reply::With(status, (name, value), body) => {
            stream.write_all(&whole(*status, &format!("{name}: {value}\r\n"), body)).await.is_ok()
        }
        Reply::Bytes(bytes) => {
            let _ = stream.write_all(bytes).await;
            false
        }
        Reply::Drip(bytes) => {
            for byte in bytes.iter().cycle() {
                if stream.write_all(&[*byte]).await.is_err() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            false
        }
        Reply::Endless => {
            let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{\"items\":[\"";
            let _ = stream.write_all(head.as_bytes()).await;
            while stream.write_all(&[b'x'; 8192]).await.is_ok() {}
            false
        }
        Reply::Silence => {
            // Until whoever asks has gone away.
            let _ = stream.read(&mut [0; 1]).await;
            false
        }
    }
}

/// An answer as it is sent.
pub fn whole(status: u16, header: &str, body: &str) -> Vec<u8> {
    let kind = if body.starts_with('<') { "text/html; charset=utf-8" } else { "application/json" };
    let length = body.len();
    format!("HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\n{header}Content-Length: {length}\r\n\r\n{body}")
        .into_bytes()
}

async fn read(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        (stream.read_buf(&mut bytes).await.ok()? > 0).then_some(())?;
    };
    let head = String::from_utf8_lossy(bytes.get(..end)?).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse::<usize>().ok());
    while bytes.len() < end + length.unwrap_or(0) {
        (stream.read_buf(&mut bytes).await.ok()? > 0).then_some(())?;
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// A refusal of the Flow Service.
pub fn flow(code: &str, text: &str) -> Reply {
    let status: u16 = code.rsplit_once('-').unwrap().1.parse().unwrap();
    let body = json!({
        "type": format!("https://ns.adobe.com/aep/errors/FLOW-{code}"), "title": "Error", "status": status,
        "report": {"detailed-message": text, "request-id": "request-4711"}, "errorMessage": text});
    Reply::Say(status, body.to_string())
}

/// A refusal of the gateway before it, its code as a text or as a number.
pub fn gateway(status: u16, code: impl Into<Value>, text: &str) -> Reply {
    Reply::Say(status, json!({"error_code": code.into(), "message": text}).to_string())
}

/// An access token.
pub fn token(token: &str) -> Reply {
    Reply::Say(200, json!({"access_token": token, "token_type": "bearer", "expires_in": 86399}).to_string())
}

/// A page of a list, and what its link to the next is.
pub fn page(names: &[&str], links: &Value) -> Reply {
    let items: Vec<Value> = names.iter().enumerate().map(|(place, name)| connection(place, name)).collect();
    Reply::Say(200, json!({"items": items, "_links": links}).to_string())
}

/// A connection as it is answered.
pub fn connection(place: usize, name: &str) -> Value {
    json!({
        "id": format!("00000000-0000-4000-8000-{place:012}"), "name": name, "createdAt": 1, "updatedAt": 2,
        "state": "enabled", "etag": "\"e1\"", "version": "\"e1\"",
        "connectionSpec": {"id": "74a1c565-4e59-48d7-9d67-7c03b8a13137", "version": "1.0"},
        "auth": {"specName": "Basic Authentication", "params":
            {"server": "db.test", "port": "5432", "database": "orders", "username": "u", "password": "xxxx"}}})
}
