//! One direction of a connection: reads from its sender, keeps what is not yet due or not yet taken, writes to
//! its receiver.
//!
//! ```text
//!   sender ──► stall? ──► queue (bounded; each chunk with its due time) ──► hold? ──► receiver
//! ```
//!
//! While nothing is in the way bytes go straight through and the queue stays empty, without memory. The sender's
//! FIN and RST pass the same gates as its bytes do: in order, late under a delay, held under a hold.

use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};
use unstuck_net::Conn;

use super::ledger::Ledger;
use super::queue::{CAPACITY, Queue};
use super::rules::{Faults, Gate};

/// Longer than any run; a delay beyond it cannot be added to an [`Instant`] everywhere.
const FOREVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// What a lane has to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The sender's FIN is seen and handed on: nothing more will come through here.
    Finished,
    /// The sender's RST is seen and due at the receiver.
    SenderReset,
    /// The receiver takes nothing any more: it has been reset.
    ReceiverGone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sender {
    Open,
    /// Known to be reset because writing to it failed; what came before may still be read.
    Gone,
    /// Its FIN was read, and may go out at this time.
    Fin(Instant),
    /// Its RST was read, and may go out at this time.
    Rst(Instant),
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
pub(super) struct Lane {
    gate: Arc<Gate>,
    ledger: Arc<Ledger>,
    queue: Queue,
    sender: Sender,
    receiver: Receiver,
    /// Faults that have been credited with what waits behind the present stall.
    credited: Faults,
    timer: Option<Pin<Box<Sleep>>>,
    seed: [u8; 32],
    random: Option<Box<ChaCha8Rng>>,
    moved: u64,
}

impl Lane {
    /// `seed` is for the jitter.
    pub(super) fn new(gate: Arc<Gate>, ledger: Arc<Ledger>, seed: [u8; 32]) -> Self {
        Self {
            gate,
            ledger,
            queue: Queue::default(),
            sender: Sender::Open,
            receiver: Receiver::Open,
            credited: Faults::new(),
            timer: None,
            seed,
            random: None,
            moved: 0,
        }
    }

    /// From now on `gate` is in the way, and none before it.
    pub(super) fn obey(&mut self, gate: &Arc<Gate>) {
        if Arc::ptr_eq(&self.gate, gate) {
            return;
        }
        let begins: Faults =
            gate.hold.iter().filter(|fault| !self.gate.hold.contains(fault)).copied().collect();
        let end = matches!(self.sender, Sender::Fin(_) | Sender::Rst(_)) && self.receiver == Receiver::Open;
        self.ledger.bytes(&begins, self.queue.len() + usize::from(end));

        let now = Instant::now();
        let longest = gate.latency.saturating_add(gate.jitter).min(FOREVER);
        self.queue.hasten(now, longest);
        if let Sender::Fin(due) | Sender::Rst(due) = &mut self.sender {
            *due = (now + longest).min(*due);
        }
        self.credited.retain(|fault| gate.stall.contains(fault));
        self.gate = Arc::clone(gate);
    }

    /// Moves what can be moved. A lane has each [`Step`] to tell at most once, and goes on after all but
    /// [`Step::SenderReset`].
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, from: &mut Conn, to: &mut Conn) -> Poll<Step> {
        loop {
            let now = Instant::now();
            let hold = self.gate.holds();
            if self.receiver == Receiver::Open
                && !hold
                && let Poll::Ready(step) = self.hand_out(cx, to, now)
            {
                return Poll::Ready(step);
            }
            match self.sender {
                // An RST waits for no room at the receiver.
                Sender::Rst(due) if due <= now && !hold => return Poll::Ready(Step::SenderReset),
                Sender::Open | Sender::Gone => {
                    if let Poll::Ready(step) = self.take_in(cx, from, to, now) {
                        match step {
                            Some(step) => return Poll::Ready(step),
                            None => continue,
                        }
                    }
                }
                Sender::Rst(_) | Sender::Fin(_) => {}
            }
            if !self.alarm_rings(cx, now) {
                return Poll::Pending;
            }
        }
    }

    /// The sender is known to have been reset: the other lane could not write to it.
    pub(super) fn sender_is_gone(&mut self) {
        match self.sender {
            Sender::Open => self.sender = Sender::Gone,
            Sender::Fin(_) => self.see_reset(Instant::now()),
            Sender::Gone | Sender::Rst(_) => {}
        }
    }

    /// The sender was reset, whether or not the receiver may know.
    pub(super) fn sender_was_reset(&self) -> bool {
        matches!(self.sender, Sender::Gone | Sender::Rst(_))
    }

    /// The sender's FIN was seen, whether or not the receiver may know.
    pub(super) fn sender_has_finished(&self) -> bool {
        matches!(self.sender, Sender::Fin(_))
    }

    /// The receiver has the FIN.
    pub(super) fn is_finished(&self) -> bool {
        self.receiver == Receiver::Finished
    }

    /// Bytes taken off the sender that the receiver did not get.
    pub(super) fn held(&self) -> usize {
        self.queue.len()
    }

    /// Bytes handed to the receiver since the last call.
    pub(super) fn take_moved(&mut self) -> u64 {
        std::mem::take(&mut self.moved)
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
        match self.sender {
            Sender::Fin(due) if due <= now && self.queue.is_empty() => {
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
        if self.queue.room() == 0 {
            if self.sender == Sender::Gone {
                self.see_reset(now);
                return Poll::Ready(None);
            }
            return Poll::Pending;
        }
        #[expect(clippy::large_stack_arrays, reason = "uninitialised, and only for the length of this call")]
        let mut space = [const { MaybeUninit::uninit() }; CAPACITY];
        let mut buf = ReadBuf::uninit(&mut space[..self.queue.room()]);
        match std::task::ready!(Pin::new(from).poll_read(cx, &mut buf)) {
            Ok(()) if !buf.filled().is_empty() => Poll::Ready(self.pass(cx, buf.filled(), to, now)),
            Ok(()) if self.sender == Sender::Open => {
                self.sender = Sender::Fin(self.due(now));
                self.credit(1);
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
        let begins: Faults =
            self.gate.stall.iter().filter(|fault| !self.credited.contains(fault)).copied().collect();
        self.ledger.bytes(&begins, 1);
        self.credited.clone_from(&self.gate.stall);
    }

    fn see_reset(&mut self, now: Instant) {
        let due = self.due(now);
        self.sender = Sender::Rst(self.queue.last_due().map_or(due, |last| last.max(due)));
        self.credit(1);
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

    /// Whether something has become due; else the task is woken when it does.
    fn alarm_rings(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        let end = match self.sender {
            Sender::Rst(due) => Some(due),
            Sender::Fin(due) if self.queue.is_empty() => Some(due),
            _ => None,
        };
        let chunk = if self.receiver == Receiver::Open { self.queue.next_due(now) } else { None };
        let next = [end.filter(|due| *due > now), chunk].into_iter().flatten().min();
        let Some(at) = next.filter(|_| !self.gate.holds()) else {
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
