//! What a node can be told to do; what a proxy can is [`Rule`](unstuck_proxy::Rule). Every fault type is made of both.

use fake_tikv::answer::Script;

use crate::scenario::Direction;

/// What happens to a node itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeEffect {
    /// Its process is gone until the heal; its data stay.
    Stop,
    /// Its process is gone until the heal. A store comes back elsewhere then, with its data, and PD tells clients so soon; a PD
    /// member comes back where it was: clients know members by names, which are told anew.
    Kill,
    /// A store joins beside it, and takes its share of the regions.
    Join,
    /// A store is to leave: PD moves its peers elsewhere. At the heal it is gone, if it is empty by then.
    Leave,
    /// Its process stands still until the heal.
    Freeze,
    /// Its leads move to other nodes.
    TransferLead,
    /// The regions that it leads become two each.
    Split,
    /// The regions that it leads become one with the next each.
    Merge,
    /// It and its peers do not hear each other until the heal; seen from it.
    Partition(Direction),
    /// This befalls its container, where it has one; the cluster sees what follows from that.
    Container(ContainerFault),
    /// It answers as the script says until the heal; the script's node is each of the injection's.
    Answer(Box<Script>),
}

/// What can befall a node's container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContainerFault {
    /// It is stopped, and starts again at the heal.
    Stop,
    /// It is killed, and starts again at the heal.
    Kill,
    /// Its processes stand still; its kernel does not.
    Pause,
    /// It has no network.
    Disconnect,
    /// It gets no SYN.
    DropSyn,
}

// === impl NodeEffect ===

impl NodeEffect {
    /// What it is for the node's container, where it has one.
    pub fn on_container(&self) -> Option<ContainerFault> {
        match self {
            Self::Stop => Some(ContainerFault::Stop),
            Self::Kill => Some(ContainerFault::Kill),
            Self::Container(what) => Some(*what),
            _ => None,
        }
    }
}

// === impl ContainerFault ===

impl ContainerFault {
    /// The word that comes nearest in worlds without containers.
    pub fn elsewhere(self) -> &'static str {
        match self {
            Self::Stop => "`failure`",
            Self::Kill => "`kill`",
            Self::Pause => "`freeze`",
            Self::Disconnect => "`network_partition` on the client's links",
            Self::DropSyn => "`connect_hang` on the client's links",
        }
    }
}
