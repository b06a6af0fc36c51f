//! The cluster as PD and the stores know it: pure state, no sockets, no tasks.
//!
//! * [`group`][]: a raft group: who is in it, who leads
//! * [`region`][]: regions in key order
//! * [`store`][]: stores and PD members as processes
//! * [`layout`][]: what a new cluster looks like
//! * [`split`][]: regions divide
//! * [`admit`][]: whether a store takes a request for a region
//! * [`tso`][]: timestamps
//! * [`views`][]: at which addresses clients find the nodes
//! * [`safe_points`][], [`keyspaces`][], [`operators`][], [`etcd`][], [`settings`][]: what else PD keeps
//!
//! Time is a number that callers bring: what was due in between happens first, at the moment it was due.

pub(crate) mod admit;
pub(crate) mod etcd;
pub(crate) mod group;
pub(crate) mod keyspaces;
pub(crate) mod layout;
pub(crate) mod operators;
pub(crate) mod region;
pub(crate) mod safe_points;
pub(crate) mod settings;
pub(crate) mod split;
pub(crate) mod store;
pub(crate) mod tso;
pub(crate) mod views;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use rand_chacha::ChaCha8Rng;

use self::etcd::Etcd;
use self::group::{Around, Group};
use self::keyspaces::Keyspaces;
use self::operators::Operators;
use self::region::Regions;
use self::safe_points::SafePoints;
use self::settings::Settings;
use self::store::Process;
use self::tso::Oracle;
use self::views::{ViewId, Views};
use crate::spec::Node;

/// PD's allocator of ids, which stores, regions and peers share.
#[derive(Clone, Debug)]
pub(crate) struct Ids(u64);

impl Ids {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 += 1;
        self.0
    }
}

/// All that PD and the stores agree on. Times are the clock's milliseconds.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) cluster_id: u64,
    pub(crate) regions: Regions,
    pub(crate) tso: Oracle,
    pub(crate) safe_points: SafePoints,
    pub(crate) keyspaces: Keyspaces,
    pub(crate) operators: Operators,
    pub(crate) etcd: Etcd,
    pub(crate) settings: Settings,
    pub(crate) views: Views,
    ids: Ids,
    pd: Group,
    nodes: BTreeMap<Node, Process>,
    election: Duration,
    elections: ChaCha8Rng,
    /// When elections are due.
    due: BTreeSet<u64>,
    now: u64,
    changes: Vec<(u64, String)>,
}

impl State {
    /// Lets everything happen that was due until now.
    pub(crate) fn advance(&mut self, now: u64) {
        while let Some(due) = self.due.first().copied().filter(|due| *due <= now) {
            self.due.pop_first();
            self.now = due;
            self.elect();
        }
        self.now = self.now.max(now);
    }

    /// A node's process is gone. Its data stay.
    pub(crate) fn stop(&mut self, node: Node) {
        if let Some(process) = self.nodes.get_mut(&node).filter(|process| process.up) {
            process.stop(self.now);
            self.regroup();
        }
    }

    /// A node's process is back.
    pub(crate) fn restart(&mut self, node: Node) {
        if let Some(process) = self.nodes.get_mut(&node).filter(|process| !process.up) {
            process.start(self.now);
            self.say(format!("{node} is up again"));
            self.regroup();
        }
    }

    /// Notes a change that nobody asked for.
    pub(crate) fn say(&mut self, what: String) {
        self.changes.push((self.now, what));
    }
    pub(crate) fn take_changes(&mut self) -> Vec<(u64, String)> {
        std::mem::take(&mut self.changes)
    }

    /// From now on clients are told this address.
    pub(crate) fn advertise(&mut self, node: Node, addr: SocketAddr) {
        if let Some(process) = self.nodes.get_mut(&node) {
            process.addr = addr;
        }
    }
    /// The address at which a view's clients find a node.
    pub(crate) fn addr(&self, view: ViewId, node: Node) -> Option<SocketAddr> {
        self.views.addr(view, node).or_else(|| Some(self.nodes.get(&node)?.addr))
    }
    /// An id that nothing has.
    pub(crate) fn alloc_id(&mut self) -> u64 {
        self.ids.next()
    }
    pub(crate) fn nodes(&self) -> impl Iterator<Item = (Node, &Process)> {
        self.nodes.iter().map(|(node, process)| (*node, process))
    }
    pub(crate) fn process(&self, node: Node) -> Option<&Process> {
        self.nodes.get(&node)
    }
    /// The group of the PD members.
    pub(crate) fn pd(&self) -> &Group {
        &self.pd
    }
    pub(crate) fn now(&self) -> u64 {
        self.now
    }

    /// Tells every group that a process has stopped or started.
    fn regroup(&mut self) {
        let Self { nodes, regions, pd, now, election, due, .. } = self;
        let up = |node| nodes.get(&node).is_some_and(|process: &Process| process.up);
        let (now, election) = (*now, *election);
        let stores = Around { up: |id| up(Node::Store(id)), now, election };
        for region in regions.iter_mut() {
            region.group.changed(&stores);
            due.extend(region.group.elect_at());
        }
        pd.changed(&Around { up: |id| up(Node::Pd(id as u32)), now, election });
        due.extend(pd.elect_at());
        self.advance(now);
    }

    /// Holds the elections that are due.
    fn elect(&mut self) {
        let Self { nodes, regions, pd, now, election, elections, .. } = self;
        let up = |node| nodes.get(&node).is_some_and(|process: &Process| process.up);
        let (now, election) = (*now, *election);
        let stores = Around { up: |id| up(Node::Store(id)), now, election };
        let mut moved = BTreeMap::<u64, u64>::new();
        for region in regions.iter_mut() {
            if let Some((old, new)) = region.group.elect(&stores, elections)
                && old != new
            {
                *moved.entry(old).or_default() += 1;
            }
        }
        let members = Around { up: |id| up(Node::Pd(id as u32)), now, election };
        let leads = pd.elect(&members, elections);
        for (old, n) in moved {
            let s = if n == 1 { "" } else { "s" };
            self.say(format!("{n} leader{s} moved off {}", Node::Store(old)));
        }
        if let Some((_, new)) = leads {
            self.say(format!("{} leads PD", Node::Pd(new as u32)));
        }
    }
}
