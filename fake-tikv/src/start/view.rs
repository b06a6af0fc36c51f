//! A client's own way to the cluster.

use std::io;
use std::net::SocketAddr;

use super::{Cluster, door};
use crate::cluster::views::ViewId;
use crate::spec::Node;

/// The same cluster through ports of its own, which tell addresses of its own: what a client sees depends on nothing but
/// the port that it asks. Lasts as long as the cluster.
///
/// ```text
/// client a ── 4001 ─► pd-0 ─ 4000 ◄── client b      pd-0 tells a of tikv-1 at 4003, and b of tikv-1 at 4002
/// ```
#[derive(Clone, Debug)]
pub struct View {
    cluster: Cluster,
    id: ViewId,
    nodes: Vec<(Node, SocketAddr)>,
}

impl Cluster {
    /// Opens one more port on every node that there is. Who comes through them is told of these ports, until
    /// [`View::advertise`] says otherwise. The ports live and die with their nodes' processes.
    pub fn view(&self) -> io::Result<View> {
        let id = self.shared.lock().cluster.views.add();
        let mut nodes = Vec::new();
        let servers = &mut *self.servers();
        for (node, server) in &mut servers.of {
            let Some(health) = servers.health.get(node) else { continue };
            let (port, told) = self.another_port(*node)?;
            nodes.push((*node, port.addr()));
            self.shared.lock().cluster.views.advertise(id, *node, told);
            server.add(door(&self.shared, *node, id, health, port))?;
        }
        Ok(View { cluster: self.clone(), id, nodes })
    }
}

impl View {
    /// Every node with the address it listens on for this view: PD members, then stores.
    pub fn nodes(&self) -> Vec<(Node, SocketAddr)> {
        self.nodes.clone()
    }
    /// From now on PD tells this view's clients this address for the node (a proxy's).
    pub fn advertise(&self, node: Node, addr: SocketAddr) {
        self.cluster.shared.lock().cluster.views.advertise(self.id, node, addr);
    }
}
