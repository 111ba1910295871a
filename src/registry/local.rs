//! The local store as a Flow Service without a server: the same rules, codes and checks as `serve`, in this process.

use std::future::Future;

use serde_json::Value;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use crate::registry::api::{Connection, ConnectionRequest, ConnectionSpec, Created, Object, Registered};
use crate::registry::auth::Auth;
use crate::registry::client::refusal;
use crate::registry::list::{self, Wanted};
use crate::registry::network::Network;
use crate::registry::preflight::{self, Outcome};
use crate::registry::problem::Problem;
use crate::registry::record::Checked;
use crate::registry::scope::Scope;
use crate::registry::service::{Absence, Fault, ListQuery, PatchOperation, Said, ServiceError};
use crate::registry::storage::Storage;
use crate::registry::store::StoreError;
use crate::registry::{endpoint, explore, patch, specs};
use crate::report::Report;

/// A store, and on whose behalf it is used.
#[derive(Debug)]
pub struct LocalService {
    /// Where connections are.
    pub storage: Storage,
    /// Whose they are.
    pub scope: Scope,
    /// Whether a new way to log in is tried before it is stored. Whoever has tried it already says no.
    pub tries_first: bool,
    /// When everything has to be done.
    pub deadline: Instant,
}

impl LocalService {
    /// As [`super::service::Service::find`].
    pub async fn find(&self, name: &str, spec_id: &str) -> Result<Vec<Connection>, ServiceError> {
        let found = self.list(&ListQuery::named(name, Some(spec_id))).await?;
        Ok(found.into_iter().filter(|it| it.name == name && it.connection_spec.id == spec_id).collect())
    }

    /// As [`super::service::Service::list`].
    pub async fn list(&self, wanted: &ListQuery) -> Result<Vec<Connection>, ServiceError> {
        let Wanted::Page(query, mut size) = list::wanted(&wanted.query()).map_err(refused)? else {
            return Ok(Vec::new()); // a count is not asked for
        };
        let most = wanted.limit.unwrap_or(usize::MAX);
        let (mut found, mut next) = (Vec::new(), Some(query));
        while let Some(query) = next.filter(|_| found.len() < most) {
            size = size.min(most.saturating_sub(found.len()));
            let page = self.storage.list(&self.scope, query, size).await.map_err(stored)?;
            for document in &page.documents {
                found.extend(serde_json::from_str::<Connection>(document).ok());
            }
            next = page.next;
        }
        Ok(found)
    }

    /// As [`super::service::Service::show`].
    pub async fn show(&self, id: Uuid) -> Result<Connection, ServiceError> {
        let found = self.storage.read(&self.scope, id).await.map_err(stored)?;
        found.ok_or_else(|| ServiceError::new(Fault::NotFound))
    }

    /// As [`super::service::Service::create`].
    pub async fn create(&self, request: &ConnectionRequest) -> Result<Created, ServiceError> {
        specs::accept(request).map_err(refused)?;
        let report =
            if self.tries_first { Some(self.tried(&request.auth, &request.connection_spec).await?) } else { None };
        self.storage.create(&self.scope, request.clone(), report).await.map_err(stored)
    }

    /// Makes it unless it is there, in one step: of several at the same time one makes it. None where the store cannot.
    pub(super) async fn register(&self, request: &ConnectionRequest) -> Option<Result<Registered, ServiceError>> {
        if let Err(problem) = specs::accept(request) {
            return Some(Err(refused(problem)));
        }
        let registered = self.storage.register(&self.scope, request.clone()).await?;
        Some(registered.map_err(stored))
    }

    /// Keeps the report of a check that was made elsewhere. Without it, one is made when it is asked for.
    pub(super) async fn keep_report(&self, id: Uuid, report: &str) {
        if let Ok(connection) = self.show(id).await {
            self.storage.set_report(&connection, report.to_owned()).await.ok();
        }
    }

    /// Whether a connection has the secrets of this request too.
    pub(super) async fn has_secrets_of(&self, id: Uuid, request: &ConnectionRequest) -> Result<bool, ServiceError> {
        let (_, auth) = self.stored(id).await?;
        Ok(auth.secrets().eq(request.auth.secrets()))
    }

