//! What there is when all is over.

use serde::{Deserialize, Serialize};

use crate::{Calls, Evidence};

/// The last line that the runner writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct End {
    /// Milliseconds since the client's start.
    pub at_ms: u64,
    /// Why the run ended.
    pub reason: EndReason,
    /// The work as the cluster knows it.
    pub work: Work,
    /// For each fault of the plan, what it touched.
    pub evidence: Vec<Evidence>,
    /// What the cluster was asked; records of older builds have none.
    #[serde(default, skip_serializing_if = "Calls::is_empty")]
    pub calls: Calls,
}

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum EndReason {
    /// The client ended.
    ClientEnded,
    /// The time after the budget was up too.
    OutOfTime,
    /// A task was polled without end at one instant.
    Spun,
    /// A poll never returned; a watchdog on the wall clock gave up.
    Wedged,
    /// Ctrl-C.
    Interrupted,
    /// The time was up, and whoever tells whether the client is done did not answer any more.
    OutOfSight,
}

/// The work as the cluster knows it, whatever the client says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Work {
    /// How many units there were to do.
    pub expected: u64,
    /// How many are done at least once.
    pub unique: u64,
    /// Units done more than once where once is all that is right (an overlap that is harmless does not count).
    pub duplicated: u64,
    /// The first few units that are missing or wrong, in words.
    pub missing: Vec<String>,
}
