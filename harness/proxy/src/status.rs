//! What can be read of a link while it works.

use std::net::SocketAddr;

use tokio::time::Instant;
use unstuck_record::Evidence;

use crate::ledger::{Cause, Met};
use crate::toxic::h2::StreamStatus;
use crate::toxic::{InForce, Toxic};

/// Counters of one link. All count from its start, but for `conns`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Connections open now, those that are not dialled upstream yet among them.
    pub conns: u64,
    /// HTTP/2 streams open now, on the connections that are read as HTTP/2.
    pub streams: u64,
    /// Connections accepted.
    pub accepted: u64,
    /// Bytes taken off clients.
    pub received_up: u64,
    /// Bytes handed to the node.
    pub up: u64,
    /// Bytes taken off the node.
    pub received_down: u64,
    /// Bytes handed to the client.
    pub down: u64,
}

/// What one direction of a connection has carried so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    /// Bytes taken off the sender.
    pub received: u64,
    /// Bytes handed to the receiver.
    pub bytes: u64,
    /// In so many writes.
    pub chunks: u64,
}

/// One connection that is open now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnStatus {
    /// Its number on the link, from 1, in the order of accepts.
    pub number: u64,
    /// Where the client is.
    pub client: SocketAddr,
    /// When it was accepted.
    pub since: Instant,
    /// To the node.
    pub up: Carried,
    /// To the client.
    pub down: Carried,
    /// What it carries, if that is read.
    pub streams: StreamStatus,
    /// The toxics that touch it, by their numbers, in the order of the chain.
    pub toxics: Vec<u64>,
}

/// One toxic.
#[derive(Clone, Debug, PartialEq)]
pub struct ToxicStatus {
    /// Its number on the link, from 1, in the order in which toxics were added.
    pub id: u64,
    /// What it is.
    pub toxic: Toxic,
    /// The fault that brought it, by its index in the plan; `None` if it was added by itself.
    pub fault: Option<usize>,
    /// When it was added.
    pub since: Instant,
    /// Whether it is still in force: it may have been for a while only.
    pub in_force: bool,
    /// What it has met; of a fault's toxics, what all toxics of that fault have met.
    pub met: Met,
    /// What it has touched; of a fault's toxics, what the fault has touched.
    pub evidence: Evidence,
}

// === impl ToxicStatus ===

impl ToxicStatus {
    pub(crate) fn of(toxic: &InForce) -> Self {
        let fault = if let Cause::Fault(fault) = toxic.cause { Some(fault) } else { None };
        Self {
            id: toxic.id,
            toxic: toxic.toxic.clone(),
            fault,
            since: toxic.since,
            in_force: !toxic.over,
            met: toxic.tally.met(),
            evidence: toxic.tally.evidence(),
        }
    }
}

// === impl Stats ===

impl Stats {
    /// Both together.
    pub fn plus(self, other: Self) -> Self {
        Self {
            conns: self.conns + other.conns,
            streams: self.streams + other.streams,
            accepted: self.accepted + other.accepted,
            received_up: self.received_up + other.received_up,
            up: self.up + other.up,
            received_down: self.received_down + other.received_down,
            down: self.down + other.down,
        }
    }

    /// And what a connection has carried.
    pub(crate) fn carried(self, up: Carried, down: Carried) -> Self {
        self.plus(Self {
            received_up: up.received,
            up: up.bytes,
            received_down: down.received,
            down: down.bytes,
            ..Self::default()
        })
    }
}
