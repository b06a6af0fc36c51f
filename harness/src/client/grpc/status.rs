//! How ends of a stream become gRPC statuses, with grpc-go's codes and texts.

use h2::Reason;
use http::{HeaderMap, StatusCode};
use tonic::{Code, Status};

use crate::client::ctx::CtxError;

/// How a stream ended at its transport.
#[derive(Clone, Debug)]
pub(super) enum End {
    /// Trailers with status OK.
    Clean,
    /// A status; the server has, or may have, seen the stream.
    Failed(Status),
    /// A status; the server says that it has not looked at the stream.
    Unprocessed(Status),
    /// The connection died before HEADERS left. Nobody stored a status, which to `SendMsg` reads as OK.
    Orphaned,
}

impl End {
    /// Whether a first attempt that ended so may be repeated without anybody noticing.
    pub(super) fn unprocessed(&self) -> bool {
        matches!(self, Self::Unprocessed(_) | Self::Orphaned)
    }
    /// What `RecvMsg` reports after the last message; `None` is the clean end.
    pub(super) fn error(&self) -> Option<Status> {
        match self {
            Self::Clean => None,
            Self::Failed(status) | Self::Unprocessed(status) => Some(status.clone()),
            Self::Orphaned => Some(Status::unavailable("transport is closing")),
        }
    }
}

/// The channel was closed by its owner.
pub(super) fn closing() -> Status {
    Status::cancelled("grpc: the client connection is closing")
}

/// The caller's context ended.
pub(super) fn of_ctx(error: CtxError) -> Status {
    match error {
        CtxError::Canceled => Status::cancelled(error.to_string()),
        CtxError::DeadlineExceeded => Status::deadline_exceeded(error.to_string()),
    }
}

/// A connection that died, or never came up.
pub(super) fn of_connection(what: &str) -> Status {
    Status::unavailable(format!("connection error: desc = {what:?}"))
}

/// A stream above the last one that a GOAWAY accepts.
pub(super) fn draining() -> Status {
    Status::unavailable("the stream is rejected because server is draining the connection")
}

/// `RST_STREAM` from the server. A cancel after our own deadline is that deadline, seen by the server first.
pub(super) fn of_reset(reason: Reason, deadline_passed: bool) -> End {
    let code = match reason {
        Reason::NO_ERROR
        | Reason::PROTOCOL_ERROR
        | Reason::INTERNAL_ERROR
        | Reason::SETTINGS_TIMEOUT
        | Reason::STREAM_CLOSED
        | Reason::FRAME_SIZE_ERROR
        | Reason::COMPRESSION_ERROR
        | Reason::CONNECT_ERROR
        | Reason::HTTP_1_1_REQUIRED => Code::Internal,
        Reason::FLOW_CONTROL_ERROR | Reason::ENHANCE_YOUR_CALM => Code::ResourceExhausted,
        Reason::REFUSED_STREAM => Code::Unavailable,
        Reason::CANCEL if deadline_passed => Code::DeadlineExceeded,
        Reason::CANCEL => Code::Cancelled,
        Reason::INADEQUATE_SECURITY => Code::PermissionDenied,
        _ => Code::Unknown,
    };
    let status = Status::new(code, format!("stream terminated by RST_STREAM with error code: {reason:?}"));
    if reason == Reason::REFUSED_STREAM { End::Unprocessed(status) } else { End::Failed(status) }
}

/// Why response headers are not those of a gRPC answer, if they are not.
pub(super) fn not_grpc(http: StatusCode, headers: &HeaderMap) -> Option<Status> {
    let content_type = headers.get(http::header::CONTENT_TYPE).map(http::HeaderValue::as_bytes);
    let wrong = match content_type {
        Some(b"application/grpc") => return None,
        Some(kind) if kind.starts_with(b"application/grpc+") || kind.starts_with(b"application/grpc;") => {
            return None;
        }
        Some(kind) => {
            format!("transport: received unexpected content-type {:?}", String::from_utf8_lossy(kind))
        }
        None => "malformed header: missing HTTP content-type".to_owned(),
    };
    let code = match http.as_u16() {
        400 => Code::Internal,
        401 => Code::Unauthenticated,
        403 => Code::PermissionDenied,
        404 => Code::Unimplemented,
        429 | 502 | 503 | 504 => Code::Unavailable,
        _ => Code::Unknown,
    };
    let reason = http.canonical_reason().unwrap_or_default();
    let number = http.as_u16();
    Some(Status::new(
        code,
        format!("unexpected HTTP status code received from server: {number} ({reason}); {wrong}"),
    ))
}

