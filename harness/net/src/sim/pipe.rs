//! One direction of a connection.
//!
//! ```text
//!   writer ──► [ in flight: each chunk with its arrival time ] ──► [ delivered, unread ] ──► reader
//!                 at most send_buffer bytes                          at most recv_buffer bytes
//! ```
//!
//! A chunk that arrives at a full receive buffer stays in flight (TCP's zero window) until the reader makes room.

use std::collections::VecDeque;
use std::io::IoSlice;

use tokio::io::ReadBuf;
use tokio::time::Instant;

#[derive(Debug)]
pub(super) struct Pipe {
    send_buffer: usize,
    recv_buffer: usize,
    /// The delivered bytes, then those in flight.
    bytes: VecDeque<u8>,
    delivered: usize,
    /// Arrival time and length of the chunks in flight, in order.
    flight: VecDeque<(Instant, usize)>,
    /// When a FIN or an RST that was sent arrives.
    fin_at: Option<Instant>,
    rst_at: Option<Instant>,
    fin: bool,
    rst: bool,
}

impl Pipe {
    pub(super) fn new(send_buffer: usize, recv_buffer: usize) -> Self {
        Self {
            send_buffer,
            recv_buffer,
            bytes: VecDeque::new(),
            delivered: 0,
            flight: VecDeque::new(),
            fin_at: None,
            rst_at: None,
            fin: false,
            rst: false,
        }
    }

    /// Lets everything arrive that is due.
    pub(super) fn settle(&mut self, now: Instant) {
        while let Some((at, len)) = self.flight.front_mut() {
            let room = self.recv_buffer - self.delivered;
            if *at > now || room == 0 {
                break;
            }
            let moved = room.min(*len);
            self.delivered += moved;
            *len -= moved;
            if *len == 0 {
                self.flight.pop_front();
            }
        }
        if self.fin_at.is_some_and(|at| at <= now) && self.flight.is_empty() {
            self.fin = true;
        }
        if !self.rst && self.rst_at.is_some_and(|at| at <= now) {
            self.rst = true;
            self.bytes.truncate(self.delivered);
            self.flight.clear();
        }
    }

    // === the writer's side ===

    pub(super) fn room(&self) -> usize {
        self.send_buffer - (self.bytes.len() - self.delivered)
    }

    /// Sends what fits, to arrive at `due`; returns how much that was.
    pub(super) fn push(&mut self, bufs: &[IoSlice<'_>], due: Instant) -> usize {
        let before = self.bytes.len();
        let mut room = self.room();
        for buf in bufs {
            let taken = &buf[..buf.len().min(room)];
            self.bytes.extend(taken);
            room -= taken.len();
        }
        let sent = self.bytes.len() - before;
        match self.flight.back_mut() {
            Some((at, len)) if *at == due => *len += sent,
            _ => self.flight.push_back((due, sent)),
        }
        sent
    }

    pub(super) fn send_fin(&mut self, due: Instant) {
        self.fin_at.get_or_insert(due);
    }

    pub(super) fn fin_sent(&self) -> bool {
        self.fin_at.is_some()
    }

    pub(super) fn send_rst(&mut self, due: Instant) {
        self.rst_at = Some(self.rst_at.map_or(due, |at| at.min(due)));
    }

    /// When bytes in flight next move into the receiver's buffer without the reader's help.
    pub(super) fn next_delivery(&self) -> Option<Instant> {
        if self.delivered == self.recv_buffer { None } else { self.first_in_flight() }
    }

    // === the reader's side ===

    pub(super) fn unread(&self) -> bool {
        self.delivered > 0
    }

    pub(super) fn pop(&mut self, buf: &mut ReadBuf<'_>) {
        let taken = self.delivered.min(buf.remaining());
        let (front, back) = self.bytes.as_slices();
        let split = taken.min(front.len());
        buf.put_slice(&front[..split]);
        buf.put_slice(&back[..taken - split]);
        self.bytes.drain(..taken);
        self.delivered -= taken;
    }

    /// Whether FIN has arrived, behind all bytes.
    pub(super) fn fin_received(&self) -> bool {
        self.fin
    }

    /// Whether RST has arrived; bytes not delivered by then are lost.
    pub(super) fn rst_received(&self) -> bool {
        self.rst
    }

    pub(super) fn first_in_flight(&self) -> Option<Instant> {
        self.flight.front().map(|(at, _)| *at)
    }

    /// When an RST that is under way arrives.
    pub(super) fn next_rst(&self) -> Option<Instant> {
        if self.rst { None } else { self.rst_at }
    }

    /// When the reader can next learn something, if nothing more is sent.
    pub(super) fn next_arrival(&self) -> Option<Instant> {
        let fin = if self.fin || !self.flight.is_empty() { None } else { self.fin_at };
        [self.next_delivery(), fin, self.next_rst()].into_iter().flatten().min()
    }

    /// Nobody will read or deliver any of it.
    pub(super) fn discard(&mut self) {
        self.bytes = VecDeque::new();
        self.flight.clear();
        self.delivered = 0;
    }
}
