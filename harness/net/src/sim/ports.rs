//! Which ports are reserved, who listens, and how connects find them.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use super::SimConfig;
use super::conn::SimConn;

/// Linux's `net.ipv4.ip_local_port_range`.
const EPHEMERAL: std::ops::RangeInclusive<u16> = 32_768..=60_999;
/// Connections that wait to be accepted; tokio's and the standard library's usual backlog.
const BACKLOG: usize = 1024;
/// When SYNs leave, in seconds after the first, and when the caller gives up: Linux's `tcp_syn_retries` of 6.
const SYN_AT: [u64; 7] = [0, 1, 3, 7, 15, 31, 63];
const GIVE_UP_AT: u64 = 127;

/// The reserved ports of a network.
#[derive(Debug, Default)]
pub(super) struct Ports {
    reserved: BTreeMap<SocketAddr, State>,
    /// How many ephemeral ports were handed out.
    ephemeral: u16,
}

#[derive(Debug, Default)]
struct State {
    drop_syn: bool,
    /// Connects that were refused or had their first SYN dropped.
    turned_away: u64,
    listener: Option<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<SimConn>,
    acceptor: Option<Waker>,
}

/// What comes back for a SYN.
enum Answer {
    Open(SimConn, Option<Waker>),
    Refused,
    Silence,
}

impl Ports {
    fn next_ephemeral(&mut self) -> u16 {
        let port = EPHEMERAL.start() + self.ephemeral;
        self.ephemeral = (self.ephemeral + 1) % (EPHEMERAL.end() - EPHEMERAL.start() + 1);
        port
    }

    /// The next ephemeral port of `ip` that nobody reserved.
    fn free_port(&mut self, ip: IpAddr) -> io::Result<u16> {
        for _ in EPHEMERAL {
            let port = self.next_ephemeral();
            if !self.reserved.contains_key(&SocketAddr::new(ip, port)) {
                return Ok(port);
            }
        }
        Err(ErrorKind::AddrInUse.into())
    }

    /// The port that answers for `to`: its own, or the one of all addresses.
    fn find(&mut self, to: SocketAddr) -> Option<&mut State> {
        let any = match to.ip() {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        let key = if self.reserved.contains_key(&to) { to } else { SocketAddr::new(any, to.port()) };
        self.reserved.get_mut(&key)
    }

    fn syn(&mut self, config: SimConfig, from: SocketAddr, to: SocketAddr, counted: &mut bool) -> Answer {
        let Some(port) = self.find(to) else { return Answer::Refused };
        if port.drop_syn {
            port.turned_away += u64::from(!std::mem::replace(counted, true));
            return Answer::Silence;
        }
        let Some(queue) = &mut port.listener else {
            port.turned_away += u64::from(!std::mem::replace(counted, true));
            return Answer::Refused;
        };
        if queue.waiting.len() >= BACKLOG {
            return Answer::Silence;
        }
        let (client, server) = SimConn::pair(config, from, to);
        queue.waiting.push_back(server);
        Answer::Open(client, queue.acceptor.take())
    }
}

fn lock(ports: &Mutex<Ports>) -> MutexGuard<'_, Ports> {
    ports.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Connects within one round trip, counted from a SYN that is not dropped.
pub(super) async fn connect(ports: &Mutex<Ports>, config: SimConfig, to: SocketAddr) -> io::Result<SimConn> {
    let start = Instant::now();
    let from = SocketAddr::new(to.ip(), lock(ports).free_port(to.ip())?);
    let mut counted = false;
    for at in SYN_AT {
        sleep_until(start + Duration::from_secs(at)).await;
        sleep(2 * config.latency).await;
        let answer = lock(ports).syn(config, from, to, &mut counted);
        match answer {
            Answer::Open(conn, acceptor) => {
                if let Some(acceptor) = acceptor {
                    acceptor.wake();
                }
                return Ok(conn);
            }
            Answer::Refused => return Err(ErrorKind::ConnectionRefused.into()),
            Answer::Silence => {}
        }
    }
    sleep_until(start + Duration::from_secs(GIVE_UP_AT)).await;
    Err(ErrorKind::TimedOut.into())
}

pub(super) fn reserve(ports: &Arc<Mutex<Ports>>, mut at: SocketAddr) -> io::Result<SimPort> {
    let mut locked = lock(ports);
    if at.port() == 0 {
        at.set_port(locked.free_port(at.ip())?);
    }
    if locked.reserved.contains_key(&at) {
        return Err(ErrorKind::AddrInUse.into());
    }
    locked.reserved.insert(at, State::default());
    Ok(SimPort { reservation: Arc::new(Reservation { ports: ports.clone(), addr: at }) })
}

/// Held by a port and its listener; the address is free again when both are gone.
#[derive(Debug)]
struct Reservation {
    ports: Arc<Mutex<Ports>>,
    addr: SocketAddr,
}

impl Reservation {
    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        let mut ports = lock(&self.ports);
        act(ports.reserved.get_mut(&self.addr).expect("a reservation is in the table while it is held"))
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        lock(&self.ports).reserved.remove(&self.addr);
    }
}

/// A reserved port of a [`SimNet`](super::SimNet).
#[derive(Debug)]
pub struct SimPort {
    reservation: Arc<Reservation>,
}

impl SimPort {
    pub(crate) fn addr(&self) -> SocketAddr {
        self.reservation.addr
    }

    pub(crate) fn listen(&self) -> io::Result<SimListener> {
        self.reservation.with(|port| {
            if port.listener.is_some() {
                return Err(ErrorKind::AddrInUse.into());
            }
            port.listener = Some(Queue::default());
            Ok(SimListener { reservation: self.reservation.clone() })
        })
    }

    pub(crate) fn turned_away(&self) -> u64 {
        self.reservation.with(|port| port.turned_away)
    }

    pub(crate) fn drop_syn(&self, on: bool) {
        self.reservation.with(|port| port.drop_syn = on);
    }
}

/// A listener of a [`SimNet`](super::SimNet). Dropping it resets the connections that wait to be accepted.
#[derive(Debug)]
pub struct SimListener {
    reservation: Arc<Reservation>,
}

impl SimListener {
    pub(crate) fn poll_accept(&self, cx: &Context<'_>) -> Poll<SimConn> {
        self.reservation.with(|port| {
            let queue = port.listener.as_mut().expect("the queue lives as long as the listener");
            if let Some(conn) = queue.waiting.pop_front() {
                return Poll::Ready(conn);
            }
            queue.acceptor = Some(cx.waker().clone());
            Poll::Pending
        })
    }
}

impl Drop for SimListener {
    fn drop(&mut self) {
        let queue = self.reservation.with(|port| port.listener.take());
        for conn in queue.into_iter().flat_map(|queue| queue.waiting) {
            conn.reset_on_drop();
        }
    }
}
