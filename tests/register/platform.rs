//! A platform of the test's own: it keeps connections as the real one does, and fails as it is told to.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::run::TOKEN;

/// What becomes of one call.
#[derive(Clone, Debug)]
pub enum Act {
    /// It is done, and answered.
    Do,
    /// It is done, and the connection is closed before a byte of the answer.
    DoAndHangUp,
    /// It is done, and half of the answer is sent.
    DoAndCut,
    /// It is done, and this is answered.
    DoAndSay(u16, &'static str),
    /// It is not done, and this is answered.
    Say(u16, &'static str),
    /// It is not done, and this is answered with a header.
    SayWith(u16, &'static str, String),
    /// Nothing is answered.
    Silence,
    /// It is done after this time, and not answered.
    DoLate(Duration),
}

/// One call that came in.
#[derive(Clone, Debug)]
pub struct Call {
    /// `POST /connections`, without the query.
    pub what: String,
    /// The query.
    pub query: String,
    /// All headers, as they came.
    pub head: String,
    /// The body.
    pub body: Value,
}

#[derive(Default)]
struct State {
    /// For the start of `what`, what becomes of the calls to come, in turn; when there are no more, they are done.
    scripts: Vec<(&'static str, VecDeque<Act>)>,
    calls: Vec<Call>,
    connections: Vec<Value>,
    test: bool,
    made: u32,
}

/// It listens until it is dropped.
pub struct Platform {
    /// Where.
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
    serving: JoinHandle<()>,
}

impl Drop for Platform {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Platform {
    /// One that does everything it is asked.
    pub async fn start() -> Self {
        Self::acting(&[]).await
    }

    /// One that does this to calls that begin so.
    pub async fn acting(scripts: &[(&'static str, &[Act])]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let scripts = scripts.iter().map(|(what, acts)| (*what, acts.iter().cloned().collect())).collect();
        let state = Arc::new(Mutex::new(State { scripts, test: true, ..State::default() }));
        let shared = Arc::clone(&state);
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        Self { address, state, serving }
    }

    /// The arguments that lead to it.
    pub fn arguments(&self) -> [String; 6] {
        let url = format!("http://{}", self.address);
        ["--platform", &url, "--org", "TEST@AdobeOrg", "--api-key", "key"].map(str::to_owned)
    }

    /// All calls so far.
    pub fn calls(&self) -> Vec<Call> {
        self.state.lock().unwrap().calls.clone()
    }

    /// How many calls began so.
    pub fn count(&self, what: &str) -> usize {
        self.calls().iter().filter(|call| call.what.starts_with(what)).count()
    }

    /// What it has stored, secrets included.
    pub fn connections(&self) -> Vec<Value> {
        self.state.lock().unwrap().connections.clone()
    }

    /// Stores one without a call.
    pub fn store(&self, body: &Value) -> String {
        self.state.lock().unwrap().store(body)
    }

    /// What `/test` says from now on.
    pub fn tests(&self, result: bool) {
        self.state.lock().unwrap().test = result;
    }
}

async fn serve(mut stream: TcpStream, state: Arc<Mutex<State>>) {
    while let Some(call) = read(&mut stream).await {
        let (act, done) = state.lock().unwrap().take(&call);
        let (status, header, text) = match act {
            Act::Do => (done.0, String::new(), done.1),
            Act::DoAndSay(status, text) | Act::Say(status, text) => (status, String::new(), text.to_owned()),
            Act::SayWith(status, text, header) => (status, header, text.to_owned()),
            Act::DoAndHangUp => return,
            Act::DoAndCut => {
                let head = format!(
                    "HTTP/1.1 201 X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
                    done.1.len()
                );
                let _ = stream.write_all(format!("{head}{}", &done.1[..done.1.len() / 2]).as_bytes()).await;
                return;
            }
            Act::DoLate(after) => {
                tokio::time::sleep(after).await;
                state.lock().unwrap().done(&call);
                return;
            }
            Act::Silence => {
                tokio::time::sleep(Duration::from_secs(600)).await;
                return;
            }
        };
        let kind = if text.starts_with('<') { "text/html" } else { "application/json" };
        let head =
            format!("HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\n{header}Content-Length: {}\r\n\r\n", text.len());
        if stream.write_all(format!("{head}{text}").as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn read(stream: &mut TcpStream) -> Option<Call> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        (stream.read_buf(&mut bytes).await.ok()? > 0).then_some(())?;
    };
    let head = String::from_utf8(bytes.get(..end)?.to_vec()).unwrap();
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().unwrap())
    });
    while bytes.len() < end + 4 + length.unwrap_or(0) {
        (stream.read_buf(&mut bytes).await.ok()? > 0).then_some(())?;
    }
    let mut first = head.split(' ');
    let (method, path) = (first.next()?, first.next()?);
    let path = path.strip_prefix("/data/foundation/flowservice").unwrap_or(path);
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let body = serde_json::from_slice(bytes.get(end + 4..)?).unwrap_or_default();
    Some(Call { what: format!("{method} {path}"), query: query.to_owned(), head: head.clone(), body })
}

impl State {
    /// What becomes of the call, and how it would be answered.
    fn take(&mut self, call: &Call) -> (Act, (u16, String)) {
        self.calls.push(call.clone());
        let script = self.scripts.iter_mut().find(|(what, _)| call.what.starts_with(what));
        let act = script.and_then(|(_, acts)| acts.pop_front()).unwrap_or(Act::Do);
        let done = match act {
            Act::Say(..) | Act::SayWith(..) | Act::Silence | Act::DoLate(_) => (0, String::new()),
            _ => self.done(call),
        };
        (act, done)
    }

    fn done(&mut self, call: &Call) -> (u16, String) {
        let (method, path) = call.what.split_once(' ').unwrap();
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let answer = match (method, parts.as_slice()) {
            ("POST", ["ims", "token", "v3"]) => {
                json!({"access_token": TOKEN, "token_type": "bearer", "expires_in": 86399})
            }
            ("POST", ["connections"]) => {
                let id = self.store(&call.body);
                return (201, json!({"id": id, "etag": self.find(&id).unwrap()["etag"]}).to_string());
            }
            ("GET", ["connections"]) => {
                let shown: Vec<Value> = self.connections.iter().rev().map(masked).collect();
                json!({"items": shown, "_links": {}})
            }
            ("GET", ["connections", _, "test"]) => json!({"result": self.test}),
            ("GET", ["connections", _, "explore"]) => {
                let table = |name: &str| json!({"type": "table", "name": name, "path": name, "canPreview": true, "canFetchSchema": true});
                json!([table("public.a"), table("public.b")])
            }
            ("GET", ["connections", id]) => match self.find(id) {
                Some(found) => json!({"items": [masked(found)]}),
                None => return not_found(),
            },
            ("PATCH", ["connections", id]) => return self.patch(id, call),
            _ => return not_found(),
        };
        (200, answer.to_string())
    }

    fn patch(&mut self, id: &str, call: &Call) -> (u16, String) {
        let next = self.etag();
        let Some(found) = self.connections.iter_mut().find(|one| one["id"] == id) else {
            return not_found();
        };
        let etag = found["etag"].as_str().unwrap().to_owned();
        if !call.head.lines().any(|line| line.to_ascii_lowercase() == format!("if-match: {etag}")) {
            return (412, flow("1404-412", "The version does not match."));
        }
        for operation in call.body.as_array().unwrap() {
            let path = operation["path"].as_str().unwrap();
            let (parent, name) = path.rsplit_once('/').unwrap();
            found.pointer_mut(parent).unwrap()[name] = operation["value"].clone();
        }
        found["etag"] = next.clone();
        found["version"] = next.clone();
        (200, json!({"id": id, "etag": next}).to_string())
    }

    fn store(&mut self, body: &Value) -> String {
        let etag = self.etag();
        let id = format!("00000000-0000-4000-8000-{:012}", self.made);
        let mut connection = body.clone();
        let own = json!({
            "id": id, "createdAt": 1_700_000_000_000_u64 + u64::from(self.made), "updatedAt": 1_700_000_000_000_u64,
            "createdBy": "key", "updatedBy": "key", "createdClient": "key", "updatedClient": "key",
            "sandboxId": "00000000-0000-4000-8000-00000000abcd", "sandboxName": "prod", "imsOrgId": "TEST@AdobeOrg",
            "state": "enabled", "etag": etag, "version": etag});
        connection.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
        self.connections.push(connection);
        id
    }

    fn find(&self, id: &str) -> Option<&Value> {
        self.connections.iter().find(|one| one["id"] == id)
    }

    fn etag(&mut self) -> Value {
        self.made += 1;
        format!("\"{:08x}-0000-0200-0000-6387c6b90000\"", self.made).into()
    }
}

/// As the platform shows it.
fn masked(connection: &Value) -> Value {
    let mut shown = connection.clone();
    for (name, value) in shown["auth"]["params"].as_object_mut().unwrap() {
        if name == "password" || name == "connectionString" {
            *value = json!("xxxx");
        }
    }
    shown
}

fn not_found() -> (u16, String) {
    (404, flow("1439-404", "The requested resource is not found."))
}

/// An error of the Flow Service.
pub fn flow(code: &str, text: &str) -> String {
    let status: u16 = code.rsplit_once('-').unwrap().1.parse().unwrap();
    json!({
        "type": format!("https://ns.adobe.com/aep/errors/FLOW-{code}"), "title": "Error", "status": status,
        "report": {"detailed-message": text, "request-id": "req-1"}, "errorMessage": text, "errorDetails": text})
    .to_string()
}
