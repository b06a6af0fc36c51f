//! Counters at one moment.

use serde::{Deserialize, Serialize};

/// Counters at one moment. All of them count from the start and never fall, but for those that say otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sample {
    /// Milliseconds since the client's start.
    pub at_ms: u64,
    /// Unique useful work: ranges done, keys ingested.
    pub unique: u64,
    /// How much there is to do.
    pub total: u64,
    /// Attempts: requests, jobs begun.
    pub attempts: u64,
    /// Retries, restarts, redials.
    pub retries: u64,
    /// Jobs in flight now, if the client says so (rises and falls).
    pub in_flight: u64,
    /// Tasks alive now (rises and falls).
    pub tasks: u64,
    /// Each link that has or had connections, in the header's order.
    pub links: Vec<LinkSample>,
}

/// One link at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LinkSample {
    /// The link's index in the header's list.
    pub link: usize,
    /// Open connections now (rises and falls).
    pub conns: u64,
    /// Open HTTP/2 streams now (rises and falls).
    pub streams: u64,
    /// Bytes forwarded to the node.
    pub up: u64,
    /// Bytes forwarded to the client.
    pub down: u64,
}
