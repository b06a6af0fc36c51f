//! One link: its door (the reserved port and who listens on it), the rules in force, and its connections.
//!
//! Everything that a rule changes is changed under one lock, before [`Link::apply`] and [`Link::heal`] return: a
//! connect made right after an injection is refused, a connection that was live has its orders.

mod member;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use unstuck_net::{Conn, Listener, Net, Port};
use unstuck_record::{Event, Evidence};

use crate::Sink;
use crate::gate::{Active, Causes, Combined, Gate};
use crate::ledger::{Cause, Ledger};
use crate::meter::Meter;
use crate::orders::{Ending, Orders};
use crate::rule::{Accept, Flow, OnHeal, OnInject, Rule};
use crate::status::{ConnStatus, Stats, ToxicStatus};
use crate::toxic::{InForce, Invalid, Kind, Latency, Meeting, Stream, Toxic};
use crate::upstream::Upstream;

pub(crate) use self::member::Member;

/// What a link's tasks, guards and handles share.
pub(crate) struct Link {
    name: String,
    addr: SocketAddr,
    upstream: Upstream,
    net: Net,
    seed: u64,
    sink: Sink,
    /// A guard may drop outside of the runtime, and a real listener is bound to one.
    runtime: Handle,
    stop: CancellationToken,
    /// Rings when the door may have changed.
    bell: Notify,
    ledger: Arc<Ledger>,
    state: Mutex<State>,
}

struct State {
    active: Active,
    accept: Accept,
    accept_causes: Causes,
    drop_syn: bool,
    /// SYNs are being lost, and nothing is to be accepted.
    clogged: bool,
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
    members: BTreeMap<u64, Known>,
    reads_http2: bool,
    /// Bytes of connections that have ended.
    ended: Stats,
}

/// A connection as its link knows it.
struct Known {
    orders: watch::Sender<Orders>,
    meter: Arc<Meter>,
}

