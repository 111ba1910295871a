//! A Flow Service to register connections with: the local store directly, or a platform over HTTP. Both fail alike.

mod error;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::registry::api::{Connection, ConnectionRequest, Created, Object};
use crate::registry::auth::Auth;
use crate::registry::client::Client;
use crate::registry::local::LocalService;

pub use self::error::{Absence, Fault, Said, ServiceError, Stranger};

/// One of the two.
#[derive(Debug)]
pub enum Service {
    /// The local store; no server is needed.
    Local(LocalService),
    /// `serve`, or the platform.
    Remote(Box<Client>),
}

/// Which connections are listed, and in what order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListQuery {
    /// `property` filters such as `name==orders`, as the platform documents them. All apply.
    pub properties: Vec<String>,
    /// `orderby`, such as `-updatedAt`; the newest first where it is left out.
    pub order: Option<String>,
    /// No more than so many; all where it is left out.
    pub limit: Option<usize>,
}

impl ListQuery {
    /// Those of a name, and of a source where one is given. A name that no filter can hold is left to whoever asks.
    pub fn named(name: &str, spec_id: Option<&str>) -> Self {
        let mut properties: Vec<String> = spec_id.map(|id| format!("connectionSpec.id=={id}")).into_iter().collect();
        if !name.contains('"') {
            let plain = name.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c));
            properties.push(if plain { format!("name=={name}") } else { format!("name==\"{name}\"") });
        }
        Self { properties, ..Self::default() }
    }

    /// As a query string, without the limit: pages are as large as the service makes them.
    pub(crate) fn query(&self) -> String {
        // A plus sign is not a blank to everybody.
        let encoded =
            |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20");
        let properties = self.properties.iter().map(|property| format!("property={}", encoded(property)));
        let order = self.order.iter().map(|order| format!("orderby={}", encoded(order)));
        properties.chain(order).collect::<Vec<_>>().join("&")
    }
}

/// One operation of a PATCH. `Debug` shows no secret.
#[derive(Debug, Clone)]
pub enum PatchOperation {
    /// Another name.
    Name(String),
    /// Another description; None removes it.
    Description(Option<String>),
    /// Another form of authentication.
    SpecName(String),
    /// All parameters of the authentication in place of the old ones, which are all forgotten.
    Params(Auth),
}

impl PatchOperation {
    /// As JSON Patch, secrets included.
    pub(crate) fn exposed(&self) -> Value {
        match self {
            Self::Name(name) => json!({"op": "replace", "path": "/name", "value": name}),
            Self::Description(None) => json!({"op": "remove", "path": "/description"}),
            Self::Description(Some(text)) => json!({"op": "add", "path": "/description", "value": text}),
            Self::SpecName(name) => json!({"op": "replace", "path": "/auth/specName", "value": name}),
            Self::Params(auth) => {
                let params = auth.exposed().get("params").cloned().unwrap_or_default();
                json!({"op": "replace", "path": "/auth/params", "value": params})
            }
        }
    }
}

impl Service {
    /// Whether it can be called at all: says without a call that there is no token and no way to one.
    pub fn can_be_called(&self) -> Result<(), ServiceError> {
        match self {
            Self::Local(_) => Ok(()),
            Self::Remote(client) => client.can_be_called(),
        }
    }

    /// Whether it dials from this machine.
    pub fn is_near(&self) -> bool {
        match self {
            Self::Local(_) => true,
            Self::Remote(client) => client.is_near(),
        }
    }

    /// The connections of exactly that name and source, newest first; all pages are read.
    pub async fn find(&self, name: &str, spec_id: &str) -> Result<Vec<Connection>, ServiceError> {
        match self {
            Self::Local(local) => local.find(name, spec_id).await,
            Self::Remote(client) => client.find(name, spec_id).await,
        }
    }

    /// A list to its end, or to its limit.
    pub async fn list(&self, wanted: &ListQuery) -> Result<Vec<Connection>, ServiceError> {
        match self {
            Self::Local(local) => local.list(wanted).await,
            Self::Remote(client) => client.list(wanted).await,
        }
    }

    /// One connection, secrets masked.
    pub async fn show(&self, id: Uuid) -> Result<Connection, ServiceError> {
        match self {
            Self::Local(local) => local.show(id).await,
            Self::Remote(client) => client.show(id).await,
        }
    }

    /// Makes one. Sent once: after [`Fault::Unavailable`] or [`Fault::NotTheService`] it may have been made.
    pub async fn create(&self, request: &ConnectionRequest) -> Result<Created, ServiceError> {
        match self {
            Self::Local(local) => local.create(request).await,
            Self::Remote(client) => client.create(request).await,
        }
    }

    /// Changes one that still has this etag, its quotes included. Sent once, as [`Service::create`].
    pub async fn patch(&self, id: Uuid, etag: &str, operations: &[PatchOperation]) -> Result<Created, ServiceError> {
        match self {
            Self::Local(local) => local.patch(id, etag, operations).await,
            Self::Remote(client) => client.patch(id, etag, operations).await,
        }
    }

    /// Deletes one.
    pub async fn delete(&self, id: Uuid) -> Result<(), ServiceError> {
        match self {
            Self::Local(local) => local.delete(id).await,
            Self::Remote(client) => client.delete(id).await,
        }
    }

    /// Whether the service gets into the database. It logs in there.
    pub async fn test(&self, id: Uuid) -> Result<bool, ServiceError> {
        match self {
            Self::Local(local) => local.test(id).await,
            Self::Remote(client) => client.test(id).await,
        }
    }

    /// What is in the database: the array of tables of [`Object::Root`], the object with `schema.columns` of a table. It
    /// logs in there.
    pub async fn explore(&self, id: Uuid, object: &Object) -> Result<Value, ServiceError> {
        match self {
            Self::Local(local) => local.explore(id, object).await,
            Self::Remote(client) => client.explore(id, object).await,
        }
    }

    /// The report of the latest check, which services of ours keep; None where the service has none.
    pub async fn preflight(&self, id: Uuid) -> Result<Option<Value>, ServiceError> {
        match self {
            Self::Local(local) => local.preflight(id).await,
            Self::Remote(client) => client.preflight(id).await,
        }
    }
}
