//! A TCP proxy on every link.
//!
//! ```text
//!   client ──► addr() ──[ door: pass, refuse, hang ]──► conn ──[ up lane, down lane: gates ]──► upstream
//! ```
//!
//! A [`Proxy`] is one link. [`Proxy::apply`] puts a [`Rule`] in force until its [`Guard`] drops; rules that are
//! in force together add up ([`gate`] says how), whatever the order in which they come and go. A connection that
//! a rule ends is ended on both sides at once, whatever the other rules are.
//!
//! Modules, in reading order:
//!
//! * [`seed`]: one seed, split into named generators
//! * [`upstream`]: where a link leads
//! * [`rule`]: what a proxy can be told to do
//! * [`gate`]: the rules in force, and what they amount to together
//! * [`toxic`]: what Toxiproxy calls by this name: what a link does to the bytes of some of its connections
//! * [`ledger`]: what each fault and each toxic touched
//! * [`status`]: what can be read of a link while it works
//! * [`queue`]: bytes that wait for their receiver, in order, bounded
//! * [`lane`]: one direction of a connection
//! * [`pump`]: both directions, and how its ends show from one side on the other
//! * [`meter`]: what one connection has carried, and which toxics touch it
//! * [`orders`]: what a link asks of its connections
//! * [`link`]: the door, the rules in force, the connections
//! * [`conn`]: one connection, from its accept to its end
//! * [`acceptor`]: lets connections in and owns their tasks
//! * [`registry`]: proxies by name, with toxics by name
//! * [`control`]: Toxiproxy's HTTP API over that

mod acceptor;
mod conn;
pub mod control;
mod gate;
mod lane;
mod ledger;
mod link;
mod meter;
mod orders;
mod pump;
mod queue;
pub mod registry;
mod rule;
pub mod seed;
pub mod status;
pub mod toxic;
mod upstream;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use unstuck_net::Net;
use unstuck_record::{Event, Evidence};

use self::ledger::Cause;
pub use self::ledger::Met;
use self::link::{Applied, Link};
pub use self::rule::{Accept, Flow, OnHeal, OnInject, Rule};
pub use self::status::{Carried, ConnStatus, Stats, ToxicStatus};
pub use self::toxic::{Invalid, Toxic};
pub use self::upstream::Upstream;

/// Is told [`Event::ConnOpened`] and [`Event::ConnClosed`] as they happen, on the proxy's tasks: it must not block.
pub type Sink = Arc<dyn Fn(Event) + Send + Sync>;

/// One link from a client to a node. Cheap to clone; the last clone to drop shuts it down.
#[derive(Clone, Debug)]
pub struct Proxy {
    owner: Arc<Owner>,
}

/// A rule in force on one link. It heals when this drops, also while a panic unwinds.
#[derive(Debug)]
#[must_use = "the fault heals when this guard drops"]
pub struct Guard {
    link: Arc<Link>,
    applied: Applied,
}

/// A toxic in force on one link. It is taken out when this drops.
#[derive(Debug)]
#[must_use = "the toxic is taken out when this guard drops"]
pub struct Placed {
    link: Arc<Link>,
    id: u64,
}

#[derive(Debug)]
struct Owner {
    link: Arc<Link>,
    ended: CancellationToken,
}

// === impl Proxy ===

impl Proxy {
    /// Starts a proxy that listens on a free port of `net` when this returns. Call within a runtime.
    ///
    /// `name` is the link's in the events that `sink` is told; `seed` is for all draws: with the same seed and
    /// the same traffic everything comes out the same.
    pub fn start(net: &Net, name: String, upstream: SocketAddr, seed: u64, sink: Sink) -> io::Result<Self> {
        Self::start_at(net, net.any(), name, upstream.into(), seed, sink)
    }

    /// The same, at this address; on any free port if its port is 0.
    pub fn start_at(
        net: &Net,
        listen: SocketAddr,
        name: String,
        upstream: Upstream,
        seed: u64,
        sink: Sink,
    ) -> io::Result<Self> {
        let link = Arc::new(Link::open(net, listen, name, upstream, seed, sink)?);
        let ended = CancellationToken::new();
        let at_end = ended.clone().drop_guard();
        let acceptor = acceptor::run(Arc::clone(&link));
        tokio::spawn(async move {
            let _rings_however_the_task_ends = at_end;
            acceptor.await;
        });
        Ok(Self { owner: Arc::new(Owner { link, ended }) })
    }

