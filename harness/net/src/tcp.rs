//! Real sockets on this machine.

use std::collections::BTreeSet;
use std::io::{self, ErrorKind};
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::io::Interest;
use tokio::net::{TcpSocket, TcpStream};

/// Connections that wait to be accepted, as in the sim.
const BACKLOG: i32 = 1024;

/// How sockets are made.
#[derive(Clone, Copy, Debug)]
pub struct TcpConfig {
    /// `SO_SNDBUF` and `SO_RCVBUF` of every socket, in bytes (Linux doubles them); `None` leaves the system's.
    pub buffer: Option<usize>,
}

impl Default for TcpConfig {
    fn default() -> Self {
        Self { buffer: Some(64 << 10) }
    }
}

impl TcpConfig {
    /// A socket with its buffers set, which must be before it listens or connects: the handshake fixes the window scale.
    fn socket(self, domain: Domain) -> io::Result<Socket> {
        let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
        if let Some(bytes) = self.buffer {
            socket.set_send_buffer_size(bytes)?;
            socket.set_recv_buffer_size(bytes)?;
        }
        socket.set_nonblocking(true)?;
        Ok(socket)
    }

    /// A socket bound to a port that another one of ours shares.
    ///
    /// On Linux `SO_REUSEADDR` on both allows that as long as no other socket listens there, and connections go to
    /// listening sockets only. With `SO_REUSEPORT` the system would let another process listen beside us.
    /// The BSDs and macOS ask for `SO_REUSEPORT` on both.
    fn bind(self, at: SocketAddr) -> io::Result<Socket> {
        let socket = self.socket(Domain::for_address(at))?;
        socket.set_reuse_address(true)?;
        #[cfg(all(unix, not(target_os = "linux")))]
        socket.set_reuse_port(true)?;
        socket.bind(&at.into())?;
        Ok(socket)
    }
}

/// Real sockets. Cheap to clone.
#[derive(Clone, Debug)]
pub struct TcpNet {
    config: TcpConfig,
    /// What we reserved: sockets that share an address do not keep a second reservation out.
    reserved: Arc<Mutex<BTreeSet<SocketAddr>>>,
}

impl TcpNet {
    /// Sockets with `config`.
    pub fn new(config: TcpConfig) -> Self {
        Self { config, reserved: Arc::default() }
    }

    pub(crate) fn reserve(&self, at: SocketAddr) -> io::Result<TcpPort> {
        let socket = self.config.bind(at)?;
        let addr = socket.local_addr()?.as_socket().expect("a TCP socket has an IP address");
        if !lock(&self.reserved).insert(addr) {
            return Err(ErrorKind::AddrInUse.into());
        }
        Ok(TcpPort { net: self.clone(), addr, _bound: socket })
    }

    pub(crate) async fn connect(&self, to: SocketAddr) -> io::Result<TcpStream> {
        let socket = TcpSocket::from_std_stream(self.config.socket(Domain::for_address(to))?.into());
        let stream = socket.connect(to).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

/// A bound socket that reserves its port and never listens, so that connects are refused.
#[derive(Debug)]
pub struct TcpPort {
    net: TcpNet,
    addr: SocketAddr,
    _bound: Socket,
}

impl TcpPort {
    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub(crate) fn listen(&self) -> io::Result<TcpListener> {
        let socket = self.net.config.bind(self.addr)?;
        socket.listen(BACKLOG)?;
        let inner = tokio::net::TcpListener::from_std(socket.into())?;
        Ok(TcpListener { config: self.net.config, inner, plug: None, plugged: BTreeSet::new() })
    }
}

impl Drop for TcpPort {
    fn drop(&mut self) {
        lock(&self.net.reserved).remove(&self.addr);
    }
}

/// A set of addresses is whole after a panic, too.
fn lock(reserved: &Mutex<BTreeSet<SocketAddr>>) -> MutexGuard<'_, BTreeSet<SocketAddr>> {
    reserved.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A listening socket.
#[derive(Debug)]
pub struct TcpListener {
    config: TcpConfig,
    inner: tokio::net::TcpListener,
    /// A connection of ours that fills the queue.
    plug: Option<Socket>,
    /// Where such connections came from that are still to be accepted, and are for nobody.
    plugged: BTreeSet<SocketAddr>,
}

impl TcpListener {
    /// Linux lets the length of the queue be changed while listening, and lets one connection into a queue of
    /// length 0; when it is full, SYNs are dropped. What waits in it already stays.
    pub(crate) fn clog(&mut self, on: bool) -> io::Result<bool> {
        if !cfg!(target_os = "linux") || on == self.plug.is_some() {
            return Ok(on && cfg!(target_os = "linux"));
        }
        if on {
            SockRef::from(&self.inner).listen(0)?;
            let at = self.inner.local_addr()?;
            let plug = self.config.socket(Domain::for_address(at))?;
            match plug.connect(&at.into()) {
                Err(error) if error.kind() != ErrorKind::WouldBlock && !in_progress(&error) => {
                    return Err(error);
                }
                _ => self.plug = Some(plug),
            }
        } else {
            if let Some(plug) = self.plug.take()
                // else its SYN was lost too, which ends with it
                && plug.peer_addr().is_ok()
            {
                self.plugged.extend(plug.local_addr()?.as_socket());
            }
            SockRef::from(&self.inner).listen(BACKLOG)?;
        }
        Ok(on)
    }

    pub(crate) fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        loop {
            let (stream, peer) = ready!(self.inner.poll_accept(cx))?;
            if self.plugged.is_empty() || !self.plugged.remove(&peer) {
                stream.set_nodelay(true)?;
                return Poll::Ready(Ok((stream, peer)));
            }
        }
    }
}

fn in_progress(error: &io::Error) -> bool {
    // `EINPROGRESS` has a kind only on nightly
    error.raw_os_error() == Some(115)
}

/// A failure means that the socket is gone, and with it what there was to reset.
pub(crate) fn reset_on_drop(stream: &TcpStream) {
    let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
}

/// Readiness may be stale, so that a peek has to confirm it. What has ended stays ended and needs no peek, which
/// would take the pending error off the socket; only one that comes between the two calls is returned here.
pub(crate) fn poll_readable(stream: &TcpStream, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
    loop {
        // The first poll keeps the waker, the second tells what is ready.
        ready!(stream.poll_read_ready(cx))?;
        let readiness = pin!(stream.ready(Interest::READABLE)).poll(cx);
        if matches!(readiness, Poll::Ready(Ok(ready)) if ready.is_read_closed()) {
            return Poll::Ready(Ok(()));
        }
        let peek = || SockRef::from(stream).peek(&mut [MaybeUninit::uninit()]);
        match stream.try_io(Interest::READABLE, peek) {
            Err(stale) if stale.kind() == ErrorKind::WouldBlock => {}
            outcome => return Poll::Ready(outcome.map(drop)),
        }
    }
}
