//! What is refused, in Toxiproxy's words: `{"error": "...", "status": N}`.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::Invalid;
use crate::registry::Error;

/// A refusal: one closed table.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(super) enum Refused {
    #[error("bad request body: {0}")]
    BadBody(String),
    #[error("missing required field: {0}")]
    MissingField(String),
    #[error("stream was invalid, can be either upstream or downstream")]
    InvalidStream,
    #[error("invalid toxic type")]
    InvalidType,
    #[error("request body is larger than {} MiB", super::LARGEST_BODY >> 20)]
    TooLarge,
    #[error(transparent)]
    Registry(Error),
}

/// What a refusal reads like.
#[derive(Debug, Serialize)]
pub(super) struct Body {
    error: String,
    status: u16,
}

// === impl Refused ===

impl Refused {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Refused::BadBody(_)
            | Refused::MissingField(_)
            | Refused::InvalidStream
            | Refused::InvalidType => StatusCode::BAD_REQUEST,
            Refused::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Refused::Registry(error) => match error {
                Error::Invalid(_) => StatusCode::BAD_REQUEST,
                Error::NoSuchProxy | Error::NoSuchToxic => StatusCode::NOT_FOUND,
                Error::ProxyExists | Error::ToxicExists | Error::Link => StatusCode::CONFLICT,
                Error::Address(_) => StatusCode::INTERNAL_SERVER_ERROR,
            },
        }
    }

    pub(super) fn body(&self) -> Body {
        Body { error: self.to_string(), status: self.status().as_u16() }
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        match error {
            Error::Invalid(invalid) => invalid.into(),
            error => Self::Registry(error),
        }
    }
}

impl From<Invalid> for Refused {
    fn from(invalid: Invalid) -> Self {
        Self::BadBody(invalid.to_string())
    }
}

/// As Go's `http.Error` sends it: JSON that calls itself text.
impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let body = serde_json::to_string(&self.body()).expect("a text and a number are JSON");
        plain(self.status(), body)
    }
}

/// A line of text that no browser takes for anything else.
pub(super) fn plain(status: StatusCode, text: impl std::fmt::Display) -> Response {
    const NOT_SNIFFED: (HeaderName, HeaderValue) =
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    const TEXT: (HeaderName, HeaderValue) =
        (header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    (status, [TEXT, NOT_SNIFFED], format!("{text}\n")).into_response()
}
