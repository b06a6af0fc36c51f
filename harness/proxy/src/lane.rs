//! One direction of a connection: reads from its sender, keeps what is not yet due or not yet taken, writes to
//! its receiver.
//!
//! ```text
//!   sender ──► stall? ──► toxics ──► queue (bounded; each chunk with its due time) ──► hold? ──► receiver
//! ```
//!
//! While nothing is in the way bytes go straight through and the queue stays empty, without memory. The sender's
//! FIN and RST pass the same toxics and gates as its bytes do: in order, late under a delay, held under a hold.

use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};
use unstuck_net::Conn;

use crate::gate::{Causes, Gate};
use crate::ledger::Ledger;
use crate::queue::{CAPACITY, Queue};
use crate::toxic::chain::Chain;
use crate::toxic::stage::{End, Next, Piece};

/// Longer than any run; a delay beyond it cannot be added to an [`Instant`] everywhere.
const FOREVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

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

/// One direction.
#[derive(Debug)]
pub(crate) struct Lane {
    gate: Arc<Gate>,
    ledger: Arc<Ledger>,
    chain: Chain,
    queue: Queue,
    sender: Sender,
    /// The end that has come through the toxics, and when it may go out.
    end: Option<(End, Instant)>,
    receiver: Receiver,
    /// Causes that have been credited with what waits behind the present stall.
    credited: Causes,
    timer: Option<Pin<Box<Sleep>>>,
    seed: [u8; 32],
    random: Option<Box<ChaCha8Rng>>,
    moved: u64,
}

impl Lane {
    /// `seed` is for the jitter.
    pub(crate) fn new(gate: Arc<Gate>, ledger: Arc<Ledger>, seed: [u8; 32]) -> Self {
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
            seed,
            random: None,
            moved: 0,
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

        let now = Instant::now();
        let longest = gate.latency.saturating_add(gate.jitter).min(FOREVER);
        self.queue.hasten(now, longest);
        if let Some((_, due)) = &mut self.end {
            *due = (now + longest).min(*due);
        }
        self.credited.retain(|fault| gate.stall.contains(fault));
        self.gate = Arc::clone(gate);
    }

