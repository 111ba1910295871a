//! The client of a Flow Service over HTTP: `serve`, or the platform itself.
//!
//! What changes something is sent once; only an answer that says it was not done (401, 429) lets it be sent again.

pub mod base;
mod pause;
mod reading;
pub(in crate::registry) mod refusal;
mod token;
mod transport;

use std::collections::HashSet;

use jiff::Timestamp;
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Method, RequestBuilder};
use serde::de::IgnoredAny;
use serde_json::Value;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use self::base::Base;
use self::refusal::Refusal;
pub use self::token::Credentials;
use self::token::Tokens;
use self::transport::{Answer, LONG, NoAnswer, SHORT, Transport};
use crate::registry::api::{Connection, ConnectionRequest, ConnectionSpec, Created, Object};
use crate::registry::auth::Auth;
use crate::registry::endpoint;
use crate::registry::scope::Scope;
use crate::registry::service::{Absence, Fault, ListQuery, PatchOperation, Said, ServiceError, Stranger};
use crate::target::Secret;
use crate::wire::screen::Screen;

/// How often a call is answered with 429 before that is the result.
const MOST_THROTTLED: u32 = 8;

/// How many pages of a list are read; the platform has 100 connections on each.
const MOST_PAGES: usize = 10_000;

/// Calls one service on behalf of one client in one sandbox of one organisation.
#[derive(Debug)]
pub struct Client {
    base: Base,
    scope: Scope,
    transport: Transport,
    tokens: Tokens,
}

/// What a call does there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    /// Nothing: it may be made once more when there is no answer.
    Reads,
    /// It makes the service log in to the database, which counts attempts.
    LogsIn,
    /// It changes something.
    Writes,
}

/// One call, to be sent as often as it takes.
struct Call<'a> {
    method: Method,
    path: String,
    effect: Effect,
    limit: usize,
    if_match: Option<&'a str>,
    body: Option<Value>,
    /// Secrets of the body, which a service may repeat.
    secrets: Vec<Secret>,
}

impl Call<'_> {
    fn read(path: String, limit: usize) -> Self {
        Self {
            method: Method::GET,
            path,
            effect: Effect::Reads,
            limit,
            if_match: None,
            body: None,
            secrets: Vec::new(),
        }
    }
}

impl Client {
    /// Nothing is sent yet. Everything has to be done by the deadline.
    pub fn new(base: Base, scope: Scope, credentials: Credentials, deadline: Instant) -> Self {
        let transport = Transport::new(&base, deadline);
        Self { base, scope, transport, tokens: Tokens::new(credentials, deadline) }
    }

    /// Host and port of the service, to be shown.
    pub fn place(&self) -> String {
        self.base.place()
    }

    /// Whether the service is on this machine.
    pub fn is_near(&self) -> bool {
        self.base.is_loopback()
    }

    /// Whether there is a token, or a way to one.
    pub fn can_be_called(&self) -> Result<(), ServiceError> {
        if self.tokens.can_be_had() { Ok(()) } else { Err(ServiceError::new(Fault::TokenMissing)) }
    }

    /// As [`super::service::Service::find`].
    pub async fn find(&self, name: &str, spec_id: &str) -> Result<Vec<Connection>, ServiceError> {
        let mut found = self.list(&ListQuery::named(name, Some(spec_id))).await?;
        found.retain(|it| it.name == name && it.connection_spec.id == spec_id);
        Ok(found)
    }

    /// As [`super::service::Service::list`].
    pub async fn list(&self, wanted: &ListQuery) -> Result<Vec<Connection>, ServiceError> {
        let most = wanted.limit.unwrap_or(usize::MAX);
        let size = most.min(100);
        let parts = [wanted.query(), format!("limit={size}")];
        let query = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("&");
        let mut path = format!("/connections?{query}");
        let (mut found, mut tokens) = (Vec::new(), HashSet::new());
        loop {
            let (status, page) = self.json(Call::read(path, LONG)).await?;
            let items = reading::items(&page).ok_or_else(|| lacks(status, "items"))?;
            found.extend(items);
            let Some(token) = reading::next_page(&page).filter(|_| found.len() < most) else {
                found.truncate(most);
                return Ok(found);
            };
            let encoded = encoded(&token);
            if !tokens.insert(token) || tokens.len() >= MOST_PAGES {
                return Err(ServiceError::new(Fault::NotTheService(Stranger::Endless)));
            }
            // The parameters again behind the token, as the platform's own clients have it.
            path = format!("/connections?continuationToken={encoded}&{query}");
        }
    }

