//! What every answer looks like.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use prost_types::Timestamp;
use serde::Serialize;

/// Any value, indented as PD does it.
pub(super) struct Json<T>(pub(super) T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        json(StatusCode::OK, &self.0)
    }
}

pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Response {
    let mut text = serde_json::to_string_pretty(value).expect("our own values have names for keys");
    text.push('\n');
    answer(status, "application/json; charset=UTF-8", text)
}

/// What is wrong with a request; told as a JSON string.
#[derive(Debug)]
pub(super) struct Wrong(StatusCode, String);

impl IntoResponse for Wrong {
    fn into_response(self) -> Response {
        json(self.0, &self.1)
    }
}

pub(super) fn wrong(status: StatusCode, text: impl Into<String>) -> Wrong {
    Wrong(status, text.into())
}

/// As Go's `http.Error` answers.
pub(super) fn plain(status: StatusCode, text: &str) -> Response {
    let mut response = answer(status, "text/plain; charset=utf-8", format!("{text}\n"));
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

pub(super) fn not_found() -> Response {
    plain(StatusCode::NOT_FOUND, "404 page not found")
}

fn answer(status: StatusCode, kind: &'static str, text: String) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// A number in a path, or what Go says of it.
pub(super) fn number(text: &str) -> Result<u64, Wrong> {
    text.parse().map_err(|_| {
        let text = format!("strconv.ParseUint: parsing {text:?}: invalid syntax");
        wrong(StatusCode::BAD_REQUEST, text)
    })
}

/// A moment in the form of RFC 3339.
pub(super) fn rfc3339(unix_ms: i64) -> String {
    let nanos = (unix_ms.rem_euclid(1000) * 1_000_000) as i32;
    Timestamp { seconds: unix_ms.div_euclid(1000), nanos }.to_string()
}

/// A length of time as Go writes it.
pub(super) fn go_duration(duration: std::time::Duration) -> String {
    let (s, ms) = (duration.as_secs(), duration.subsec_millis());
    let fraction = if ms == 0 { String::new() } else { format!(".{ms:03}").trim_end_matches('0').to_owned() };
    match (s / 3600, s / 60 % 60, s % 60) {
        (0, 0, s) => format!("{s}{fraction}s"),
        (0, m, s) => format!("{m}m{s}{fraction}s"),
        (h, m, s) => format!("{h}h{m}m{s}{fraction}s"),
    }
}

/// Whether Go's JSON leaves a field with `omitempty` out.
pub(super) fn empty<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn times_are_written_as_go_writes_them() {
        assert_eq!(rfc3339(1_767_225_600_000), "2026-01-01T00:00:00Z");
        assert_eq!(rfc3339(1_767_225_661_250), "2026-01-01T00:01:01.250Z");
        for (ms, text) in [(0, "0s"), (1500, "1.5s"), (60_000, "1m0s"), (3_723_000, "1h2m3s")] {
            assert_eq!(go_duration(Duration::from_millis(ms)), text);
        }
    }
}