/// A rule in force.
#[derive(Debug)]
pub(crate) struct Applied {
    key: u64,
    cause: Cause,
    rule: Rule,
    toxics: Vec<u64>,
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
        listen: SocketAddr,
        name: String,
        upstream: Upstream,
        seed: u64,
        sink: Sink,
    ) -> io::Result<Self> {
        let port = net.reserve(listen)?;
        let listener = port.listen()?;
        let Combined { up, down, accept, drop_syn, accept_causes } = Combined::default();
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
            state: Mutex::new(State {
                active: Active::default(),
                accept,
                accept_causes,
                drop_syn,
                clogged: false,
                up: Arc::new(up),
                down: Arc::new(down),
                toxics: BTreeMap::new(),
                last_toxic: 0,
                turned_away: 0,
                port: Some(port),
                listener: Some(listener),
                accepted: 0,
                members: BTreeMap::new(),
                reads_http2: false,
                ended: Stats::default(),
            }),
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub(crate) fn upstream(&self) -> &Upstream {
        &self.upstream
    }

    pub(crate) fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }

    pub(crate) fn report(&self, event: Event) {
        (self.sink)(event);
    }

    pub(crate) async fn dial(&self) -> io::Result<Conn> {
        self.upstream.dial(&self.net).await
    }

    pub(crate) fn stats(&self) -> Stats {
        let state = self.lock();
        let doors = Stats { conns: state.members.len() as u64, accepted: state.accepted, ..state.ended };
        let live = state.members.values().map(|known| &known.meter);
        live.fold(doors, |all, meter| {
            let streams = all.streams + meter.streams().get().open;
            Stats { streams, ..all.carried(meter.up(), meter.down()) }
        })
    }

    pub(crate) fn read_http2(&self) {
        self.lock().reads_http2 = true;
    }

    /// Whether connections are read as HTTP/2 even if no toxic asks.
    pub(crate) fn reads_http2(&self) -> bool {
        self.lock().reads_http2
    }

    pub(crate) fn conns(&self) -> Vec<ConnStatus> {
        self.lock().members.iter().map(|(number, known)| known.meter.status(*number)).collect()
    }

    pub(crate) fn evidence(&self, cause: Cause) -> Evidence {
        self.lock().credit_turned_away(&self.ledger);
        self.ledger.get(cause)
    }

    // === rules ===

    /// Puts a rule in force, and its toxics.
    pub(crate) fn apply(&self, cause: Cause, rule: Rule) -> Applied {
        let mut state = self.lock();
        let key = state.active.add(cause, &rule);
        let late = [(Stream::Upstream, rule.up), (Stream::Downstream, rule.down)];
        let late = late.into_iter().filter_map(|(stream, flow)| match flow {
            Flow::Delay { latency, jitter } => {
                let kind = Kind::Latency(Latency { latency, jitter, ..Latency::default() });
                Some(Toxic { stream, ..Toxic::new(kind) })
            }
            Flow::Pass | Flow::Blackhole | Flow::StallRead => None,
        });
        let toxics = late.chain(rule.toxics.iter().cloned());
        let toxics = toxics.map(|toxic| state.place(toxic, Some(cause), &self.ledger)).collect();
        self.enforce(&mut state);
        match rule.inject {
            OnInject::Keep => {}
            OnInject::Close => self.end_all(&state, cause, Ending::Close { cause }),
            OnInject::Reset => self.end_all(&state, cause, Ending::Reset { cause }),
        }
        Applied { key, cause, rule, toxics }
    }

    /// Takes a rule out of force.
    pub(crate) fn heal(&self, Applied { key, cause, rule, toxics }: &Applied) {
        let cause = *cause;
        let mut state = self.lock();
        state.active.remove(*key);
        for toxic in toxics {
            state.toxics.remove(toxic);
        }
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
        let id = state.place(toxic, None, &self.ledger);
        self.enforce(&mut state);
        id
    }

    /// Changes a toxic's parameters and toxicity, on live connections too.
    pub(crate) fn update_toxic(&self, id: u64, toxic: Toxic) -> Result<(), Invalid> {
        let mut state = self.lock();
        let Some(old) = state.toxics.get(&id) else { return Ok(()) };
        let (was, kind) = (&old.toxic, &toxic.kind);
        if was.kind.name() != kind.name() {
            return Err(Invalid::OtherKind { was: was.kind.name(), wanted: kind.name() });
        }
        if was.stream != toxic.stream {
            return Err(Invalid::OtherStream { kind: kind.name() });
        }
        let changed = InForce { revision: old.revision + 1, toxic, ..InForce::clone(old) };
        state.toxics.insert(id, Arc::new(changed));
        self.enforce(&mut state);
        Ok(())
    }

    /// Takes a toxic out.
    pub(crate) fn remove_toxic(&self, id: u64) {
        let mut state = self.lock();
        if state.toxics.remove(&id).is_some() {
            self.enforce(&mut state);
            self.ledger.forget(Cause::Toxic(id));
        }
    }

    /// What is known of a toxic; `None` after the shutdown.
    pub(crate) fn toxic(&self, id: u64) -> Option<ToxicStatus> {
        self.lock().toxics.get(&id).map(|toxic| ToxicStatus::of(toxic))
    }

    /// The toxics in force, in the order of the chain.
    pub(crate) fn toxics(&self) -> Vec<ToxicStatus> {
        self.lock().in_force().iter().map(|toxic| ToxicStatus::of(toxic)).collect()
    }

    /// When the next toxic's time is over.
    pub(crate) fn next_expiry(&self) -> Option<Instant> {
        self.lock().toxics.values().filter_map(|toxic| toxic.until()).min()
    }

    /// Takes out the toxics whose time is over.
    pub(crate) fn expire(&self, now: Instant) {
        let mut state = self.lock();
        for toxic in state.toxics.values_mut().filter(|toxic| toxic.until().is_some_and(|at| at <= now)) {
            *toxic = Arc::new(InForce { over: true, ..InForce::clone(toxic) });
        }
        self.enforce(&mut state);
    }

    /// What toxic `id` finds when it meets a connection.
    pub(crate) fn meeting(&self, connection: u64, client: SocketAddr, toxic: u64) -> Meeting {
        let mut seed = [0; 32];
        for (part, number) in seed.chunks_exact_mut(8).zip([self.seed, connection, 0, toxic]) {
            part.copy_from_slice(&number.to_le_bytes());
        }
        Meeting { connection, client, seed }
    }

    /// Makes the door and every connection obey the active rules.
    fn enforce(&self, state: &mut State) {
        state.credit_turned_away(&self.ledger);
        let toxics = state.in_force();
        let door = toxics.iter().map(|toxic| &**toxic);
        let Combined { up, down, accept, drop_syn, accept_causes } = state.active.combined(door);
        (state.accept, state.drop_syn, state.accept_causes) = (accept, drop_syn, accept_causes);
        (state.up, state.down) = (Arc::new(up), Arc::new(down));
        // An error is left to the acceptor, which tries again.
        let _retried = self.set_door(state);

        let State { members, up, down, accept, accept_causes, .. } = state;
        for Known { orders, .. } in members.values() {
            orders.send_modify(|orders| {
                (orders.up, orders.down) = (Arc::clone(up), Arc::clone(down));
                orders.toxics = Arc::clone(&toxics);
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
        let clog = state.accept == Accept::Hang && state.drop_syn;
        if clog != state.clogged || state.listener.is_none() {
            let clogged = state.listener.as_mut().map(|listener| listener.clog(clog)).transpose()?;
            state.clogged = clog && clogged == Some(true);
        }
        Ok(())
    }

    /// Ends every connection that has not been told to end, by `cause`.
    fn end_all(&self, state: &State, cause: Cause, ending: Ending) {
        let mut count = 0;
        for Known { orders, .. } in state.members.values() {
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
            if state.clogged {
                return Poll::Pending;
            }
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
                watch::channel(Orders { up, down, toxics: state.in_force(), parked, end: None });
            let meter = Arc::new(Meter::new(from, Instant::now()));
            state.members.insert(id, Known { orders, meter: Arc::clone(&meter) });
            Admitted { member: Member::new(Arc::clone(self), id, from, meter), conn, orders: receiver }
        };
        self.report(Event::ConnOpened { link: self.name.clone(), conn: admitted.member.id() });
        Poll::Ready(Ok(admitted))
    }

    pub(crate) fn forget(&self, conn: u64) {
        let mut state = self.lock();
        if let Some(Known { meter, .. }) = state.members.remove(&conn) {
            state.ended = state.ended.carried(meter.up(), meter.down());
        }
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
    /// Adds a toxic behind those that are there, credited to its fault if it has one; the number is its own.
    fn place(&mut self, toxic: Toxic, cause: Option<Cause>, ledger: &Ledger) -> u64 {
        self.last_toxic += 1;
        let id = self.last_toxic;
        let cause = cause.unwrap_or(Cause::Toxic(id));
        let (tally, since) = (ledger.tally(cause), Instant::now());
        let placed = InForce { id, revision: 0, toxic, cause, tally, since, over: false };
        self.toxics.insert(id, Arc::new(placed));
        id
    }

    fn in_force(&self) -> Arc<[Arc<InForce>]> {
        self.toxics.values().filter(|toxic| !toxic.over).cloned().collect()
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
