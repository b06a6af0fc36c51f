//! What a proxy can be told to do to a link.

use std::time::Duration;

use crate::toxic::{Kind, Toxic};

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
#[derive(Clone, Debug, Default, PartialEq)]
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
    /// What else is wrong with the link meanwhile. They have passed [`Toxic::check`].
    pub toxics: Vec<Toxic>,
}

// === impl Rule ===

impl Rule {
    /// Whether it acts on HTTP/2: on live connections only where [`Proxy::read_http2`](crate::Proxy::read_http2) came first.
    pub fn knows_http2(&self) -> bool {
        self.toxics.iter().any(|toxic| matches!(toxic.kind, Kind::H2(_)))
    }

    /// The same on a clock that runs `by` times as fast (at least 1).
    pub fn scaled(&self, by: u32) -> Self {
        let by = by.max(1);
        let flow = |flow| match flow {
            Flow::Delay { latency, jitter } => Flow::Delay { latency: latency / by, jitter: jitter / by },
            flow @ (Flow::Pass | Flow::Blackhole | Flow::StallRead) => flow,
        };
        let toxics = self.toxics.iter().map(|toxic| toxic.scaled(by)).collect();
        Self { up: flow(self.up), down: flow(self.down), toxics, ..*self }
    }
}
