//! When to ping an idle connection, and when to give it up, as grpc-go's transport does.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

/// The keepalive of one connection.
#[derive(Debug)]
pub(super) struct Keepalive {
    time: Duration,
    timeout: Duration,
    permit_without_stream: bool,
    timer: Pin<Box<Sleep>>,
    read_before: Instant,
    /// A ping is out and nothing was read since: so much is left to wait.
    outstanding: Option<Duration>,
    /// No streams, no pings: the next stream wakes it, and is greeted with one.
    dormant: bool,
}

/// What to do now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Act {
    Ping,
    GiveUp,
}

impl Keepalive {
    pub(super) fn new(time: Duration, timeout: Duration, permit_without_stream: bool) -> Self {
        Self {
            time,
            timeout,
            permit_without_stream,
            timer: Box::pin(sleep(time)),
            read_before: Instant::now(),
            outstanding: None,
            dormant: false,
        }
    }

    /// Call again after an [`Act`], whenever something was read, and whenever the number of streams changed.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, last_read: Instant, streams: usize) -> Poll<Act> {
        loop {
            if self.dormant {
                if streams == 0 {
                    return Poll::Pending;
                }
                self.dormant = false;
            } else {
                ready!(self.timer.as_mut().poll(cx));
                if last_read > self.read_before {
                    self.outstanding = None;
                    self.read_before = last_read;
                    self.timer.as_mut().reset(last_read + self.time);
                    continue;
                }
                if self.outstanding == Some(Duration::ZERO) {
                    return Poll::Ready(Act::GiveUp);
                }
                if streams == 0 && !self.permit_without_stream {
                    self.outstanding = None;
                    self.dormant = true;
                    continue;
                }
            }
            let ping = self.outstanding.is_none();
            let left = self.outstanding.unwrap_or(self.timeout);
            let nap = left.min(self.time);
            self.outstanding = Some(left.saturating_sub(nap));
            self.timer.as_mut().reset(Instant::now() + nap);
            if ping {
                return Poll::Ready(Act::Ping);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    const TIME: Duration = Duration::from_secs(10);
    const TIMEOUT: Duration = Duration::from_secs(3);

    #[tokio::test(start_paused = true)]
    async fn silence_is_pinged_after_time_and_given_up_after_timeout() {
        let start = Instant::now();
        let mut keepalive = Keepalive::new(TIME, TIMEOUT, true);
        assert_eq!(poll_fn(|cx| keepalive.poll(cx, start, 0)).await, Act::Ping);
        assert_eq!(start.elapsed(), TIME);
        assert_eq!(poll_fn(|cx| keepalive.poll(cx, start, 0)).await, Act::GiveUp);
        assert_eq!(start.elapsed(), TIME + TIMEOUT);
    }

    #[tokio::test(start_paused = true)]
    async fn a_timeout_longer_than_the_time_is_waited_out_with_one_ping() {
        let start = Instant::now();
        let mut keepalive = Keepalive::new(TIMEOUT, TIME, true);
        assert_eq!(poll_fn(|cx| keepalive.poll(cx, start, 0)).await, Act::Ping);
        assert_eq!(poll_fn(|cx| keepalive.poll(cx, start, 0)).await, Act::GiveUp);
        assert_eq!(start.elapsed(), TIMEOUT + TIME);
    }

    #[tokio::test(start_paused = true)]
    async fn whatever_is_read_counts_as_the_answer() {
        let start = Instant::now();
        let mut keepalive = Keepalive::new(TIME, TIMEOUT, true);
        assert_eq!(poll_fn(|cx| keepalive.poll(cx, start, 1)).await, Act::Ping);
        let read = Instant::now() + Duration::from_secs(1);
        tokio::time::sleep_until(read).await;
        assert_eq!(poll_fn(|cx| keepalive.poll(cx, read, 1)).await, Act::Ping);
        assert_eq!(start.elapsed(), TIME + Duration::from_secs(1) + TIME);
    }

    #[tokio::test(start_paused = true)]
    async fn without_streams_it_sleeps_until_there_is_one() {
        let start = Instant::now();
        let mut keepalive = Keepalive::new(TIME, TIMEOUT, false);
        let hour = Duration::from_secs(3600);
        let idle = tokio::time::timeout(hour, poll_fn(|cx| keepalive.poll(cx, start, 0))).await;
        assert!(idle.is_err());
        assert_eq!(poll_fn(|cx| keepalive.poll(cx, start, 1)).await, Act::Ping);
        assert_eq!(start.elapsed(), hour);
    }
}