    /// As [`super::service::Service::patch`].
    pub async fn patch(&self, id: Uuid, etag: &str, operations: &[PatchOperation]) -> Result<Created, ServiceError> {
        let (before, auth) = self.stored(id).await?;
        let outdated = || refused(Problem::outdated());
        if before.etag != etag {
            return Err(outdated());
        }
        let operations = operations.iter().map(PatchOperation::exposed).collect();
        let (change, logs_in_otherwise) = patch::apply(&operations, &before, &auth).map_err(refused)?;
        let tries = logs_in_otherwise && self.tries_first;
        let report = if tries { Some(self.tried(&change.auth, &before.connection_spec).await?) } else { None };
        let updated = self.storage.update(before, &self.scope, change, report).await.map_err(stored)?;
        updated.ok_or_else(outdated)
    }

    /// As [`super::service::Service::delete`].
    pub async fn delete(&self, id: Uuid) -> Result<(), ServiceError> {
        let was_there = self.storage.delete(&self.scope, id).await.map_err(stored)?;
        was_there.then_some(()).ok_or_else(|| ServiceError::new(Fault::NotFound))
    }

    /// As [`super::service::Service::test`].
    pub async fn test(&self, id: Uuid) -> Result<bool, ServiceError> {
        let (connection, auth) = self.stored(id).await?;
        let outcome = self.check(&auth, &connection.connection_spec).await?;
        self.storage.set_report(&connection, outcome.report.to_string()).await.map_err(stored)?;
        Ok(outcome.ready)
    }

    /// As [`super::service::Service::explore`].
    pub async fn explore(&self, id: Uuid, object: &Object) -> Result<Value, ServiceError> {
        let (connection, auth) = self.stored(id).await?;
        let unreadable = |_| refused(Problem::refused("the parameters of the connection cannot be read"));
        let target = endpoint::target(&auth, &connection.connection_spec).map_err(unreadable)?;
        self.in_time(explore::explore(&target, &Network::everywhere(), object)).await?.map_err(refused)
    }

    /// As [`super::service::Service::preflight`].
    pub async fn preflight(&self, id: Uuid) -> Result<Option<Value>, ServiceError> {
        match self.storage.report(&self.scope, id).await.map_err(stored)? {
            Checked::NoConnection => Err(ServiceError::new(Fault::NotFound)),
            Checked::Never => Ok(None),
            Checked::Latest(report) => Ok(serde_json::from_str(&report).ok()),
        }
    }

    /// A connection, and how to log in to its database, secrets included.
    pub async fn stored(&self, id: Uuid) -> Result<(Connection, Auth), ServiceError> {
        let found = self.storage.credentials(&self.scope, id).await.map_err(stored)?;
        found.ok_or_else(|| ServiceError::new(Fault::NotFound))
    }

    /// The report of a check that has gone well.
    async fn tried(&self, auth: &Auth, spec: &ConnectionSpec) -> Result<String, ServiceError> {
        let outcome = self.check(auth, spec).await?;
        if outcome.ready {
            return Ok(outcome.report.to_string());
        }
        Err(refused(outcome.refusal()))
    }

    async fn check(&self, auth: &Auth, spec: &ConnectionSpec) -> Result<Outcome, ServiceError> {
        let report = match endpoint::target(auth, spec) {
            Ok(target) => self.in_time(preflight::walk(&target, Network::everywhere())).await?,
            Err(failure) => Report::refused(&failure, false),
        };
        Ok(Outcome::of(&report))
    }

    async fn in_time<T>(&self, work: impl Future<Output = T>) -> Result<T, ServiceError> {
        let silent = |_| ServiceError::new(Fault::Unavailable(Absence::Silent));
        // Boxed: a whole check is large, and would make every call of a service as large.
        timeout_at(self.deadline, Box::pin(work)).await.map_err(silent)
    }
}

fn stored(error: StoreError) -> ServiceError {
    ServiceError::new(error.into())
}

/// What `serve` would answer, read as a client reads it.
fn refused(mut problem: Problem) -> ServiceError {
    let said = Said { code: Some(problem.code().to_owned()), text: problem.detail().to_owned() };
    let preflight = problem.take_preflight();
    ServiceError::new(refusal::fault(problem.status_code(), said, preflight))
}
