//! Faults on nodes: what the cluster is told, how it heals, what it touched.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fake_tikv::answer::{Guard, Script};
use fake_tikv::{Cluster, Node, Place, RegionInfo};
use unstuck_record::Evidence;

use super::holds::Holds;
use super::link::Link;
use crate::fault::{ContainerFault, NodeEffect};
use crate::scenario::Direction;

/// What faults on nodes touched, by fault. Cheap to clone: clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Touched(Arc<Mutex<BTreeMap<usize, Evidence>>>);

impl Touched {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<usize, Evidence>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn add(&self, fault: usize, evidence: Evidence) {
        let mut all = self.lock();
        let sum = all.entry(fault).or_default();
        *sum = sum.plus(evidence);
    }
    pub(super) fn of(&self, fault: usize) -> Evidence {
        self.lock().get(&fault).copied().unwrap_or_default()
    }
}

/// Where a fault on nodes acts.
pub(super) struct Target<'a> {
    pub(super) nodes: &'a [Node],
    /// Whom they are cut off from.
    pub(super) peers: &'a [Node],
    /// The link from the client to a node.
    pub(super) link: &'a dyn Fn(&Node) -> Option<Link>,
    /// Where stores that are killed come back.
    pub(super) elsewhere: BTreeMap<Node, Place>,
    /// Where stores join.
    pub(super) new: Vec<Place>,
}

/// A fault on nodes that is active until this drops.
#[derive(Debug)]
#[must_use = "the fault heals when this guard drops"]
pub(super) struct Acted {
    holds: Holds,
    heal: Heal,
}

#[derive(Debug)]
enum Heal {
    Start {
        node: Node,
        /// Its next place, to which the link leads from then on.
        elsewhere: Option<(Place, Link)>,
    },
    /// A store that was to leave.
    Left {
        store: u64,
        cluster: Cluster,
    },
    Resume {
        node: Node,
        /// The client's link to it, with the bytes that it had been handed before.
        link: Option<(Link, u64)>,
        fault: usize,
        touched: Touched,
    },
    Answer {
        script: Guard,
        fault: usize,
        touched: Touched,
    },
    Partition {
        nodes: Vec<Node>,
        peers: Vec<Node>,
        lost: fake_tikv::Direction,
    },
}

