//! One raft group: its members, and who leads them.
//!
//! ```text
//! led by m ── m stops ──► leaderless ── election time, most members up ──► led by another
//! ```

use std::time::Duration;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// A group of members (store ids, PD members) that elects a leader while most of them are up. Times are the clock's ms.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    members: Vec<u64>,
    leader: Option<u64>,
    last: u64,
    term: u64,
    elect_at: Option<u64>,
}

/// What a group needs to know of its surroundings at one moment.
pub(crate) struct Around<U> {
    /// Whether a member's process is up.
    pub(crate) up: U,
    pub(crate) now: u64,
    pub(crate) election: Duration,
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

    /// A member's process has stopped or started: the leader may be gone, an election may become possible.
    ///
    /// A leader without a majority can commit nothing and is none here at once (raft's check-quorum takes an election time).
    pub(crate) fn changed(&mut self, around: &Around<impl Fn(u64) -> bool>) {
        let up = self.members.iter().filter(|m| (around.up)(**m)).count();
        let majority = up * 2 > self.members.len();
        if !majority || self.leader.is_some_and(|leader| !(around.up)(leader)) {
            self.leader = None;
        }
        if !majority {
            self.elect_at = None;
        } else if self.leader.is_none() && self.elect_at.is_none() {
            // the only member of a group does not wait for others
            let wait = if self.members.len() == 1 { 0 } else { around.election.as_millis() as u64 };
            self.elect_at = Some(around.now + wait);
        }
    }

    /// Holds the election if it is due; returns the leader before and the leader after.
    pub(crate) fn elect(
        &mut self,
        around: &Around<impl Fn(u64) -> bool>,
        rng: &mut ChaCha8Rng,
    ) -> Option<(u64, u64)> {
        self.elect_at.filter(|at| *at <= around.now)?;
        self.elect_at = None;
        let mut up = self.members.iter().copied().filter(|m| (around.up)(*m));
        let candidates = up.clone().count();
        let new = up.nth(rng.random_range(0..candidates.max(1)))?;
        let old = std::mem::replace(&mut self.last, new);
        self.leader = Some(new);
        self.term += 1;
        Some((old, new))
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    fn around(up: &[u64], now: u64) -> Around<impl Fn(u64) -> bool> {
        Around { up: move |m| up.contains(&m), now, election: Duration::from_secs(10) }
    }

    #[test]
    fn a_group_without_its_leader_elects_another_after_the_election_time() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut group = Group::new(vec![1, 2, 3], 2);
        group.changed(&around(&[1, 3], 500));
        assert_eq!((group.leader(), group.last_leader(), group.elect_at()), (None, 2, Some(10_500)));
        assert_eq!(group.elect(&around(&[1, 3], 10_499), &mut rng), None);
        let (old, new) = group.elect(&around(&[1, 3], 10_500), &mut rng).unwrap();
        assert_eq!((old, group.leader(), group.term()), (2, Some(new), 7));
        assert!([1, 3].contains(&new));
    }

    #[test]
    fn a_leader_that_is_back_early_has_still_lost_its_lead() {
        let mut group = Group::new(vec![1, 2, 3], 2);
        group.changed(&around(&[1, 3], 0));
        group.changed(&around(&[1, 2, 3], 4_000));
        assert_eq!((group.leader(), group.elect_at()), (None, Some(10_000)));
    }

    #[test]
    fn without_a_majority_nobody_leads_until_it_is_back() {
        let mut group = Group::new(vec![1, 2, 3], 2);
        group.changed(&around(&[2], 0));
        assert_eq!((group.leader(), group.elect_at()), (None, None));
        group.changed(&around(&[2, 3], 7_000));
        assert_eq!(group.elect_at(), Some(17_000));
    }

    #[test]
    fn a_lone_member_leads_as_soon_as_it_is_up() {
        let mut group = Group::new(vec![0], 0);
        group.changed(&around(&[], 0));
        assert_eq!(group.elect_at(), None);
        group.changed(&around(&[0], 3_000));
        assert_eq!(group.elect_at(), Some(3_000));
    }
}
