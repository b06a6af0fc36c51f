//! At which addresses clients find the nodes: each view has its own, where it has any.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use crate::spec::Node;

/// Whose addresses. The default is the cluster's own view.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ViewId(usize);

/// The addresses of all views but the cluster's own.
#[derive(Debug, Default)]
pub(crate) struct Views(Vec<BTreeMap<Node, SocketAddr>>);

impl Views {
    /// One more view, without addresses of its own.
    pub(crate) fn add(&mut self) -> ViewId {
        self.0.push(BTreeMap::new());
        ViewId(self.0.len())
    }
    /// From now on the view's clients are told this address. The cluster's own view is not kept here.
    pub(crate) fn advertise(&mut self, view: ViewId, node: Node, addr: SocketAddr) {
        if let Some(addrs) = view.0.checked_sub(1).and_then(|i| self.0.get_mut(i)) {
            addrs.insert(node, addr);
        }
    }
    /// `None` where the view has no address of its own for the node.
    pub(crate) fn addr(&self, view: ViewId, node: Node) -> Option<SocketAddr> {
        self.0.get(view.0.checked_sub(1)?)?.get(&node).copied()
    }
}
