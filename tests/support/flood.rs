//! Servers that never stop talking, and a check of them by the real program.

use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use wait4::Wait4 as _;

/// What is said without end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flood {
    /// ParameterStatus before the login has ended.
    Parameters,
    /// NoticeResponses of 1 MiB each that hold the password over and over.
    Notices,
    /// AuthenticationOk, ReadyForQuery, and then rows of many columns.
    Rows,
    /// SASL mechanisms, 4 MiB of them, and then silence.
    Mechanisms,
    /// A SCRAM challenge of 4 billion iterations.
    Iterations,
    /// A message of 4 MiB, of which a byte comes now and then.
    LongMessage,
    /// `S` in answer to the SSLRequest.
    Willing,
    /// A message far longer than any.
    Garbage,
}

/// How a check of a flooding server ended.
pub struct Checked {
    pub verdict: String,
    pub cause: String,
    /// By its own clock.
    pub elapsed: Duration,
    /// The most memory the process ever had, in bytes.
    pub memory: u64,
}

impl Flood {
    pub const ALL: [Self; 8] = [
        Self::Parameters,
        Self::Notices,
        Self::Rows,
        Self::Mechanisms,
        Self::Iterations,
        Self::LongMessage,
        Self::Willing,
        Self::Garbage,
    ];

    /// What the check is to make of it.
    pub fn cause(self) -> &'static str {
        match self {
            Self::Parameters | Self::Notices | Self::LongMessage => "login-no-reply",
            Self::Rows => "session-no-reply",
            Self::Mechanisms => "login-method-unsupported",
            Self::Iterations => "login-scram-failed",
            Self::Willing => "tls-not-postgres",
            Self::Garbage => "login-protocol-unsupported",
        }
    }

    fn sslmode(self) -> &'static str {
        if self == Self::Willing { "require" } else { "disable" }
    }

    /// Talks until the client has left.
    async fn talk(self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut heard = [0; 1024];
        let startup = stream.read(&mut heard).await?;
        assert!(startup > 0, "the client says nothing");
        match self {
            Self::Parameters => repeat(&mut stream, &message(b'S', b"name\0value\0")).await,
            Self::Notices => {
                let text = "looking-glass".repeat(80_000);
                repeat(&mut stream, &message(b'N', format!("SWARNING\0VWARNING\0C01000\0M{text}\0\0").as_bytes())).await
            }
            Self::Rows => {
                stream.write_all(&[message(b'R', &[0; 4]), message(b'Z', b"I")].concat()).await?;
                let columns = 1600_u16;
                let mut row = columns.to_be_bytes().to_vec();
                for _ in 0..columns {
                    row.extend(1000_u32.to_be_bytes());
                    row.extend([b'x'; 1000]);
                }
                repeat(&mut stream, &message(b'D', &row)).await
            }
            Self::Mechanisms => {
                let mechanisms = [10_u32.to_be_bytes().to_vec(), b"a\0".repeat(2_000_000), vec![0]].concat();
                stream.write_all(&message(b'R', &mechanisms)).await?;
                wait(&mut stream).await
            }
            Self::Iterations => {
                let offer = [&10_u32.to_be_bytes()[..], b"SCRAM-SHA-256\0\0"].concat();
                stream.write_all(&message(b'R', &offer)).await?;
                let count = stream.read(&mut heard).await?;
                let first = String::from_utf8_lossy(heard.get(..count).unwrap_or_default()).into_owned();
                let nonce = first.split_once(",r=").map(|(_, nonce)| nonce).unwrap_or_default();
                let challenge = format!("r={nonce}server,s=c2FsdA==,i=4294967295");
                stream.write_all(&message(b'R', &[&11_u32.to_be_bytes()[..], challenge.as_bytes()].concat())).await?;
                wait(&mut stream).await
            }
            Self::LongMessage => {
                stream.write_all(&[b'N', 0, 0x3f, 0xff, 0xff, b'M']).await?;
                loop {
                    stream.write_all(b"x").await?;
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            }
            Self::Willing => repeat(&mut stream, &[b'S'; 4096]).await,
            Self::Garbage => repeat(&mut stream, &[0x7f; 4096]).await,
        }
    }
}

/// Checks such a server.
pub async fn check_flooded(flood: Flood, timeout: Duration) -> Checked {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = format!(
        "host=127.0.0.1 port={} user=alice sslmode={} password=looking-glass",
        listener.local_addr().unwrap().port(),
        flood.sslmode()
    );
    let server = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(flood.talk(stream));
        }
    });
    let checked = tokio::task::spawn_blocking(move || run(&target, timeout)).await.unwrap();
    server.abort();
    checked
}

fn run(target: &str, timeout: Duration) -> Checked {
    let mut child = Command::new(env!("CARGO_BIN_EXE_pgpreflight"))
        .args(["check", target, "--format=json", &format!("--timeout={}ms", timeout.as_millis())])
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let report: Value = serde_json::from_reader(child.stdout.take().unwrap()).unwrap();
    let memory = child.wait4().unwrap().rusage.maxrss;
    let text = |key: &str| report.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    Checked {
        verdict: text("verdict"),
        cause: text("cause"),
        elapsed: Duration::from_secs_f64(report.get("elapsed_ms").and_then(Value::as_f64).unwrap() / 1000.0),
        memory,
    }
}

fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap();
    [&[tag], &length.to_be_bytes()[..], body].concat()
}

async fn repeat(stream: &mut TcpStream, bytes: &[u8]) -> std::io::Result<()> {
    loop {
        stream.write_all(bytes).await?;
    }
}

async fn wait(stream: &mut TcpStream) -> std::io::Result<()> {
    while stream.read(&mut [0; 1024]).await? > 0 {}
    Ok(())
}
