//! What stands before every handler: who may ask, for how long, and under which number.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use unstuck_net::asker;

use super::Api;
use super::error::plain;

/// Numbers the request, and writes it to the log.
pub(super) async fn number(State(api): State<Arc<Api>>, request: Request, next: Next) -> Response {
    let number = api.requests.fetch_add(1, Ordering::Relaxed) + 1;
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let mut response = next.run(request).await;
    // as long as Toxiproxy's are
    let id = HeaderValue::from_str(&format!("{number:020}")).expect("digits make a header");
    response.headers_mut().insert("x-toxiproxy-request-id", id);
    if method != Method::GET && response.status().is_success() {
        (api.heard)(&format!("{method} {path}"));
    }
    tracing::debug!(number, %method, path, status = response.status().as_u16(), "answered");
    response
}

/// No browser, and no page of another site.
pub(super) async fn ask(State(api): State<Arc<Api>>, request: Request, next: Next) -> Response {
    match refusal(request.headers(), api.on_loopback) {
        Some(why) => plain(StatusCode::FORBIDDEN, why),
        None => next.run(request).await,
    }
}

/// Why a request with these headers is not answered.
fn refusal(headers: &HeaderMap, on_loopback: bool) -> Option<String> {
    let text = |name| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    if text(header::USER_AGENT).is_some_and(|agent| agent.starts_with("Mozilla/")) {
        return Some("User agent not allowed".to_owned());
    }
    let (host, origin) = (text(header::HOST).unwrap_or_default(), text(header::ORIGIN));
    if on_loopback {
        asker::refusal(&host, origin.as_deref())
    } else {
        asker::other_site(&host, origin.as_deref())
    }
}

/// An answer within the bound, whatever a handler waits for.
pub(super) async fn in_time(State(api): State<Arc<Api>>, request: Request, next: Next) -> Response {
    match tokio::time::timeout(api.limits.answer, next.run(request)).await {
        Ok(response) => response,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}
