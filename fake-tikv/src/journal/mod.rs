//! The journal: every call that the cluster's nodes have seen, with arrival and end.
//!
//! All calls are counted, node by node and method by method ([`Totals`]); the latest are kept one by one ([`Entry`]), a
//! bounded number of them. A command in a batch is a call of its own, beside the stream that carries it.
//!
//! * `entry`: what can be read of it
//! * `call`: one call as it goes
//! * `watch`: whoever wants to hear of each at once

mod call;
mod entry;
mod watch;

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use prost::Message;
use unstuck_net::Clock;

pub(crate) use self::call::{CURRENT, Call, Noted, note_refused, note_region, note_script};
use self::call::{Flow, Seen};
pub use self::entry::{Entry, Filter, Outcome, Totals};
use self::watch::Watcher;
pub use self::watch::{Moment, Step};
use crate::methods::{METHODS, Method};
use crate::spec::Node;

/// Paths outside of kvproto that are told apart; others count as one.
const FOREIGN: usize = 64;
/// Bytes of such a path that are kept.
const FOREIGN_NAME: usize = 100;

/// The calls that a cluster has seen. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Journal(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: Clock,
    ring: Mutex<Ring>,
    watcher: OnceLock<Watcher>,
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
        Self(Arc::new(Inner { clock, ring: Mutex::new(ring), watcher: OnceLock::new() }))
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.0.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A call that arrives now. `path` names it where kvproto does not.
    pub(crate) fn arrived(
        &self,
        node: Node,
        method: Option<&'static Method>,
        path: &str,
        in_batch: bool,
    ) -> Call {
        let at_ms = self.0.clock.ms();
        let mut ring = self.ring();
        let method = method.map_or_else(|| ring.foreign(path), number_of);
        let fresh = Seen {
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
        };
        ring.next += 1;
        ring.totals.entry((node, method)).or_default().calls += 1;
        let seen = ring.keep(fresh);
        drop(ring);
        self.tell(&seen, Step::Arrived);
        Call { seen, journal: self.clone() }
    }

    /// A command of a batch that arrives now.
    pub(crate) fn in_batch(&self, node: Node, name: &'static str, request: &impl Message) -> Call {
        let call = self.arrived(node, Method::named(name), name, true);
        call.flow().took(request);
        call
    }

    /// Tells of each step of each call, at once and where it happens: the watcher must not wait, and must not ask the cluster.
    /// The first watcher stays.
    pub fn watch(&self, watcher: impl Fn(&Moment) + Send + Sync + 'static) {
        let _the_first_stays = self.0.watcher.set(Watcher(Box::new(watcher)));
    }

    fn tell(&self, seen: &Seen, step: Step) {
        if let Some(Watcher(watcher)) = self.0.watcher.get() {
            let region = Some(seen.region.load(Ordering::Relaxed)).filter(|region| *region > 0);
            watcher(&Moment { node: seen.node, method: METHODS.get(usize::from(seen.method)), region, step });
        }
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
    /// Keeps a call; the oldest gives way, and its place in memory if nobody else has it.
    fn keep(&mut self, fresh: Seen) -> Arc<Seen> {
        let full = self.kept.len() >= self.most;
        self.dropped += u64::from(full);
        let mut oldest = if full { self.kept.pop_front() } else { None };
        let seen = match oldest.as_mut().and_then(Arc::get_mut) {
            Some(place) => {
                *place = fresh;
                oldest.expect("it is there")
            }
            None => Arc::new(fresh),
        };
        if self.most > 0 {
            self.kept.push_back(seen.clone());
        }
        seen
    }
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
