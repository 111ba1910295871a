//! The client of a Flow Service over HTTP: `serve`, or the platform itself.
//!
//! What changes something is sent once; only an answer that says it was not done (401, 429) lets it be sent again.

pub mod base;
mod call;
mod pause;
mod reading;
pub(in crate::registry) mod refusal;
mod token;
mod transport;

use std::collections::HashSet;

use reqwest::Method;
use serde_json::Value;
use tokio::time::Instant;
use uuid::Uuid;

use self::base::Base;
use self::call::{Call, Effect};
pub use self::token::Credentials;
use self::token::Tokens;
use self::transport::{LONG, SHORT, Transport};
use crate::registry::api::{Connection, ConnectionRequest, ConnectionSpec, Created, Object};
use crate::registry::auth::Auth;
use crate::registry::endpoint;
use crate::registry::scope::Scope;
use crate::registry::service::{Fault, ListQuery, PatchOperation, ServiceError, Stranger};
use crate::target::Secret;

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

/// For a query string, where a plus sign is not a blank to everybody.
fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}
