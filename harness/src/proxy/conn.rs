//! One connection through a link, from its accept to its end.

use std::sync::Arc;

use tokio::sync::watch;
use unstuck_net::Conn;
use unstuck_record::Event;

use super::lane::Lane;
use super::link::Link;
use super::pump::{Ended, Pump};
use super::rules::Gate;

const ORDERED: &str = "the link keeps the orders of its members";

/// What the rules in force ask of one connection.
#[derive(Clone, Debug)]
pub(super) struct Orders {
    pub(super) up: Arc<Gate>,
    pub(super) down: Arc<Gate>,
    /// Not to be dialled yet: it was accepted while connects were to hang. To the client's mind it is not
    /// connected, so what ends connections passes it by.
    pub(super) parked: bool,
    /// Its end; once set it stays.
    pub(super) end: Option<Ending>,
}

/// How a fault ends a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// As a dying process does; what was not handed on is lost to this fault.
    Close { fault: usize },
    /// RST; likewise.
    Reset { fault: usize },
    /// At a heal: discard until quiet, then FIN.
    Drain { fault: usize },
    /// At a heal: RST. What is lost was counted when it was held.
    ResetAfter,
    /// Connects are refused now, and this one had been kept waiting for its dial.
    Refuse,
}

/// A connection that its link knows. Dropping it takes it out and reports [`Event::ConnClosed`].
#[derive(Debug)]
pub(super) struct Member {
    link: Arc<Link>,
    id: u64,
    how: String,
}

/// Carries one connection until it ends or the link is shut down.
pub(super) async fn run(mut member: Member, client: Conn, orders: watch::Receiver<Orders>) {
    let link = Arc::clone(&member.link);
    tokio::select! {
        biased;
        () = link.stopped() => {}
        how = carry(&link, member.id, client, orders) => member.how = how,
    }
}

async fn carry(link: &Link, id: u64, client: Conn, mut orders: watch::Receiver<Orders>) -> String {
    let node = match dial(link, &mut orders).await {
        Ok(node) => node,
        Err(Undialled::Ended(ending)) => {
            match ending {
                // Nothing was taken off the client, so that its kernel knows whether RST or FIN is due.
                Ending::Close { .. } | Ending::Drain { .. } => {}
                Ending::Reset { .. } | Ending::ResetAfter | Ending::Refuse => client.reset_on_drop(),
            }
            return ending.how().to_owned();
        }
        Err(Undialled::Failed(error)) => {
            client.reset_on_drop();
            return format!("node unreachable: {}", error.kind());
        }
    };
    let (up, down) = {
        let orders = orders.borrow();
        let lane = |gate: &Arc<Gate>, way| {
            Lane::new(Arc::clone(gate), Arc::clone(link.ledger()), link.seed(id, way))
        };
        (lane(&orders.up, 0), lane(&orders.down, 1))
    };
    let mut pump = Pump::new(client, node, up, down);
    loop {
        let ending = {
            let orders = orders.borrow_and_update();
            pump.obey(&orders.up, &orders.down);
            orders.end
        };
        if let Some(ending) = ending {
            end(link, pump, ending).await;
            return ending.how().to_owned();
        }
        tokio::select! {
            biased;
            changed = orders.changed() => changed.expect(ORDERED),
            ended = std::future::poll_fn(|cx| {
                let ended = pump.poll(cx);
                link.count_moved(pump.take_moved());
                ended
            }) => {
                let (how, by_reset) = match ended {
                    Ended::ClientClosed => ("client closed", false),
                    Ended::NodeClosed => ("node closed", false),
                    Ended::ClientReset => ("client reset", true),
                    Ended::NodeReset => ("node reset", true),
                };
                if by_reset { pump.reset() } else { pump.close() }
                return how.to_owned();
            }
        }
    }
}

enum Undialled {
    Ended(Ending),
    Failed(std::io::Error),
}

/// Dials the node as soon as that is allowed.
async fn dial(link: &Link, orders: &mut watch::Receiver<Orders>) -> Result<Conn, Undialled> {
    let go = orders.wait_for(|orders| orders.end.is_some() || !orders.parked).await.expect(ORDERED).end;
    if let Some(ending) = go {
        return Err(Undialled::Ended(ending));
    }
    tokio::select! {
        biased;
        orders = orders.wait_for(|orders| orders.end.is_some()) => {
            Err(Undialled::Ended(orders.expect(ORDERED).end.expect("it was waited for")))
        }
        dialled = link.dial() => dialled.map_err(Undialled::Failed),
    }
}

async fn end(link: &Link, pump: Pump, ending: Ending) {
    match ending {
        Ending::Close { fault } => {
            link.ledger().bytes(&[fault], pump.held());
            pump.close();
        }
        Ending::Reset { fault } => {
            link.ledger().bytes(&[fault], pump.held());
            pump.reset();
        }
        Ending::Drain { fault } => pump.drain(|count| link.ledger().bytes(&[fault], count)).await,
        Ending::ResetAfter | Ending::Refuse => pump.reset(),
    }
}

// === impl Ending ===

impl Ending {
    fn how(self) -> &'static str {
        match self {
            Ending::Close { .. } | Ending::Drain { .. } => "fault closed",
            Ending::Reset { .. } | Ending::ResetAfter => "fault reset",
            Ending::Refuse => "fault refused",
        }
    }
}

// === impl Member ===

impl Member {
    pub(super) fn new(link: Arc<Link>, id: u64) -> Self {
        Self { link, id, how: "proxy shut down".to_owned() }
    }

    /// The connection's number on its link, from 1.
    pub(super) fn id(&self) -> u64 {
        self.id
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.link.forget(self.id);
        let how = std::mem::take(&mut self.how);
        self.link.report(Event::ConnClosed { link: self.link.name().to_owned(), conn: self.id, how });
    }
}
