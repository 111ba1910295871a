//! Spellings of a password, and servers that say them back.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use pgpreflight::dialect::POSTGRESQL;
use pgpreflight::lab::moment::{LoginError, Moment};
use pgpreflight::lab::scenario::{Authentication, Bytes, SslRequest};
use pgpreflight::lab::session::{Cell, Query};
use pgpreflight::lab::{Scenario, ServerError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A password as others may write it.
pub struct Spellings {
    /// Each of them.
    pub whole: Vec<String>,
    /// What may not be found anywhere, in lower case.
    pieces: Vec<String>,
}

impl Spellings {
    pub fn of(password: &str) -> Self {
        let hex: String =
            password.bytes().flat_map(|byte| format!("{byte:02x}").into_bytes()).map(char::from).collect();
        let json = serde_json::to_string(password).unwrap();
        let readable = vec![
            password.to_owned(),
            password.to_uppercase(),
            password.to_lowercase(),
            percent(password),
            percent(password).to_lowercase(),
            percent_reserved(password),
            percent_reserved(password).replace("%20", "+"),
            json.trim_matches('"').to_owned(),
            password.replace('\'', "''"),
            password.escape_default().to_string(),
        ];
        let opaque = vec![
            hex.clone(),
            hex.to_uppercase(),
            BASE64_STANDARD.encode(password),
            BASE64_URL_SAFE_NO_PAD.encode(password),
            BASE64_STANDARD.encode(format!("alice:{password}")),
        ];
        // Six characters that anybody would know; hexadecimal digits and Base64 are all over a report.
        let mut pieces: Vec<String> = readable.iter().flat_map(|spelling| windows(spelling, 6)).collect();
        pieces.extend(windows(&hex, 14));
        let base64_of_it = opaque.iter().skip(2).take(2);
        pieces.extend(base64_of_it.flat_map(|spelling| windows(spelling.trim_end_matches('='), 10)));
        Self { whole: [readable, opaque].concat(), pieces }
    }

    /// Panics, without quoting more than the piece, if one is in the text.
    pub fn absent_from(&self, text: &str, place: &str) {
        let text = text.to_lowercase();
        let found = self.pieces.iter().find(|piece| text.contains(*piece));
        assert!(found.is_none(), "{place}: {found:?} is shown in {text}");
    }
}

fn windows(text: &str, length: usize) -> Vec<String> {
    let characters: Vec<char> = text.to_lowercase().chars().collect();
    characters.windows(length).map(|window| window.iter().collect()).collect()
}

/// Every byte that is no letter or digit.
pub fn percent(text: &str) -> String {
    encode(text, |byte| byte.is_ascii_alphanumeric())
}

/// Only what a URI cannot hold as it is (RFC 3986, section 2.2 and 2.3).
fn percent_reserved(text: &str) -> String {
    encode(text, |byte| byte.is_ascii_alphanumeric() || b"-._~!$'()*".contains(&byte))
}

fn encode(text: &str, kept: impl Fn(u8) -> bool) -> String {
    let one = |byte| if kept(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(one).collect()
}

/// Endpoints that say this text, each in another place.
pub fn places(text: &str, sound: &Scenario) -> Vec<(&'static str, Scenario)> {
    let fields = |severity: &str, sqlstate: &str, routine: &str| {
        let quoted = format!("password authentication failed for user \"alice\", password \"{text}\" (LDAP)");
        ServerError::fatal(sqlstate, &quoted)
            .with('S', severity)
            .with('V', severity)
            .with('D', &format!("got {text}, and {text}{text}"))
            .with('H', text)
            .with('W', text)
            .with('F', text)
            .with('R', routine)
    };
    let at = |at, sqlstate: &str, routine: &str| Scenario {
        login_error: Some(LoginError { at, error: fields("FATAL", sqlstate, routine) }),
        ..sound.clone()
    };
    let bytes = |before: &str| Some(Bytes(format!("{before}{text}{text}\r\n").into_bytes()));
    let mut scenarios = vec![
        ("an error before authentication", at(Moment::BeforeAuth, "28000", "ClientAuthentication")),
        ("an error of a pooler", at(Moment::BeforeAuth, "08P01", "")),
        ("an error on the password", at(Moment::AfterPassword, "28P01", "auth_failed")),
        ("an error of a service", at(Moment::AfterPassword, "28000", "auth_failed")),
        ("an error after authentication", at(Moment::AfterAuthOk, "42704", "find_option")),
        ("a name of a routine", at(Moment::BeforeReady, "P0001", text)),
        ("a greeting", Scenario { greeting: bytes("220 "), ..sound.clone() }),
        ("a greeting, far into it", Scenario { greeting: bytes(&"x".repeat(58)), ..sound.clone() }),
        ("an answer", Scenario { answer_any: bytes("HTTP/1.1 401 Unauthorized\r\nX-Echo: "), ..sound.clone() }),
        (
            "an error before TLS",
            Scenario { ssl_request: SslRequest::Error(fields("FATAL", "53300", "")), ..sound.clone() },
        ),
        (
            "an error before TLS, as text",
            Scenario {
                ssl_request: SslRequest::Bytes(Bytes(format!("Esorry, {text}\n\0").into_bytes())),
                ..sound.clone()
            },
        ),
        (
            "a name of a mechanism",
            Scenario { authentication: Authentication::Sasl(vec![text.to_owned()]), ..sound.clone() },
        ),
    ];
    let mut talkative = sound.clone();
    talkative.session.notices = vec![fields("WARNING", "01000", "")];
    talkative.session.parameters =
        vec![("server_version".to_owned(), text.to_owned()), (text.to_owned(), text.to_owned())];
    talkative.session.queries = vec![
        answer(POSTGRESQL.session, &[text, "f", "f", "7", "100", "3"]),
        answer(POSTGRESQL.role, &["f"]),
        answer(
            POSTGRESQL.schemas,
            &[text, "t", "2", "1", &serde_json::json!([text]).to_string(), &serde_json::json!([text]).to_string()],
        ),
    ];
    let mut refusing = talkative.clone();
    refusing.session.queries = vec![Query {
        sql: POSTGRESQL.session.to_owned(),
        error: Some(fields("ERROR", "42501", "aclcheck_error")),
        ..Query::default()
    }];
    scenarios.push((
        "parameters, notices, rows and names",
        Scenario { authentication: Authentication::Password, ..talkative },
    ));
    scenarios.push(("an error on a question", refusing));
    scenarios
}

fn answer(sql: &str, row: &[&str]) -> Query {
    Query {
        sql: sql.to_owned(),
        columns: row.iter().map(|_| "column".to_owned()).collect(),
        rows: vec![row.iter().map(|value| Cell::Text((*value).to_owned())).collect()],
        ..Query::default()
    }
}

/// A server without any password's verifier; it ends the SCRAM exchange with these words. Gives its port.
pub async fn impostor(last_words: String) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // A client that has heard enough leaves.
            drop(deceive(stream, &last_words).await);
        }
    });
    port
}

async fn deceive(mut stream: TcpStream, last_words: &str) -> std::io::Result<()> {
    let mut heard = vec![0; 1024];
    heed(stream.read(&mut heard).await?)?;
    stream.write_all(&authentication(10, b"SCRAM-SHA-256\0\0")).await?;
    let count = stream.read(&mut heard).await?;
    let first = String::from_utf8_lossy(heard.get(..count).unwrap_or_default()).into_owned();
    let nonce = first.split_once(",r=").map(|(_, nonce)| nonce).unwrap_or_default();
    stream.write_all(&authentication(11, format!("r={nonce}more,s=c2FsdA==,i=4096").as_bytes())).await?;
    heed(stream.read(&mut heard).await?)?;
    stream.write_all(&authentication(12, last_words.as_bytes())).await?;
    while stream.read(&mut heard).await? > 0 {}
    Ok(())
}

fn heed(count: usize) -> std::io::Result<()> {
    if count > 0 { Ok(()) } else { Err(std::io::ErrorKind::UnexpectedEof.into()) }
}

fn authentication(code: u32, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 8).unwrap();
    [b"R", &length.to_be_bytes()[..], &code.to_be_bytes(), body].concat()
}
