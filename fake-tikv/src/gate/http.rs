//! A request over HTTP/1 on its way through the gate.
//!
//! It is a call like others: noted, late, silent. What is gRPC's in a script has no place in it: a status becomes 503 with
//! its message, a cut ends the connection instead of the answer.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::{Extension, MatchedPath, Request};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hyper::body::Body;

use super::Connection;
use super::flight::Flight;
use crate::answer::Then;
use crate::journal::Outcome;

/// Takes a request through the gate that its connection has come to. It is named after its route, e.g.
/// `GET /pd/api/v1/store/{id}`: what clients put into a path makes no other name.
pub(crate) async fn http(
    Extension(at): Extension<Arc<Connection>>,
    request: Request,
    next: Next,
) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or(request.uri().path(), MatchedPath::as_str);
    let call = at.gate.journal.arrived(at.gate.node, None, &format!("{} {route}", request.method()), false);
    let flow = call.flow();
    flow.messages_in.fetch_add(1, Ordering::Relaxed);
    flow.bytes_in.fetch_add(request.body().size_hint().lower(), Ordering::Relaxed);
    let flight = Flight::new(call, None, at);

    let (hold, instead) = flight.arrive();
    if let Some(hold) = hold {
        hold.await;
    }
    cut(&flight).await;
    let response = match instead.as_ref().map(|rule| &rule.script.then) {
        Some(Then::Status { message, .. }) => {
            (StatusCode::SERVICE_UNAVAILABLE, message.clone()).into_response()
        }
        _ => next.run(request).await,
    };
    // what was set meanwhile
    if let Some(hold) = flight.hold_headers() {
        hold.await;
    }
    cut(&flight).await;

    let flow = flight.call.flow();
    flow.messages_out.fetch_add(1, Ordering::Relaxed);
    flow.bytes_out.fetch_add(response.body().size_hint().lower(), Ordering::Relaxed);
    let status = response.status();
    flight.call.ended(if status.is_success() { Outcome::Ok } else { Outcome::Http(status.as_u16()) });
    response
}

/// Ends the connection where a script says so; then nothing follows.
async fn cut(flight: &Flight) {
    if flight.is_cut() {
        flight.sever();
        pending::<()>().await;
    }
}
