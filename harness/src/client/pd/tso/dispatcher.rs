//! The task that serves timestamps.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};
use unstuck_record::Resource;

use super::super::DEFAULT_TIMEOUT;
use super::super::discovery::Discovery;
use super::super::revision::Behaviour;
use super::error::TsoError;
use super::queue::{Done, Queue};
use super::stream::{Stamps, TsoStream};
use crate::client::ctx::Ctx;
use crate::client::{Env, Log, Scale};
use crate::probe::{Site, frame, wait};

/// Between two tries to open a stream (pd/client: `retryInterval`), and so many of them (`maxRetryTimes`).
const RETRY_INTERVAL: Duration = Duration::from_millis(500);
const RETRIES: u32 = 6;

#[derive(Debug)]
pub(super) struct Dispatcher {
    discovery: Discovery,
    queue: Arc<Queue>,
    behaviour: Behaviour,
    log: Log,
    scale: Scale,
    clock: unstuck_net::Clock,
    stream: Option<TsoStream>,
    /// The last timestamp of the last batch.
    last: u64,
}

/// Why no stream was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unopened {
    /// Not this time.
    Failed,
    /// The dispatcher ends over it: see [`Behaviour::outlives_its_streams`].
    Fatal,
}

impl Dispatcher {
    pub(super) fn new(env: &Env, discovery: Discovery, queue: Arc<Queue>, behaviour: Behaviour) -> Self {
        Self {
            discovery,
            queue,
            behaviour,
            log: env.log.clone(),
            scale: env.scale,
            clock: env.tasks.clock(),
            stream: None,
            last: 0,
        }
    }

    /// Serves batches until `ctx` ends.
    pub(super) async fn run(mut self, ctx: &Ctx) {
        loop {
            let queue = self.queue.clone();
            let site = Site::new("fetchPendingRequests", requests()).idle();
            let Ok(batch) = wait(site, ctx.run(queue.batch())).await else { return };
            match frame("streamChoosingLoop", Box::pin(self.ready(ctx))).await {
                Ok(true) => frame("processRequests", Box::pin(self.process(ctx, batch))).await,
                Ok(false) => {
                    self.say("create tso stream error");
                    self.discovery.schedule_check();
                    finish(batch, &Err(TsoError::Create));
                }
                // nobody answers the batch, nor any that comes later
                Err(Ended) => return,
            }
        }
    }

    /// Sees to a stream to the leader; false if there is none after the time limit of a request.
    async fn ready(&mut self, ctx: &Ctx) -> Result<bool, Ended> {
        let until = Instant::now() + self.scale.timer(DEFAULT_TIMEOUT);
        loop {
            let leader = self.discovery.leader();
            // a stream to a member that leads no more is given up
            self.stream.take_if(|stream| Some(stream.member) != leader);
            if self.stream.is_some() {
                return Ok(true);
            }
            match frame("tryConnectToTSO", Box::pin(self.connect(ctx))).await {
                Ok(()) => {}
                Err(Unopened::Fatal) => return Err(Ended),
                Err(Unopened::Failed) if Instant::now() >= until || ctx.error().is_some() => {
                    return Ok(false);
                }
                Err(Unopened::Failed) => {
                    self.discovery.pause(ctx, "streamChoosingLoop/retry", RETRY_INTERVAL).await;
                }
            }
        }
    }

    /// Tries to open a stream to whoever leads, six times.
    async fn connect(&mut self, ctx: &Ctx) -> Result<(), Unopened> {
        let mut ticker = tokio::time::interval(self.scale.timer(RETRY_INTERVAL));
        ticker.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticker.tick().await;
        for _ in 0..RETRIES {
            self.discovery.schedule_check();
            if let Some(leader) = self.discovery.leader() {
                let conn = self.discovery.conn(leader);
                match TsoStream::open(ctx, &conn, leader, self.scale.timer(DEFAULT_TIMEOUT)).await {
                    Ok(stream) => {
                        self.stream = Some(stream);
                        return Ok(());
                    }
                    Err(error) => {
                        self.say(&format!("create tso stream error] [error=\"{}\"", error.status.message()));
                        if error.ctx_ended && !self.behaviour.outlives_its_streams {
                            return Err(Unopened::Fatal);
                        }
                    }
                }
            }
            let until_ms = self.clock.ms() + self.scale.timer(RETRY_INTERVAL).as_millis() as u64;
            let site = Site::new("tryConnectToTSO/ticker", Resource::Timer { until_ms });
            if wait(site, ctx.run(ticker.tick())).await.is_err() {
                break;
            }
        }
        Err(Unopened::Failed)
    }

