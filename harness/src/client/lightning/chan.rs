//! Go's unbuffered channel: a send ends when a receiver has taken the value, so the channel itself never owns one.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::probe::{Actors, Site, wait};

/// An unbuffered channel for many senders and many receivers, first come first served. Cheap to clone.
///
/// Whoever may send or receive says so with [`Chan::sends`] and [`Chan::receives`]: a dump then tells whom a
/// waiting task waits for.
#[derive(Debug)]
pub(super) struct Chan<T>(Arc<Inner<T>>);

#[derive(Debug)]
struct Inner<T> {
    name: &'static str,
    senders: Actors,
    receivers: Actors,
    state: Mutex<State<T>>,
}

#[derive(Debug)]
struct State<T> {
    closed: bool,
    offers: VecDeque<Offer<T>>,
    takers: VecDeque<oneshot::Sender<T>>,
}

/// A sender that waits. It takes its value back when it gives up.
#[derive(Debug)]
struct Offer<T> {
    value: Slot<T>,
    taken: oneshot::Sender<()>,
}

type Slot<T> = Arc<Mutex<Option<T>>>;

impl<T> Clone for Chan<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Chan<T> {
    /// An open channel. `name` is the wait site of both its ends.
    pub(super) fn new(name: &'static str) -> Self {
        let state = State { closed: false, offers: VecDeque::new(), takers: VecDeque::new() };
        Self(Arc::new(Inner {
            name,
            senders: Actors::new(name),
            receivers: Actors::new(name),
            state: Mutex::new(state),
        }))
    }
    /// The tasks that send: receivers wait for them.
    pub(super) fn sends(&self) -> &Actors {
        &self.0.senders
    }
    /// The tasks that receive: senders wait for them.
    pub(super) fn receives(&self) -> &Actors {
        &self.0.receivers
    }

    /// Waits until a receiver has taken `value`. A cancelled send has given nothing away.
    pub(super) async fn send(&self, value: T) {
        let Some((slot, taken)) = self.offer(value) else { return };
        let _withdraw = Withdraw(slot);
        let _closed = wait(Site::on(self.0.name, &self.0.receivers), taken).await;
    }

    /// Waits for a value; `None` when the channel is closed and no sender waits. Waiting here for ever is normal.
    pub(super) async fn recv(&self) -> Option<T> {
        let given = match self.take() {
            Ok(now) => return now,
            Err(given) => given,
        };
        wait(Site::on(self.0.name, &self.0.senders).idle(), given).await.ok()
    }

    /// Ends the receivers that wait, now and later.
    pub(super) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        state.takers.clear();
    }

    /// Gives the value to a receiver that waits, or queues it.
    fn offer(&self, mut value: T) -> Option<(Slot<T>, oneshot::Receiver<()>)> {
        let mut state = self.state();
        while let Some(taker) = state.takers.pop_front() {
            match taker.send(value) {
                Ok(()) => return None,
                Err(gone) => value = gone,
            }
        }
        let slot = Arc::new(Mutex::new(Some(value)));
        let (taken, wait) = oneshot::channel();
        state.offers.push_back(Offer { value: slot.clone(), taken });
        Some((slot, wait))
    }

    /// Takes a value from a sender that waits, or queues up.
    fn take(&self) -> Result<Option<T>, oneshot::Receiver<T>> {
        let mut state = self.state();
        while let Some(offer) = state.offers.pop_front() {
            if let Some(value) = lock(&offer.value).take() {
                let _gave_up_meanwhile = offer.taken.send(());
                return Ok(Some(value));
            }
        }
        if state.closed {
            return Ok(None);
        }
        let (taker, given) = oneshot::channel();
        state.takers.push_back(taker);
        Err(given)
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        lock(&self.0.state)
    }
}

/// Takes back what nobody has taken when the send is cancelled.
struct Withdraw<T>(Slot<T>);

impl<T> Drop for Withdraw<T> {
    fn drop(&mut self) {
        let _untaken = lock(&self.0).take();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::{sleep, timeout};

    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    #[tokio::test(start_paused = true)]
    async fn a_send_ends_only_when_a_receiver_has_taken_the_value() {
        let chan = Chan::new("test");
        assert!(timeout(LONG, chan.send(1)).await.is_err());
        let sender = tokio::spawn({
            let chan = chan.clone();
            async move { chan.send(2).await }
        });
        sleep(LONG).await;
        assert!(!sender.is_finished());
        // the cancelled send took its value back, so this is the second one
        assert_eq!(chan.recv().await, Some(2));
        sender.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_receiver_that_gave_up_gets_nothing() {
        let chan = Chan::new("test");
        assert!(timeout(LONG, chan.recv()).await.is_err());
        assert!(timeout(LONG, chan.send(1)).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn receivers_are_served_in_the_order_they_came() {
        let chan = Chan::new("test");
        let [first, second] = [1, 2].map(|name| {
            let chan = chan.clone();
            tokio::spawn(async move { (name, chan.recv().await) })
        });
        sleep(LONG).await;
        chan.send('a').await;
        chan.send('b').await;
        assert_eq!(first.await.unwrap(), (1, Some('a')));
        assert_eq!(second.await.unwrap(), (2, Some('b')));
    }

    #[tokio::test(start_paused = true)]
    async fn a_closed_channel_ends_its_receivers() {
        let chan = Chan::<()>::new("test");
        let waiting = tokio::spawn({
            let chan = chan.clone();
            async move { chan.recv().await }
        });
        sleep(LONG).await;
        chan.close();
        assert_eq!(waiting.await.unwrap(), None);
        assert_eq!(chan.recv().await, None);
    }
}
