//! Go's unbuffered channel: a send completes when, and only when, a receiver has taken the value.
//!
//! ```text
//!   send ──► offers (FIFO) ──► next        a send that is dropped withdraws its offer;
//!        ◄── taken ◄────────────┘          a receive that is dropped has taken nothing
//! ```

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot};

use crate::probe::{ActorGuard, Actors, Site, wait};

/// An unbuffered channel with any number of senders and receivers. Clones are the same channel.
#[derive(Debug)]
pub(super) struct Chan<T>(Arc<Shared<T>>);

#[derive(Debug)]
struct Shared<T> {
    send_site: &'static str,
    state: Mutex<State<T>>,
    /// One permit an offer; waiting receivers take their turns in order.
    changed: Notify,
    senders: Actors,
    receivers: Actors,
}

#[derive(Debug)]
struct State<T> {
    offers: VecDeque<Offer<T>>,
    last_id: u64,
    closed: bool,
}

#[derive(Debug)]
struct Offer<T> {
    id: u64,
    value: T,
    taken: oneshot::Sender<()>,
}

impl<T> Chan<T> {
    /// An open channel. Senders wait at `send_site`, for whoever receives on `name`.
    pub(super) fn new(name: impl Into<String>, send_site: &'static str) -> Self {
        let name = name.into();
        Self(Arc::new(Shared {
            send_site,
            state: Mutex::new(State { offers: VecDeque::new(), last_id: 0, closed: false }),
            changed: Notify::new(),
            senders: Actors::new(name.clone()),
            receivers: Actors::new(name),
        }))
    }

    /// Counts the current task among the receivers until the guard drops.
    #[must_use = "the task stops being a receiver when this guard drops"]
    pub(super) fn receives(&self) -> ActorGuard {
        self.0.receivers.join()
    }

    /// Counts the current task among the senders until the guard drops.
    #[must_use = "the task stops being a sender when this guard drops"]
    pub(super) fn sends(&self) -> ActorGuard {
        self.0.senders.join()
    }

    /// Waits until a receiver has taken `value`. Dropped before that, the value is nobody's.
    pub(super) async fn send(&self, value: T) {
        let (taken, when_taken) = oneshot::channel();
        let id = self.state().offer(value, taken);
        let _withdrawn = Withdraw { chan: self, id };
        self.0.changed.notify_one();
        // an error would mean that the offers were dropped with the channel, which we hold
        let _taken = wait(Site::on(self.0.send_site, &self.0.receivers), when_taken).await;
    }

    /// The next value, waited for at `site`; `None` once the channel is closed and nothing is offered. Waiting for
    /// ever is normal.
    pub(super) async fn recv(&self, site: &'static str) -> Option<T> {
        wait(Site::on(site, &self.0.senders).idle(), self.next()).await
    }

    /// The next value; `None` once the channel is closed and nothing is offered. It has no wait site of its own:
    /// it is a case of its caller's select. Dropped, it has taken nothing.
    pub(super) async fn next(&self) -> Option<T> {
        loop {
            let changed = self.0.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if let Some(offer) = self.state().offers.pop_front() {
                let _sender_may_be_gone = offer.taken.send(());
                return Some(offer.value);
            }
            if self.state().closed {
                return None;
            }
            changed.await;
        }
    }

    /// Whoever receives gets `None` from now on.
    pub(super) fn close(&self) {
        self.state().closed = true;
        self.0.changed.notify_waiters();
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Clone for Chan<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> State<T> {
    fn offer(&mut self, value: T, taken: oneshot::Sender<()>) -> u64 {
        self.last_id += 1;
        self.offers.push_back(Offer { id: self.last_id, value, taken });
        self.last_id
    }
}

struct Withdraw<'a, T> {
    chan: &'a Chan<T>,
    id: u64,
}

impl<T> Drop for Withdraw<'_, T> {
    fn drop(&mut self) {
        self.chan.state().offers.retain(|offer| offer.id != self.id);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::{Instant, sleep, timeout};

    use super::*;

    fn chan() -> Chan<u32> {
        Chan::new("numbers", "numbers/send")
    }

    #[tokio::test(start_paused = true)]
    async fn a_send_completes_when_a_receiver_took_the_value() {
        let chan = chan();
        let sender = chan.clone();
        let sent_at = tokio::spawn(async move {
            sender.send(7).await;
            Instant::now()
        });
        let start = Instant::now();
        sleep(Duration::from_secs(5)).await;
        assert!(!sent_at.is_finished(), "nobody has received yet");
        assert_eq!(chan.next().await, Some(7));
        assert_eq!(sent_at.await.unwrap() - start, Duration::from_secs(5));
    }

    #[tokio::test(start_paused = true)]
    async fn a_dropped_send_withdraws_its_value() {
        let chan = chan();
        assert!(timeout(Duration::from_secs(1), chan.send(1)).await.is_err());
        let (received, ()) = tokio::join!(chan.next(), chan.send(2));
        assert_eq!(received, Some(2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_dropped_receive_takes_nothing() {
        let chan = chan();
        assert!(timeout(Duration::from_secs(1), chan.next()).await.is_err());
        let sender = chan.clone();
        let sent = tokio::spawn(async move { sender.send(3).await });
        sleep(Duration::from_secs(1)).await;
        assert!(!sent.is_finished());
        assert_eq!(chan.next().await, Some(3));
    }

    #[tokio::test(start_paused = true)]
    async fn senders_are_served_in_the_order_in_which_they_came() {
        let chan = chan();
        for value in 0..3 {
            let sender = chan.clone();
            tokio::spawn(async move { sender.send(value).await });
            sleep(Duration::from_millis(1)).await;
        }
        assert_eq!([chan.next().await, chan.next().await, chan.next().await], [Some(0), Some(1), Some(2)]);
    }

    #[tokio::test(start_paused = true)]
    async fn receivers_are_served_in_the_order_in_which_they_came() {
        let chan = chan();
        let receive = |chan: Chan<u32>| tokio::spawn(async move { chan.recv("numbers").await });
        let (first, second) = (receive(chan.clone()), receive(chan.clone()));
        sleep(Duration::from_millis(1)).await;
        chan.send(1).await;
        chan.send(2).await;
        assert_eq!((first.await.unwrap(), second.await.unwrap()), (Some(1), Some(2)));
    }

    /// Both offers come before anybody looks; the receiver that looks first must not keep the other asleep.
    #[tokio::test(start_paused = true)]
    async fn two_offers_at_once_reach_two_receivers() {
        let chan = chan();
        let receive = |chan: Chan<u32>| tokio::spawn(async move { chan.next().await });
        let (one, two) = (receive(chan.clone()), receive(chan.clone()));
        sleep(Duration::from_millis(1)).await;
        tokio::join!(chan.send(1), chan.send(2));
        assert_eq!([one.await.unwrap(), two.await.unwrap()].iter().flatten().sum::<u32>(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn of_two_receivers_one_gets_the_value_and_both_see_the_close() {
        let chan = chan();
        let receive = |chan: Chan<u32>| tokio::spawn(async move { (chan.next().await, chan.next().await) });
        let (one, two) = (receive(chan.clone()), receive(chan.clone()));
        sleep(Duration::from_millis(1)).await;
        chan.send(9).await;
        chan.close();
        let mut got = [one.await.unwrap(), two.await.unwrap()];
        got.sort();
        assert_eq!(got, [(None, None), (Some(9), None)]);
    }
}
