//! A region's peers go where there are few.

use rand::RngExt;

use super::State;
use super::error::MoveError;
use super::operators::Operator;
use crate::spec::Node;

/// How long PD is at work with a region whose peers move.
const SCATTER_MS: u64 = 1_000;

impl State {
    /// Gives a region's peers to the stores with the fewest, and its lead to one of them; equals are drawn by the seed.
    ///
    /// PD says for a moment that it is at work, where peers moved; clients see the peers where they go at once.
    pub(crate) fn scatter(&mut self, id: u64) -> Result<(), MoveError> {
        let before = self.led(id)?.group.members().to_vec();
        self.spread(id)?;
        let moved = self.region(id)?.group.members() != before;
        let done_at = if moved { self.now + SCATTER_MS } else { self.now };
        self.operators.set(id, Operator { desc: "scatter-region", kind: "admin,leader,region", done_at });
        Ok(())
    }

    fn spread(&mut self, id: u64) -> Result<(), MoveError> {
        let mut peers = self.led(id)?.group.members().to_vec();
        for from in peers.clone() {
            // a peer less than here after the move, or there is none
            let room = self.regions.peers_on(from).saturating_sub(1);
            let emptiest = self.candidates(&peers, room);
            if let Some(to) = self.draw(&emptiest) {
                self.move_peer(id, from, to)?;
                peers.retain(|store| *store != from);
                peers.push(to);
            }
        }
        let group = &self.region(id)?.group;
        let around = self.nodes.stores(self.now);
        let able = |store: &u64| group.electable(*store, &around);
        let able: Vec<u64> = group.members().iter().copied().filter(able).collect();
        match self.draw(&able) {
            Some(leader) => self.transfer_leader(id, leader),
            None => Ok(()),
        }
    }

    /// Of the stores that can be given a peer, and have fewer than `room`, those with the fewest.
    pub(super) fn candidates(&self, taken: &[u64], room: usize) -> Vec<u64> {
        let mut best = (room, Vec::new());
        for (node, process) in self.nodes.iter() {
            let Node::Store(store) = node else { continue };
            if !process.takes_peers() || taken.contains(&store) {
                continue;
            }
            let peers = self.regions.peers_on(store);
            if peers < best.0 {
                best = (peers, vec![store]);
            } else if peers == best.0 && !best.1.is_empty() {
                best.1.push(store);
            }
        }
        best.1
    }
    pub(super) fn draw(&mut self, of: &[u64]) -> Option<u64> {
        of.get(self.scatters.random_range(0..of.len().max(1))).copied()
    }
}
