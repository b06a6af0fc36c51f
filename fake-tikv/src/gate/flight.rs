//! One call in flight: what the request's side and the response's side of it share.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::task::AtomicWaker;

use super::Connection;
use crate::answer::{After, How, Rule, Then};
use crate::journal::{Call, Outcome};
use crate::methods::Method;

/// Waits as long as scripts hold a message.
pub(super) type Hold = BoxFuture<'static, ()>;
/// A chunk that they hold. Most calls have none: boxed.
pub(super) type Held = (Hold, Bytes);

/// Closes a connection from within one of its calls. One task waits for it, and asks whenever it runs.
#[derive(Debug, Default)]
pub(crate) struct Severed {
    due: AtomicBool,
    waker: AtomicWaker,
}

impl Severed {
    /// Ready when a call wants its connection closed.
    pub(crate) fn poll_severed(&self, cx: &Context<'_>) -> Poll<()> {
        poll_due(&self.due, &self.waker, cx)
    }
    fn sever(&self) {
        self.due.store(true, Ordering::Release);
        self.waker.wake();
    }
}

fn poll_due(due: &AtomicBool, waker: &AtomicWaker, cx: &Context<'_>) -> Poll<()> {
    let due = || due.load(Ordering::Acquire);
    if due() {
        return Poll::Ready(());
    }
    waker.register(cx.waker());
    if due() { Poll::Ready(()) } else { Poll::Pending }
}

#[derive(Debug)]
pub(super) struct Flight {
    pub(super) call: Call,
    method: Option<&'static Method>,
    at: Arc<Connection>,
    /// Most calls meet none.
    meets: OnceLock<Box<Mutex<Meets>>>,
    /// A cut is due: the response's side has to carry it out.
    cut: AtomicBool,
    waker: AtomicWaker,
}

/// The scripts that the call has met.
#[derive(Debug, Default)]
struct Meets {
    /// The id of the last rule that was asked.
    last: u64,
    holds: Vec<Arc<Rule>>,
    cut: Option<(Arc<Rule>, After, How)>,
    /// Messages to come from the client whose hold is behind them.
    held_before: u64,
    /// Messages from the node that answer to one that was held, and are not held again.
    free: u64,
}

/// Which side of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Request,
    Response,
}

/// How much of a side may still pass before the call is cut.
#[derive(Clone, Copy, Debug)]
pub(super) struct Left {
    pub(super) messages: u64,
    pub(super) bytes: u64,
}

impl Left {
    pub(super) const ALL: Self = Self { messages: u64::MAX, bytes: u64::MAX };

    pub(super) fn is_none(self) -> bool {
        self.messages == 0 || self.bytes == 0
    }
}

impl Flight {
    pub(super) fn new(call: Call, method: Option<&'static Method>, at: Arc<Connection>) -> Self {
        let (cut, waker) = (AtomicBool::new(false), AtomicWaker::new());
        Self { call, method, at, meets: OnceLock::new(), cut, waker }
    }

    /// `None` where no script is set: then there is nothing to look at.
    fn meets(&self) -> Option<MutexGuard<'_, Meets>> {
        (!self.at.gate.answers.is_empty())
            .then(|| self.meets.get_or_init(Box::default).lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Meets the scripts at the arrival: how long the call is held, and what answers it instead.
    pub(super) fn arrive(&self) -> (Option<Hold>, Option<Arc<Rule>>) {
        let Some(mut meets) = self.meets() else { return (None, None) };
        let (met, last) = self.at.gate.answers.met_by(self.at.gate.node, self.method);
        meets.last = last;
        let mut instead = None;
        for rule in met {
            self.call.met(rule.id);
            if !meets.take_up(&rule) {
                instead = Some(rule);
            }
        }
        let hold = meets.hold();
        if hold.is_some() {
            (meets.held_before, meets.free) = (1, 1);
        }
        (hold, instead)
    }

    /// Meets the scripts that were set meanwhile.
    fn look_again(&self) -> Option<MutexGuard<'_, Meets>> {
        let mut meets = self.meets()?;
        let gate = &self.at.gate;
        for rule in gate.answers.met_in_flight(gate.node, self.method, &mut meets.last) {
            self.call.met(rule.id);
            meets.take_up(&rule);
        }
        Some(meets)
    }

