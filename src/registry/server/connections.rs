//! The calls under `/connections`: create, list, read, change, delete, test, explore, and the report of the latest check.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{HeaderValue, IF_MATCH, LOCATION};
use axum::http::{Request, Response, StatusCode};
use axum::response::IntoResponse;
use serde_json::{Value, json};
use uuid::Uuid;

use super::answer::{self, Gateway};
use super::{Preflight, Service, body, object};
use crate::registry::api::{Connection, ConnectionRequest, ConnectionSpec, RequestError};
use crate::registry::auth::Auth;
use crate::registry::list::{self, Wanted};
use crate::registry::preflight::Outcome;
use crate::registry::problem::Problem;
use crate::registry::record::Checked;
use crate::registry::scope::Scope;
use crate::registry::store::StoreError;
use crate::registry::{endpoint, explore, patch, specs};

type Answer = Result<Response<Body>, Refusal>;

/// Either kind of refusal.
pub enum Refusal {
    /// Of the gateway.
    Gateway(Gateway),
    /// Of the Flow Service.
    Problem(Problem),
    /// Of the body.
    Body(body::BodyError),
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response<Body> {
        match self {
            Self::Gateway(gateway) => gateway.into_response(),
            Self::Problem(problem) => problem.into_response(),
            Self::Body(error) => error.into_response(),
        }
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<body::BodyError> for Refusal {
    fn from(error: body::BodyError) -> Self {
        Self::Body(error)
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        super::failed(&error).into()
    }
}

/// `POST /connections`
pub async fn create(
    State(service): State<Arc<Service>>,
    Extension(scope): Extension<Scope>,
    request: Request<Body>,
) -> Answer {
    let query = request.uri().query().unwrap_or_default();
    if form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "mode") {
        return Err(list::unknown_parameter().into()); // drafts, which neither of the sources has
    }
    let value = body::json(request).await?;
    let request = ConnectionRequest::try_from(value.clone()).map_err(|error| unreadable(&error, &value))?;
    drop(value);
    specs::accept(&request)?;
    let report = preflight(&service, &request.auth, &request.connection_spec).await?;
    let created = service.storage.create(&scope, request, report).await?;
    let mut response = answer::json(StatusCode::CREATED, &created);
    let location = format!("{}/connections/{}", super::BASE, created.id);
    response.headers_mut().extend(HeaderValue::from_str(&location).ok().map(|location| (LOCATION, location)));
    Ok(response)
}

/// `GET /connections`
pub async fn list(
    State(service): State<Arc<Service>>,
    Extension(scope): Extension<Scope>,
    request: Request<Body>,
) -> Answer {
    match list::wanted(request.uri().query().unwrap_or_default())? {
        Wanted::Count(query) => {
            let count = service.storage.count(&scope, query).await?;
            Ok(answer::json(StatusCode::OK, &json!({"count": count})))
        }
        Wanted::Page(query, limit) => {
            let page = service.storage.list(&scope, query, limit).await?;
            let body = list::render(&page).map_err(|_| Problem::new("1102-500", INTERNAL, INTERNAL))?;
            Ok(answer::json_bytes(StatusCode::OK, body))
        }
    }
}

/// `GET /connections/{id}`: a list of one.
pub async fn read(
    State(service): State<Arc<Service>>,
    Extension(scope): Extension<Scope>,
    Path(id): Path<String>,
) -> Answer {
    let id = uuid(&id)?;
    let connection = service.storage.read(&scope, id).await?.ok_or_else(|| Problem::not_found(id))?;
    Ok(answer::json(StatusCode::OK, &json!({"items": [connection]})))
}

/// `DELETE /connections/{id}`
pub async fn delete(
    State(service): State<Arc<Service>>,
    Extension(scope): Extension<Scope>,
    Path(id): Path<String>,
) -> Answer {
    let id = uuid(&id)?;
    if !service.storage.delete(&scope, id).await? {
        return Err(Problem::not_found(id).into());
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `PATCH /connections/{id}`
pub async fn update(
    State(service): State<Arc<Service>>,
    Extension(scope): Extension<Scope>,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Answer {
    let etag = if_match(&request).ok_or_else(|| {
        let detail =
            "The header If-Match is missing in the request. Please add the header in the request and try again.";
        Problem::new("1403-400", "Invalid request", detail)
    })?;
    let patch = body::json(request).await?;
    let (before, auth) = credentials(&service, &scope, &id).await?;
    if !matches(&etag, &before.etag) {
        return Err(Problem::outdated().into());
    }
    let (change, logs_in_otherwise) = patch::apply(&patch, &before, &auth)?;
    let report =
        if logs_in_otherwise { preflight(&service, &change.auth, &before.connection_spec).await? } else { None };
    let updated = service.storage.update(before, &scope, change, report).await?;
    Ok(answer::json(StatusCode::OK, &updated.ok_or_else(Problem::outdated)?))
}

/// `GET /connections/{id}/test`
pub async fn test(
    State(service): State<Arc<Service>>,
    Extension(scope): Extension<Scope>,
    Path(id): Path<String>,
) -> Answer {
    let (connection, auth) = credentials(&service, &scope, &id).await?;
    let outcome = check(&service, &auth, &connection.connection_spec).await?;
    service.storage.set_report(&connection, outcome.report.to_string()).await?;
    Ok(answer::json(StatusCode::OK, &json!({"result": outcome.ready})))
}

/// `GET /connections/{id}/preflight`: the report of the latest check; where there was none, one is made.
pub async fn report(
    State(service): State<Arc<Service>>,
    Extension(scope): Extension<Scope>,
    Path(id): Path<String>,
) -> Answer {
    let uuid = uuid(&id)?;
    match service.storage.report(&scope, uuid).await? {
        Checked::NoConnection => return Err(Problem::not_found(uuid).into()),
        Checked::Latest(report) => return Ok(answer::json_bytes(StatusCode::OK, report)),
        Checked::Never => {}
    }
    let (connection, auth) = credentials(&service, &scope, &id).await?;
    let report = check(&service, &auth, &connection.connection_spec).await?.report.to_string();
    service.storage.set_report(&connection, report.clone()).await?;
    Ok(answer::json_bytes(StatusCode::OK, report))
}

/// `GET /connections/{id}/explore`
pub async fn explore(
    State(service): State<Arc<Service>>,
    Extension(scope): Extension<Scope>,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Answer {
    let object = object::parse(request.uri().query().unwrap_or_default())?;
    let (connection, auth) = credentials(&service, &scope, &id).await?;
    let target = endpoint::target(&auth, &connection.connection_spec)
        .map_err(|_| Problem::refused("the parameters of the connection cannot be read"))?;
    let turn = service.checks.turn().await.ok_or(Refusal::Gateway(Gateway::Busy))?;
    let found = explore::explore(&target, &service.checks.network, &object).await?;
    drop(turn);
    Ok(answer::json(StatusCode::OK, &found))
}

const INTERNAL: &str = "The service has failed. Please try again later.";

/// What has to be done before a way to log in is stored: the report to be stored with it, if there is one.
async fn preflight(service: &Service, auth: &Auth, spec: &ConnectionSpec) -> Result<Option<String>, Refusal> {
    if service.preflight == Preflight::Off {
        return Ok(None);
    }
    let outcome = check(service, auth, spec).await?;
    if service.preflight == Preflight::Require && !outcome.ready {
        return Err(outcome.refusal().into());
    }
    Ok(Some(outcome.report.to_string()))
}

async fn check(service: &Service, auth: &Auth, spec: &ConnectionSpec) -> Result<Outcome, Refusal> {
    service.checks.run(endpoint::target(auth, spec)).await.ok_or(Refusal::Gateway(Gateway::Busy))
}

async fn credentials(service: &Service, scope: &Scope, id: &str) -> Result<(Connection, Auth), Refusal> {
    let id = uuid(id)?;
    let found = service.storage.credentials(scope, id).await?;
    found.ok_or_else(|| Problem::not_found(id).into())
}

/// An id of another form is that of no connection.
fn uuid(id: &str) -> Result<Uuid, Problem> {
    id.parse().map_err(|_| Problem::no_id())
}

/// The header, or where there is none the query parameter that the platform's collection of samples sends.
fn if_match(request: &Request<Body>) -> Option<String> {
    if let Some(header) = request.headers().get(IF_MATCH) {
        return header.to_str().ok().map(str::to_owned);
    }
    let query = request.uri().query().unwrap_or_default();
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    pairs.find(|(name, _)| name.eq_ignore_ascii_case("if-match")).map(|(_, value)| value.into_owned())
}

/// The quotes are part of an etag; some samples leave them out.
fn matches(given: &str, etag: &str) -> bool {
    given == etag || etag.strip_prefix('"').and_then(|etag| etag.strip_suffix('"')) == Some(given)
}

fn unreadable(error: &RequestError, body: &Value) -> Problem {
    let field = match error {
        RequestError::NotAnObject { field: "the body" } | RequestError::ParamName { .. } => {
            return Problem::invalid(format!("The request body cannot be read: {error}."));
        }
        RequestError::NotAnObject { field } => (*field).to_owned(),
        RequestError::NotText { field } => field.clone(),
    };
    let pointer = format!("/{}", field.replace('.', "/"));
    match body.pointer(&pointer) {
        None | Some(Value::Null) => specs::missing(&field),
        Some(_) => specs::invalid_value(&field),
    }
}