/// The status in trailers. Anything may stand there: a hostile peer costs a status, never a panic.
pub(super) fn of_trailers(trailers: &HeaderMap) -> End {
    let message =
        trailers.get("grpc-message").map(|text| percent_decoded(text.as_bytes())).unwrap_or_default();
    let Some(code) = trailers.get("grpc-status") else { return End::Failed(Status::unknown(message)) };
    let code = code.to_str().ok().and_then(|digits| digits.parse::<i32>().ok());
    match code.map(Code::from) {
        None => End::Failed(Status::unknown("transport: malformed grpc-status")),
        Some(Code::Ok) => End::Clean,
        Some(code) => End::Failed(Status::new(code, message)),
    }
}

/// `grpc-message` on the wire is UTF-8 with `%XX` for what is not printable ASCII; a broken escape stands for itself.
fn percent_decoded(text: &[u8]) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, tail)) = rest.split_first() {
        let escaped = if byte == b'%' { tail.get(..2).and_then(hex_byte) } else { None };
        out.push(escaped.unwrap_or(byte));
        rest = if escaped.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn hex_byte(digits: &[u8]) -> Option<u8> {
    let [high, low] = digits else { return None };
    let nibble = |digit: &u8| char::from(*digit).to_digit(16);
    u8::try_from(nibble(high)? * 16 + nibble(low)?).ok()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn trailers(status: &'static str, message: &'static str) -> HeaderMap {
        let mut map = HeaderMap::new();
        map.insert("grpc-status", HeaderValue::from_static(status));
        map.insert("grpc-message", HeaderValue::from_static(message));
        map
    }

    #[test]
    fn trailers_carry_code_and_decoded_message() {
        let status = of_trailers(&trailers("14", "not%20now%3a %E2%82%AC %zz %4")).error().unwrap();
        assert_eq!((status.code(), status.message()), (Code::Unavailable, "not now: € %zz %4"));
        assert!(of_trailers(&trailers("0", "")).error().is_none());
        let odd = of_trailers(&trailers("over 9000", "")).error().unwrap();
        assert_eq!(odd.code(), Code::Unknown);
        assert_eq!(of_trailers(&HeaderMap::new()).error().unwrap().code(), Code::Unknown);
    }

    #[test]
    fn resets_map_as_in_go() {
        let code = |reason, late| of_reset(reason, late).error().unwrap().code();
        assert_eq!(code(Reason::CANCEL, false), Code::Cancelled);
        assert_eq!(code(Reason::CANCEL, true), Code::DeadlineExceeded);
        assert_eq!(code(Reason::NO_ERROR, false), Code::Internal);
        assert_eq!(code(Reason::ENHANCE_YOUR_CALM, false), Code::ResourceExhausted);
        assert_eq!(code(Reason::from(0xbad), false), Code::Unknown);
        assert!(of_reset(Reason::REFUSED_STREAM, false).unprocessed());
        assert!(!of_reset(Reason::CANCEL, false).unprocessed());
    }

    #[test]
    fn an_http_answer_is_mapped_by_its_status() {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static("text/html"));
        let status = not_grpc(StatusCode::BAD_GATEWAY, &headers).unwrap();
        assert_eq!(status.code(), Code::Unavailable);
        assert_eq!(
            status.message(),
            "unexpected HTTP status code received from server: 502 (Bad Gateway); transport: received unexpected content-type \"text/html\""
        );
        headers.insert("content-type", HeaderValue::from_static("application/grpc+proto"));
        assert!(not_grpc(StatusCode::OK, &headers).is_none());
    }

    proptest! {
        #[test]
        fn any_message_decodes(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _text = percent_decoded(&bytes);
        }
    }
}