/// Carries out a fault on nodes.
pub(super) fn act(
    cluster: &Cluster,
    (holds, touched): (&Holds, &Touched),
    fault: usize,
    effect: &NodeEffect,
    mut target: Target<'_>,
) -> Vec<Acted> {
    let guard = |heal| Acted { holds: holds.clone(), heal };
    let changed = |n: usize| touched.add(fault, Evidence { answers: n as u64, ..Evidence::default() });
    match effect {
        NodeEffect::Stop => {
            let stop = |node: &Node| {
                holds.stop(*node);
                guard(Heal::Start { node: *node, elsewhere: None })
            };
            target.nodes.iter().map(stop).collect()
        }
        NodeEffect::Kill => {
            let kill = |node: &Node| {
                holds.stop(*node);
                let elsewhere = target.elsewhere.remove(node).zip((target.link)(node));
                guard(Heal::Start { node: *node, elsewhere })
            };
            target.nodes.iter().map(kill).collect()
        }
        NodeEffect::Join => {
            changed(target.new.into_iter().map(|place| join(cluster, place)).sum());
            vec![]
        }
        NodeEffect::Leave => {
            let regions = cluster.regions();
            let leave = |node: &Node| {
                let Node::Store(store) = *node else { return None };
                cluster.offline(store).ok()?;
                changed(regions.iter().filter(|region| region.stores.contains(&store)).count());
                Some(guard(Heal::Left { store, cluster: cluster.clone() }))
            };
            target.nodes.iter().filter_map(leave).collect()
        }
        NodeEffect::Freeze => {
            let freeze = |node: &Node| {
                holds.freeze(*node);
                let link = (target.link)(node).map(|link| (link.clone(), link.stats().up));
                guard(Heal::Resume { node: *node, link, fault, touched: touched.clone() })
            };
            target.nodes.iter().map(freeze).collect()
        }
        NodeEffect::Container(what) => {
            let heals = from_container(cluster, (holds, touched), fault, *what, target.nodes);
            heals.into_iter().map(guard).collect()
        }
        NodeEffect::Partition(direction) => {
            let lost = match direction {
                Direction::To => fake_tikv::Direction::To,
                Direction::From => fake_tikv::Direction::From,
                Direction::Both => fake_tikv::Direction::Both,
            };
            let (nodes, peers) = (target.nodes.to_vec(), target.peers.to_vec());
            // each pair has sent heartbeats, which are suppressed from now on
            changed(holds.cut(&nodes, &peers, lost));
            vec![guard(Heal::Partition { nodes, peers, lost })]
        }
        NodeEffect::Answer(script) => {
            let answer = |node: &Node| {
                let mut script = Script::clone(script);
                script.when.node = Some(*node);
                let script = cluster.script(script).expect("a scenario's scripts were checked");
                guard(Heal::Answer { script, fault, touched: touched.clone() })
            };
            target.nodes.iter().map(answer).collect()
        }
        NodeEffect::TransferLead => {
            changed(target.nodes.iter().map(|node| hand_over(cluster, *node)).sum());
            vec![]
        }
        NodeEffect::Split => {
            let divides = |region: &&RegionInfo| {
                middle(&region.start, &region.end).is_some_and(|key| cluster.split(&[key.into()]).is_ok())
            };
            changed(led(cluster, target.nodes).iter().filter(divides).count());
            vec![]
        }
        NodeEffect::Merge => {
            let mut merged = 0;
            let mut gone = vec![];
            let regions = cluster.regions();
            for pair in regions.windows(2) {
                let (source, into) = (&pair[0], &pair[1]);
                let here = |node: &Node| matches!(node, Node::Store(store) if source.leader == Some(*store));
                // a region that has taken another stays for this time
                if target.nodes.iter().any(here)
                    && !gone.contains(&source.id)
                    && cluster.merge(source.id, into.id).is_ok()
                {
                    gone.push(into.id);
                    merged += 1;
                }
            }
            changed(merged);
            vec![]
        }
    }
}

/// What follows for the cluster from what befalls containers. It is no evidence: it is the client whom a fault has to touch, which
/// the containers' kernels know.
fn from_container(
    cluster: &Cluster,
    (holds, touched): (&Holds, &Touched),
    fault: usize,
    what: ContainerFault,
    nodes: &[Node],
) -> Vec<Heal> {
    match what {
        ContainerFault::Pause => {
            let freeze = |node: &Node| {
                holds.freeze(*node);
                Heal::Resume { node: *node, link: None, fault, touched: touched.clone() }
            };
            nodes.iter().map(freeze).collect()
        }
        ContainerFault::Disconnect => {
            let mut peers: Vec<Node> = cluster.nodes().into_iter().map(|(node, _)| node).collect();
            peers.retain(|peer| !nodes.contains(peer));
            let lost = fake_tikv::Direction::Both;
            holds.cut(nodes, &peers, lost);
            vec![Heal::Partition { nodes: nodes.to_vec(), peers, lost }]
        }
        // clients' connects are lost, not the nodes' own
        ContainerFault::Stop | ContainerFault::Kill | ContainerFault::DropSyn => vec![],
    }
}

/// The regions that stores lead.
fn led(cluster: &Cluster, nodes: &[Node]) -> Vec<RegionInfo> {
    let mut regions = cluster.regions();
    regions.retain(|region| region.leader.is_some_and(|store| nodes.contains(&Node::Store(store))));
    regions
}

