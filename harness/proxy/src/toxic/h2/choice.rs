//! What HTTP/2 toxics choose from: paths, parts of a stream, error codes.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// Streams by the `:path` of their request; gRPC's is `/package.Service/Method`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Paths {
    /// All: `*`.
    #[default]
    Any,
    /// This one.
    Exact(String),
    /// Those that begin so: `/tikvpb.Tikv/*`.
    Prefix(String),
}

/// A part of a stream in one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Part {
    /// The first headers: upstream they open the stream, downstream they begin the answer.
    #[default]
    Headers,
    /// Bodies: gRPC's messages.
    Data,
    /// The last headers: gRPC's status. An answer without a body has its first headers only, which are its last, too.
    Trailers,
}

/// An error code of HTTP/2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorCode(pub u32);

/// No part.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("`{0}` is no part of a stream; use `headers`, `data` or `trailers`")]
pub struct NoSuchPart(String);

/// No code, by name or number.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("`{0}` is no error code of HTTP/2; use a number or one of: {names}", names = NAMES.join(", "))]
pub struct NoSuchCode(String);

/// By code: RFC 9113, section 7.
const NAMES: [&str; 14] = [
    "NO_ERROR",
    "PROTOCOL_ERROR",
    "INTERNAL_ERROR",
    "FLOW_CONTROL_ERROR",
    "SETTINGS_TIMEOUT",
    "STREAM_CLOSED",
    "FRAME_SIZE_ERROR",
    "REFUSED_STREAM",
    "CANCEL",
    "COMPRESSION_ERROR",
    "CONNECT_ERROR",
    "ENHANCE_YOUR_CALM",
    "INADEQUATE_SECURITY",
    "HTTP_1_1_REQUIRED",
];

// === impl Paths ===

impl Paths {
    pub(super) fn contain(&self, path: &[u8]) -> bool {
        match self {
            Paths::Any => true,
            Paths::Exact(exact) => path == exact.as_bytes(),
            Paths::Prefix(prefix) => path.starts_with(prefix.as_bytes()),
        }
    }
}

impl FromStr for Paths {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text.strip_suffix('*') {
            Some("") => Paths::Any,
            Some(prefix) => Paths::Prefix(prefix.to_owned()),
            None => Paths::Exact(text.to_owned()),
        })
    }
}

impl fmt::Display for Paths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Paths::Any => f.write_str("*"),
            Paths::Exact(exact) => f.write_str(exact),
            Paths::Prefix(prefix) => write!(f, "{prefix}*"),
        }
    }
}

// === impl Part ===

impl FromStr for Part {
    type Err = NoSuchPart;

    fn from_str(text: &str) -> Result<Self, NoSuchPart> {
        let parts = [Part::Headers, Part::Data, Part::Trailers];
        parts.into_iter().find(|part| part.to_string() == text).ok_or_else(|| NoSuchPart(text.to_owned()))
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Part::Headers => "headers",
            Part::Data => "data",
            Part::Trailers => "trailers",
        })
    }
}

// === impl ErrorCode ===

impl ErrorCode {
    /// Nothing is wrong.
    pub const NO_ERROR: Self = Self(0);
    /// The other side broke.
    pub const INTERNAL_ERROR: Self = Self(2);
    /// Nothing was done for the stream: it may be tried again.
    pub const REFUSED_STREAM: Self = Self(7);
    /// The stream is not wanted any more.
    pub const CANCEL: Self = Self(8);
}

impl FromStr for ErrorCode {
    type Err = NoSuchCode;

    fn from_str(text: &str) -> Result<Self, NoSuchCode> {
        let named = NAMES.iter().position(|name| name.eq_ignore_ascii_case(text)).map(|at| at as u32);
        named.or_else(|| text.parse().ok()).map(Self).ok_or_else(|| NoSuchCode(text.to_owned()))
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.get(self.0 as usize) {
            Some(name) => f.write_str(name),
            None => write!(f, "{}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_exact_or_end_in_a_star() {
        for (text, path, inside) in [
            ("*", "/a", true),
            ("/p.S/M", "/p.S/M", true),
            ("/p.S/M", "/p.S/Many", false),
            ("/p.S/*", "/p.S/Many", true),
            ("/p.S/*", "/p.T/M", false),
        ] {
            let paths: Paths = text.parse().unwrap();
            assert_eq!(paths.contain(path.as_bytes()), inside, "{text} {path}");
            assert_eq!(paths.to_string(), text);
        }
    }

    #[test]
    fn parts_have_names() {
        assert_eq!("trailers".parse(), Ok(Part::Trailers));
        let error = "Body".parse::<Part>().unwrap_err();
        assert_eq!(error.to_string(), "`Body` is no part of a stream; use `headers`, `data` or `trailers`");
    }

    #[test]
    fn codes_have_names_and_numbers() {
        assert_eq!("refused_stream".parse(), Ok(ErrorCode::REFUSED_STREAM));
        assert_eq!("99".parse(), Ok(ErrorCode(99)));
        assert_eq!(ErrorCode(8).to_string(), "CANCEL");
        assert!("OOPS".parse::<ErrorCode>().unwrap_err().to_string().starts_with("`OOPS` is no error code"));
    }
}
