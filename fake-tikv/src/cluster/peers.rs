//! Peers of regions come and go.

use super::error::MoveError;
use super::region::Region;
use super::store::Intent;
use super::{Ids, State};
use crate::proto::metapb;
use crate::spec::Node;

impl State {
    /// Adds a peer of a region on a store. It joins as a learner and becomes a voter: two changes of the configuration.
    pub(crate) fn add_peer(&mut self, id: u64, store: u64) -> Result<(), MoveError> {
        self.takes_peer(id, store)?;
        self.change_peers(id, 2, |meta, ids| {
            meta.peers.push(metapb::Peer { id: ids.next(), store_id: store, ..Default::default() });
        });
        Ok(())
    }

    /// Removes a region's peer from a store: one change of the configuration. A leader hands its lead over first.
    pub(crate) fn remove_peer(&mut self, id: u64, store: u64) -> Result<(), MoveError> {
        self.yields_peer(id, store)?;
        self.change_peers(id, 1, |meta, _| meta.peers.retain(|peer| peer.store_id != store));
        Ok(())
    }

    /// Moves a region's peer to another store: the new one joins, then the old one goes.
    pub(crate) fn move_peer(&mut self, id: u64, from: u64, to: u64) -> Result<(), MoveError> {
        if self.region(id)?.peer_on(from).is_none() {
            return Err(MoveError::NoPeer { region: id, store: Node::Store(from) });
        }
        self.add_peer(id, to)?;
        self.remove_peer(id, from)
    }

    pub(super) fn region(&self, id: u64) -> Result<&Region, MoveError> {
        self.regions.by_id(id).ok_or(MoveError::NoRegion(id))
    }
    /// A region that has a leader which can commit.
    pub(super) fn led(&self, id: u64) -> Result<&Region, MoveError> {
        let region = self.region(id)?;
        let around = self.nodes.stores(self.now);
        let leads = region.group.leader().is_some_and(|leader| region.group.electable(leader, &around));
        if leads { Ok(region) } else { Err(MoveError::NoLeader(id)) }
    }

    /// Whether a store can be given a peer of the region.
    fn takes_peer(&self, id: u64, store: u64) -> Result<(), MoveError> {
        let (region, node) = (self.led(id)?, Node::Store(store));
        let process = self.nodes.get(node).ok_or(MoveError::NoNode(node))?;
        if region.peer_on(store).is_some() {
            return Err(MoveError::HasPeer { region: id, store: node });
        }
        if process.intent != Intent::Stay {
            return Err(MoveError::NotUp { store: node, state: self.state_name(process) });
        }
        let (around, leader) = (self.nodes.stores(self.now), region.group.leader());
        let reached = around.runs(store) && leader.is_some_and(|leader| around.linked(leader, store));
        if reached { Ok(()) } else { Err(MoveError::OutOfReach(node)) }
    }

    /// Makes sure that a store's peer can go: hands its lead over.
    fn yields_peer(&mut self, id: u64, store: u64) -> Result<(), MoveError> {
        let region = self.led(id)?;
        if region.peer_on(store).is_none() {
            return Err(MoveError::NoPeer { region: id, store: Node::Store(store) });
        }
        if region.group.leader() != Some(store) {
            return Ok(());
        }
        let others: Vec<u64> =
            region.group.members().iter().copied().filter(|other| *other != store).collect();
        for other in others {
            if self.transfer_leader(id, other).is_ok() {
                return Ok(());
            }
        }
        Err(MoveError::LastPeer(id))
    }

    /// Changes a region's peers, in so many changes of its configuration.
    fn change_peers(&mut self, id: u64, changes: u64, change: impl FnOnce(&mut metapb::Region, &mut Ids)) {
        let Some(mut region) = self.regions.remove(id) else { return };
        change(&mut region.meta, &mut self.ids);
        if let Some(epoch) = &mut region.meta.region_epoch {
            epoch.conf_ver += changes;
        }
        region.group.set_members(region.meta.peers.iter().map(|peer| peer.store_id).collect());
        self.regions.insert(region);
        self.regroup_region(id);
    }
}
