//! The cluster as PD and the stores know it: pure state, no sockets, no tasks.
//!
//! * [`group`][]: a raft group: who is in it, who leads
//! * [`region`][]: regions in key order, and by store
//! * [`store`][]: stores and PD members as processes
//! * [`nodes`][]: all of them, and who hears whom
//! * [`layout`][]: what a new cluster looks like
//! * [`admit`][]: whether a store takes a request for a region
//! * [`tso`][]: timestamps
//! * [`views`][]: at which addresses clients find the nodes
//! * [`safe_points`][], [`keyspaces`][], [`operators`][], [`etcd`][], [`settings`][]: what else PD keeps
//!
//! What changes it, one file a move, each refused with an [`error`][]:
//!
//! * [`split`][], [`merge`][]: regions divide and become one
//! * [`lead`][]: leads are handed over
//! * [`peers`][]: peers come and go
//! * [`scatter`][]: a region's peers go where there are few
//! * [`process`][]: processes stop, start, freeze, resume, move
//! * [`partition`][]: nodes cease to hear each other
//! * [`membership`][]: stores join and leave
//! * [`repair`][]: what PD does about stores that are down or leave
//!
//! Time is a number that callers bring: what was due in between happens first, at the moment it was due.

pub(crate) mod admit;
pub(crate) mod error;
pub(crate) mod etcd;
pub(crate) mod group;
pub(crate) mod keyspaces;
pub(crate) mod layout;
pub(crate) mod lead;
pub(crate) mod membership;
pub(crate) mod merge;
pub(crate) mod nodes;
pub(crate) mod operators;
pub(crate) mod partition;
pub(crate) mod peers;
pub(crate) mod process;
pub(crate) mod region;
pub(crate) mod repair;
pub(crate) mod safe_points;
pub(crate) mod scatter;
pub(crate) mod settings;
pub(crate) mod split;
pub(crate) mod store;
#[cfg(test)]
mod tests;
pub(crate) mod tso;
pub(crate) mod views;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use bytes::Bytes;
use rand_chacha::ChaCha8Rng;

use self::etcd::Etcd;
use self::group::Group;
use self::keyspaces::Keyspaces;
use self::nodes::Nodes;
use self::operators::Operators;
use self::region::Regions;
use self::safe_points::SafePoints;
use self::settings::Settings;
use self::store::{Patience, Process};
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

/// What happens by itself at a time. What of one time happens in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    /// A region's.
    Election(u64),
    PdElection,
    /// A store's heartbeat tells its new address.
    Address(u64),
    /// A store may have been lost for so long that it is down.
    Down(u64),
    /// PD moves a few peers off stores that are down or leave.
    Repair,
}

/// All that PD and the stores agree on. Times are the clock's milliseconds.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) cluster_id: u64,
    pub(crate) regions: Regions,
    /// The ranges of the regions that the cluster began with, in order: what work is counted in.
    pub(crate) shares: Vec<(Bytes, Bytes)>,
    pub(crate) tso: Oracle,
    pub(crate) safe_points: SafePoints,
    pub(crate) keyspaces: Keyspaces,
    pub(crate) operators: Operators,
    pub(crate) etcd: Etcd,
    pub(crate) settings: Settings,
    pub(crate) views: Views,
    ids: Ids,
    pd: Group,
    nodes: Nodes,
    patience: Patience,
    elections: ChaCha8Rng,
    scatters: ChaCha8Rng,
    due: BTreeSet<(u64, Due)>,
    now: u64,
    changes: Vec<(u64, String)>,
}

impl State {
    /// Lets everything happen that was due until now.
    pub(crate) fn advance(&mut self, now: u64) {
        while let Some((at, _)) = self.due.first().copied().filter(|(at, _)| *at <= now) {
            self.now = at;
            let mut elections = Vec::new();
            while let Some((at, due)) = self.due.first().copied().filter(|(at, _)| *at <= self.now) {
                self.due.remove(&(at, due));
                match due {
                    Due::Election(region) => elections.push(region),
                    Due::PdElection => self.elect_pd(),
                    Due::Address(store) => self.tell_address(store),
                    Due::Down(store) => self.find_down(store),
                    Due::Repair => self.repair(),
                }
                if !matches!(self.due.first(), Some((at, Due::Election(_))) if *at <= self.now) {
                    self.elect(&std::mem::take(&mut elections));
                }
            }
        }
        self.now = self.now.max(now);
    }

    /// Notes a change, in words.
    pub(crate) fn say(&mut self, what: String) {
        self.changes.push((self.now, what));
    }
    pub(crate) fn take_changes(&mut self) -> Vec<(u64, String)> {
        std::mem::take(&mut self.changes)
    }
    /// The address at which a view's clients find a node.
    pub(crate) fn addr(&self, view: ViewId, node: Node) -> Option<SocketAddr> {
        self.views.addr(view, node).or_else(|| Some(self.nodes.get(node)?.addr))
    }
    /// An id that nothing has.
    pub(crate) fn alloc_id(&mut self) -> u64 {
        self.ids.next()
    }
    pub(crate) fn nodes(&self) -> impl Iterator<Item = (Node, &Process)> {
        self.nodes.iter()
    }
    pub(crate) fn process(&self, node: Node) -> Option<&Process> {
        self.nodes.get(node)
    }
    /// How PD calls the state of a store now.
    pub(crate) fn state_name(&self, process: &Process) -> &'static str {
        process.state_name(self.now, self.patience)
    }
    /// Whether one node would be answered by another: it runs, and they hear each other.
    pub(crate) fn reaches(&self, from: Node, to: Node) -> bool {
        from == to || self.nodes.life(to) == nodes::Life::Runs && self.nodes.linked(from, to)
    }
    /// The group of the PD members.
    pub(crate) fn pd(&self) -> &Group {
        &self.pd
    }
    pub(crate) fn now(&self) -> u64 {
        self.now
    }

    /// Tells a node's groups, and PD, that something around the node has changed.
    fn regroup(&mut self, node: Node) {
        match node {
            Node::Store(store) => {
                let regions: Vec<u64> = self.regions.on(store).collect();
                for region in regions {
                    self.regroup_region(region);
                }
            }
            Node::Pd(_) => {
                self.pd.changed(&self.nodes.members(self.now));
                self.due.extend(self.pd.elect_at().map(|at| (at, Due::PdElection)));
            }
        }
        self.listen();
        self.advance(self.now);
    }
    fn regroup_region(&mut self, id: u64) {
        if let Some(group) = self.regions.group_mut(id) {
            group.changed(&self.nodes.stores(self.now));
            self.due.extend(group.elect_at().map(|at| (at, Due::Election(id))));
        }
    }

    /// Holds the elections of regions that are due.
    fn elect(&mut self, regions: &[u64]) {
        let around = self.nodes.stores(self.now);
        let mut moved = BTreeMap::<u64, u64>::new();
        for id in regions {
            let Some(group) = self.regions.group_mut(*id) else { continue };
            if let Some((old, new)) = group.elect(&around, &mut self.elections)
                && old != new
            {
                *moved.entry(old).or_default() += 1;
            }
        }
        for (old, n) in moved {
            let s = if n == 1 { "" } else { "s" };
            self.say(format!("{n} leader{s} moved off {}", Node::Store(old)));
        }
        if !regions.is_empty() {
            self.repair_soon();
        }
    }

    fn elect_pd(&mut self) {
        let elected = self.pd.elect(&self.nodes.members(self.now), &mut self.elections);
        if let Some((_, new)) = elected {
            self.say(format!("{} leads PD", Node::Pd(new as u32)));
            self.listen();
        }
    }
}
