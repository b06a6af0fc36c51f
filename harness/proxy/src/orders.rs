//! What a link asks of its connections.

use std::sync::Arc;

use crate::gate::Gate;
use crate::ledger::Cause;
use crate::toxic::InForce;

/// What the rules in force ask of one connection.
#[derive(Clone, Debug)]
pub(crate) struct Orders {
    pub(crate) up: Arc<Gate>,
    pub(crate) down: Arc<Gate>,
    /// In the order in which they were added.
    pub(crate) toxics: Arc<[Arc<InForce>]>,
    /// Not to be dialled yet: it was accepted while connects were to hang. To the client's mind it is not
    /// connected, so what ends connections passes it by.
    pub(crate) parked: bool,
    /// Its end; once set it stays.
    pub(crate) end: Option<Ending>,
}

/// How a fault ends a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// As a dying process does; what was not handed on is lost to this fault.
    Close { cause: Cause },
    /// RST; likewise.
    Reset { cause: Cause },
    /// At a heal: discard until quiet, then FIN.
    Drain { cause: Cause },
    /// At a heal: RST. What is lost was counted when it was held.
    ResetAfter,
    /// Connects are refused now, and this one had been kept waiting for its dial.
    Refuse,
}

// === impl Ending ===

impl Ending {
    /// For [`ConnClosed`](unstuck_record::Event::ConnClosed).
    pub(crate) fn how(self) -> &'static str {
        match self {
            Ending::Close { .. } | Ending::Drain { .. } => "fault closed",
            Ending::Reset { .. } | Ending::ResetAfter => "fault reset",
            Ending::Refuse => "fault refused",
        }
    }
}
