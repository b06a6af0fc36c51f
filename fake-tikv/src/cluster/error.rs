//! Why a move cannot be made as asked.

use bytes::Bytes;

use crate::spec::Node;

/// Why the cluster cannot be changed as asked. Nothing has changed then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MoveError {
    /// No region has this id.
    #[error("region {0} not found")]
    NoRegion(u64),
    /// There is no such node.
    #[error("there is no `{0}`")]
    NoNode(Node),
    /// A key to divide at does not lie inside the region.
    #[error("key `{}` is not inside region {region}", .key.escape_ascii())]
    NotInside {
        /// The region.
        region: u64,
        /// The key, as regions know it.
        key: Bytes,
    },
    /// Only neighbours merge.
    #[error("regions {source_id} and {target} are no neighbours")]
    NotNeighbours {
        /// The region that was to go.
        source_id: u64,
        /// The region that was to grow.
        target: u64,
    },
    /// A region without a leader can do nothing.
    #[error("region {0} has no leader now")]
    NoLeader(u64),
    /// The PD members have none.
    #[error("PD has no leader now")]
    NoPdLeader,
    /// The store has no peer of the region.
    #[error("`{store}` has no peer of region {region}")]
    NoPeer {
        /// The region.
        region: u64,
        /// The store.
        store: Node,
    },
    /// The store has a peer of the region already.
    #[error("`{store}` has a peer of region {region} already")]
    HasPeer {
        /// The region.
        region: u64,
        /// The store.
        store: Node,
    },
    /// A region keeps a peer.
    #[error("region {0} has no other peer that can lead")]
    LastPeer(u64),
    /// The node does not run, stands still, or does not hear those it would have to.
    #[error("`{0}` is down, frozen or cut off")]
    OutOfReach(Node),
    /// The store takes no peers: it is on its way out, or gone.
    #[error("`{store}` is {state}")]
    NotUp {
        /// The store.
        store: Node,
        /// Its state, as PD calls it.
        state: &'static str,
    },
    /// A store that goes must not have peers.
    #[error("`{store}` still has {peers} peers")]
    HasPeers {
        /// The store.
        store: Node,
        /// How many.
        peers: usize,
    },
}
