//! `h2_hold` and `h2_delay`: a part of the streams of some paths does not go on, or goes on later.
//!
//! What comes behind it on the same stream and in the same direction waits with it. Where that is the headers of a
//! request, later requests wait, too: streams are opened in the order of their numbers. Data that waits has not arrived, so
//! it takes up its sender's windows, and is bounded by them.

use std::time::Duration;

use tokio::time::Instant;

use super::choice::{Part, Paths};

/// Not before the toxic is taken out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hold {
    /// Of which streams.
    pub path: Paths,
    /// What.
    pub part: Part,
}

/// Later by so much.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delay {
    /// Of which streams.
    pub path: Paths,
    /// What.
    pub part: Part,
    /// How late.
    pub delay: Duration,
}

impl Delay {
    /// When it goes on; `None` is never.
    pub(super) fn until(&self, now: Instant) -> Option<Instant> {
        now.checked_add(self.delay)
    }
}
