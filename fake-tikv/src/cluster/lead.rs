//! Leads are handed over.

use super::State;
use super::error::MoveError;
use crate::spec::Node;

impl State {
    /// A region's leader hands its lead over to the peer on a store. Does nothing where that one leads.
    pub(crate) fn transfer_leader(&mut self, id: u64, store: u64) -> Result<(), MoveError> {
        let region = self.regions.by_id(id).ok_or(MoveError::NoRegion(id))?;
        let node = Node::Store(store);
        if region.peer_on(store).is_none() {
            return Err(MoveError::NoPeer { region: id, store: node });
        }
        let leader = region.group.leader().ok_or(MoveError::NoLeader(id))?;
        if leader == store {
            return Ok(());
        }
        let around = self.nodes.stores(self.now);
        let reached =
            around.runs(leader) && around.linked(leader, store) && region.group.electable(store, &around);
        if !reached {
            return Err(MoveError::OutOfReach(node));
        }
        if let Some(group) = self.regions.group_mut(id) {
            group.hand_over(store);
        }
        self.say(format!("{node} leads region {id}: {} handed over", Node::Store(leader)));
        Ok(())
    }

    /// The PD leader hands its lead over to another member. Does nothing where that one leads.
    pub(crate) fn transfer_pd_leader(&mut self, member: u32) -> Result<(), MoveError> {
        let node = Node::Pd(member);
        if !self.nodes.has(node) {
            return Err(MoveError::NoNode(node));
        }
        let leader = self.pd.leader().ok_or(MoveError::NoPdLeader)?;
        if leader == u64::from(member) {
            return Ok(());
        }
        let (around, to) = (self.nodes.members(self.now), u64::from(member));
        let reached = around.runs(leader) && around.linked(leader, to) && self.pd.electable(to, &around);
        if !reached {
            return Err(MoveError::OutOfReach(node));
        }
        self.pd.hand_over(member.into());
        self.say(format!("{node} leads PD: {} handed over", Node::Pd(leader as u32)));
        self.listen();
        Ok(())
    }
}
