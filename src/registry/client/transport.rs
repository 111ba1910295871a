//! One HTTP exchange: bounded in time and length, never redirected, its answer told apart from everything else.

use std::error::Error as _;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{CONTENT_TYPE, HeaderMap, LOCATION, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{RequestBuilder, Response, Url};
use tokio::time::{Instant, sleep, timeout_at};

use crate::registry::client::base::Base;
use crate::registry::client::pause;
use crate::registry::service::{Absence, Fault, ServiceError, Stranger};
use crate::wire::screen::Screen;

/// The longest answer about one connection, in bytes.
pub(super) const SHORT: usize = 1024 * 1024;

/// The longest page of a list, and the longest list of tables or sample of rows, in bytes.
pub(super) const LONG: usize = 32 * 1024 * 1024;

/// The longest that a connection may take to come about.
const CONNECT_TIME: Duration = Duration::from_secs(10);

/// How often a call is answered with 429 before that is the result.
const MOST_THROTTLED: u32 = 8;

/// Sends requests to one place.
#[derive(Debug, Clone)]
pub(super) struct Transport {
    http: Option<reqwest::Client>,
    deadline: Instant,
}

/// An answer, whatever its status.
#[derive(Debug)]
pub(super) struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// `Retry-After`, as it was sent.
    pub retry_after: Option<String>,
    /// `x-request-id`
    pub request_id: Option<String>,
    /// Whether it calls itself a web page.
    pub is_html: bool,
    /// All of it.
    pub body: Vec<u8>,
}

/// Why there is none.
#[derive(Debug)]
pub(super) enum NoAnswer {
    /// Nothing came, or not all of it.
    Absent(Absence),
    /// Something came that cannot be one.
    Strange(Stranger),
}

impl Transport {
    /// To a place, until the deadline. No proxy stands before this machine; elsewhere `HTTPS_PROXY` and `NO_PROXY` decide.
    pub fn new(base: &Base, deadline: Instant) -> Self {
        let builder = reqwest::Client::builder()
            .redirect(Policy::none())
            .connect_timeout(CONNECT_TIME)
            .user_agent(concat!("pgpreflight/", env!("CARGO_PKG_VERSION")));
        let builder = if base.is_loopback() { builder.no_proxy() } else { builder };
        Self { http: builder.build().ok(), deadline }
    }

    /// A request to be filled in; None where TLS could not be set up on this machine.
    pub fn request(&self, method: reqwest::Method, url: Url) -> Option<RequestBuilder> {
        self.http.as_ref().map(|http| http.request(method, url))
    }

    /// Waits as long as a 429 asks for; fails where there is no time for that, or this was the last of many.
    pub async fn wait(&self, answer: &Answer, attempts: u32) -> Result<(), ServiceError> {
        let retry_after = answer.retry_after.as_deref().and_then(|text| pause::asked_for(text, Timestamp::now()));
        let pause = pause::before(attempts, retry_after);
        if attempts >= MOST_THROTTLED || !self.has_time_for(pause) {
            let fault = Fault::Throttled { retry_after, attempts };
            return Err(ServiceError::new(fault).with_request_id(answer.request_id.clone()));
        }
        sleep(pause).await;
        Ok(())
    }

    /// Whether the deadline is later than the end of a pause.
    pub fn has_time_for(&self, pause: Duration) -> bool {
        Instant::now().checked_add(pause).is_some_and(|then| then < self.deadline)
    }

    /// Sends it, and reads the answer, which may have so many bytes.
    pub async fn exchange(&self, request: RequestBuilder, limit: usize, screen: &Screen) -> Result<Answer, NoAnswer> {
        let exchanging = async {
            let mut response = request.send().await.map_err(|error| unanswered(&error, screen))?;
            let status = response.status().as_u16();
            if response.status().is_redirection() {
                let host = redirected_to(&response).map(|host| screen.text(host.as_bytes()));
                return Err(NoAnswer::Strange(Stranger::Redirect { status, host }));
            }
            let head = Head::of(response.headers(), screen);
            let mut body = Vec::new();
            while let Some(chunk) = response.chunk().await.map_err(|error| interrupted(&error))? {
                if body.len() + chunk.len() > limit {
                    return Err(NoAnswer::Strange(Stranger::TooLong { status, limit }));
                }
                body.extend_from_slice(&chunk);
            }
            let Head { retry_after, request_id, is_html } = head;
            Ok(Answer { status, retry_after, request_id, is_html, body })
        };
        timeout_at(self.deadline, exchanging).await.unwrap_or(Err(NoAnswer::Absent(Absence::Silent)))
    }
}

impl From<NoAnswer> for ServiceError {
    fn from(no_answer: NoAnswer) -> Self {
        Self::new(match no_answer {
            NoAnswer::Absent(absence) => Fault::Unavailable(absence),
            NoAnswer::Strange(stranger) => Fault::NotTheService(stranger),
        })
    }
}

/// What is told before the body.
struct Head {
    retry_after: Option<String>,
    request_id: Option<String>,
    is_html: bool,
}

impl Head {
    fn of(headers: &HeaderMap, screen: &Screen) -> Self {
        let text = |value: Option<&reqwest::header::HeaderValue>| {
            value.map(|value| screen.text(value.as_bytes())).filter(|text| !text.is_empty())
        };
        let is_html = headers.get(CONTENT_TYPE).is_some_and(|kind| {
            let kind = kind.as_bytes().to_ascii_lowercase();
            kind.starts_with(b"text/html") || kind.starts_with(b"application/xhtml")
        });
        Self { retry_after: text(headers.get(RETRY_AFTER)), request_id: text(headers.get("x-request-id")), is_html }
    }
}

/// The host alone: the rest of a place to go may hold anything.
fn redirected_to(response: &Response) -> Option<String> {
    let location = response.headers().get(LOCATION)?.to_str().ok()?;
    response.url().join(location).ok()?.host_str().map(str::to_owned)
}

fn unanswered(error: &reqwest::Error, screen: &Screen) -> NoAnswer {
    if error.is_connect() {
        let timed_out = error.is_timeout();
        let said = if timed_out { "no connection in time".to_owned() } else { root(error) };
        return NoAnswer::Absent(Absence::Connect(screen.text(said.as_bytes())));
    }
    if error.is_timeout() {
        return NoAnswer::Absent(Absence::Silent);
    }
    if parse_failed(error) {
        return NoAnswer::Strange(Stranger::NotHttp);
    }
    NoAnswer::Absent(Absence::Cut)
}

fn interrupted(error: &reqwest::Error) -> NoAnswer {
    if error.is_timeout() {
        return NoAnswer::Absent(Absence::Silent);
    }
    if parse_failed(error) {
        return NoAnswer::Strange(Stranger::NotHttp);
    }
    NoAnswer::Absent(Absence::Cut)
}

/// Whether what came is no HTTP.
fn parse_failed(error: &reqwest::Error) -> bool {
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(error) = cause.downcast_ref::<hyper::Error>() {
            return error.is_parse() || error.is_parse_too_large();
        }
        source = cause.source();
    }
    false
}

/// The last of the causes, which names what happened; those before it only say where.
fn root(error: &reqwest::Error) -> String {
    let mut said = String::from("no connection");
    let mut source = error.source();
    while let Some(cause) = source {
        said = cause.to_string();
        source = cause.source();
    }
    // OpenSSL adds the place in its own source.
    said.split_once(":../").map_or(said.as_str(), |(said, _)| said).to_owned()
}
