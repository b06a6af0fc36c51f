//! Who may ask: a program on this machine, but no page of another site in a browser on it.

use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use unstuck_net::asker;

use super::error::Refused;

pub(super) async fn guard(request: Request, next: Next) -> Response {
    match refused(request.headers()) {
        Some(why) => {
            let help = "ask as 127.0.0.1 or localhost, and not from a page of another site";
            Refused::new(StatusCode::FORBIDDEN, why, help).into_response()
        }
        None => next.run(request).await,
    }
}

/// Why a request with these headers is not answered.
fn refused(headers: &HeaderMap) -> Option<String> {
    let text = |name| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    asker::refusal(&text(header::HOST).unwrap_or_default(), text(header::ORIGIN).as_deref())
}
