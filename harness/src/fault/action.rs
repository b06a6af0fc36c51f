//! What a proxy and a node can be told to do. Every fault type is made of these.

use std::time::Duration;

use fake_tikv::answer::Script;

use crate::scenario::Direction;

/// What a proxy does to one direction of its live connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flow {
    /// Forwards.
    #[default]
    Pass,
    /// Silent: nothing gets through, not even a FIN, the sockets stay open. What was taken off the sender is
    /// forwarded at the heal; the sender's buffer fills after that.
    Blackhole,
    /// Reads nothing more from the sender, whose buffer fills. What was read before still goes out.
    StallRead,
    /// Forwards each chunk after `latency` plus or minus up to `jitter`, in order.
    Delay {
        /// The mean.
        latency: Duration,
        /// The largest departure from it.
        jitter: Duration,
    },
}

/// What a proxy does to new connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Accept {
    /// Accepts and dials upstream.
    #[default]
    Pass,
    /// Refuses; the port stays reserved.
    Refuse,
    /// Lets connects hang: SYNs are dropped where the world can, else connections are accepted, stay silent and
    /// are dialled upstream at the heal.
    Hang,
}

/// What a proxy does to the live connections at the injection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnInject {
    /// Leaves them open.
    #[default]
    Keep,
    /// Closes them as a dying process does: RST if something is unread, else FIN.
    Close,
    /// RST to both sides.
    Reset,
}

/// What a proxy does at the heal to the connections whose flow the rule had changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnHeal {
    /// Goes on where it stopped.
    #[default]
    Resume,
    /// Reads and discards what there is until the sender has been quiet for a moment, then sends FIN to both sides.
    Close,
    /// RST to both sides.
    Reset,
}

/// What a proxy does while a fault is active on its link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// From the client to the node.
    pub up: Flow,
    /// From the node to the client.
    pub down: Flow,
    /// New connections.
    pub accept: Accept,
    /// Live connections, at the injection.
    pub inject: OnInject,
    /// Live connections, at the heal.
    pub heal: OnHeal,
}

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
