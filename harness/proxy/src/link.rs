//! One link: its door (the reserved port and who listens on it), the rules in force, and its connections.
//!
//! Everything that a rule changes is changed under one lock, before [`Link::apply`] and [`Link::heal`] return: a
//! connect made right after an injection is refused, a connection that was live has its orders.

mod member;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use unstuck_net::{Conn, Listener, Net, Port};
use unstuck_record::{Event, Evidence};

use crate::gate::{Active, Causes, Combined, Gate};
use crate::ledger::{Cause, Ledger};
use crate::orders::{Ending, Orders};
use crate::rule::{Accept, Flow, OnHeal, OnInject, Rule};
use crate::toxic::{InForce, Meeting, Toxic};
use crate::{Sink, Stats};

pub(crate) use self::member::Member;

/// What a link's tasks, guards and handles share.
pub(crate) struct Link {
    name: String,
    addr: SocketAddr,
    upstream: SocketAddr,
    net: Net,
    seed: u64,
    sink: Sink,
    /// A guard may drop outside of the runtime, and a real listener is bound to one.
    runtime: Handle,
    stop: CancellationToken,
    /// Rings when the door may have changed.
    bell: Notify,
    ledger: Arc<Ledger>,
    up: AtomicU64,
    down: AtomicU64,
    state: Mutex<State>,
}

struct State {
    active: Active,
    accept: Accept,
    accept_causes: Causes,
    up: Arc<Gate>,
    down: Arc<Gate>,
    toxics: BTreeMap<u64, Arc<InForce>>,
    last_toxic: u64,
    /// `None` after the shutdown.
    port: Option<Port>,
    listener: Option<Listener>,
    /// Connects that the port had turned away when the rules last changed.
    turned_away: u64,
    accepted: u64,
    members: BTreeMap<u64, watch::Sender<Orders>>,
}

/// A connection that was let in.
pub(crate) struct Admitted {
    pub(crate) member: Member,
    pub(crate) conn: Conn,
    pub(crate) orders: watch::Receiver<Orders>,
}

// === impl Link ===