    /// As [`super::service::Service::show`].
    pub async fn show(&self, id: Uuid) -> Result<Connection, ServiceError> {
        let (status, body) = self.json(Call::read(format!("/connections/{id}"), SHORT)).await?;
        let Some(items) = body.get("items").and_then(Value::as_array) else {
            return reading::connection(&body).ok_or_else(|| lacks(status, "items"));
        };
        let Some(first) = items.first() else {
            return Err(ServiceError::new(Fault::NotFound));
        };
        reading::connection(first).filter(|it| it.id == id).ok_or_else(|| lacks(status, "the connection asked for"))
    }

    /// As [`super::service::Service::create`].
    pub async fn create(&self, request: &ConnectionRequest) -> Result<Created, ServiceError> {
        let call = Call {
            method: Method::POST,
            effect: Effect::Writes,
            body: Some(request.exposed()),
            secrets: secrets(&request.auth),
            ..Call::read("/connections".to_owned(), SHORT)
        };
        let (status, body) = self.json(call).await?;
        reading::created(&body).ok_or_else(|| lacks(status, "id"))
    }

    /// As [`super::service::Service::patch`].
    pub async fn patch(&self, id: Uuid, etag: &str, operations: &[PatchOperation]) -> Result<Created, ServiceError> {
        let auths =
            operations.iter().filter_map(|it| if let PatchOperation::Params(auth) = it { Some(auth) } else { None });
        let call = Call {
            method: Method::PATCH,
            effect: Effect::Writes,
            if_match: Some(etag),
            body: Some(operations.iter().map(PatchOperation::exposed).collect()),
            secrets: auths.flat_map(secrets).collect(),
            ..Call::read(format!("/connections/{id}"), SHORT)
        };
        let (status, body) = self.json(call).await?;
        reading::created(&body).ok_or_else(|| lacks(status, "id"))
    }

    /// As [`super::service::Service::delete`].
    pub async fn delete(&self, id: Uuid) -> Result<(), ServiceError> {
        let call =
            Call { method: Method::DELETE, effect: Effect::Writes, ..Call::read(format!("/connections/{id}"), SHORT) };
        self.answered(&call).await.map(|_| ())
    }

    /// As [`super::service::Service::test`].
    pub async fn test(&self, id: Uuid) -> Result<bool, ServiceError> {
        let call = Call { effect: Effect::LogsIn, ..Call::read(format!("/connections/{id}/test"), SHORT) };
        let (status, body) = self.json(call).await?;
        body.get("result").and_then(Value::as_bool).ok_or_else(|| lacks(status, "result"))
    }

    /// As [`super::service::Service::explore`].
    pub async fn explore(&self, id: Uuid, object: &Object) -> Result<Value, ServiceError> {
        let query = match object {
            Object::Root => "objectType=root".to_owned(),
            Object::Table { path, preview } => {
                let preview = if *preview { "&preview=true" } else { "" };
                format!("objectType=table&object={}{preview}", encoded(path))
            }
        };
        let path = format!("/connections/{id}/explore?{query}");
        let (status, body) = self.json(Call { effect: Effect::LogsIn, ..Call::read(path, LONG) }).await?;
        match object {
            Object::Root if !body.is_array() => Err(lacks(status, "the list of tables")),
            Object::Table { .. } if body.pointer("/schema/columns").is_none_or(|it| !it.is_array()) => {
                Err(lacks(status, "schema.columns"))
            }
            _ => Ok(body),
        }
    }

