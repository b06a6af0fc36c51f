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
    /// It answers as the script says until the heal; the script's node is each of the injection's.
    Answer(Box<Script>),
}
