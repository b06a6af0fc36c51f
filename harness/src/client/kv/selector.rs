//! Which replica a request goes to next: client-go's `replicaSelector`, for requests that only a leader answers.
//!
//! ```text
//!   LEADER ──unreachable, tried 10 times, not the leader──► FOLLOWERS ──each tried once──► none is left: look the region up
//!      ▲                                                        │
//!      └──────────────── a replica names the leader ────────────┘
//! ```

use fake_tikv::proto::metapb;

use super::region::Region;
use super::store::Liveness;

/// So often one replica is tried for one request; source: `maxReplicaAttempt`.
const MAX_ATTEMPTS: u32 = 10;

/// The choice of replicas for one request to one region.
#[derive(Debug)]
pub(super) struct Selector {
    replicas: Vec<Replica>,
    state: State,
    asks_named_leader: bool,
    target: usize,
}

#[derive(Clone, Copy, Debug)]
struct Replica {
    store: u64,
    attempts: u32,
    /// It has said that it does not lead.
    not_leader: bool,
    /// Another replica has said that it does, after it was last tried.
    named: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Leader(usize),
    /// All but this one, which was the leader; the last that was tried.
    Followers {
        leader: usize,
        last: usize,
    },
}

impl Selector {
    pub(super) fn new(region: &Region, asks_named_leader: bool) -> Self {
        let replica = |store| Replica { store, attempts: 0, not_leader: false, named: false };
        Self {
            replicas: region.peers.iter().map(|of| replica(of.peer.store_id)).collect(),
            state: State::Leader(region.leader),
            asks_named_leader,
            target: region.leader,
        }
    }

    /// The replica to send to, as its place among the peers; `None` when none is left.
    pub(super) fn next(&mut self, liveness: impl Fn(u64) -> Liveness) -> Option<usize> {
        if let State::Leader(leader) = self.state {
            if self.may_lead(leader, &liveness) {
                return Some(self.attempt(leader));
            }
            self.state = State::Followers { leader, last: leader };
        }
        let State::Followers { leader, last } = self.state else { return None };
        let count = self.replicas.len();
        let untried = |at: &usize| {
            let replica = &self.replicas[*at];
            *at != leader && replica.attempts == 0 && liveness(replica.store) != Liveness::Unreachable
        };
        let at = (0..count).map(|step| (last + step) % count).find(untried)?;
        self.state = State::Followers { leader, last: at };
        Some(self.attempt(at))
    }

    /// The replica says that it does not lead, and perhaps who does. Returns who is asked as the leader from now on.
    pub(super) fn not_leader(
        &mut self,
        region: &Region,
        leader: Option<&metapb::Peer>,
        liveness: impl Fn(u64) -> Liveness,
    ) -> Named {
        self.replicas[self.target].not_leader = true;
        let Some(leader) = leader else {
            self.leave_leader();
            return Named::Nobody;
        };
        let Some(at) = region.place(leader) else { return Named::Stranger };
        if liveness(self.replicas[at].store) != Liveness::Reachable && !self.asks_named_leader {
            self.leave_leader();
            return Named::Unhealthy;
        }
        let replica = &mut self.replicas[at];
        // one more chance; each follower names it once at most, so that this ends
        replica.attempts = replica.attempts.min(MAX_ATTEMPTS - 1);
        (replica.not_leader, replica.named) = (false, true);
        self.state = State::Leader(at);
        Named::Leader(at)
    }

    /// The request did not reach the replica, whose store passed the probe with this result.
    pub(super) fn send_failed(&mut self, liveness: Liveness) {
        let target = &mut self.replicas[self.target];
        target.named = false;
        if liveness != Liveness::Reachable || target.attempts >= MAX_ATTEMPTS {
            self.leave_leader();
        }
    }

    /// The replica has answered: is it another than the one that was thought to lead?
    pub(super) fn found_another(&self, region: &Region) -> Option<usize> {
        (self.target != region.leader).then_some(self.target)
    }

    fn may_lead(&self, at: usize, liveness: impl Fn(u64) -> Liveness) -> bool {
        let replica = &self.replicas[at];
        let healthy = liveness(replica.store) == Liveness::Reachable || replica.named;
        healthy && replica.attempts < MAX_ATTEMPTS && !replica.not_leader
    }
    fn leave_leader(&mut self) {
        if let State::Leader(leader) = self.state {
            self.state = State::Followers { leader, last: leader };
        }
    }
    fn attempt(&mut self, at: usize) -> usize {
        self.target = at;
        self.replicas[at].attempts += 1;
        at
    }
}