    /// As [`super::service::Service::preflight`]. Only services of ours have it; of any other the refusal says so.
    pub async fn preflight(&self, id: Uuid) -> Result<Option<Value>, ServiceError> {
        let path = format!("/connections/{id}/preflight");
        match self.json(Call { effect: Effect::LogsIn, ..Call::read(path, SHORT) }).await {
            Ok((_, report)) => Ok(Some(report).filter(|report| report.get("findings").is_some())),
            Err(error) => match *error.fault {
                Fault::NotFound | Fault::NotTheService(_) | Fault::Other { .. } | Fault::Forbidden { .. } => Ok(None),
                _ => Err(error),
            },
        }
    }

    /// The body of a good answer, with its status. What it says is screened.
    async fn json(&self, call: Call<'_>) -> Result<(u16, Value), ServiceError> {
        let answer = self.answered(&call).await?;
        let status = answer.status;
        let parsed = serde_json::from_slice::<Value>(&answer.body);
        let failed = |fault| ServiceError::new(fault).with_request_id(answer.request_id.clone());
        let mut body = match parsed {
            Ok(body) => body,
            Err(_) if answer.is_html => return Err(failed(Fault::NotTheService(Stranger::Html { status }))),
            Err(_) => return Err(failed(Fault::NotTheService(Stranger::NotJson { status }))),
        };
        screened(&mut body, &self.screen(&call, None));
        Ok((status, body))
    }

    /// A good answer: sends the call until there is one, as often as is allowed.
    async fn answered(&self, call: &Call<'_>) -> Result<Answer, ServiceError> {
        let (mut throttled, mut renewed, mut repeated) = (0, false, false);
        loop {
            let token = self.tokens.current().await?;
            let screen = self.screen(call, Some(&token));
            let error = match self.exchange(call, &token, &screen).await {
                Ok(answer) if is_good(answer.status) && (call.method == Method::DELETE || !is_cut(&answer)) => {
                    return Ok(answer);
                }
                Ok(answer) if is_good(answer.status) => {
                    ServiceError::new(Fault::Unavailable(Absence::Cut)).with_request_id(answer.request_id)
                }
                Ok(answer) if answer.status == 429 => {
                    throttled += 1;
                    self.wait(&answer, throttled).await?;
                    continue;
                }
                Ok(answer) => {
                    let error = refused(&answer, &screen);
                    let rejected = matches!(*error.fault, Fault::TokenRejected(_)) && answer.status == 401;
                    if rejected && !renewed && self.tokens.forget(&token).await {
                        renewed = true;
                        continue;
                    }
                    error
                }
                Err(error) => error,
            };
            let may_come = matches!(&*error.fault, Fault::Unavailable(absence) if *absence != Absence::Silent);
            if !may_come || call.effect != Effect::Reads || repeated || !self.has_time_for(pause::before(1, None)) {
                return Err(error);
            }
            repeated = true;
            sleep(pause::before(1, None)).await;
        }
    }

    async fn exchange(&self, call: &Call<'_>, token: &Secret, screen: &Screen) -> Result<Answer, ServiceError> {
        let request = self.request(call, token).ok_or_else(|| {
            ServiceError::new(Fault::Unavailable(Absence::Connect("the request cannot be made".to_owned())))
        })?;
        self.transport.exchange(request, call.limit, screen).await.map_err(ServiceError::from)
    }

    /// With the headers that every call has to have.
    fn request(&self, call: &Call<'_>, token: &Secret) -> Option<RequestBuilder> {
        let mut request = self.transport.request(call.method.clone(), self.base.flow_service(&call.path)?)?;
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", token.expose())).ok()?;
        bearer.set_sensitive(true);
        request = request.header("authorization", bearer).header("accept", "application/json");
        let Scope { organization, sandbox, client } = &self.scope;
        for (name, value) in [("x-api-key", client), ("x-gw-ims-org-id", organization), ("x-sandbox-name", sandbox)] {
            request = request.header(HeaderName::from_static(name), HeaderValue::from_str(value).ok()?);
        }
        if let Some(etag) = call.if_match {
            request = request.header("if-match", HeaderValue::from_str(etag).ok()?);
        }
        if let Some(body) = &call.body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        Some(request)
    }

