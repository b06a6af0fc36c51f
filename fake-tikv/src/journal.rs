//! The journal: every call that the cluster's nodes have seen, with arrival and end.
//!
//! All calls are counted, node by node and method by method ([`Totals`]); the latest are kept one by one ([`Entry`]), a
//! bounded number of them. A command in a batch is a call of its own, beside the stream that carries it.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use prost::Message;
use serde::{Deserialize, Serialize};
use tonic::Status;
use unstuck_net::Clock;

use crate::answer::detail;
use crate::methods::{METHODS, Method, Methods};
use crate::proto::errorpb;
use crate::spec::Node;

/// Paths outside of kvproto that are told apart; others count as one.
const FOREIGN: usize = 64;
/// Bytes of such a path that are kept.
const FOREIGN_NAME: usize = 100;

/// The calls that a cluster has seen. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Journal {
    clock: Clock,
    ring: Arc<Mutex<Ring>>,
}

#[derive(Debug)]
struct Ring {
    kept: VecDeque<Arc<Seen>>,
    most: usize,
    dropped: u64,
    next: u64,
    /// Names of methods outside of kvproto, whose numbers follow those of [`METHODS`].
    foreign: Vec<Box<str>>,
    totals: BTreeMap<(Node, u16), Counted>,
}

#[derive(Debug, Default)]
struct Counted {
    calls: u64,
    outcomes: BTreeMap<Outcome, u64>,
    bytes_in: u64,
    bytes_out: u64,
    slowest: Option<(u64, u64)>,
}

/// One call, as it goes.
#[derive(Debug)]
struct Seen {
    number: u64,
    at_ms: u64,
    node: Node,
    method: u16,
    in_batch: bool,
    flow: Flow,
    region: AtomicU64,
    script: AtomicU64,
    refused: OnceLock<&'static str>,
    end: OnceLock<(u64, Outcome)>,
}

/// What has gone through a call.
#[derive(Debug, Default)]
pub(crate) struct Flow {
    pub(crate) bytes_in: AtomicU64,
    pub(crate) bytes_out: AtomicU64,
    pub(crate) messages_in: AtomicU64,
    pub(crate) messages_out: AtomicU64,
}

impl Flow {
    fn took(&self, message: &impl Message) {
        self.messages_in.fetch_add(1, Ordering::Relaxed);
        self.bytes_in.fetch_add(message.encoded_len() as u64, Ordering::Relaxed);
    }
    fn gave(&self, message: &impl Message) {
        self.messages_out.fetch_add(1, Ordering::Relaxed);
        self.bytes_out.fetch_add(message.encoded_len() as u64, Ordering::Relaxed);
    }
}

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

/// `ok`, `UNAVAILABLE`, `not_leader`, `cut`, `gone`, `open`, `foreign`.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::Ok => "ok",
            Self::RegionError(detail) => detail,
            Self::Status(code) => CODES.get(usize::from(*code)).unwrap_or(&"UNKNOWN"),
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
    /// Of which method, e.g. `tikvpb.Tikv/RawGet`; outside of kvproto its path.
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

