//! Which nodes faults hold, and how many do: several may act on one node at a time.
//!
//! | while any active fault | the node |
//! |---|---|
//! | stops it (`failure`, `kill`) | is down |
//! | freezes it, and none stops it | stands still, a process that was started meanwhile too |
//! | cuts it off from a peer | does not hear that peer |
//!
//! So the last heal counts, and the order in which faults come and go is of no consequence. A store that was killed
//! comes back elsewhere, once, when nothing holds it down any more.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fake_tikv::{Cluster, Direction, Node, Place};

use super::link::Link;

/// Cheap to clone: clones share it.
#[derive(Clone, Debug)]
pub(super) struct Holds {
    cluster: Cluster,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    nodes: BTreeMap<Node, Held>,
    /// Packets that are lost from one node to another, by how many faults.
    cuts: BTreeMap<(Node, Node), usize>,
}

#[derive(Debug, Default)]
struct Held {
    stopped: usize,
    frozen: usize,
    /// Where it comes back.
    elsewhere: Option<(Place, Link)>,
}

impl Holds {
    pub(super) fn of(cluster: &Cluster) -> Self {
        Self { cluster: cluster.clone(), state: Arc::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more fault stops the node.
    pub(super) fn stop(&self, node: Node) {
        self.state().nodes.entry(node).or_default().stopped += 1;
        self.cluster.stop(node);
    }

    /// One fault less stops the node. It comes back at the place, if one is given, to which the link leads from then on.
    pub(super) fn start(&self, node: Node, elsewhere: Option<(Place, Link)>) {
        let mut state = self.state();
        let held = state.nodes.entry(node).or_default();
        held.stopped = held.stopped.saturating_sub(1);
        if held.elsewhere.is_none() {
            held.elsewhere = elsewhere;
        } else if let Some((place, link)) = elsewhere {
            // it was killed twice and moves once
            link.keep_place(place);
        }
        if held.stopped > 0 {
            return;
        }
        match held.elsewhere.take() {
            None => self.cluster.restart(node),
            Some((place, link)) => {
                // a tombstone does not come back
                if self.cluster.move_to(place).is_ok() {
                    link.arrived();
                }
            }
        }
        if held.frozen > 0 {
            self.cluster.freeze(node);
        }
    }

    /// One more fault freezes the node.
    pub(super) fn freeze(&self, node: Node) {
        self.state().nodes.entry(node).or_default().frozen += 1;
        self.cluster.freeze(node);
    }

    /// One fault less freezes the node.
    pub(super) fn resume(&self, node: Node) {
        let mut state = self.state();
        let held = state.nodes.entry(node).or_default();
        held.frozen = held.frozen.saturating_sub(1);
        if held.frozen == 0 {
            self.cluster.resume(node);
        }
    }

    /// One more fault cuts the nodes off from the peers; returns how many pairs have ceased to hear each other.
    pub(super) fn cut(&self, nodes: &[Node], peers: &[Node], lost: Direction) -> usize {
        let mut state = self.state();
        for way in ways(nodes, peers, lost) {
            *state.cuts.entry(way).or_default() += 1;
        }
        self.cluster.partition(nodes, peers, lost).expect("the plan names nodes of this cluster")
    }

    /// One fault less does.
    pub(super) fn mend(&self, nodes: &[Node], peers: &[Node], lost: Direction) {
        let mut state = self.state();
        let mut others = false;
        let mut free = vec![];
        for way in ways(nodes, peers, lost) {
            match state.cuts.get_mut(&way) {
                Some(count) if *count > 1 => {
                    *count -= 1;
                    others = true;
                }
                _ => {
                    state.cuts.remove(&way);
                    free.push(way);
                }
            }
        }
        let heal = |a: &[Node], b: &[Node], lost| {
            self.cluster.heal(a, b, lost).expect("nodes of this cluster, as at the injection");
        };
        if others {
            for (from, to) in free {
                heal(&[from], &[to], Direction::To);
            }
        } else {
            heal(nodes, peers, lost);
        }
    }
}

/// From whom to whom packets are lost.
fn ways<'a>(
    nodes: &'a [Node],
    peers: &'a [Node],
    lost: Direction,
) -> impl Iterator<Item = (Node, Node)> + 'a {
    let pairs = nodes.iter().flat_map(|node| peers.iter().map(|peer| (*node, *peer)));
    pairs.filter(|(a, b)| a != b).flat_map(move |(a, b)| {
        let to = (lost != Direction::From).then_some((a, b));
        let from = (lost != Direction::To).then_some((b, a));
        to.into_iter().chain(from)
    })
}