    /// One request for the whole batch. An error is everybody's, and ends the stream.
    async fn process(&mut self, ctx: &Ctx, batch: Vec<Done>) {
        let Some(stream) = &mut self.stream else { return finish(batch, &Err(TsoError::Create)) };
        let member = stream.member;
        let over = async {
            tokio::select! {
                biased;
                () = self.discovery.switched_from(member) => {}
                () = tokio::time::sleep(self.scale.timer(DEFAULT_TIMEOUT)) => {}
            }
        };
        let count = u32::try_from(batch.len()).expect("a batch is bounded");
        let answer = stream.request(self.discovery.cluster_id(), count, over).await;
        let answer = answer.and_then(|stamps| later(&mut self.last, stamps));
        finish(batch, &answer);
        let Err(error) = answer else { return };
        self.say(&format!("getTS error after processing requests] [stream-url={member}] [error=\"{error}\""));
        self.stream = None;
        self.discovery.schedule_check();
        if error.is_leader_change() {
            // if it fails, the task that looks for the leader goes on
            let _looked = self.discovery.check(ctx).await;
        }
    }

    fn say(&self, line: &str) {
        self.log.line(format!("[tso] [{line}]"));
    }
}

/// The dispatcher is over, and whoever waits for it is not told.
#[derive(Debug)]
struct Ended;

/// What an idle dispatcher waits for: whoever calls next.
fn requests() -> Resource {
    Resource::Channel { name: "tsoRequestCh".to_owned(), actors: vec![] }
}

/// Each batch begins after the end of the one before, whoever led.
fn later(last: &mut u64, stamps: Stamps) -> Result<Stamps, TsoError> {
    if stamps.first <= *last {
        return Err(TsoError::Fallback { last: *last, first: stamps.first });
    }
    *last = stamps.last;
    Ok(stamps)
}

/// Answers the requests of a batch in the order in which they came.
fn finish(batch: Vec<Done>, answer: &Result<Stamps, TsoError>) {
    for (done, nth) in batch.into_iter().zip(0..) {
        // its caller may have left
        let _left = done.send(answer.clone().map(|stamps| stamps.first + nth));
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[test]
    fn a_batch_that_begins_at_or_before_the_end_of_the_last_is_a_fallback() {
        let mut last = 0;
        assert!(later(&mut last, Stamps { first: 5, last: 9 }).is_ok());
        for first in [9, 3] {
            let refused = later(&mut last, Stamps { first, last: 20 });
            assert!(matches!(refused, Err(TsoError::Fallback { last: 9, .. })), "{refused:?}");
        }
        assert!(later(&mut last, Stamps { first: 10, last: 10 }).is_ok());
        assert_eq!(last, 10);
    }

    #[test]
    fn each_request_of_a_batch_gets_the_next_timestamp_and_an_error_is_everybodys() {
        let batch = || -> (Vec<Done>, Vec<_>) { (0..3).map(|_| oneshot::channel()).unzip() };
        let (done, answers) = batch();
        finish(done, &Ok(Stamps { first: 7, last: 9 }));
        let got: Vec<u64> =
            answers.into_iter().map(|mut answer| answer.try_recv().unwrap().unwrap()).collect();
        assert_eq!(got, [7, 8, 9]);
        let (done, answers) = batch();
        finish(done, &Err(TsoError::StreamClosed));
        assert!(answers.into_iter().all(|mut answer| answer.try_recv().unwrap().is_err()));
    }
}
