//! One direction of a connection: reads from its sender, keeps what may not go on yet or is not yet taken, writes to
//! its receiver.
//!
//! ```text
//!   sender ──► stall? ──► toxics ──► queue (bounded) ──► hold? ──► receiver
//! ```
//!
//! While nothing is in the way bytes go straight through and the queue stays empty, without memory. The sender's
//! FIN and RST pass the same toxics and gates as its bytes do: in order, late under a delay, held under a hold.

use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};
use unstuck_net::Conn;

use crate::gate::{Causes, Gate};
use crate::ledger::Ledger;
use crate::queue::{CAPACITY, Queue};
use crate::toxic::chain::Chain;
use crate::toxic::stage::{End, Next, Piece};

/// The most bytes that are read at once where nothing is in the way: all of the cost is in the system calls.
const READ: usize = 256 << 10;

/// What a lane has to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The sender's FIN is seen and handed on: nothing more will come through here.
    Finished,
    /// The sender's RST is seen and due at the receiver.
    SenderReset,
    /// The receiver takes nothing any more: it has been reset.
    ReceiverGone,
    /// A toxic ends the connection.
    Toxic(End),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sender {
    Open,
    /// Known to be reset because writing to it failed; what came before may still be read.
    Gone,
    /// Its FIN was read.
    Fin,
    /// Its RST was read.
    Rst,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Receiver {
    Open,
    /// Has the FIN.
    Finished,
    Gone,
}

/// What the toxics have to say.
struct Drawn {
    /// When they want to be asked again.
    wake: Option<Instant>,
    /// They may have more, and there was no room for it.
    more: bool,
}

/// One direction.
#[derive(Debug)]
pub(crate) struct Lane {
    gate: Arc<Gate>,
    ledger: Arc<Ledger>,
    chain: Chain,
    queue: Queue,
    sender: Sender,
    /// The end that has come through the toxics.
    end: Option<End>,
    receiver: Receiver,
    /// Causes that have been credited with what waits behind the present stall.
    credited: Causes,
    timer: Option<Pin<Box<Sleep>>>,
    moved: Moved,
}

/// What was taken off a sender, and what was handed to a receiver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Moved {
    /// Bytes taken off the sender.
    pub(crate) received: u64,
    /// Bytes handed to the receiver.
    pub(crate) bytes: u64,
    pub(crate) chunks: u64,
}

impl Lane {
    pub(crate) fn new(gate: Arc<Gate>, ledger: Arc<Ledger>) -> Self {
        Self {
            gate,
            ledger,
            chain: Chain::default(),
            queue: Queue::default(),
            sender: Sender::Open,
            end: None,
            receiver: Receiver::Open,
            credited: Causes::new(),
            timer: None,
            moved: Moved::default(),
        }
    }

    /// From now on `gate` is in the way, and none before it.
    pub(crate) fn obey(&mut self, gate: &Arc<Gate>) {
        if Arc::ptr_eq(&self.gate, gate) {
            return;
        }
        let begins: Causes =
            gate.hold.iter().filter(|fault| !self.gate.hold.contains(fault)).copied().collect();
        let end = self.end.is_some() && self.receiver == Receiver::Open;
        self.ledger.bytes(&begins, self.queue.len() + usize::from(end));
        self.credited.retain(|fault| gate.stall.contains(fault));
        self.gate = Arc::clone(gate);
    }

