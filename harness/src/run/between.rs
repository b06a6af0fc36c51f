//! What stands between the client and a node: a proxy of ours, or one of somebody else's Toxiproxy.

use std::net::SocketAddr;
use std::sync::Arc;

use fake_tikv::{Cluster, Node};
use unstuck_proxy::{Guard, Proxy, Rule, Stats};
use unstuck_record::Evidence;

use super::outer::{OuterGuard, OuterLink};

/// A proxy. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) enum Between {
    Ours(Proxy),
    /// It tells at the end of a connection at best what it has carried; the node knows what has come of calls.
    Theirs {
        link: Arc<OuterLink>,
        cluster: Cluster,
        node: Node,
    },
}

/// A rule in force on a link, until this drops.
#[derive(Debug)]
pub(super) enum InForce {
    Ours { _guard: Guard },
    Theirs { _guard: OuterGuard },
}

impl Between {
    pub(super) fn addr(&self) -> SocketAddr {
        match self {
            Between::Ours(proxy) => proxy.addr(),
            Between::Theirs { link, .. } => link.addr(),
        }
    }

    pub(super) fn apply(&self, fault: usize, rule: &Rule) -> InForce {
        match self {
            Between::Ours(proxy) => InForce::Ours { _guard: proxy.apply(fault, rule.clone()) },
            Between::Theirs { link, .. } => InForce::Theirs { _guard: link.apply(fault, rule) },
        }
    }

    pub(super) fn evidence(&self, fault: usize) -> Evidence {
        match self {
            Between::Ours(proxy) => proxy.evidence(fault),
            Between::Theirs { link, .. } => link.evidence(fault),
        }
    }

    pub(super) fn stats(&self) -> Stats {
        match self {
            Between::Ours(proxy) => proxy.stats(),
            Between::Theirs { cluster, node, .. } => {
                let totals = cluster.journal().totals();
                let of_node = totals.iter().filter(|totals| totals.node == *node);
                of_node.fold(Stats::default(), |all, totals| Stats {
                    up: all.up + totals.bytes_in,
                    down: all.down + totals.bytes_out,
                    ..all
                })
            }
        }
    }

    pub(super) fn ours(&self) -> Option<&Proxy> {
        match self {
            Between::Ours(proxy) => Some(proxy),
            Between::Theirs { .. } => None,
        }
    }

    /// Those of others are taken away when the last of their links drops.
    pub(super) fn shutdown(&self) {
        if let Between::Ours(proxy) = self {
            proxy.shutdown();
        }
    }
}