    /// Moves what can be moved. A lane has each [`Step`] to tell at most once, and goes on after all but
    /// [`Step::SenderReset`] and [`Step::Toxic`].
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, from: &mut Conn, to: &mut Conn) -> Poll<Step> {
        loop {
            let now = Instant::now();
            if let Some(end) = self.chain.ends(now) {
                return Poll::Ready(Step::Toxic(end));
            }
            let wake = self.draw(now);
            let hold = self.gate.holds();
            if self.receiver == Receiver::Open
                && !hold
                && let Poll::Ready(step) = self.hand_out(cx, to, now)
            {
                return Poll::Ready(step);
            }
            if !hold && let Some(step) = self.end_is_due(now) {
                return Poll::Ready(step);
            }
            if let Sender::Open | Sender::Gone = self.sender
                && let Poll::Ready(step) = self.take_in(cx, from, to, now)
            {
                match step {
                    Some(step) => return Poll::Ready(step),
                    None => continue,
                }
            }
            if !self.alarm_rings(cx, now, wake) {
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
            Sender::Fin => self.see_reset(Instant::now()),
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

    /// Bytes handed to the receiver since the last call.
    pub(crate) fn take_moved(&mut self) -> u64 {
        std::mem::take(&mut self.moved)
    }

    /// What has come through the toxics is due after the delay. Tells when the toxics want to be asked again.
    fn draw(&mut self, now: Instant) -> Option<Instant> {
        if self.chain.is_empty() {
            return None;
        }
        while self.queue.room() > 0 && self.end.is_none_or(|(end, _)| end == End::Fin) {
            match self.chain.next(now) {
                Next::Piece(Piece::Data(bytes)) => {
                    let due = self.due(now);
                    self.queue.push(&bytes, due, now);
                }
                Next::Piece(Piece::End(end)) => self.see_end(end, now),
                Next::Idle(wake) => return wake,
            }
        }
        self.chain.deadline()
    }

    /// An end that waits for no room at the receiver, or for nothing more.
    fn end_is_due(&self, now: Instant) -> Option<Step> {
        let (end, _) = self.end.filter(|(_, due)| *due <= now)?;
        match end {
            End::Fin => None,
            End::Rst => Some(Step::SenderReset),
            End::Reset => Some(Step::Toxic(end)),
            End::Close => {
                (self.queue.is_empty() || self.receiver != Receiver::Open).then_some(Step::Toxic(end))
            }
        }
    }

    /// Pending also when there is nothing to hand out.
    fn hand_out(&mut self, cx: &mut Context<'_>, to: &mut Conn, now: Instant) -> Poll<Step> {
        loop {
            let chunk = self.queue.due(now);
            if chunk.is_empty() {
                break;
            }
            match Pin::new(&mut *to).poll_write(cx, chunk) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(count)) if count > 0 => {
                    self.queue.pop(count);
                    self.moved += count as u64;
                }
                Poll::Ready(_) => return Poll::Ready(self.lose_receiver()),
            }
        }
        match self.end {
            Some((End::Fin, due)) if due <= now && self.queue.is_empty() => {
                match std::task::ready!(Pin::new(to).poll_shutdown(cx)) {
                    Ok(()) => {
                        self.receiver = Receiver::Finished;
                        Poll::Ready(Step::Finished)
                    }
                    Err(_) => Poll::Ready(self.lose_receiver()),
                }
            }
            _ => Poll::Pending,
        }
    }

    /// Ready with `None` after something was taken in; pending if nothing can or may be.
    fn take_in(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut Conn,
        to: &mut Conn,
        now: Instant,
    ) -> Poll<Option<Step>> {
        if self.gate.stalls() {
            self.credit_stall(cx, from);
            return Poll::Pending;
        }
        let room = if self.chain.is_empty() {
            self.queue.room()
        } else if self.chain.takes() {
            CAPACITY
        } else {
            0
        };
        if room == 0 {
            if self.sender == Sender::Gone {
                self.see_reset(now);
                return Poll::Ready(None);
            }
            return Poll::Pending;
        }
        #[expect(clippy::large_stack_arrays, reason = "uninitialised, and only for the length of this call")]
        let mut space = [const { MaybeUninit::uninit() }; CAPACITY];
        let mut buf = ReadBuf::uninit(&mut space[..room]);
        match std::task::ready!(Pin::new(from).poll_read(cx, &mut buf)) {
            Ok(()) if !buf.filled().is_empty() => Poll::Ready(self.pass(cx, buf.filled(), to, now)),
            Ok(()) if self.sender == Sender::Open => {
                self.sender = Sender::Fin;
                self.pass_end(End::Fin, now);
                Poll::Ready(None)
            }
            Ok(()) | Err(_) => {
                self.see_reset(now);
                Poll::Ready(None)
            }
        }
    }

    /// Hands a chunk on at once if nothing is in the way, and keeps the rest.
    fn pass(&mut self, cx: &mut Context<'_>, chunk: &[u8], to: &mut Conn, now: Instant) -> Option<Step> {
        self.credit(chunk.len());
        if !self.chain.is_empty() {
            self.chain.push(Piece::Data(Bytes::copy_from_slice(chunk)), now);
            return None;
        }
        let straight = !self.gate.holds() && !self.gate.delays() && self.queue.is_empty();
        if !straight || self.receiver != Receiver::Open {
            let due = self.due(now);
            self.queue.push(chunk, due, now);
            return None;
        }
        let count = match Pin::new(to).poll_write(cx, chunk) {
            Poll::Pending => 0,
            Poll::Ready(Ok(count)) if count > 0 => count,
            Poll::Ready(_) => {
                self.queue.push(chunk, now, now);
                return Some(self.lose_receiver());
            }
        };
        self.moved += count as u64;
        if count < chunk.len() {
            self.queue.push(&chunk[count..], now, now);
        }
        None
    }

    /// Writes down what the gate does to `bytes` that have just been read.
    fn credit(&self, bytes: usize) {
        self.ledger.bytes(&self.gate.hold, bytes);
        self.ledger.delayed(&self.gate.delay, 1);
    }

    /// Credits each stalling fault once with one byte if the sender has something waiting: how much it is cannot
    /// be known without taking it.
    fn credit_stall(&mut self, cx: &mut Context<'_>, from: &mut Conn) {
        if self.credited == self.gate.stall {
            return;
        }
        match from.poll_readable(cx) {
            Poll::Pending => return,
            // A socket tells of its reset once; the read after the stall will see an EOF.
            Poll::Ready(Err(_)) => self.sender = Sender::Gone,
            Poll::Ready(Ok(())) => {}
        }
        let begins: Causes =
            self.gate.stall.iter().filter(|fault| !self.credited.contains(fault)).copied().collect();
        self.ledger.bytes(&begins, 1);
        self.credited.clone_from(&self.gate.stall);
    }

    fn see_reset(&mut self, now: Instant) {
        self.sender = Sender::Rst;
        self.pass_end(End::Rst, now);
    }

    fn pass_end(&mut self, end: End, now: Instant) {
        self.credit(1);
        if self.chain.is_empty() {
            self.see_end(end, now);
        } else {
            self.chain.push(Piece::End(end), now);
        }
    }

    /// An end has come through the toxics.
    fn see_end(&mut self, end: End, now: Instant) {
        let due = self.due(now);
        self.end = Some((end, self.queue.last_due().map_or(due, |last| last.max(due))));
    }

    fn lose_receiver(&mut self) -> Step {
        self.receiver = Receiver::Gone;
        Step::ReceiverGone
    }

    /// From when on something read now may go out.
    fn due(&mut self, now: Instant) -> Instant {
        let Gate { latency, jitter, .. } = *self.gate;
        if jitter.is_zero() {
            return now + latency.min(FOREVER);
        }
        let seed = self.seed;
        let random = self.random.get_or_insert_with(|| Box::new(ChaCha8Rng::from_seed(seed)));
        let most = u64::try_from(jitter.min(FOREVER).as_nanos()).expect("a century is less than 2^64 ns");
        let late = latency.saturating_add(Duration::from_nanos(random.random_range(0..=2 * most)));
        now + late.saturating_sub(Duration::from_nanos(most)).min(FOREVER)
    }

    /// Whether something has become due; else the task is woken when it does. `wake` is when the toxics want to be asked.
    fn alarm_rings(&mut self, cx: &mut Context<'_>, now: Instant, wake: Option<Instant>) -> bool {
        let end = match self.end {
            Some((End::Fin | End::Close, due)) => self.queue.is_empty().then_some(due),
            Some((End::Rst | End::Reset, due)) => Some(due),
            None => None,
        };
        let chunk = if self.receiver == Receiver::Open { self.queue.next_due(now) } else { None };
        let due = [end.filter(|due| *due > now), chunk].into_iter().flatten().min();
        let Some(at) = due.filter(|_| !self.gate.holds()).into_iter().chain(wake).min() else {
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
