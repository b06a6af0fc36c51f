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
//! * [`rule`]: what a proxy can be told to do
//! * [`gate`]: the rules in force, and what they amount to together
//! * [`toxic`]: what Toxiproxy calls by this name: what a link does to the bytes of some of its connections
//! * [`ledger`]: what each fault and each toxic touched
//! * [`queue`]: bytes on their way, in order, bounded
//! * [`lane`]: one direction of a connection
//! * [`pump`]: both directions, and how its ends show from one side on the other
//! * [`orders`]: what a link asks of its connections
//! * [`link`]: the door, the rules in force, the connections
//! * [`conn`]: one connection, from its accept to its end
//! * [`acceptor`]: lets connections in and owns their tasks

mod acceptor;
mod conn;
mod gate;
mod lane;
mod ledger;
mod link;
mod orders;
mod pump;
mod queue;
mod rule;
pub mod toxic;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use unstuck_net::Net;
use unstuck_record::{Event, Evidence};

use self::ledger::Cause;
use self::link::Link;
pub use self::rule::{Accept, Flow, OnHeal, OnInject, Rule};
pub use self::toxic::Toxic;

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
    key: u64,
    cause: Cause,
    rule: Rule,
}

/// A toxic in force on one link. It is taken out when this drops.
#[derive(Debug)]
#[must_use = "the toxic is taken out when this guard drops"]
pub struct Placed {
    link: Arc<Link>,
    id: u64,
}

/// Counters of one link. All count from its start, but for `conns`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Connections open now, those that are not dialled upstream yet among them.
    pub conns: u64,
    /// Connections accepted.
    pub accepted: u64,
    /// Bytes handed to the node.
    pub up: u64,
    /// Bytes handed to the client.
    pub down: u64,
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
    /// `name` is the link's in the events that `sink` is told; `seed` is for the jitter of delays.
    pub fn start(net: &Net, name: String, upstream: SocketAddr, seed: u64, sink: Sink) -> io::Result<Self> {
        let link = Arc::new(Link::open(net, name, upstream, seed, sink)?);
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

    /// The link's name.
    pub fn name(&self) -> &str {
        self.owner.link.name()
    }

    /// Puts `rule` in force on new and on live connections; it is in force when this returns.
    pub fn apply(&self, fault: usize, rule: Rule) -> Guard {
        let link = Arc::clone(&self.owner.link);
        let cause = Cause::Fault(fault);
        let key = link.apply(cause, rule);
        Guard { link, key, cause, rule }
    }

    /// Puts `toxic` in force on new and on live connections, behind those that are there.
    pub fn add(&self, toxic: Toxic) -> Placed {
        let link = Arc::clone(&self.owner.link);
        let id = link.add_toxic(toxic);
        Placed { link, id }
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
        self.link.heal(self.key, self.cause, self.rule);
    }
}

// === impl Placed ===

impl Placed {
    /// Changes its parameters and toxicity, on live connections too. A connection keeps the luck that it drew.
    pub fn update(&self, toxic: Toxic) {
        self.link.update_toxic(self.id, toxic);
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
