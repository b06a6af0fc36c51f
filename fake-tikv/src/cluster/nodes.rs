//! All nodes as processes, and which of them hear each other.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::store::Process;
use crate::spec::Node;

/// What a node's process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    /// There is none.
    Gone,
    /// It stands still, and believes what it believed before.
    Frozen,
    Runs,
}

impl Life {
    /// As people are told.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Life::Gone => "stopped",
            Life::Frozen => "frozen",
            Life::Runs => "running",
        }
    }
}

/// The nodes, PD members before stores.
#[derive(Debug)]
pub(crate) struct Nodes {
    processes: BTreeMap<Node, Process>,
    /// Whose packets to whom are lost.
    pub(crate) cuts: BTreeSet<(Node, Node)>,
    election: Duration,
}

impl Nodes {
    /// Nodes that all hear each other. A group that has lost its leader elects another after the election time.
    pub(crate) fn new(processes: impl IntoIterator<Item = (Node, Process)>, election: Duration) -> Self {
        Self { processes: processes.into_iter().collect(), cuts: BTreeSet::new(), election }
    }
    pub(crate) fn insert(&mut self, node: Node, process: Process) {
        self.processes.insert(node, process);
    }
    pub(crate) fn has(&self, node: Node) -> bool {
        self.processes.contains_key(&node)
    }
    pub(crate) fn get(&self, node: Node) -> Option<&Process> {
        self.processes.get(&node)
    }
    pub(crate) fn get_mut(&mut self, node: Node) -> Option<&mut Process> {
        self.processes.get_mut(&node)
    }
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Node, &Process)> {
        self.processes.iter().map(|(node, process)| (*node, process))
    }
    pub(crate) fn stores_mut(&mut self) -> impl Iterator<Item = (u64, &mut Process)> {
        self.processes.iter_mut().filter_map(|(node, process)| match node {
            Node::Store(id) => Some((*id, process)),
            Node::Pd(_) => None,
        })
    }
    pub(crate) fn life(&self, node: Node) -> Life {
        self.get(node).map_or(Life::Gone, |process| process.life)
    }
    /// Whether two nodes hear each other. Where one direction is lost nothing is ever acknowledged: neither hears the other.
    pub(crate) fn linked(&self, a: Node, b: Node) -> bool {
        self.cuts.is_empty() || !(self.cuts.contains(&(a, b)) || self.cuts.contains(&(b, a)))
    }
    /// What a group of stores sees.
    pub(crate) fn stores(&self, now: u64) -> Around<'_> {
        Around { nodes: self, node: Node::Store, now }
    }
    /// What the group of PD members sees.
    pub(crate) fn members(&self, now: u64) -> Around<'_> {
        Around { nodes: self, node: |id| Node::Pd(id as u32), now }
    }
}

/// What a group needs to know of its surroundings at one moment.
pub(crate) struct Around<'a> {
    nodes: &'a Nodes,
    node: fn(u64) -> Node,
    /// The clock's ms.
    pub(crate) now: u64,
}

impl Around<'_> {
    pub(crate) fn life(&self, member: u64) -> Life {
        self.nodes.life((self.node)(member))
    }
    pub(crate) fn runs(&self, member: u64) -> bool {
        self.life(member) == Life::Runs
    }
    pub(crate) fn linked(&self, a: u64, b: u64) -> bool {
        self.nodes.linked((self.node)(a), (self.node)(b))
    }
    pub(crate) fn election_ms(&self) -> u64 {
        self.nodes.election.as_millis() as u64
    }
}