    /// Moves what can be moved. A lane has each [`Step`] to tell at most once, and goes on after all but
    /// [`Step::SenderReset`] and [`Step::Toxic`].
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, from: &mut Conn, to: &mut Conn) -> Poll<Step> {
        loop {
            let mut drawn = Drawn { wake: None, more: false };
            if !self.chain.is_empty() {
                let now = Instant::now();
                if let Some(end) = self.chain.ends(now) {
                    return Poll::Ready(Step::Toxic(end));
                }
                drawn = self.draw(now);
            }
            let hold = self.gate.holds();
            if self.receiver == Receiver::Open
                && !hold
                && let Poll::Ready(step) = self.hand_out(cx, to)
            {
                return Poll::Ready(step);
            }
            if !hold && let Some(step) = self.end_is_due() {
                return Poll::Ready(step);
            }
            if drawn.more && self.queue.room() > 0 {
                continue;
            }
            if let Sender::Open | Sender::Gone = self.sender
                && let Poll::Ready(step) = self.take_in(cx, from, to)
            {
                match step {
                    Some(step) => return Poll::Ready(step),
                    None => continue,
                }
            }
            if !self.alarm_rings(cx, drawn.wake) {
                return Poll::Pending;
            }
        }
    }

    /// The toxics in the way.
    pub(crate) fn chain(&mut self) -> &mut Chain {
        &mut self.chain
    }

    /// The sender is known to have been reset: the other lane could not write to it.
    pub(crate) fn sender_is_gone(&mut self) {
        match self.sender {
            Sender::Open => self.sender = Sender::Gone,
            Sender::Fin => self.see_reset(),
            Sender::Gone | Sender::Rst => {}
        }
    }

    /// The sender was reset, whether or not the receiver may know.
    pub(crate) fn sender_was_reset(&self) -> bool {
        matches!(self.sender, Sender::Gone | Sender::Rst)
    }

    /// The sender's FIN was seen, whether or not the receiver may know.
    pub(crate) fn sender_has_finished(&self) -> bool {
        self.sender == Sender::Fin
    }

    /// The receiver has the FIN.
    pub(crate) fn is_finished(&self) -> bool {
        self.receiver == Receiver::Finished
    }

    /// Bytes taken off the sender that the receiver did not get.
    pub(crate) fn held(&self) -> usize {
        self.queue.len() + self.chain.held()
    }

    /// What was handed to the receiver since the last call.
    pub(crate) fn take_moved(&mut self) -> Moved {
        std::mem::take(&mut self.moved)
    }

    /// Fetches what has come through the toxics.
    fn draw(&mut self, now: Instant) -> Drawn {
        while self.queue.room() > 0 && self.end.is_none_or(|end| end == End::Fin) {
            match self.chain.next(now) {
                Next::Piece(Piece::Data(bytes)) => self.enqueue(bytes),
                Next::Piece(Piece::End(end)) => self.see_end(end),
                Next::Idle(wake) => return Drawn { wake, more: false },
            }
        }
        Drawn { wake: self.chain.deadline(), more: self.end.is_none_or(|end| end == End::Fin) }
    }

    /// An end that waits for no room at the receiver, or for nothing more.
    fn end_is_due(&self) -> Option<Step> {
        match self.end? {
            End::Fin => None,
            End::Rst => Some(Step::SenderReset),
            end @ (End::Reset | End::HalfOpen) => Some(Step::Toxic(end)),
            end @ End::Close => {
                (self.queue.is_empty() || self.receiver != Receiver::Open).then_some(Step::Toxic(end))
            }
        }
    }

    /// Pending also when there is nothing to hand out.
    fn hand_out(&mut self, cx: &mut Context<'_>, to: &mut Conn) -> Poll<Step> {
        while let Some(chunk) = self.queue.front() {
            match Pin::new(&mut *to).poll_write(cx, chunk) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(count)) if count > 0 => {
                    self.queue.pop(count);
                    self.moved.add(count);
                }
                Poll::Ready(_) => return Poll::Ready(self.lose_receiver()),
            }
        }
        if self.end != Some(End::Fin) {
            return Poll::Pending;
        }
        Poll::Ready(match std::task::ready!(Pin::new(to).poll_shutdown(cx)) {
            Ok(()) => {
                self.receiver = Receiver::Finished;
                Step::Finished
            }
            Err(_) => self.lose_receiver(),
        })
    }

    /// Ready with `None` after something was taken in; pending if nothing can or may be.
    fn take_in(&mut self, cx: &mut Context<'_>, from: &mut Conn, to: &mut Conn) -> Poll<Option<Step>> {
        if self.gate.stalls() {
            self.credit_stall(cx, from);
            return Poll::Pending;
        }
        let room = self.room();
        if room == 0 {
            if self.sender == Sender::Gone {
                self.see_reset();
                return Poll::Ready(None);
            }
            if self.chain.uncredited_stalls() && self.something_waits(cx, from) {
                self.chain.credit_stalls();
            }
            return Poll::Pending;
        }
        #[expect(clippy::large_stack_arrays, reason = "uninitialised, and only for the length of this call")]
        let mut space = [const { MaybeUninit::uninit() }; READ];
        let mut buf = ReadBuf::uninit(&mut space[..room]);
        match std::task::ready!(Pin::new(from).poll_read(cx, &mut buf)) {
            Ok(()) if !buf.filled().is_empty() => {
                self.moved.received += buf.filled().len() as u64;
                Poll::Ready(self.pass(cx, buf.filled(), to))
            }
            Ok(()) if self.sender == Sender::Open => {
                self.sender = Sender::Fin;
                self.pass_end(End::Fin);
                Poll::Ready(None)
            }
            Ok(()) | Err(_) => {
                self.see_reset();
                Poll::Ready(None)
            }
        }
    }

    /// How much may be read.
    fn room(&self) -> usize {
        if !self.chain.is_empty() {
            return if self.chain.takes() { CAPACITY } else { 0 };
        }
        let straight = !self.gate.holds() && self.receiver == Receiver::Open && self.sender == Sender::Open;
        match self.queue.room() {
            room if !straight => room,
            _ if self.queue.is_empty() => READ,
            // The receiver is full. It has buffers of its own: rather one long read later than many short ones.
            _ => 0,
        }
    }

    /// Hands a chunk on at once if nothing is in the way, and keeps the rest.
    fn pass(&mut self, cx: &mut Context<'_>, chunk: &[u8], to: &mut Conn) -> Option<Step> {
        if !self.chain.is_empty() {
            self.chain.push(Piece::Data(Bytes::copy_from_slice(chunk)), Instant::now());
            return None;
        }
        if self.gate.holds() || !self.queue.is_empty() || self.receiver != Receiver::Open {
            self.enqueue(Bytes::copy_from_slice(chunk));
            return None;
        }
        let count = match Pin::new(to).poll_write(cx, chunk) {
            Poll::Pending => 0,
            Poll::Ready(Ok(count)) if count > 0 => {
                self.moved.add(count);
                count
            }
            Poll::Ready(_) => {
                self.enqueue(Bytes::copy_from_slice(chunk));
                return Some(self.lose_receiver());
            }
        };
        if count < chunk.len() {
            self.enqueue(Bytes::copy_from_slice(&chunk[count..]));
        }
        None
    }

    fn enqueue(&mut self, bytes: Bytes) {
        self.ledger.bytes(&self.gate.hold, bytes.len());
        self.queue.push(bytes);
    }

    /// Credits each stalling fault once with one byte if the sender has something waiting: how much it is cannot
    /// be known without taking it.
    fn credit_stall(&mut self, cx: &mut Context<'_>, from: &mut Conn) {
        if self.credited == self.gate.stall || !self.something_waits(cx, from) {
            return;
        }
        let begins: Causes =
            self.gate.stall.iter().filter(|fault| !self.credited.contains(fault)).copied().collect();
        self.ledger.bytes(&begins, 1);
        self.credited.clone_from(&self.gate.stall);
    }

    fn something_waits(&mut self, cx: &mut Context<'_>, from: &mut Conn) -> bool {
        match from.poll_readable(cx) {
            Poll::Pending => return false,
            // A socket tells of its reset once; the read after the stall will see an EOF.
            Poll::Ready(Err(_)) => self.sender = Sender::Gone,
            Poll::Ready(Ok(())) => {}
        }
        true
    }

    fn see_reset(&mut self) {
        self.sender = Sender::Rst;
        self.pass_end(End::Rst);
    }

    fn pass_end(&mut self, end: End) {
        if self.chain.is_empty() {
            self.see_end(end);
        } else {
            self.chain.push(Piece::End(end), Instant::now());
        }
    }

    /// An end has come through the toxics. A FIN or an RST counts as one byte, as in TCP's sequence numbers.
    fn see_end(&mut self, end: End) {
        self.ledger.bytes(&self.gate.hold, 1);
        self.end = Some(end);
    }

    fn lose_receiver(&mut self) -> Step {
        self.receiver = Receiver::Gone;
        Step::ReceiverGone
    }

    /// Whether the toxics are to be asked again; else the task is woken when they are.
    fn alarm_rings(&mut self, cx: &mut Context<'_>, wake: Option<Instant>) -> bool {
        let Some(at) = wake else {
            self.timer = None;
            return false;
        };
        let timer = match &mut self.timer {
            Some(timer) => {
                if timer.deadline() != at {
                    timer.as_mut().reset(at);
                }
                timer
            }
            None => self.timer.insert(Box::pin(tokio::time::sleep_until(at))),
        };
        timer.as_mut().poll(cx).is_ready()
    }
}

impl Moved {
    fn add(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
        self.chunks += 1;
    }
}
