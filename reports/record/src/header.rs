//! What was to be run.

use serde::{Deserialize, Serialize};

use crate::{Demands, Outcome};

/// The first line of a record: everything that was fixed before the client started.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Header {
    /// [`crate::VERSION`] of the writer.
    pub version: u32,
    /// The scenario file, as given.
    pub file: String,
    /// The line of the case in that file, from 1.
    pub line: u32,
    /// The case's name.
    pub case: String,
    /// `name@revision`.
    pub client: String,
    /// `sim` or `tcp`; `elsewhere` where others run the client and carry out the faults.
    pub world: String,
    /// By how much real durations were divided; 1 in virtual time.
    pub scale: u32,
    /// The seed of every random choice.
    pub seed: u64,
    /// The version of unstuck that wrote the record.
    pub unstuck: String,
    /// Whether tokio's unstable features were there (its own randomness is seeded, its trace can be taken).
    pub tokio_unstable: bool,
    /// What `progress` counts: `regions`, `ranges`, …
    pub unit: String,
    /// The faults in the order of injection.
    pub plan: Vec<PlannedFault>,
    /// What faults wait for, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub triggers: Vec<String>,
    /// Every link, in a fixed order.
    pub links: Vec<LinkInfo>,
    /// Where Toxiproxy's API over the links was, on real sockets: `http://127.0.0.1:40000`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control: Option<String>,
    /// The time limits of the verdict.
    pub limits: Limits,
    /// What the scenario expects.
    pub expect: Expect,
    /// The run of the folder's matrix whose sizes were taken, e.g. `reduced`; `None`: the case as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// The program that was the client, as the scenario writes it; empty for a client of ours.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// Parts of the names of functions in which a task of that program may wait for ever.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub idle: Vec<String>,
    /// The command that runs it again, where that is not `unstuck run` (a test of somebody's own `cargo test`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<String>,
    /// Departures from the defaults that a reader must know, e.g. `32 streams a connection`.
    pub notes: Vec<String>,
}

/// One planned injection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedFault {
    /// The fault type as written, e.g. `network_partition`.
    pub kind: String,
    /// The links it acts on, by name.
    pub links: Vec<String>,
    /// The nodes it acts on, by name, e.g. `tikv-2`.
    pub nodes: Vec<String>,
    /// Injection, in milliseconds since the client's start, or since the trigger fired.
    pub start_ms: u64,
    /// Heal, in milliseconds since the same.
    pub end_ms: u64,
    /// What it waits for, as an index in the header's list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<usize>,
}

/// A path from the client to one node, through one proxy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LinkInfo {
    /// `lightning->tikv-2`.
    pub name: String,
    /// The node at its end, e.g. `tikv-2` or `pd-0`.
    pub node: String,
    /// Where its proxy listens, which is what the client sees as the node's address.
    pub addr: String,
}

/// The time limits of the verdict, in milliseconds since the client's start or as lengths.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// What the client takes without faults, same seed and workload. `None` if that run did not complete.
    pub baseline_ms: Option<u64>,
    /// Why nobody knows what it takes without faults, with what would tell. `None`: that run was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline_unknown: Option<String>,
    /// The longest time without progress in the fault-free run.
    pub baseline_gap_ms: u64,
    /// The scenario's `recoveryTime`.
    pub recovery_ms: u64,
    /// The scenario's `within`, which replaces the computed budget.
    pub within_ms: Option<u64>,
    /// The client's longest timer, as it declares it: after the budget the run goes on for twice as long at least.
    pub longest_timer_ms: u64,
    /// The longest the client says it may back off between two attempts.
    pub backoff_cap_ms: u64,
}

/// What the scenario expects; the default is to complete in the budget.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Expect {
    /// The outcome.
    pub outcome: Outcome,
    /// With `stuck`: the wait site of the hang, or the kind of finding where no task waits (`livelock`).
    pub stuck_at: Option<String>,
    /// What is demanded of the phases.
    #[serde(default, skip_serializing_if = "Demands::is_empty")]
    pub phases: Demands,
}

impl Default for Expect {
    fn default() -> Self {
        Self { outcome: Outcome::Completed, stuck_at: None, phases: Demands::default() }
    }
}