    /// Where it listens; the same for its whole life.
    pub fn addr(&self) -> SocketAddr {
        self.owner.link.addr()
    }

    /// Where it dials.
    pub fn upstream(&self) -> &Upstream {
        self.owner.link.upstream()
    }

    /// The link's name.
    pub fn name(&self) -> &str {
        self.owner.link.name()
    }

    /// Puts `rule` in force on new and on live connections; it is in force when this returns.
    pub fn apply(&self, fault: usize, rule: Rule) -> Guard {
        self.put_in_force(Cause::Fault(fault), rule)
    }

    /// Refuses new connections and closes the live ones, as Toxiproxy does with a proxy that is not `enabled`; its
    /// toxics stay. It is on again when the guard drops.
    pub fn switch_off(&self) -> Guard {
        let rule = Rule { accept: Accept::Refuse, inject: OnInject::Close, ..Rule::default() };
        self.put_in_force(Cause::Switch, rule)
    }

    fn put_in_force(&self, cause: Cause, rule: Rule) -> Guard {
        let link = Arc::clone(&self.owner.link);
        let applied = link.apply(cause, rule);
        Guard { link, applied }
    }

    /// Puts `toxic` in force on new and on live connections, behind those that are there; it is in force when this
    /// returns.
    pub fn add(&self, toxic: Toxic) -> Result<Placed, Invalid> {
        toxic.check()?;
        let link = Arc::clone(&self.owner.link);
        let id = link.add_toxic(toxic);
        Ok(Placed { link, id })
    }

    /// The toxics in force, those of faults among them, in the order of the chain.
    pub fn toxics(&self) -> Vec<ToxicStatus> {
        self.owner.link.toxics()
    }

    /// The connections that are open now, in the order of their accepts.
    pub fn conns(&self) -> Vec<ConnStatus> {
        self.owner.link.conns()
    }

    /// What `fault` has touched on this link so far; complete when it has healed and the connections that it
    /// ended are gone.
    ///
    /// * `bytes`: taken off a sender and held, or dropped when a connection was ended. A FIN or an RST that is held
    ///   counts as one byte, and so does whatever waits at a sender that is not read: how much it is only the
    ///   sender's kernel knows.
    /// * `delayed`: reads that went out late; a FIN is one.
    /// * `closed`: connections that the fault ended.
    /// * `refused`: connects that hung, and in the sim those that were refused; real sockets do not tell of these.
    pub fn evidence(&self, fault: usize) -> Evidence {
        self.owner.link.evidence(Cause::Fault(fault))
    }

    /// Counters, live.
    pub fn stats(&self) -> Stats {
        self.owner.link.stats()
    }

    /// Connections accepted from now on are read as HTTP/2, if that is what they are: their streams are counted, and
    /// toxics that know HTTP/2 can act on them while they live. Without it such a toxic acts on those that came after it.
    pub fn read_http2(&self) {
        self.owner.link.read_http2();
    }

    /// Ends the listener, every connection and every task, whether or not guards are alive. New connects are
    /// refused when this returns, the rest ends as soon as the runtime runs; [`Proxy::ended`] waits for it.
    pub fn shutdown(&self) {
        self.owner.link.shut_down();
    }

    /// Waits until a shutdown is over and no task is left.
    pub async fn ended(&self) {
        self.owner.ended.cancelled().await;
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.link.shut_down();
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.link.heal(&self.applied);
    }
}

// === impl Placed ===

impl Placed {
    /// Its number on the link, from 1, in the order in which toxics were added.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Changes its parameters, toxicity and limits, on live connections too; its kind and its direction stay. A
    /// connection keeps the luck that it drew. `after_bytes` concerns connections that it has not met, and `during`
    /// counts from when it was added.
    pub fn update(&self, toxic: Toxic) -> Result<(), Invalid> {
        toxic.check()?;
        self.link.update_toxic(self.id, toxic)
    }

    /// What it is, and what it has met and touched so far; `None` once its proxy was shut down.
    pub fn status(&self) -> Option<ToxicStatus> {
        self.link.toxic(self.id)
    }

    /// What it has touched so far.
    pub fn evidence(&self) -> Evidence {
        self.link.evidence(Cause::Toxic(self.id))
    }
}

impl Drop for Placed {
    fn drop(&mut self) {
        self.link.remove_toxic(self.id);
    }
}
