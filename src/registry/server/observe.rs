//! Around every call: an id, a deadline, whether the `Host` is ours, a line of log, and the numbers of `/metrics`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{MatchedPath, State};
use axum::http::header::{ALLOW, HOST, HeaderValue};
use axum::http::{Request, Response, StatusCode};
use axum::middleware::Next;
use axum::response::IntoResponse;
use serde_json::json;
use tokio::time::timeout;
use uuid::Uuid;

use super::Service;
use super::answer;
use super::body::Ending;
use super::log::{Level, log};
use crate::registry::problem::Problem;
use crate::registry::scope::Scope;

/// How long a call may take, whatever it does.
const TIME: Duration = Duration::from_secs(75);

/// Around the router: what it answers is on its way to the caller afterwards.
pub async fn observe(State(service): State<Arc<Service>>, mut request: Request<Body>, next: Next) -> Response<Body> {
    let began = Instant::now();
    let _under_way = UnderWay::new(&service);
    request.extensions_mut().insert(Ending(service.metrics.ending.subscribe()));
    let id = Uuid::new_v4().to_string();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("other", MatchedPath::as_str).to_owned();
    let route = route.trim_end_matches('/').to_owned();
    let route = if route.is_empty() { "/" } else { &route };
    let response = if names_us(&service, &request) {
        let answered = timeout(TIME, next.run(request)).await;
        answered.unwrap_or_else(|_| Problem::new("1104-504", "Gateway timeout", LATE).into_response())
    } else {
        answer::json(StatusCode::MISDIRECTED_REQUEST, &json!({"message": "This service does not answer for that host"}))
    };
    let mut response = finish(response, &id);
    let elapsed = began.elapsed();
    service.metrics.answered(&method, route, response.status().as_u16(), elapsed);
    let scope = response.extensions_mut().remove::<Scope>();
    let level = if response.status().is_server_error() { Level::Error } else { Level::Info };
    let elapsed_ms = crate::report::millis(elapsed);
    let mut line = json!({
        "request_id": id, "method": method.as_str(), "route": route, "status": response.status().as_u16(),
        "elapsed_ms": elapsed_ms});
    if let (Some(scope), Some(line)) = (scope, line.as_object_mut()) {
        line.insert("client".to_owned(), scope.client.into());
        line.insert("organization".to_owned(), scope.organization.into());
        line.insert("sandbox".to_owned(), scope.sandbox.into());
    }
    log(level, "request", line);
    response
}

/// Counts while it lives: also a call whose caller goes away ends.
struct UnderWay(Arc<Service>);

impl UnderWay {
    fn new(service: &Arc<Service>) -> Self {
        service.metrics.under_way.send_modify(|count| *count += 1);
        Self(Arc::clone(service))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.metrics.under_way.send_modify(|count| *count -= 1);
    }
}

const LATE: &str = "The request took too long.";

/// A problem becomes its answer, now that the id is known.
fn finish(mut response: Response<Body>, id: &str) -> Response<Body> {
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let allow = response.headers_mut().remove(ALLOW);
        let scope = response.extensions_mut().remove::<Scope>();
        response = problem.render(id);
        response.headers_mut().extend(allow.map(|allow| (ALLOW, allow)));
        response.extensions_mut().extend(scope.into_iter().fold(axum::http::Extensions::new(), |mut all, scope| {
            all.insert(scope);
            all
        }));
    }
    let headers = response.headers_mut();
    headers.extend(HeaderValue::from_str(id).ok().map(|id| (axum::http::HeaderName::from_static("x-request-id"), id)));
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    response
}

/// The target of the request where it names a host (RFC 9112, section 3.2.2), else the one `Host` that has to be there.
fn names_us(service: &Service, request: &Request<Body>) -> bool {
    if let Some(authority) = request.uri().authority() {
        return service.hosts.know(authority.as_str());
    }
    let mut hosts = request.headers().get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().is_ok_and(|host| service.hosts.know(host)),
        _ => false,
    }
}

/// No such path.
pub async fn not_found() -> Response<Body> {
    let detail = "The requested resource is not found. Verify the path before trying again.";
    Problem::new("1101-404", "Resource not found", detail).into_response()
}

/// The path has other methods.
pub async fn not_allowed() -> Response<Body> {
    let detail = "The method is not supported for this resource.";
    Problem::new("1100-405", "Method not allowed", detail).into_response()
}
