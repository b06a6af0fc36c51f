//! The two directions of a connection and its two ends, as Linux treats them.
//!
//! ```text
//!   end 0 ── pipes[0] ──► end 1        an end closes: FIN behind its bytes, or RST if bytes are unread or linger is 0
//!   end 0 ◄── pipes[1] ── end 1        bytes for a closed end: RST comes back
//! ```
//!
//! An RST does to its receiver what Linux's `tcp_reset` does: what was delivered stays readable; then the error is
//! reported once, by whichever call comes first; after that reads give EOF and writes `BrokenPipe`.

use std::io::{self, ErrorKind, IoSlice};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::io::ReadBuf;
use tokio::time::Instant;

use super::SimConfig;
use super::pipe::Pipe;
use super::waiter::Waiter;

/// Which of the two ends of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// The one that connected.
    Client = 0,
    /// The one that was accepted.
    Server = 1,
}

impl Side {
    fn peer(self) -> Self {
        match self {
            Side::Client => Side::Server,
            Side::Server => Side::Client,
        }
    }
}

#[derive(Debug, Default)]
struct End {
    /// What the next call reports, once.
    error: Option<ErrorKind>,
    /// An RST has arrived: the connection is no more.
    dead: bool,
    closed: bool,
    reset_on_close: bool,
    reader: Waiter,
    writer: Waiter,
}

/// A connection. Its owner holds the lock.
#[derive(Debug)]
pub(super) struct Link {
    latency: Duration,
    /// By the side that writes.
    pipes: [Pipe; 2],
    ends: [End; 2],
}

/// The outcome of a call, with the task to wake once the lock is released.
pub(super) type Outcome<T> = (Poll<io::Result<T>>, Option<Waker>);

impl Link {
    pub(super) fn new(config: SimConfig) -> Self {
        let pipe = || Pipe::new(config.send_buffer, config.recv_buffer);
        Self { latency: config.latency, pipes: [pipe(), pipe()], ends: Default::default() }
    }

    fn outgoing(&mut self, side: Side) -> &mut Pipe {
        &mut self.pipes[side as usize]
    }

    fn incoming(&mut self, side: Side) -> &mut Pipe {
        &mut self.pipes[side.peer() as usize]
    }

    fn end(&mut self, side: Side) -> &mut End {
        &mut self.ends[side as usize]
    }

    /// Brings `side` up to date.
    fn settle(&mut self, side: Side, now: Instant) {
        self.outgoing(side).settle(now);
        self.incoming(side).settle(now);
        if self.incoming(side).rst_received() && !self.end(side).dead {
            let fin_received = self.incoming(side).fin_received();
            let fin_sent = self.outgoing(side).fin_sent();
            self.outgoing(side).discard();
            let end = self.end(side);
            end.dead = true;
            end.error = match (fin_received, fin_sent) {
                (true, false) => Some(ErrorKind::BrokenPipe),
                (true, true) => None,
                (false, _) => Some(ErrorKind::ConnectionReset),
            };
        }
    }

    pub(super) fn poll_read(
        &mut self,
        side: Side,
        cx: &Context<'_>,
        buf: &mut ReadBuf<'_>,
        now: Instant,
    ) -> Outcome<()> {
        if buf.remaining() == 0 {
            return (Poll::Ready(Ok(())), None);
        }
        if self.poll_readable(side, cx, now).is_pending() {
            return (Poll::Pending, None);
        }
        if !self.incoming(side).unread() {
            let at_eof = self.incoming(side).fin_received();
            let error = if at_eof { None } else { self.end(side).error.take() };
            return (Poll::Ready(error.map_or(Ok(()), |kind| Err(kind.into()))), None);
        }
        let incoming = self.incoming(side);
        incoming.pop(buf);
        // The room just made lets bytes in that were waiting outside, which in turn makes room for the writer.
        incoming.settle(now);
        (Poll::Ready(Ok(())), self.rouse_writer(side.peer()))
    }

    /// Ready when a read would return at once.
    pub(super) fn poll_readable(&mut self, side: Side, cx: &Context<'_>, now: Instant) -> Poll<()> {
        self.settle(side, now);
        let incoming = self.incoming(side);
        if incoming.unread() || incoming.fin_received() || incoming.rst_received() {
            return Poll::Ready(());
        }
        let next = incoming.next_arrival();
        self.end(side).reader.wait(cx, next);
        Poll::Pending
    }

    pub(super) fn poll_write(
        &mut self,
        side: Side,
        cx: &Context<'_>,
        bufs: &[IoSlice<'_>],
        now: Instant,
    ) -> Poll<io::Result<usize>> {
        self.settle(side, now);
        let end = self.end(side);
        if let Some(kind) = end.error.take() {
            return Poll::Ready(Err(kind.into()));
        }
        if end.dead || self.outgoing(side).fin_sent() {
            return Poll::Ready(Err(ErrorKind::BrokenPipe.into()));
        }
        if bufs.iter().all(|buf| buf.is_empty()) {
            return Poll::Ready(Ok(0));
        }
        if self.outgoing(side).room() == 0 {
            let next = self.next_for_writer(side);
            self.end(side).writer.wait(cx, next);
            return Poll::Pending;
        }
        let due = now + self.latency;
        let sent = self.outgoing(side).push(bufs, due);
        if self.end(side.peer()).closed {
            self.send_rst(side.peer(), due + self.latency);
        } else {
            self.end(side.peer()).reader.wake_at(due);
        }
        Poll::Ready(Ok(sent))
    }

    /// Sends FIN behind what was written. Does nothing the second time, or on a connection that is no more.
    pub(super) fn shutdown(&mut self, side: Side, now: Instant) {
        self.settle(side, now);
        if self.end(side).dead || self.outgoing(side).fin_sent() {
            return;
        }
        let due = now + self.latency;
        self.outgoing(side).send_fin(due);
        self.end(side.peer()).reader.wake_at(due);
    }

    pub(super) fn reset_on_close(&mut self, side: Side) {
        self.end(side).reset_on_close = true;
    }

    /// close(2).
    pub(super) fn close(&mut self, side: Side, now: Instant) {
        self.settle(side, now);
        let unread = self.incoming(side).unread();
        let first_in_flight = self.incoming(side).first_in_flight();
        let end = self.end(side);
        end.reader = Waiter::default();
        end.writer = Waiter::default();
        end.closed = true;
        if end.dead {
            return;
        }
        if unread || end.reset_on_close {
            self.send_rst(side, now + self.latency);
        } else {
            self.shutdown(side, now);
            if let Some(arrival) = first_in_flight {
                self.send_rst(side, arrival + self.latency);
            }
        }
    }

    fn send_rst(&mut self, from: Side, due: Instant) {
        self.outgoing(from).send_rst(due);
        let peer = self.end(from.peer());
        peer.reader.wake_at(due);
        peer.writer.wake_at(due);
    }

    /// After the reader made room: the waiting writer, if there is something for it, else its timer is set anew.
    fn rouse_writer(&mut self, side: Side) -> Option<Waker> {
        if !self.end(side).writer.is_waiting() {
            return None;
        }
        if self.outgoing(side).room() > 0 {
            return self.end(side).writer.take();
        }
        if let Some(at) = self.next_for_writer(side) {
            self.end(side).writer.wake_at(at);
        }
        None
    }

    fn next_for_writer(&mut self, side: Side) -> Option<Instant> {
        let delivery = self.outgoing(side).next_delivery();
        let rst = self.incoming(side).next_rst();
        [delivery, rst].into_iter().flatten().min()
    }
}
