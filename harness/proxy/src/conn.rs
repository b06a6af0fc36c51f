//! One connection through a link, from its accept to its end.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::watch;
use unstuck_net::Conn;

use crate::gate::Gate;
use crate::lane::Lane;
use crate::link::{Link, Member};
use crate::orders::{Ending, Orders};
use crate::pump::{Ended, Pump};

const ORDERED: &str = "the link keeps the orders of its members";

/// Carries one connection until it ends or the link is shut down.
pub(crate) async fn run(mut member: Member, client: Conn, orders: watch::Receiver<Orders>) {
    let link = Arc::clone(member.link());
    tokio::select! {
        biased;
        () = link.stopped() => {}
        how = carry(&link, member.id(), member.from(), client, orders) => member.ended(how),
    }
}

async fn carry(
    link: &Link,
    id: u64,
    from: SocketAddr,
    client: Conn,
    mut orders: watch::Receiver<Orders>,
) -> String {
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
            pump.meet(&orders.toxics, |toxic| link.meeting(id, from, toxic));
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
                    Ended::ToxicClosed => ("toxic closed", false),
                    Ended::ClientReset => ("client reset", true),
                    Ended::NodeReset => ("node reset", true),
                    Ended::ToxicReset => ("toxic reset", true),
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
        Ending::Close { cause } => {
            link.ledger().bytes(&[cause], pump.held());
            pump.close();
        }
        Ending::Reset { cause } => {
            link.ledger().bytes(&[cause], pump.held());
            pump.reset();
        }
        Ending::Drain { cause } => pump.drain(|count| link.ledger().bytes(&[cause], count)).await,
        Ending::ResetAfter | Ending::Refuse => pump.reset(),
    }
}
