//! The Flow Service that the arguments name: the local store directly, or a platform over HTTP.

use reqwest::header::HeaderValue;
use tokio::time::Instant;

use crate::cli::PlatformArgs;
use crate::commands::misuse::Misuse;
use crate::commands::place::Place;
use crate::error::Trouble;
use crate::registry::client::base::Base;
use crate::registry::client::{Client, Credentials};
use crate::registry::local::LocalService;
use crate::registry::scope::Scope;
use crate::registry::service::Service;
use crate::target::Secret;

/// Holds a token that was had elsewhere.
const TOKEN: &str = "PGPREFLIGHT_TOKEN";

/// Holds the secret of `--client-id`.
const CLIENT_SECRET: &str = "PGPREFLIGHT_CLIENT_SECRET";

/// What a run wants of its service.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    /// When everything has to be done.
    pub deadline: Instant,
    /// Whether the local store tries a new way to log in before it keeps it, as `serve` does. `register` has tried it.
    pub tries_first: bool,
}

/// Opens or names it; nothing is sent yet.
pub async fn service(args: &PlatformArgs, manner: Manner) -> Result<Result<Service, Misuse>, Trouble> {
    let Some(url) = &args.platform else {
        return local(args, manner).await;
    };
    Ok(remote(args, url, manner.deadline).map(|client| Service::Remote(Box::new(client))))
}

async fn local(args: &PlatformArgs, manner: Manner) -> Result<Result<Service, Misuse>, Trouble> {
    let place = match Place::new(args.store.clone()) {
        Ok(place) => place,
        Err(misuse) => return Ok(Err(misuse)),
    };
    let storage = place.open().await?;
    let local = Scope::local();
    let scope = Scope {
        organization: args.org.clone().unwrap_or(local.organization),
        sandbox: args.sandbox.clone(),
        client: args.api_key.clone().unwrap_or(local.client),
    };
    let Manner { deadline, tries_first } = manner;
    Ok(Ok(Service::Local(LocalService { storage, scope, tries_first, deadline })))
}

fn remote(args: &PlatformArgs, url: &str, deadline: Instant) -> Result<Client, Misuse> {
    let base = base("--platform", url)?;
    let ims = self::base("--ims", &args.ims)?;
    let set = |name: &str| std::env::var(name).ok().map(|value| value.trim().to_owned()).filter(|it| !it.is_empty());
    let credentials = match (set(TOKEN), &args.client_id, set(CLIENT_SECRET)) {
        (Some(token), ..) if !is_header(&token) => {
            return Err(Misuse(format!("{TOKEN} does not hold a token: it has a blank or another character in it")));
        }
        (Some(token), ..) => Credentials::Token(Secret::new(token)),
        (None, Some(id), Some(secret)) => Credentials::Client { id: id.clone(), secret: Secret::new(secret), ims },
        (None, ..) => Credentials::None,
    };
    let key = args.api_key.clone().or_else(|| args.client_id.clone());
    let key = key.ok_or_else(|| Misuse("--platform also needs --api-key (or --client-id)".to_owned()))?;
    let organization = args.org.clone().unwrap_or_default();
    for (flag, value) in [("--org", &organization), ("--api-key", &key), ("--sandbox", &args.sandbox)] {
        if !is_header(value) {
            return Err(Misuse(format!("{flag} is empty, or has a blank or another character that it cannot have")));
        }
    }
    let scope = Scope { organization, sandbox: args.sandbox.clone(), client: key };
    Ok(Client::new(base, scope, credentials, deadline))
}

fn base(flag: &str, url: &str) -> Result<Base, Misuse> {
    Base::parse(url).map_err(|error| Misuse(format!("{flag} {error}")))
}

/// Whether it can be sent as a header, in one word.
fn is_header(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(|b| b.is_ascii_graphic()) && HeaderValue::from_str(value).is_ok()
}
