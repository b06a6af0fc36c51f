//! One raft group: its members, and who leads them.
//!
//! ```text
//! led by m ── m stops ──► leaderless ── election time, most members up ──► led by another
//!    │  └─ hands over ──► led by another, at once                                ▲
//!    └─ m freezes, or hears most members no more ── election time ───────────────┘
//! ```

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::nodes::{Around, Life};

/// A group of members (store ids, PD members) that elects a leader while most of them are up. Times are the clock's ms.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    members: Vec<u64>,
    leader: Option<u64>,
    last: u64,
    term: u64,
    elect_at: Option<u64>,
}

impl Group {
    /// A group that `leader` leads in its first term.
    pub(crate) fn new(members: Vec<u64>, leader: u64) -> Self {
        // raft-rs starts a bootstrapped region's log at term 5; a first election makes it 6
        Self { members, leader: Some(leader), last: leader, term: 6, elect_at: None }
    }
    /// The group of a region that split off this one's: the same members and leader, in a log of its own.
    pub(crate) fn split_off(&self) -> Self {
        Self { term: 6, ..self.clone() }
    }
    /// Who acts as leader now.
    pub(crate) fn leader(&self) -> Option<u64> {
        self.leader
    }
    /// Who was last known to lead; what others hear until the next election.
    pub(crate) fn last_leader(&self) -> u64 {
        self.last
    }
    pub(crate) fn term(&self) -> u64 {
        self.term
    }
    /// When the next election is due.
    pub(crate) fn elect_at(&self) -> Option<u64> {
        self.elect_at
    }

    pub(crate) fn members(&self) -> &[u64] {
        &self.members
    }
    /// From now on these are the members. A leader that is none of them leads no more.
    pub(crate) fn set_members(&mut self, members: Vec<u64>) {
        self.leader = self.leader.filter(|leader| members.contains(leader));
        self.members = members;
    }
    /// The leader hands its lead over to another member, which takes it in the next term.
    pub(crate) fn hand_over(&mut self, to: u64) {
        (self.leader, self.last, self.elect_at) = (Some(to), to, None);
        self.term += 1;
    }
    /// Whether a member could be elected: it runs and hears most members, itself among them.
    pub(crate) fn electable(&self, member: u64, around: &Around<'_>) -> bool {
        let hears = |other: u64| other == member || (around.runs(other) && around.linked(member, other));
        let others = self.members.iter().filter(|other| hears(**other)).count();
        around.runs(member) && others * 2 > self.members.len()
    }

    /// Something around has changed: the leader may be gone or cut off, an election may become possible or needless.
    ///
    /// A leader of whose group most processes are gone can commit nothing and is none here at once (raft's check-quorum takes
    /// an election time, as it does here where they are frozen or out of reach).
    pub(crate) fn changed(&mut self, around: &Around<'_>) {
        let is_there = |member: u64| around.life(member) != Life::Gone;
        let most_there =
            self.members.iter().filter(|member| is_there(**member)).count() * 2 > self.members.len();
        self.leader = self.leader.filter(|leader| most_there && is_there(*leader));
        if self.leader.is_some_and(|leader| self.electable(leader, around)) {
            self.elect_at = None;
        } else if self.leader.is_some() || self.members.iter().any(|member| self.electable(*member, around)) {
            // the only member of a group does not wait for others
            let wait = if self.members.len() == 1 { 0 } else { around.election_ms() };
            self.elect_at.get_or_insert(around.now + wait);
        } else {
            self.elect_at = None;
        }
    }

