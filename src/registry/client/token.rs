//! The access token: given, or asked for at IMS and kept in memory until it is not taken any more.

use reqwest::Method;
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::registry::client::base::Base;
use crate::registry::client::transport::{Answer, SHORT, Transport};
use crate::registry::service::{Absence, Fault, Said, ServiceError, Stranger};
use crate::target::Secret;
use crate::wire::screen::Screen;

/// The scopes of the platform's own samples (OAuth server-to-server).
const SCOPES: &str = "openid,session,AdobeID,read_organizations,additional_info.projectedProductContext";

/// Where tokens come from. `Debug` shows no secret.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// There is nothing to come from.
    None,
    /// It is given (`PGPREFLIGHT_TOKEN`).
    Token(Secret),
    /// IMS gives it to a client.
    Client {
        /// `--client-id`
        id: String,
        /// `PGPREFLIGHT_CLIENT_SECRET`
        secret: Secret,
        /// `--ims`
        ims: Base,
    },
}

/// The token of a run.
#[derive(Debug)]
pub(super) struct Tokens {
    credentials: Credentials,
    transport: Option<Transport>,
    kept: Mutex<Option<Secret>>,
}

impl Tokens {
    /// None is asked for yet.
    pub fn new(credentials: Credentials, deadline: Instant) -> Self {
        let transport = match &credentials {
            Credentials::Client { ims, .. } => Some(Transport::new(ims, deadline)),
            Credentials::None | Credentials::Token(_) => None,
        };
        Self { credentials, transport, kept: Mutex::new(None) }
    }

    /// Whether there is a way to one.
    pub fn can_be_had(&self) -> bool {
        !matches!(self.credentials, Credentials::None)
    }

    /// What is never shown.
    pub fn secrets(&self) -> Vec<&str> {
        match &self.credentials {
            Credentials::None => Vec::new(),
            Credentials::Token(token) => vec![token.expose()],
            Credentials::Client { secret, .. } => vec![secret.expose()],
        }
    }

    /// The one to send.
    pub async fn current(&self) -> Result<Secret, ServiceError> {
        let (Credentials::Client { id, secret, ims }, Some(transport)) = (&self.credentials, &self.transport) else {
            return match &self.credentials {
                Credentials::Token(token) => Ok(token.clone()),
                _ => Err(ServiceError::new(Fault::TokenMissing)),
            };
        };
        let mut kept = self.kept.lock().await;
        if let Some(token) = &*kept {
            return Ok(token.clone());
        }
        let token = ask(transport, ims, (id, secret)).await?;
        *kept = Some(token.clone());
        Ok(token)
    }

    /// Forgets one that was not taken. Says whether another can be had.
    pub async fn forget(&self, refused: &Secret) -> bool {
        let mut kept = self.kept.lock().await;
        if kept.as_ref() == Some(refused) {
            *kept = None;
        }
        self.transport.is_some()
    }
}

async fn ask(transport: &Transport, ims: &Base, (id, secret): (&str, &Secret)) -> Result<Secret, ServiceError> {
    let screen = Screen::new([secret.expose()]);
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "client_credentials")
        .append_pair("client_id", id)
        .append_pair("client_secret", secret.expose())
        .append_pair("scope", SCOPES)
        .finish();
    let unset = || ServiceError::new(Fault::Unavailable(Absence::Connect("TLS cannot be set up here".to_owned())));
    let mut throttled = 0;
    loop {
        let request = ims.token().and_then(|url| transport.request(Method::POST, url)).ok_or_else(unset)?;
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(form.clone());
        let answer = transport.exchange(request, SHORT, &screen).await?;
        if answer.status != 429 {
            return read(&answer, &screen).map_err(|fault| ServiceError::new(fault).with_request_id(answer.request_id));
        }
        throttled += 1;
        transport.wait(&answer, throttled).await?;
    }
}

fn read(answer: &Answer, screen: &Screen) -> Result<Secret, Fault> {
    let status = answer.status;
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(|text| screen.text(text.as_bytes()));
    let code = text("error").or_else(|| text("error_code"));
    let said = Said { text: text("error_description").or_else(|| text("message")).unwrap_or_default(), code };
    match status {
        200..=299 => {
            let token = body.get("access_token").and_then(Value::as_str).filter(|token| is_token(token));
            let strange = || Fault::NotTheService(Stranger::Shape { status, lacks: "access_token" });
            token.map(|token| Secret::new(token.to_owned())).ok_or_else(strange)
        }
        500..=599 => Err(Fault::Unavailable(Absence::Status { status, said })),
        _ if said.code.is_some() => Err(Fault::TokenRejected(said)),
        _ => Err(Fault::NotTheService(Stranger::Shape { status, lacks: "error" })),
    }
}

/// Whether it can stand in a header.
pub(super) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic())
}
