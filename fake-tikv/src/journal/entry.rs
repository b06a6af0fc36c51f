//! What can be read of the journal.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::methods::Methods;
use crate::spec::Node;

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// It has not.
    Open,
    /// With status OK.
    Ok,
    /// With this detail of a region error, and status OK.
    RegionError(&'static str),
    /// With another gRPC status.
    Status(u8),
    /// With this status of HTTP, which is not of success.
    Http(u16),
    /// A script cut it off.
    Cut,
    /// The client, the connection or the node's process was gone first.
    Gone,
    /// Without a gRPC status: the request was none of gRPC's.
    Foreign,
}

/// The names of gRPC's status codes.
const CODES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// `ok`, `UNAVAILABLE`, `503`, `not_leader`, `cut`, `gone`, `open`, `foreign`.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::Ok => "ok",
            Self::RegionError(detail) => detail,
            Self::Status(code) => CODES.get(usize::from(*code)).unwrap_or(&"UNKNOWN"),
            Self::Http(status) => return status.fmt(f),
            Self::Cut => "cut",
            Self::Gone => "gone",
            Self::Foreign => "foreign",
        })
    }
}

impl Serialize for Outcome {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

/// One call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Its number, from 1, in the order of arrival.
    pub number: u64,
    /// When it arrived, in milliseconds of the cluster's clock.
    pub at_ms: u64,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_ms: Option<u64>,
    /// To which node.
    pub node: Node,
    /// Of which method, e.g. `tikvpb.Tikv/RawGet`; outside of kvproto its path, in PD's HTTP API its
    /// verb and route.
    pub method: String,
    /// Whether it was a command in a batch.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub in_batch: bool,
    /// Of which region, if it named one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<u64>,
    /// Bytes of its messages to the node, their frames included (in a batch: the message alone).
    pub bytes_in: u64,
    /// Bytes of its messages to the client, their frames included (in a batch: the message alone).
    pub bytes_out: u64,
    /// Whole messages to the node.
    pub messages_in: u64,
    /// Whole messages to the client.
    pub messages_out: u64,
    /// How it ended.
    pub outcome: Outcome,
    /// The script that it met last, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub script: Option<u64>,
}

/// All calls of one method to one node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    /// The node.
    pub node: Node,
    /// The method, as in [`Entry::method`].
    pub method: String,
    /// How many.
    pub calls: u64,
    /// How they ended, with the number of each; `open` are those that have not.
    pub outcomes: BTreeMap<String, u64>,
    /// Bytes to the node, of calls that have ended.
    pub bytes_in: u64,
    /// Bytes to the client, of calls that have ended.
    pub bytes_out: u64,
    /// What the slowest took, of calls that have ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slowest_ms: Option<u64>,
    /// When that one arrived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slowest_at_ms: Option<u64>,
}

/// Which calls; what is not given matches all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Filter {
    /// Of these methods.
    pub method: Option<Methods>,
    /// To this node.
    pub node: Option<Node>,
    /// With this outcome, e.g. `UNAVAILABLE`, `not_leader`, `open`.
    pub outcome: Option<String>,
    /// That arrived at this millisecond or later.
    pub since: u64,
    /// That arrived before this millisecond.
    pub until: Option<u64>,
    /// Only the latest so many.
    pub limit: Option<usize>,
}
