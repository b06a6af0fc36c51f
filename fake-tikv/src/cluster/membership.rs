//! Stores join and leave.

use std::net::SocketAddr;

use super::State;
use super::error::MoveError;
use super::nodes::Life;
use super::store::{Intent, Process};
use crate::spec::Node;

impl State {
    /// A store joins with an id that nothing has, empty: PD moves nothing to it unless it is asked to.
    pub(crate) fn add_store(&mut self, id: u64, addr: SocketAddr) {
        let now = self.now;
        self.nodes.insert(Node::Store(id), Process::new(addr).joined(now));
        self.say(format!("{} joined", Node::Store(id)));
        self.listen();
        self.repair_soon();
    }

    /// A store is to leave: PD moves its peers elsewhere, a few at a time, and then calls it Tombstone.
    pub(crate) fn offline(&mut self, store: u64) -> Result<(), MoveError> {
        let node = Node::Store(store);
        let (now, patience) = (self.now, self.patience);
        let process = self.nodes.get_mut(node).ok_or(MoveError::NoNode(node))?;
        match process.intent {
            Intent::Left => {
                return Err(MoveError::NotUp { store: node, state: process.state_name(now, patience) });
            }
            Intent::Leave => {}
            Intent::Stay => {
                process.intent = Intent::Leave;
                self.say(format!("{node} is to leave"));
                self.repair_soon();
            }
        }
        Ok(())
    }

    /// A store that was to leave stays after all.
    pub(crate) fn cancel_offline(&mut self, store: u64) -> Result<(), MoveError> {
        let node = Node::Store(store);
        let (now, patience) = (self.now, self.patience);
        let process = self.nodes.get_mut(node).ok_or(MoveError::NoNode(node))?;
        if process.intent == Intent::Left {
            return Err(MoveError::NotUp { store: node, state: process.state_name(now, patience) });
        }
        process.intent = Intent::Stay;
        Ok(())
    }

    /// Whether a node's process may start: a store that has left for ever is refused by PD, and ends.
    pub(crate) fn may_start(&self, node: Node) -> Result<(), MoveError> {
        let process = self.nodes.get(node).ok_or(MoveError::NoNode(node))?;
        match process.intent {
            Intent::Left => Err(MoveError::NotUp { store: node, state: self.state_name(process) }),
            Intent::Stay | Intent::Leave => Ok(()),
        }
    }

    /// A store without peers has left for ever: its process is gone too.
    pub(crate) fn tombstone(&mut self, store: u64) -> Result<(), MoveError> {
        let (node, peers) = (Node::Store(store), self.regions.peers_on(store));
        let process = self.nodes.get_mut(node).ok_or(MoveError::NoNode(node))?;
        if peers > 0 {
            return Err(MoveError::HasPeers { store: node, peers });
        }
        if process.intent != Intent::Left {
            (process.intent, process.life) = (Intent::Left, Life::Gone);
            self.say(format!("{node} is a tombstone"));
            self.regroup(node);
        }
        Ok(())
    }
}
