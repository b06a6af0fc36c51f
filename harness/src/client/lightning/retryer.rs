//! Jobs that wait for their next try, soonest first.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};
use unstuck_net::Clock;
use unstuck_record::Resource;

use super::call::call;
use super::job::Job;
use super::wait_group::WaitGroup;
use crate::client::chan::Chan;
use crate::client::ctx::Ctx;
use crate::probe::{Actors, Site, wait};

/// Holds jobs until their time, then puts them back. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Retryer(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: Clock,
    heap: Mutex<Heap>,
    /// A job came in: the first one may be another now.
    reload: Notify,
    pushers: Actors,
}

#[derive(Debug, Default)]
struct Heap {
    closed: bool,
    pushed: u64,
    jobs: BinaryHeap<Waiting>,
}

/// Ordered so that the greatest is the soonest; of equals, the one that came first.
#[derive(Debug)]
struct Waiting {
    job: Job,
    number: u64,
}

impl Retryer {
    /// Nothing waits yet.
    pub(super) fn new(clock: Clock) -> Self {
        let pushers = Actors::new("retry-heap");
        Self(Arc::new(Inner { clock, heap: Mutex::default(), reload: Notify::new(), pushers }))
    }
    /// The tasks that push.
    pub(super) fn pushes(&self) -> &Actors {
        &self.0.pushers
    }

    /// Keeps `job` until its time. Never waits; after the end the job is dropped.
    pub(super) fn push(&self, job: Job) {
        let mut heap = self.heap();
        if heap.closed {
            return;
        }
        heap.pushed += 1;
        let number = heap.pushed;
        heap.jobs.push(Waiting { job, number });
        drop(heap);
        self.0.reload.notify_one();
    }

    /// Puts jobs back into `to_worker` at their time, until the context ends. What still waits then is dropped.
    pub(super) async fn run(self, ctx: Ctx, to_worker: Chan<Job>, job_wg: WaitGroup) {
        let _sends = to_worker.sends();
        let _owns = job_wg.owners().join();
        let putting_back = call("local.(*regionJobRetryer).run", async {
            loop {
                self.first_is_due().await;
                if let Some(job) = self.pop() {
                    to_worker.send(job).await;
                }
            }
        });
        let _ended = ctx.run(putting_back).await;
        let mut heap = self.heap();
        heap.closed = true;
        let left = std::mem::take(&mut heap.jobs);
        drop(heap);
        drop(left);
    }

    async fn first_is_due(&self) {
        let reload = self.0.reload.notified();
        let first = self.heap().jobs.peek().map(|first| first.job.wait_until);
        let Some(until) = first else {
            return wait(Site::on("retry-heap", &self.0.pushers).idle(), reload).await;
        };
        let timer = Resource::Timer { until_ms: self.0.clock.ms_at(until) };
        wait(Site::new("retry-heap", timer), async {
            tokio::select! {
                biased;
                () = reload => {}
                () = sleep_until(until) => {}
            }
        })
        .await;
    }

    /// The first job, if its time has come.
    fn pop(&self) -> Option<Job> {
        let mut heap = self.heap();
        if heap.jobs.peek()?.job.wait_until > Instant::now() {
            return None;
        }
        heap.jobs.pop().map(|first| first.job)
    }

    fn heap(&self) -> MutexGuard<'_, Heap> {
        self.0.heap.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.job.wait_until, other.number).cmp(&(self.job.wait_until, self.number))
    }
}
impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}
impl Eq for Waiting {}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::sleep;

    use super::super::job::Stage;
    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    struct Fixture {
        retryer: Retryer,
        to_worker: Chan<Job>,
        job_wg: WaitGroup,
        ctx: Ctx,
        running: tokio::task::JoinHandle<()>,
    }

    fn start() -> Fixture {
        let (retryer, to_worker) = (Retryer::new(Clock::start()), Chan::new("test", "test"));
        let (job_wg, ctx) = (WaitGroup::new("test"), Ctx::background());
        let run = retryer.clone().run(ctx.clone(), to_worker.clone(), job_wg.clone());
        Fixture { retryer, to_worker, job_wg, ctx, running: tokio::spawn(run) }
    }

    impl Fixture {
        /// A job for one key, due after so many seconds.
        fn push(&self, key: u64, seconds: u64) {
            self.retryer.push(Job {
                wait_until: Instant::now() + Duration::from_secs(seconds),
                ..Job::new(key..key + 1, Stage::RegionScanned, self.job_wg.add())
            });
        }
        async fn put_back(&self) -> u64 {
            self.to_worker.recv("test").await.unwrap().keys.start
        }
    }

    #[tokio::test(start_paused = true)]
    async fn jobs_come_back_soonest_first_and_equals_in_the_order_they_came() {
        let fixture = start();
        for (key, seconds) in [(1, 30), (2, 2), (3, 2), (4, 16)] {
            fixture.push(key, seconds);
        }
        let begun = Instant::now();
        let mut back = vec![];
        for _ in 0..4 {
            back.push((fixture.put_back().await, begun.elapsed().as_secs()));
        }
        assert_eq!(back, [(2, 2), (3, 2), (4, 16), (1, 30)]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_sooner_job_overtakes_the_one_that_is_waited_for() {
        let fixture = start();
        fixture.push(1, 3600);
        sleep(Duration::from_secs(1)).await;
        fixture.push(2, 2);
        assert_eq!(fixture.put_back().await, 2);
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_of_the_context_lets_go_of_every_job() {
        let fixture = start();
        fixture.push(1, 1);
        fixture.push(2, 7200);
        // the first is due and waits for a worker
        sleep(LONG).await;
        fixture.ctx.cancel();
        fixture.job_wg.wait().await;
        fixture.running.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_job_that_comes_after_the_end_is_let_go() {
        let fixture = start();
        fixture.ctx.cancel();
        sleep(LONG).await;
        fixture.push(3, 1);
        fixture.job_wg.wait().await;
    }
}
