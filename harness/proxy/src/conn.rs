//! One connection through a link, from its accept to its end.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, ReadBuf};
use tokio::sync::watch;
use unstuck_net::Conn;

use crate::gate::Gate;
use crate::lane::Lane;
use crate::ledger::Tally;
use crate::link::{Link, Member};
use crate::meter::Meter;
use crate::orders::{Ending, Orders};
use crate::pump::{Ended, Pump};
use crate::queue::CAPACITY;
use crate::toxic::{InForce, Kind};

const ORDERED: &str = "the link keeps the orders of its members";
/// How long the node may take to answer a connect. Meanwhile nobody else waits.
const DIAL: Duration = Duration::from_secs(30);

/// Carries one connection until it ends or the link is shut down.
pub(crate) async fn run(mut member: Member, client: Conn, orders: watch::Receiver<Orders>) {
    let link = Arc::clone(member.link());
    let (id, from, meter) = (member.id(), member.from(), Arc::clone(member.meter()));
    let carried = Carrier { link: &link, id, from, meter, orders };
    tokio::select! {
        biased;
        () = link.stopped() => {}
        how = carried.carry(client) => member.ended(how),
    }
}

struct Carrier<'a> {
    link: &'a Link,
    id: u64,
    from: SocketAddr,
    meter: Arc<Meter>,
    orders: watch::Receiver<Orders>,
}

enum Undialled {
    Ended(Ending),
    /// By a toxic.
    Refused,
    Failed(std::io::Error),
}

/// What a connection waits for before it is dialled.
enum Door {
    Open,
    Hang,
    Refuse,
    End(Ending),
}

