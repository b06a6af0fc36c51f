//! `h2_goaway`: one side is told, once a connection, that no more streams are taken.
//!
//! A stream beyond the last that it names does not reach the other side: its opener will try it elsewhere.

use std::time::Duration;

use super::choice::ErrorCode;

/// In the direction of the toxic: downstream it is the client that is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Goaway {
    /// Why; with `NO_ERROR` what is open may go on.
    pub error: ErrorCode,
    /// The last stream that is said to have been taken; without it the one with which `after_streams` were reached (those of
    /// the same burst that follow it do not count), else the last that was opened.
    pub last_stream: Option<u32>,
    /// Not before so many streams have been opened since the toxic met the connection.
    pub after_streams: u64,
    /// Not before so long after the toxic met the connection.
    pub after: Duration,
}

impl Default for Goaway {
    fn default() -> Self {
        Self { error: ErrorCode::NO_ERROR, last_stream: None, after_streams: 0, after: Duration::ZERO }
    }
}
