//! Processes stop, start, freeze, resume, and move to other addresses.

use std::net::SocketAddr;

use super::nodes::Life;
use super::{Due, State};
use crate::spec::Node;

impl State {
    /// A node's process is gone. Its data stay.
    pub(crate) fn stop(&mut self, node: Node) {
        if let Some(process) = self.nodes.get_mut(node).filter(|process| process.up()) {
            process.life = Life::Gone;
            self.regroup(node);
        }
    }
    /// A node's process is back.
    pub(crate) fn restart(&mut self, node: Node) {
        let now = self.now;
        if let Some(process) = self.nodes.get_mut(node).filter(|process| !process.up()) {
            process.start(now);
            self.say(format!("{node} is up again"));
            self.regroup(node);
        }
    }
    /// A node's process stands still. Nobody hears of it until it [resumes](State::resume); it leads until others are elected.
    pub(crate) fn freeze(&mut self, node: Node) {
        if let Some(process) = self.nodes.get_mut(node).filter(|process| process.life == Life::Runs) {
            process.life = Life::Frozen;
            self.say(format!("{node} is frozen"));
            self.regroup(node);
        }
    }
    /// A frozen process goes on where it was.
    pub(crate) fn resume(&mut self, node: Node) {
        if let Some(process) = self.nodes.get_mut(node).filter(|process| process.life == Life::Frozen) {
            process.life = Life::Runs;
            self.say(format!("{node} goes on"));
            self.regroup(node);
        }
    }

    /// From now on clients are told this address.
    pub(crate) fn advertise(&mut self, node: Node, addr: SocketAddr) {
        if let Some(process) = self.nodes.get_mut(node) {
            (process.addr, process.next_addr) = (addr, None);
        }
    }
    /// A store listens elsewhere now: PD tells clients so from the store's next heartbeat on.
    pub(crate) fn change_address(&mut self, store: u64, addr: SocketAddr) {
        if let Some(process) = self.nodes.get_mut(Node::Store(store)) {
            process.next_addr = Some(addr);
            self.due.insert((self.now + self.patience.heartbeat, Due::Address(store)));
        }
    }
    pub(super) fn tell_address(&mut self, store: u64) {
        let Some(process) = self.nodes.get_mut(Node::Store(store)) else { return };
        // a store that PD does not hear tells its address as soon as it does
        if process.lost.is_none()
            && let Some(addr) = process.next_addr.take()
        {
            process.addr = addr;
            self.say(format!("{} is at {addr}", Node::Store(store)));
        }
    }

    /// Notes which stores PD hears now.
    pub(super) fn listen(&mut self) {
        let (now, leader) = (self.now, Node::Pd(self.pd.last_leader() as u32));
        let heard: Vec<(u64, bool)> = self
            .nodes
            .iter()
            .filter_map(|(node, process)| match node {
                Node::Store(id) => Some((id, process.life == Life::Runs && self.nodes.linked(node, leader))),
                Node::Pd(_) => None,
            })
            .collect();
        let mut back = false;
        for ((store, heard), (_, process)) in heard.into_iter().zip(self.nodes.stores_mut()) {
            match (heard, process.lost) {
                (true, Some(_)) => {
                    process.lost = None;
                    back = true;
                    if process.next_addr.is_some() {
                        self.due.insert((now, Due::Address(store)));
                    }
                }
                (false, None) => {
                    process.lost = Some(now);
                    self.due.insert((now + self.patience.down, Due::Down(store)));
                }
                _ => {}
            }
        }
        if back {
            self.repair_soon();
        }
    }
}
