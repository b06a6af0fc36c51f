//! The calls that the cluster's nodes have seen.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// All calls, by node and method. The latest of them, one by one, are in a file beside the record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Calls {
    /// By node, then in the order of the protocol's methods.
    pub totals: Vec<CallTotals>,
    /// The file's name, one call a line; `None` where nothing was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// How many calls are not in that file, because newer ones came.
    pub dropped: u64,
}

impl Calls {
    /// Whether there were none.
    pub fn is_empty(&self) -> bool {
        self.totals.is_empty()
    }
}

/// All calls of one method to one node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CallTotals {
    /// The node, e.g. `tikv-2`.
    pub node: String,
    /// The method, e.g. `import_sstpb.ImportSST/Write`.
    pub method: String,
    /// How many.
    pub calls: u64,
    /// How they ended, with the number of each: `ok`, a gRPC status, a region error, `cut` by a fault, `gone` (the client,
    /// its connection or the node left first), `open`.
    pub outcomes: BTreeMap<String, u64>,
    /// Bytes to the node, of calls that have ended.
    pub bytes_in: u64,
    /// Bytes to the client, of calls that have ended.
    pub bytes_out: u64,
    /// What the slowest took, of calls that have ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slowest_ms: Option<u64>,
    /// When that one arrived, in milliseconds since the client's start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slowest_at_ms: Option<u64>,
}