/// Moves a node's leads to the next that can have them; returns how many moved.
fn hand_over(cluster: &Cluster, node: Node) -> usize {
    match node {
        Node::Pd(_) => {
            let (leader, members) = (cluster.pd_leader(), cluster.nodes());
            let members = members.iter().filter(|(node, _)| matches!(node, Node::Pd(_))).count() as u32;
            let to = (1..members).map(|next| (leader + next) % members);
            usize::from(to.into_iter().any(|member| cluster.transfer_pd_leader(member).is_ok()))
        }
        Node::Store(from) => {
            let moves = |region: &&RegionInfo| {
                let after = region.stores.iter().filter(|store| **store > from);
                let before = region.stores.iter().filter(|store| **store < from);
                after.chain(before).any(|to| cluster.transfer_leader(region.id, *to).is_ok())
            };
            led(cluster, &[node]).iter().filter(moves).count()
        }
    }
}

/// A store joins, and PD gives it its share of peers and leads: those of the stores with the most. Returns how many peers.
fn join(cluster: &Cluster, place: Place) -> usize {
    let store = place.store();
    if cluster.join(place).is_err() {
        return 0;
    }
    let regions = cluster.regions();
    let mut peers = BTreeMap::from([(store, 0)]);
    for on in regions.iter().flat_map(|region| &region.stores) {
        *peers.entry(*on).or_insert(0_usize) += 1;
    }
    let share = peers.values().sum::<usize>() / peers.len();
    for region in regions {
        let Some(from) = region.stores.iter().copied().max_by_key(|on| peers[on]) else { continue };
        if peers[&store] < share && cluster.move_peer(region.id, from, store).is_ok() {
            *peers.entry(from).or_default() -= 1;
            *peers.entry(store).or_default() += 1;
            if peers[&store].is_multiple_of(region.stores.len()) {
                let _led_elsewhere_for_now = cluster.transfer_leader(region.id, store);
            }
        }
    }
    peers[&store]
}

/// A key in the middle of a region.
fn middle(start: &[u8], end: &[u8]) -> Option<Vec<u8>> {
    let same = start.iter().zip(end).take_while(|(a, b)| a == b).count();
    let number = |key: &[u8]| {
        let mut bytes = [0; 8];
        let known = key.get(same..).unwrap_or_default();
        let n = known.len().min(8);
        bytes[..n].copy_from_slice(&known[..n]);
        u64::from_be_bytes(bytes)
    };
    let (from, to) = (number(start), if end.is_empty() { u64::MAX } else { number(end) });
    let between = from + to.checked_sub(from)? / 2;
    (between > from).then(|| [&start[..same], &between.to_be_bytes()].concat())
}

impl Drop for Acted {
    fn drop(&mut self) {
        match &mut self.heal {
            Heal::Start { node, elsewhere } => self.holds.start(*node, elsewhere.take()),
            Heal::Left { store, cluster } => {
                let _leaves_when_it_is_empty = cluster.tombstone(*store);
            }
            Heal::Resume { node, link, fault, touched } => {
                // what the client has sent meanwhile lies in buffers, unread
                let bytes = link.iter().map(|(link, before)| link.stats().up.saturating_sub(*before)).sum();
                touched.add(*fault, Evidence { bytes, ..Evidence::default() });
                self.holds.resume(*node);
            }
            Heal::Answer { script, fault, touched } => {
                // it goes with this; a call that it still holds up has matched already
                let answers = script.matched().get();
                touched.add(*fault, Evidence { answers, ..Evidence::default() });
            }
            Heal::Partition { nodes, peers, lost } => self.holds.mend(nodes, peers, *lost),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_lies_inside_or_there_is_none() {
        for (start, end) in [("", ""), ("", "m"), ("k1", "k9"), ("k0001", "k0002"), ("x", "")] {
            let key = middle(start.as_bytes(), end.as_bytes()).unwrap();
            assert!(
                key[..] > *start.as_bytes() && (end.is_empty() || key[..] < *end.as_bytes()),
                "{start} {end}"
            );
        }
        assert_eq!(middle(b"a", b"a\0\0\0\0\0\0\0\0"), None);
    }
}
