//! What happens to calls, told at once.

use std::fmt;

use super::Outcome;
use crate::methods::Method;
use crate::spec::Node;

/// One step of a call.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// To which node.
    pub node: Node,
    /// Of which method; `None` outside of kvproto.
    pub method: Option<&'static Method>,
    /// The region that it has named so far.
    pub region: Option<u64>,
    /// What has happened.
    pub step: Step,
}

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It has arrived; nothing of it was read yet.
    Arrived,
    /// It names its region, for the first time.
    Named,
    /// It has ended.
    Ended(Outcome),
}

/// Whoever is told.
pub(super) struct Watcher(pub(super) Box<dyn Fn(&Moment) + Send + Sync>);

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watcher")
    }
}