impl Carrier<'_> {
    async fn carry(mut self, client: Conn) -> String {
        let node = match self.dial().await {
            Ok(node) => node,
            Err(Undialled::Ended(ending)) => {
                match ending {
                    // Nothing was taken off the client, so that its kernel knows whether RST or FIN is due.
                    Ending::Close { .. } | Ending::Drain { .. } => {}
                    Ending::Reset { .. } | Ending::ResetAfter | Ending::Refuse => client.reset_on_drop(),
                }
                return ending.how().to_owned();
            }
            Err(Undialled::Refused) => {
                client.reset_on_drop();
                return "toxic refused".to_owned();
            }
            Err(Undialled::Failed(error)) => {
                client.reset_on_drop();
                return format!("node unreachable: {}", error.kind());
            }
        };
        let (up, down) = {
            let orders = self.orders.borrow();
            let lane = |gate: &Arc<Gate>| Lane::new(Arc::clone(gate), Arc::clone(self.link.ledger()));
            (lane(&orders.up), lane(&orders.down))
        };
        let mut pump = Pump::new(client, node, up, down);
        if self.link.reads_http2() {
            pump.read_http2(self.meter.streams());
        }
        let mut met = None;
        loop {
            let ending = {
                let orders = self.orders.borrow_and_update().clone();
                pump.obey(&orders.up, &orders.down);
                if met.as_ref().is_none_or(|met| !Arc::ptr_eq(met, &orders.toxics)) {
                    let touching = self.touching(&orders);
                    self.meter.touched_by(&touching);
                    pump.meet(&touching, self.meter.streams(), |toxic| {
                        self.link.meeting(self.id, self.from, toxic)
                    });
                    met = Some(Arc::clone(&orders.toxics));
                }
                orders.end
            };
            if let Some(ending) = ending {
                end(self.link, pump, ending).await;
                return ending.how().to_owned();
            }
            tokio::select! {
                biased;
                changed = self.orders.changed() => changed.expect(ORDERED),
                ended = std::future::poll_fn(|cx| {
                    let ended = pump.poll(cx);
                    let (up, down) = pump.take_moved();
                    self.meter.add(up, down);
                    ended
                }) => return self.finish(pump, ended).await,
            }
        }
    }

    /// It has ended by itself, or by a toxic.
    async fn finish(self, pump: Pump, ended: Ended) -> String {
        let how = match ended {
            Ended::ClientClosed => "client closed",
            Ended::NodeClosed => "node closed",
            Ended::ClientReset => "client reset",
            Ended::NodeReset => "node reset",
            Ended::ToxicClosed => "toxic closed",
            Ended::ToxicReset => "toxic reset",
            Ended::HalfOpen => return self.half_open(pump.cut()).await,
        };
        match ended {
            Ended::ClientClosed | Ended::NodeClosed => pump.close(),
            Ended::ToxicClosed => pump.bid_farewell().await,
            _ => pump.reset(),
        }
        how.to_owned()
    }

    /// The node is gone, the client does not know. A buffer's worth of what it sends is taken, then nothing more. When
    /// the toxic is taken out, it is answered as by a host that has started anew.
    async fn half_open(mut self, mut client: Conn) -> String {
        let mut room = CAPACITY;
        loop {
            let ending = {
                let orders = self.orders.borrow_and_update().clone();
                let touching = self.touching(&orders);
                if orders.end.is_none() && touching.iter().any(|toxic| toxic.toxic.kind == Kind::HalfOpen) {
                    None
                } else {
                    Some(orders.end.map_or("toxic reset", Ending::how))
                }
            };
            if let Some(how) = ending {
                client.reset_on_drop();
                return how.to_owned();
            }
            tokio::select! {
                biased;
                changed = self.orders.changed() => changed.expect(ORDERED),
                read = std::future::poll_fn(|cx| absorb(&mut client, room, cx)), if room > 0 => match read {
                    Ok(0) => return "client closed".to_owned(),
                    Ok(count) => room -= count,
                    Err(_) => return "client reset".to_owned(),
                },
            }
        }
    }

    /// Dials the node as soon as that is allowed.
    async fn dial(&mut self) -> Result<Conn, Undialled> {
        let mut credited = Vec::new();
        loop {
            let door = {
                let orders = self.orders.borrow_and_update().clone();
                self.door(&orders, &mut credited)
            };
            match door {
                Door::Open => break,
                Door::Hang => self.orders.changed().await.expect(ORDERED),
                Door::Refuse => return Err(Undialled::Refused),
                Door::End(ending) => return Err(Undialled::Ended(ending)),
            }
        }
        tokio::select! {
            biased;
            orders = self.orders.wait_for(|orders| orders.end.is_some()) => {
                Err(Undialled::Ended(orders.expect(ORDERED).end.expect("it was waited for")))
            }
            dialled = tokio::time::timeout(DIAL, self.link.dial()) => match dialled {
                Ok(dialled) => dialled.map_err(Undialled::Failed),
                Err(_) => Err(Undialled::Failed(std::io::ErrorKind::TimedOut.into())),
            },
        }
    }

    /// What the orders and the toxics that touch this connection make of its dial. A toxic is credited with it once.
    fn door(&self, orders: &Orders, credited: &mut Vec<u64>) -> Door {
        if let Some(ending) = orders.end {
            return Door::End(ending);
        }
        let mut door = if orders.parked { Door::Hang } else { Door::Open };
        for toxic in self.touching(orders) {
            let refuses = toxic.toxic.kind == Kind::Refuse;
            let in_the_way = refuses || matches!(toxic.toxic.kind, Kind::ConnectHang | Kind::Freeze);
            // what stands at the link's door has its credit there
            if in_the_way && toxic.toxic.door().is_none() && !credited.contains(&toxic.id) {
                credited.push(toxic.id);
                Tally::refused(&toxic.tally, 1);
            }
            if refuses {
                return Door::Refuse;
            }
            if in_the_way {
                door = Door::Hang;
            }
        }
        door
    }

    fn touching(&self, orders: &Orders) -> Vec<Arc<InForce>> {
        let touches =
            |toxic: &&Arc<InForce>| toxic.toxic.touches(&self.link.meeting(self.id, self.from, toxic.id));
        orders.toxics.iter().filter(touches).cloned().collect()
    }
}

/// Reads at most so many bytes, and forgets them.
fn absorb(conn: &mut Conn, most: usize, cx: &mut Context<'_>) -> Poll<std::io::Result<usize>> {
    let mut space = [0; 4 << 10];
    let most = most.min(space.len());
    let mut buf = ReadBuf::new(&mut space[..most]);
    Pin::new(conn).poll_read(cx, &mut buf).map_ok(|()| buf.filled().len())
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
