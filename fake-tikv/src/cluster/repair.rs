//! What PD does about stores that are down, or are to leave: their peers get replacements elsewhere.

use super::store::{Intent, Process};
use super::{Due, State};
use crate::spec::Node;

impl State {
    /// A store may have been lost for so long that PD calls it Down.
    pub(super) fn find_down(&mut self, store: u64) {
        let node = Node::Store(store);
        let now = self.now;
        let down = |lost: u64| now >= lost + self.patience.down;
        let found = self
            .nodes
            .get(node)
            .is_some_and(|process| process.intent == Intent::Stay && process.lost.is_some_and(down));
        if found {
            self.say(format!("{node} is down: its peers get replacements"));
            self.repair_soon();
        }
    }
    pub(super) fn repair_soon(&mut self) {
        if !self.leaving().is_empty() && !self.due.iter().any(|(_, due)| *due == Due::Repair) {
            self.due.insert((self.now + self.patience.repair, Due::Repair));
        }
    }

    /// Moves a few peers off stores that are down or leave; looks again as long as that helps.
    pub(super) fn repair(&mut self) {
        let takes =
            |(node, process): &(Node, &Process)| matches!(node, Node::Store(_)) && process.takes_peers();
        let mut budget = self.nodes.iter().filter(takes).count();
        let mut moved = 0;
        for store in self.leaving() {
            let regions: Vec<u64> = self.regions.on(store).collect();
            let before = budget;
            for id in regions {
                if budget == 0 {
                    break;
                }
                let Some(region) = self.regions.by_id(id) else { continue };
                let to = self.candidates(region.group.members(), usize::MAX);
                if let Some(to) = self.draw(&to)
                    && self.move_peer(id, store, to).is_ok()
                {
                    budget -= 1;
                }
            }
            if let n @ 1.. = before - budget {
                moved += n;
                let s = if n == 1 { "" } else { "s" };
                self.say(format!("{n} peer{s} moved off {}", Node::Store(store)));
            }
            let leaves = self.nodes.get(Node::Store(store)).is_some_and(|p| p.intent == Intent::Leave);
            if leaves && self.regions.peers_on(store) == 0 {
                self.tombstone(store).expect("a store without peers can leave");
            }
        }
        // what does not help now may help when something has changed
        if moved > 0 && !self.leaving().is_empty() {
            self.due.insert((self.now + self.patience.repair, Due::Repair));
        }
    }

    /// Stores whose peers are to go elsewhere.
    fn leaving(&self) -> Vec<u64> {
        let leaves = |process: &Process| {
            process.intent == Intent::Leave
                || (process.intent == Intent::Stay
                    && process.lost.is_some_and(|lost| self.now >= lost + self.patience.down))
        };
        self.nodes
            .iter()
            .filter_map(|(node, process)| match node {
                Node::Store(id) if leaves(process) => Some(id),
                _ => None,
            })
            .collect()
    }
}