    /// Waits as long as a 429 asks for, if there is time for it.
    async fn wait(&self, answer: &Answer, attempts: u32) -> Result<(), ServiceError> {
        let retry_after = answer.retry_after.as_deref().and_then(|text| pause::asked_for(text, Timestamp::now()));
        let pause = pause::before(attempts, retry_after);
        if attempts >= MOST_THROTTLED || !self.has_time_for(pause) {
            let fault = Fault::Throttled { retry_after, attempts };
            return Err(ServiceError::new(fault).with_request_id(answer.request_id.clone()));
        }
        sleep(pause).await;
        Ok(())
    }

    fn has_time_for(&self, pause: std::time::Duration) -> bool {
        Instant::now().checked_add(pause).is_some_and(|then| then < self.transport.deadline())
    }

    /// Against everything that this side knows and nobody is to see.
    fn screen(&self, call: &Call<'_>, token: Option<&Secret>) -> Screen {
        let secrets = call.secrets.iter().chain(token).map(Secret::expose);
        Screen::new(self.tokens.secrets().into_iter().chain(secrets))
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

fn is_good(status: u16) -> bool {
    (200..300).contains(&status)
}

/// Whether it ends within its JSON: not every server says how long an answer is.
fn is_cut(answer: &Answer) -> bool {
    let parsed = serde_json::from_slice::<IgnoredAny>(&answer.body);
    !answer.body.is_empty() && parsed.is_err_and(|error| error.is_eof())
}

/// What an answer that is not good says.
fn refused(answer: &Answer, screen: &Screen) -> ServiceError {
    let status = answer.status;
    let mut body = serde_json::from_slice::<Value>(&answer.body).ok();
    if let Some(body) = &mut body {
        screened(body, screen);
    }
    let Some(Refusal { said, request_id, preflight }) = body.as_ref().and_then(Refusal::read) else {
        let fault = match (status, answer.is_html, body.is_some()) {
            (500.., ..) => Fault::Unavailable(Absence::Status { status, said: Said::default() }),
            (_, true, _) => Fault::NotTheService(Stranger::Html { status }),
            (_, _, false) => Fault::NotTheService(Stranger::NotJson { status }),
            _ => Fault::NotTheService(Stranger::Shape { status, lacks: "the sentence of a refusal" }),
        };
        return ServiceError::new(fault).with_request_id(answer.request_id.clone());
    };
    let request_id = request_id.or_else(|| answer.request_id.clone());
    ServiceError::new(refusal::fault(status, said, preflight)).with_request_id(request_id)
}

fn lacks(status: u16, lacks: &'static str) -> ServiceError {
    ServiceError::new(Fault::NotTheService(Stranger::Shape { status, lacks }))
}

/// The secrets that a body holds: the parameters, and what stands in a connection string.
fn secrets(auth: &Auth) -> Vec<Secret> {
    let mut all: Vec<Secret> = auth.secrets().map(|(_, secret)| secret.clone()).collect();
    if let Ok(target) = endpoint::target(auth, &ConnectionSpec::postgresql()) {
        all.extend(target.secrets().into_iter().map(|secret| Secret::new(secret.to_owned())));
    }
    all
}

/// Takes secrets and control characters out of every text, names of members included.
fn screened(value: &mut Value, screen: &Screen) {
    match value {
        Value::String(text) => *text = screen.value(text.as_bytes()),
        Value::Array(values) => values.iter_mut().for_each(|value| screened(value, screen)),
        Value::Object(members) => {
            let taken = std::mem::take(members);
            members.extend(taken.into_iter().map(|(name, mut value)| {
                screened(&mut value, screen);
                (screen.value(name.as_bytes()), value)
            }));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// For a query string, where a plus sign is not a blank to everybody.
fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}