impl Link {
    /// Listens at once. Call within a runtime.
    pub(crate) fn open(
        net: &Net,
        name: String,
        upstream: SocketAddr,
        seed: u64,
        sink: Sink,
    ) -> io::Result<Self> {
        let port = net.reserve(net.any())?;
        let listener = port.listen()?;
        let Combined { up, down, accept, accept_causes } = Combined::default();
        Ok(Self {
            name,
            addr: port.addr(),
            upstream,
            net: net.clone(),
            seed,
            sink,
            runtime: Handle::current(),
            stop: CancellationToken::new(),
            bell: Notify::new(),
            ledger: Arc::default(),
            up: AtomicU64::new(0),
            down: AtomicU64::new(0),
            state: Mutex::new(State {
                active: Active::default(),
                accept,
                accept_causes,
                up: Arc::new(up),
                down: Arc::new(down),
                toxics: BTreeMap::new(),
                last_toxic: 0,
                turned_away: 0,
                port: Some(port),
                listener: Some(listener),
                accepted: 0,
                members: BTreeMap::new(),
            }),
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub(crate) fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }

    /// The seed of one direction of one connection.
    pub(crate) fn seed(&self, conn: u64, way: u8) -> [u8; 32] {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&self.seed.to_le_bytes());
        seed[8..16].copy_from_slice(&conn.to_le_bytes());
        seed[16] = way;
        seed
    }

    pub(crate) fn report(&self, event: Event) {
        (self.sink)(event);
    }

    pub(crate) async fn dial(&self) -> io::Result<Conn> {
        self.net.connect(self.upstream).await
    }

    pub(crate) fn count_moved(&self, (up, down): (u64, u64)) {
        self.up.fetch_add(up, Ordering::Relaxed);
        self.down.fetch_add(down, Ordering::Relaxed);
    }

    pub(crate) fn stats(&self) -> Stats {
        let state = self.lock();
        Stats {
            conns: state.members.len() as u64,
            accepted: state.accepted,
            up: self.up.load(Ordering::Relaxed),
            down: self.down.load(Ordering::Relaxed),
        }
    }

    pub(crate) fn evidence(&self, cause: Cause) -> Evidence {
        self.lock().credit_turned_away(&self.ledger);
        self.ledger.get(cause)
    }

    // === rules ===

    /// Puts a rule in force; the key heals it.
    pub(crate) fn apply(&self, cause: Cause, rule: Rule) -> u64 {
        let mut state = self.lock();
        let key = state.active.add(cause, rule);
        self.enforce(&mut state);
        match rule.inject {
            OnInject::Keep => {}
            OnInject::Close => self.end_all(&state, cause, Ending::Close { cause }),
            OnInject::Reset => self.end_all(&state, cause, Ending::Reset { cause }),
        }
        key
    }

    /// Takes a rule out of force.
    pub(crate) fn heal(&self, key: u64, cause: Cause, rule: Rule) {
        let mut state = self.lock();
        state.active.remove(key);
        match rule.heal {
            _ if rule.up == Flow::Pass && rule.down == Flow::Pass => {}
            OnHeal::Resume => {}
            OnHeal::Close => self.end_all(&state, cause, Ending::Drain { cause }),
            OnHeal::Reset => self.end_all(&state, cause, Ending::ResetAfter),
        }
        self.enforce(&mut state);
    }

    // === toxics ===

    /// Puts a toxic in force on new and on live connections; the number takes it out.
    pub(crate) fn add_toxic(&self, toxic: Toxic) -> u64 {
        let mut state = self.lock();
        state.last_toxic += 1;
        let id = state.last_toxic;
        let tally = self.ledger.tally(Cause::Toxic(id));
        state.toxics.insert(id, Arc::new(InForce { id, revision: 0, toxic, tally }));
        state.spread_toxics();
        id
    }

    /// Changes a toxic's parameters and toxicity, on live connections too.
    pub(crate) fn update_toxic(&self, id: u64, toxic: Toxic) {
        let mut state = self.lock();
        let Some(old) = state.toxics.get(&id) else { return };
        let tally = Arc::clone(&old.tally);
        let changed = InForce { id, revision: old.revision + 1, toxic, tally };
        state.toxics.insert(id, Arc::new(changed));
        state.spread_toxics();
    }

    /// Takes a toxic out.
    pub(crate) fn remove_toxic(&self, id: u64) {
        let mut state = self.lock();
        if state.toxics.remove(&id).is_some() {
            state.spread_toxics();
        }
    }

    /// What toxic `id` finds when it meets a connection.
    pub(crate) fn meeting(&self, connection: u64, client: SocketAddr, toxic: u64) -> Meeting {
        let mut seed = self.seed(connection, 2);
        seed[24..].copy_from_slice(&toxic.to_le_bytes());
        Meeting { connection, client, seed }
    }

    /// Makes the door and every connection obey the active rules.
    fn enforce(&self, state: &mut State) {
        state.credit_turned_away(&self.ledger);
        let Combined { up, down, accept, accept_causes } = state.active.combined();
        (state.accept, state.accept_causes) = (accept, accept_causes);
        (state.up, state.down) = (Arc::new(up), Arc::new(down));
        // An error is left to the acceptor, which tries again.
        let _retried = self.set_door(state);

        let State { members, up, down, accept, accept_causes, .. } = state;
        for orders in members.values() {
            orders.send_modify(|orders| {
                (orders.up, orders.down) = (Arc::clone(up), Arc::clone(down));
                match accept {
                    Accept::Pass => orders.parked = false,
                    Accept::Refuse if orders.parked && orders.end.is_none() => {
                        orders.end = Some(Ending::Refuse);
                        self.ledger.refused(accept_causes, 1);
                    }
                    Accept::Refuse | Accept::Hang => {}
                }
            });
        }
        self.bell.notify_one();
    }

    /// Opens or closes the door as the rules ask.
    fn set_door(&self, state: &mut State) -> io::Result<()> {
        let Some(port) = &state.port else { return Ok(()) };
        if state.accept == Accept::Refuse {
            state.listener = None;
        }
        port.drop_syn(state.accept == Accept::Hang);
        if state.accept != Accept::Refuse && state.listener.is_none() {
            let _within = self.runtime.enter();
            state.listener = Some(port.listen()?);
        }
        Ok(())
    }

    /// Ends every connection that has not been told to end, by `cause`.
    fn end_all(&self, state: &State, cause: Cause, ending: Ending) {
        let mut count = 0;
        for orders in state.members.values() {
            orders.send_if_modified(|orders| {
                let first = orders.end.is_none() && !orders.parked;
                if first {
                    orders.end = Some(ending);
                    count += 1;
                }
                first
            });
        }
        self.ledger.closed(&[cause], count);
    }

    // === connections ===

    /// The next connection, registered and reported. An error passes; try again after a while.
    pub(crate) fn poll_admit(self: &Arc<Self>, cx: &mut Context<'_>) -> Poll<io::Result<Admitted>> {
        let admitted = {
            let mut state = self.lock();
            self.set_door(&mut state)?;
            let Some(listener) = &mut state.listener else { return Poll::Pending };
            let (conn, from) = std::task::ready!(listener.poll_accept(cx))?;
            state.accepted += 1;
            let id = state.accepted;
            let parked = state.accept == Accept::Hang;
            if parked {
                self.ledger.refused(&state.accept_causes, 1);
            }
            let (up, down) = (Arc::clone(&state.up), Arc::clone(&state.down));
            let (orders, receiver) =
                watch::channel(Orders { up, down, toxics: state.toxics(), parked, end: None });
            state.members.insert(id, orders);
            Admitted { member: Member::new(Arc::clone(self), id, from), conn, orders: receiver }
        };
        self.report(Event::ConnOpened { link: self.name.clone(), conn: admitted.member.id() });
        Poll::Ready(Ok(admitted))
    }

    pub(crate) fn forget(&self, conn: u64) {
        self.lock().members.remove(&conn);
    }

    /// Waits until the door may have changed.
    pub(crate) async fn door_changed(&self) {
        self.bell.notified().await;
    }

    // === the end ===

    /// Closes the door now and tells every task to end.
    pub(crate) fn shut_down(&self) {
        let mut state = self.lock();
        state.credit_turned_away(&self.ledger);
        state.active.clear();
        state.toxics.clear();
        state.listener = None;
        state.port = None;
        drop(state);
        self.stop.cancel();
    }

    /// Waits for the shutdown.
    pub(crate) async fn stopped(&self) {
        self.stop.cancelled().await;
    }

    /// Guards heal while a panic unwinds, so a poisoned lock is no obstacle; no state is left half changed.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn toxics(&self) -> Arc<[Arc<InForce>]> {
        self.toxics.values().cloned().collect()
    }

    /// Tells every connection which toxics there are.
    fn spread_toxics(&mut self) {
        let toxics = self.toxics();
        for orders in self.members.values() {
            orders.send_modify(|orders| orders.toxics = Arc::clone(&toxics));
        }
    }

    /// Credits the connects that the port turned away under the rules in force so far.
    fn credit_turned_away(&mut self, ledger: &Ledger) {
        let Some(now) = self.port.as_ref().and_then(Port::turned_away) else { return };
        ledger.refused(&self.accept_causes, (now - self.turned_away) as usize);
        self.turned_away = now;
    }
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link")
            .field("name", &self.name)
            .field("addr", &self.addr)
            .field("upstream", &self.upstream)
            .finish_non_exhaustive()
    }
}