    /// How long a message is held.
    pub(super) fn hold(&self, side: Side) -> Option<Hold> {
        let mut meets = self.look_again()?;
        if meets.holds.is_empty() {
            return None;
        }
        match side {
            Side::Request if meets.held_before > 0 => meets.held_before -= 1,
            Side::Request => {
                meets.free += 1;
                return meets.hold();
            }
            Side::Response if meets.free > 0 => meets.free -= 1,
            Side::Response => return meets.hold(),
        }
        None
    }

    /// How long the headers of the response are held. The first message behind them is not held again.
    pub(super) fn hold_headers(&self) -> Option<Hold> {
        let mut meets = self.look_again()?;
        let hold = (meets.free == 0).then(|| meets.hold()).flatten();
        meets.free += u64::from(hold.is_some());
        hold
    }

    /// How much of this side may still pass.
    pub(super) fn left(&self, side: Side) -> Left {
        let Some(meets) = self.look_again() else { return Left::ALL };
        let flow = self.call.flow();
        let (messages, bytes) = match side {
            Side::Request => (&flow.messages_in, &flow.bytes_in),
            Side::Response => (&flow.messages_out, &flow.bytes_out),
        };
        let messages = |most: u64| most.saturating_sub(messages.load(Ordering::Relaxed));
        let bytes = |most: u64| most.saturating_sub(bytes.load(Ordering::Relaxed));
        let after = meets.cut.as_ref().filter(|(rule, ..)| !rule.is_removed()).map(|(_, after, _)| *after);
        match (side, after) {
            (Side::Request, Some(After::Requests(n))) | (Side::Response, Some(After::Responses(n))) => {
                Left { messages: messages(n), ..Left::ALL }
            }
            (Side::Request, Some(After::RequestBytes(n)))
            | (Side::Response, Some(After::ResponseBytes(n))) => Left { bytes: bytes(n), ..Left::ALL },
            _ => Left::ALL,
        }
    }

    /// Nothing more may pass: the response's side is to cut the call.
    pub(super) fn cut(&self) {
        self.cut.store(true, Ordering::Release);
        self.waker.wake();
    }

    /// Ready when the call is to be cut.
    pub(super) fn poll_cut(&self, cx: &Context<'_>) -> Poll<()> {
        poll_due(&self.cut, &self.waker, cx)
    }

    /// Whether a script cuts the call, be it sooner or later.
    pub(super) fn is_cut(&self) -> bool {
        self.look_again().is_some_and(|meets| meets.cut.as_ref().is_some_and(|(rule, ..)| !rule.is_removed()))
    }

    /// Cuts the call by the end of its connection.
    pub(super) fn sever(&self) {
        self.call.ended(Outcome::Cut);
        self.at.severed.sever();
    }

    /// Cuts the call: with this error of its stream, or, pending, by the end of its connection or by silence.
    pub(super) fn end_cut(&self) -> Poll<h2::Error> {
        self.call.ended(Outcome::Cut);
        let met = self.meets.get().map(|meets| meets.lock().unwrap_or_else(PoisonError::into_inner));
        match met.and_then(|meets| meets.cut.as_ref().map(|cut| cut.2)) {
            Some(How::Reset { code }) => Poll::Ready(h2::Reason::from(code).into()),
            Some(How::Silence) => Poll::Pending,
            Some(How::Close) | None => {
                self.at.severed.sever();
                Poll::Pending
            }
        }
    }
}

impl Meets {
    /// Keeps a rule that acts on messages. False: the rule answers.
    fn take_up(&mut self, rule: &Arc<Rule>) -> bool {
        match rule.script.then {
            Then::Delay { .. } | Then::Silence => self.holds.push(rule.clone()),
            Then::Cut { after, how } => {
                self.cut.get_or_insert((rule.clone(), after, how));
            }
            _ => return false,
        }
        true
    }

    fn hold(&self) -> Option<Hold> {
        let holds = self.holds.clone();
        (!holds.is_empty()).then(|| -> Hold {
            Box::pin(async move {
                for rule in holds {
                    rule.hold().await;
                }
            })
        })
    }
}