impl Journal {
    /// An empty one, which keeps so many calls.
    pub(crate) fn new(clock: Clock, most: usize) -> Self {
        let ring = Ring {
            kept: VecDeque::new(),
            most,
            dropped: 0,
            next: 1,
            foreign: Vec::new(),
            totals: BTreeMap::new(),
        };
        Self { clock, ring: Arc::new(Mutex::new(ring)) }
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A call that arrives now. `path` names it where kvproto does not.
    pub(crate) fn arrived(
        &self,
        node: Node,
        method: Option<&'static Method>,
        path: &str,
        in_batch: bool,
    ) -> Call {
        let at_ms = self.clock.ms();
        let mut ring = self.ring();
        let method = method.map_or_else(|| ring.foreign(path), number_of);
        let seen = Arc::new(Seen {
            number: ring.next,
            at_ms,
            node,
            method,
            in_batch,
            flow: Flow::default(),
            region: AtomicU64::new(0),
            script: AtomicU64::new(0),
            refused: OnceLock::new(),
            end: OnceLock::new(),
        });
        ring.next += 1;
        ring.totals.entry((node, method)).or_default().calls += 1;
        if ring.kept.len() >= ring.most {
            ring.dropped += 1;
            ring.kept.pop_front();
        }
        if ring.most > 0 {
            ring.kept.push_back(seen.clone());
        }
        drop(ring);
        Call { seen, journal: self.clone() }
    }

    /// A command of a batch that arrives now.
    pub(crate) fn in_batch(&self, node: Node, name: &'static str, request: &impl Message) -> Call {
        let call = self.arrived(node, Method::named(name), name, true);
        call.flow().took(request);
        call
    }

    /// The calls that are kept and match, in the order of arrival.
    pub fn calls(&self, filter: &Filter) -> Vec<Entry> {
        let ring = self.ring();
        let matching = ring.kept.iter().rev().filter(|seen| seen.matches(filter));
        let mut calls: Vec<Entry> =
            matching.take(filter.limit.unwrap_or(usize::MAX)).map(|seen| ring.entry(seen)).collect();
        calls.reverse();
        calls
    }

    /// All calls, kept or not, by node and method.
    pub fn totals(&self) -> Vec<Totals> {
        let ring = self.ring();
        let totals = |((node, method), counted): (&(Node, u16), &Counted)| {
            let ended: u64 = counted.outcomes.values().sum();
            let open = Some((Outcome::Open.to_string(), counted.calls - ended)).filter(|(_, n)| *n > 0);
            let outcomes = counted.outcomes.iter().map(|(outcome, n)| (outcome.to_string(), *n));
            Totals {
                node: *node,
                method: ring.name(*method),
                calls: counted.calls,
                outcomes: outcomes.chain(open).collect(),
                bytes_in: counted.bytes_in,
                bytes_out: counted.bytes_out,
                slowest_ms: counted.slowest.map(|(took, _)| took),
                slowest_at_ms: counted.slowest.map(|(_, at)| at),
            }
        };
        ring.totals.iter().map(totals).collect()
    }

    /// How many calls were kept and are not any more, because newer ones came.
    pub fn dropped(&self) -> u64 {
        self.ring().dropped
    }
}

/// Where a method stands in the table.
fn number_of(method: &'static Method) -> u16 {
    ((std::ptr::from_ref(method).addr() - METHODS.as_ptr().addr()) / size_of::<Method>()) as u16
}

impl Ring {
    fn foreign(&mut self, path: &str) -> u16 {
        let path: String = path.trim_start_matches('/').chars().take(FOREIGN_NAME).collect();
        let path = if self.foreign.len() < FOREIGN { path.as_str() } else { "(others)" };
        let at = self.foreign.iter().position(|known| **known == *path).unwrap_or_else(|| {
            self.foreign.push(path.into());
            self.foreign.len() - 1
        });
        (METHODS.len() + at) as u16
    }
    fn name(&self, method: u16) -> String {
        let method = usize::from(method);
        METHODS
            .get(method)
            .map_or_else(|| self.foreign[method - METHODS.len()].to_string(), Method::to_string)
    }
    fn entry(&self, seen: &Seen) -> Entry {
        let (end_ms, outcome) = seen.outcome();
        let number = |of: &AtomicU64| of.load(Ordering::Relaxed);
        let some = |of: &AtomicU64| Some(number(of)).filter(|n| *n > 0);
        let flow = &seen.flow;
        Entry {
            number: seen.number,
            at_ms: seen.at_ms,
            end_ms,
            node: seen.node,
            method: self.name(seen.method),
            in_batch: seen.in_batch,
            region: some(&seen.region),
            bytes_in: number(&flow.bytes_in),
            bytes_out: number(&flow.bytes_out),
            messages_in: number(&flow.messages_in),
            messages_out: number(&flow.messages_out),
            outcome,
            script: some(&seen.script),
        }
    }
}

impl Seen {
    fn matches(&self, filter: &Filter) -> bool {
        let method = METHODS.get(usize::from(self.method));
        filter.method.is_none_or(|methods| methods == Methods::All || methods.mean(method))
            && filter.node.is_none_or(|node| node == self.node)
            && self.at_ms >= filter.since
            && filter.until.is_none_or(|until| self.at_ms < until)
            && filter.outcome.as_ref().is_none_or(|outcome| self.outcome().1.to_string() == *outcome)
    }
    fn outcome(&self) -> (Option<u64>, Outcome) {
        self.end.get().map_or((None, Outcome::Open), |(at, outcome)| (Some(*at), *outcome))
    }
}

/// A call on its way; one that drops without an end is gone.
#[derive(Debug)]
pub(crate) struct Call {
    seen: Arc<Seen>,
    journal: Journal,
}

impl Call {
    pub(crate) fn flow(&self) -> &Flow {
        &self.seen.flow
    }
    /// It met a script.
    pub(crate) fn met(&self, script: u64) {
        self.seen.script.store(script, Ordering::Relaxed);
    }
    /// It has ended with this status; only the first end counts.
    pub(crate) fn ended(&self, outcome: Outcome) {
        let seen = &self.seen;
        let outcome = match (outcome, seen.refused.get()) {
            (Outcome::Ok, Some(detail)) => Outcome::RegionError(detail),
            (outcome, _) => outcome,
        };
        let now = self.journal.clock.ms();
        if seen.end.set((now, outcome)).is_err() {
            return;
        }
        let mut ring = self.journal.ring();
        let counted = ring.totals.entry((seen.node, seen.method)).or_default();
        *counted.outcomes.entry(outcome).or_default() += 1;
        counted.bytes_in += seen.flow.bytes_in.load(Ordering::Relaxed);
        counted.bytes_out += seen.flow.bytes_out.load(Ordering::Relaxed);
        let took = now - seen.at_ms;
        if counted.slowest.is_none_or(|(slowest, _)| took > slowest) {
            counted.slowest = Some((took, seen.at_ms));
        }
    }
    /// It has ended with this answer.
    pub(crate) fn answered(&self, answer: &Result<impl Message, Status>) {
        match answer {
            Ok(message) => {
                self.flow().gave(message);
                self.ended(Outcome::Ok);
            }
            Err(status) => self.ended(Outcome::Status(i32::from(status.code()) as u8)),
        }
    }
    /// What handlers find with [`note_region`] and the like.
    pub(crate) fn noted(&self) -> Noted {
        Noted(self.seen.clone())
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.ended(Outcome::Gone);
    }
}

/// A call, for whoever knows what is in it.
#[derive(Clone, Debug)]
pub(crate) struct Noted(Arc<Seen>);

tokio::task_local! {
    /// The call that is being handled.
    pub(crate) static CURRENT: Noted;
}

/// The call that is being handled names this region.
pub(crate) fn note_region(region: u64) {
    let _not_in_a_call = CURRENT.try_with(|noted| noted.0.region.store(region, Ordering::Relaxed));
}

/// The call that is being handled is answered with this region error.
pub(crate) fn note_refused(error: &errorpb::Error) {
    let _not_in_a_call = CURRENT.try_with(|noted| noted.0.refused.set(detail(error)));
}

/// The call that is being handled met a script.
pub(crate) fn note_script(id: u64) {
    let _not_in_a_call = CURRENT.try_with(|noted| noted.0.script.store(id, Ordering::Relaxed));
}
