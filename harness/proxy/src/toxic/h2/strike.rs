//! `h2_refuse`, `h2_reset` and `h2_status`: streams that end otherwise than they would.
//!
//! Each side that knows of the stream is told, so that neither keeps it. What is still on its way there is taken off,
//! and data among it is given back to its sender's window.

use std::fmt::Write;

use super::choice::{ErrorCode, Part, Paths};
use super::fields::Block;

/// The opening of a stream is answered with `RST_STREAM`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refuse {
    /// Of which streams.
    pub path: Paths,
    /// The how many-th of them on a connection, from 1; each if it is 0.
    pub nth: u64,
    /// What the client is told.
    pub error: ErrorCode,
}

/// In the place of a part of a stream both sides get `RST_STREAM`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reset {
    /// Of which streams.
    pub path: Paths,
    /// The how many-th of them on a connection, from 1; each if it is 0.
    pub nth: u64,
    /// In the place of the first such part, in the toxic's direction.
    pub part: Part,
    /// What both are told.
    pub error: ErrorCode,
}

/// The call is answered with a status, without a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Of which streams.
    pub path: Paths,
    /// The how many-th of them on a connection, from 1; each if it is 0.
    pub nth: u64,
    /// `grpc-status`: 14 is UNAVAILABLE.
    pub status: u32,
    /// `grpc-message`.
    pub message: String,
}

impl Default for Refuse {
    fn default() -> Self {
        Self { path: Paths::default(), nth: 0, error: ErrorCode::REFUSED_STREAM }
    }
}

impl Default for Reset {
    fn default() -> Self {
        Self { path: Paths::default(), nth: 0, part: Part::default(), error: ErrorCode::CANCEL }
    }
}

impl Default for Status {
    fn default() -> Self {
        Self { path: Paths::default(), nth: 0, status: 14, message: String::new() }
    }
}

impl Status {
    /// An answer of gRPC that is no more than a status, on the stream `id`.
    pub(super) fn answer(&self, id: u32) -> Block {
        let fields = [
            (":status", "200".to_owned()),
            ("content-type", "application/grpc".to_owned()),
            ("grpc-status", self.status.to_string()),
            ("grpc-message", self.escaped()),
        ];
        let fields = fields.map(|(name, value)| (name.into(), value.into_bytes()));
        Block {
            stream: id,
            end_stream: true,
            priority: None,
            promised: None,
            fields: Vec::from(fields).into(),
            arrived: 0,
        }
    }

    /// gRPC's headers are ASCII: what is not, and the sign that says so, is written in its percents.
    fn escaped(&self) -> String {
        let mut escaped = String::new();
        for byte in self.message.bytes() {
            match byte {
                b'%' | ..b' ' | 0x7f.. => {
                    let _a_string_takes_all = write!(escaped, "%{byte:02X}");
                }
                _ => escaped.push(char::from(byte)),
            }
        }
        escaped
    }
}
