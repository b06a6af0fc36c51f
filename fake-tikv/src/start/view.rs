//! A client's own way to the cluster.

use std::io;
use std::net::SocketAddr;

use super::{Cluster, Servers, door};
use crate::cluster::views::ViewId;
use crate::spec::Node;

/// The same cluster through ports of its own, which tell addresses of its own: what a client sees depends on nothing but
/// the port that it asks. Lasts as long as the cluster; a store that joins later is in it too.
///
/// ```text
/// client a ── 4001 ─► pd-0 ─ 4000 ◄── client b      pd-0 tells a of tikv-1 at 4003, and b of tikv-1 at 4002
/// ```
#[derive(Clone, Debug)]
pub struct View {
    cluster: Cluster,
    id: ViewId,
}

impl Cluster {
    /// Opens one more port on every node. Who comes through them is told of these ports, until [`View::advertise`] says
    /// otherwise. The ports live and die with their nodes' processes.
    pub fn view(&self) -> io::Result<View> {
        let id = self.shared.lock().cluster.views.add();
        let mut servers = self.servers();
        servers.views.entry(id).or_default();
        let nodes: Vec<Node> = servers.of.keys().copied().collect();
        nodes.into_iter().try_for_each(|node| self.show(&mut servers, id, node))?;
        Ok(View { cluster: self.clone(), id })
    }

    /// Opens a node's port for a view.
    pub(super) fn show(&self, servers: &mut Servers, id: ViewId, node: Node) -> io::Result<()> {
        let (Some(server), Some(health)) = (servers.of.get_mut(&node), servers.health.get(&node)) else {
            return Ok(());
        };
        let (port, told) = self.another_port(node)?;
        servers.views.entry(id).or_default().insert(node, port.addr());
        self.shared.lock().cluster.views.advertise(id, node, told);
        server.add(door(&self.shared, node, id, health, port))
    }
}

impl View {
    /// Every node with the address it listens on for this view: PD members, then stores.
    pub fn nodes(&self) -> Vec<(Node, SocketAddr)> {
        let servers = self.cluster.servers();
        servers.views.get(&self.id).into_iter().flatten().map(|(node, addr)| (*node, *addr)).collect()
    }
    /// From now on PD tells this view's clients this address for the node (a proxy's).
    pub fn advertise(&self, node: Node, addr: SocketAddr) {
        self.cluster.shared.lock().cluster.views.advertise(self.id, node, addr);
    }
}