/// What a replica's word on the leader led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// This peer is asked next.
    Leader(usize),
    /// The region has no leader at present.
    Nobody,
    /// A peer that is not known: the region has to be looked up.
    Stranger,
    /// The leader's store did not pass its probe, so it is not asked.
    Unhealthy,
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::region::Peer;
    use super::*;

    fn peer(store_id: u64) -> metapb::Peer {
        metapb::Peer { id: 10 + store_id, store_id, ..metapb::Peer::default() }
    }
    /// Three peers, of which that on store 1 is thought to lead.
    fn region() -> Region {
        let peers = (1..=3).map(|store| Peer { peer: peer(store), store_epoch: 0 }).collect();
        let epoch = metapb::RegionEpoch::default();
        Region { id: 1, start: Bytes::new(), end: Bytes::new(), epoch, peers, leader: 0 }
    }
    fn all_well(_: u64) -> Liveness {
        Liveness::Reachable
    }
    fn first_gone(store: u64) -> Liveness {
        if store == 1 { Liveness::Unreachable } else { Liveness::Reachable }
    }

    #[test]
    fn a_leader_that_fails_is_tried_ten_times_then_each_follower_once() {
        let mut selector = Selector::new(&region(), true);
        let mut tried = vec![];
        while let Some(at) = selector.next(all_well) {
            tried.push(at);
            selector.send_failed(Liveness::Reachable);
        }
        assert_eq!(tried, [vec![0; 10], vec![1, 2]].concat());
    }

    #[test]
    fn an_unreachable_leader_is_left_at_once_and_an_unreachable_follower_left_out() {
        let mut selector = Selector::new(&region(), true);
        assert_eq!(selector.next(all_well), Some(0));
        selector.send_failed(Liveness::Unreachable);
        let last_gone = |store| if store == 2 { Liveness::Unreachable } else { first_gone(store) };
        assert_eq!(selector.next(last_gone), Some(2));
        selector.send_failed(Liveness::Reachable);
        assert_eq!(selector.next(last_gone), None);
    }

    #[test]
    fn the_leader_that_a_replica_names_is_asked_next_and_known_from_then_on() {
        let region = region();
        let mut selector = Selector::new(&region, true);
        assert_eq!(selector.next(all_well), Some(0));
        assert_eq!(selector.not_leader(&region, Some(&peer(3)), all_well), Named::Leader(2));
        assert_eq!(selector.next(all_well), Some(2));
        assert_eq!(selector.found_another(&region), Some(2));
    }

    #[test]
    fn without_a_leader_the_others_are_asked_and_a_strange_one_ends_it() {
        let region = region();
        let mut selector = Selector::new(&region, true);
        assert_eq!(selector.next(all_well), Some(0));
        assert_eq!(selector.not_leader(&region, None, all_well), Named::Nobody);
        assert_eq!(selector.next(all_well), Some(1));
        assert_eq!(selector.not_leader(&region, Some(&peer(9)), all_well), Named::Stranger);
    }

    /// A store that answers, only too late for the probe, leads: fixed it is asked, with pull 503 nobody is.
    #[test]
    fn a_leader_that_is_named_is_asked_whatever_the_probe_said_unless_pull_503_is_in() {
        let region = region();
        let mut selector = Selector::new(&region, true);
        assert_eq!(selector.next(first_gone), Some(1));
        assert_eq!(selector.not_leader(&region, Some(&peer(1)), first_gone), Named::Leader(0));
        assert_eq!(selector.next(first_gone), Some(0));
        let mut selector = Selector::new(&region, false);
        for follower in [1, 2] {
            assert_eq!(selector.next(first_gone), Some(follower));
            assert_eq!(selector.not_leader(&region, Some(&peer(1)), first_gone), Named::Unhealthy);
        }
        assert_eq!(selector.next(first_gone), None);
    }

    /// Each follower names the leader once: the choice ends.
    #[test]
    fn a_leader_that_is_named_and_does_not_answer_is_not_asked_for_ever() {
        let region = region();
        let mut selector = Selector::new(&region, true);
        let mut tried = vec![];
        while let Some(at) = selector.next(first_gone) {
            tried.push(at);
            assert!(tried.len() < 10, "{tried:?}");
            if at == 0 {
                selector.send_failed(Liveness::Unreachable);
            } else {
                selector.not_leader(&region, Some(&peer(1)), first_gone);
            }
        }
        assert_eq!(tried, [1, 0, 2, 0]);
    }
}
