//! One call: sent with the headers that every call has to have, as often as it may be, until there is a good answer.

use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Method, RequestBuilder};
use serde::de::IgnoredAny;
use serde_json::Value;
use tokio::time::sleep;

use super::Client;
use super::pause;
use super::refusal::{self, Refusal};
use super::transport::Answer;
use crate::registry::scope::Scope;
use crate::registry::service::{Absence, Fault, Said, ServiceError, Stranger};
use crate::target::Secret;
use crate::wire::screen::Screen;

/// What a call does there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// Nothing: it may be made once more when there is no answer.
    Reads,
    /// It makes the service log in to the database, which counts attempts.
    LogsIn,
    /// It changes something.
    Writes,
}

/// One call, to be sent as often as it takes.
pub(super) struct Call<'a> {
    /// `GET` and so on.
    pub method: Method,
    /// Under the base of the service, with the query.
    pub path: String,
    /// What it does there.
    pub effect: Effect,
    /// The longest answer, in bytes.
    pub limit: usize,
    /// The etag as it was received.
    pub if_match: Option<&'a str>,
    /// As JSON, secrets included.
    pub body: Option<Value>,
    /// Secrets of the body, which a service may repeat.
    pub secrets: Vec<Secret>,
}

impl Call<'_> {
    /// One that reads, and whose answer may have so many bytes.
    pub fn read(path: String, limit: usize) -> Self {
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
    /// The body of a good answer, with its status. What it says is screened.
    pub(super) async fn json(&self, call: Call<'_>) -> Result<(u16, Value), ServiceError> {
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
    pub(super) async fn answered(&self, call: &Call<'_>) -> Result<Answer, ServiceError> {
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
                    self.transport.wait(&answer, throttled).await?;
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
            if !may_come
                || call.effect != Effect::Reads
                || repeated
                || !self.transport.has_time_for(pause::before(1, None))
            {
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

    /// Against everything that this side knows and nobody is to see.
    fn screen(&self, call: &Call<'_>, token: Option<&Secret>) -> Screen {
        let secrets = call.secrets.iter().chain(token).map(Secret::expose);
        Screen::new(self.tokens.secrets().into_iter().chain(secrets))
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
