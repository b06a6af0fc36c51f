//! Toxics that know HTTP/2, on connections in the clear that begin with it (RFC 9113, prior knowledge).
//!
//! They do not stand in the chain one by one. A connection that is read as HTTP/2 has one [`Session`](session::Session),
//! the first on its way in both directions, and all its HTTP/2 toxics act there: they share what is known of streams, of
//! header compression and of flow control, and an answer to one side can be given while the other is silent.
//!
//! ```text
//!   client ──► [ frames │ session: streams, toxics │ frames ] ──► other toxics ──► node
//!   client ◄── other toxics ◄── [ frames │ session: the same │ frames ] ◄── node
//! ```
//!
//! A connection is read from its first byte or not at all, since header compression is a state that has begun there:
//! where the proxy was told so ([`Proxy::read_http2`](crate::Proxy::read_http2)), and where such a toxic was there first.
//! A session stays when its toxics go. What is not HTTP/2, or no longer, passes as it is.
//!
//! In reading order: [`frame`], [`fields`], [`reader`] (the wire), [`choice`] (what toxics choose from), one file a toxic,
//! [`streams`], [`watched`], [`session`].

mod choice;
mod fields;
mod frame;
mod goaway;
mod hold;
mod max_streams;
mod reader;
pub(crate) mod session;
mod streams;
mod strike;
#[cfg(test)]
mod tests;
pub(crate) mod watched;

pub use self::choice::{ErrorCode, NoSuchCode, NoSuchPart, Part, Paths};
pub use self::goaway::Goaway;
pub use self::hold::{Delay, Hold};
pub use self::max_streams::MaxStreams;
pub use self::strike::{Refuse, Reset, Status};
pub use self::watched::StreamStatus;

use super::Stream;

/// What a toxic does to HTTP/2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum H2 {
    /// PINGs are not acknowledged by the side that the toxic's stream comes from. A client whose keepalive asks gives the
    /// connection up.
    DropPingAcks,
    /// A part of streams does not go on before the toxic is taken out.
    Hold(Hold),
    /// A part of streams goes on later.
    Delay(Delay),
    /// Streams are refused at their opening; the node does not see them.
    Refuse(Refuse),
    /// Streams are reset on both sides.
    Reset(Reset),
    /// Calls are answered with a status of gRPC; the node does not see them.
    Status(Status),
    /// One side is told to open no more streams.
    Goaway(Goaway),
    /// The client is allowed fewer streams at a time.
    MaxStreams(MaxStreams),
}

/// A direction, as an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Up,
    Down,
}

/// Why a connection is not read (any more).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Malformed(&'static str);

// === impl H2 ===

impl H2 {
    pub(super) fn name(&self) -> &'static str {
        match self {
            H2::DropPingAcks => "h2_drop_ping_acks",
            H2::Hold(_) => "h2_hold",
            H2::Delay(_) => "h2_delay",
            H2::Refuse(_) => "h2_refuse",
            H2::Reset(_) => "h2_reset",
            H2::Status(_) => "h2_status",
            H2::Goaway(_) => "h2_goaway",
            H2::MaxStreams(_) => "h2_max_streams",
        }
    }

    /// On a clock that runs `by` times as fast.
    pub(super) fn scaled(self, by: u32) -> Self {
        match self {
            H2::Delay(of) => H2::Delay(Delay { delay: of.delay / by, ..of }),
            H2::Goaway(of) => H2::Goaway(Goaway { after: of.after / by, ..of }),
            other => other,
        }
    }

    /// The direction in which it acts. Some have no choice: a stream is opened upstream, the node limits them downstream.
    fn way(&self, stream: Stream) -> Way {
        match (self, stream) {
            (H2::MaxStreams(_), _) => Way::Down,
            (H2::Refuse(_) | H2::Status(_), _) | (_, Stream::Upstream) => Way::Up,
            (_, Stream::Downstream) => Way::Down,
        }
    }
}

// === impl Way ===

impl Way {
    fn other(self) -> Self {
        match self {
            Way::Up => Way::Down,
            Way::Down => Way::Up,
        }
    }
}