    /// Holds the election if it is due; returns the leader before and the leader after.
    ///
    /// Where nobody can be elected the old leader steps down all the same.
    pub(crate) fn elect(&mut self, around: &Around<'_>, rng: &mut ChaCha8Rng) -> Option<(u64, u64)> {
        self.elect_at.filter(|at| *at <= around.now)?;
        (self.elect_at, self.leader) = (None, None);
        let mut candidates = self.members.iter().copied().filter(|member| self.electable(*member, around));
        let n = candidates.clone().count();
        let new = candidates.nth(rng.random_range(0..n.max(1)))?;
        let old = self.last;
        self.hand_over(new);
        Some((old, new))
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::time::Duration;

    use rand::SeedableRng;

    use super::super::nodes::Nodes;
    use super::super::store::Process;
    use super::*;
    use crate::spec::Node;

    /// Members 1, 2 and 3 (or 0), of which all but these are gone.
    fn only(up: &[u64]) -> Nodes {
        nodes(&|member| if up.contains(&member) { Life::Runs } else { Life::Gone }, &[])
    }
    fn nodes(life: &dyn Fn(u64) -> Life, cuts: &[(u64, u64)]) -> Nodes {
        let addr = SocketAddr::from(([127, 0, 0, 1], 1));
        let all = (0..=3).map(|store| (Node::Store(store), Process::new(addr)));
        let mut nodes = Nodes::new(all, Duration::from_secs(10));
        for store in 0..=3 {
            if let Some(process) = nodes.get_mut(Node::Store(store)) {
                process.life = life(store);
            }
        }
        nodes.cuts = cuts.iter().map(|(from, to)| (Node::Store(*from), Node::Store(*to))).collect();
        nodes
    }
    fn changed(group: &mut Group, nodes: &Nodes, now: u64) {
        group.changed(&nodes.stores(now));
    }
    fn elect(group: &mut Group, nodes: &Nodes, now: u64) -> Option<(u64, u64)> {
        group.elect(&nodes.stores(now), &mut ChaCha8Rng::seed_from_u64(1))
    }

    #[test]
    fn a_group_without_its_leader_elects_another_after_the_election_time() {
        let mut group = Group::new(vec![1, 2, 3], 2);
        changed(&mut group, &only(&[1, 3]), 500);
        assert_eq!((group.leader(), group.last_leader(), group.elect_at()), (None, 2, Some(10_500)));
        assert_eq!(elect(&mut group, &only(&[1, 3]), 10_499), None);
        let (old, new) = elect(&mut group, &only(&[1, 3]), 10_500).unwrap();
        assert_eq!((old, group.leader(), group.term()), (2, Some(new), 7));
        assert!([1, 3].contains(&new));
    }

    #[test]
    fn a_leader_that_is_back_early_has_still_lost_its_lead() {
        let mut group = Group::new(vec![1, 2, 3], 2);
        changed(&mut group, &only(&[1, 3]), 0);
        changed(&mut group, &only(&[1, 2, 3]), 4_000);
        assert_eq!((group.leader(), group.elect_at()), (None, Some(10_000)));
    }

    #[test]
    fn without_a_majority_nobody_leads_until_it_is_back() {
        let mut group = Group::new(vec![1, 2, 3], 2);
        changed(&mut group, &only(&[2]), 0);
        assert_eq!((group.leader(), group.elect_at()), (None, None));
        changed(&mut group, &only(&[2, 3]), 7_000);
        assert_eq!(group.elect_at(), Some(17_000));
    }

    #[test]
    fn a_lone_member_leads_as_soon_as_it_is_up() {
        let mut group = Group::new(vec![0], 0);
        changed(&mut group, &only(&[]), 0);
        assert_eq!(group.elect_at(), None);
        changed(&mut group, &only(&[0]), 3_000);
        assert_eq!(group.elect_at(), Some(3_000));
    }

    #[test]
    fn a_frozen_leader_is_replaced_after_the_election_time_and_one_that_is_back_before_leads_on() {
        let mut group = Group::new(vec![1, 2, 3], 2);
        let frozen = nodes(&|member| if member == 2 { Life::Frozen } else { Life::Runs }, &[]);
        changed(&mut group, &frozen, 0);
        assert_eq!((group.leader(), group.elect_at()), (Some(2), Some(10_000)));
        let mut early = group.clone();
        changed(&mut early, &only(&[1, 2, 3]), 9_999);
        assert_eq!((early.leader(), early.elect_at(), early.term()), (Some(2), None, 6));
        let (_, new) = elect(&mut group, &frozen, 10_000).unwrap();
        assert!(new != 2 && group.leader() == Some(new));
    }

    #[test]
    fn a_leader_out_of_reach_of_most_steps_down_even_where_nobody_else_can_lead() {
        // 2 hears nobody: 1 and 3 hear each other; one lost direction is a lost link
        let mut group = Group::new(vec![1, 2, 3], 2);
        let alone = nodes(&|_| Life::Runs, &[(2, 1), (3, 2)]);
        changed(&mut group, &alone, 0);
        assert_eq!((group.leader(), group.elect_at()), (Some(2), Some(10_000)));
        assert_ne!(elect(&mut group, &alone, 10_000).unwrap().1, 2);
        // nobody hears anybody
        let mut group = Group::new(vec![1, 2, 3], 2);
        let nobody = nodes(&|_| Life::Runs, &[(2, 1), (3, 2), (1, 3)]);
        changed(&mut group, &nobody, 0);
        assert_eq!(elect(&mut group, &nobody, 10_000), None);
        assert_eq!((group.leader(), group.last_leader(), group.elect_at()), (None, 2, None));
        changed(&mut group, &only(&[1, 2, 3]), 20_000);
        assert_eq!(group.elect_at(), Some(30_000));
    }
}
