//! Many cases on a few threads, each in a world of its own, under a watchdog on the wall clock.
//!
//! The watchdog is for a poll that never returns: such a thread cannot be stopped from outside, so its case is
//! ended on paper (its tasks dumped, its record closed) and the thread is left behind.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use unstuck_record::{Calls, End, EndReason, Line, Run, Work};

use super::status::{News, Shown};
use super::{Setup, Status, run_case};
use crate::verdict;

/// How often the screen and the watchdog look.
const TICK: Duration = Duration::from_millis(100);
/// A run's loop that has not turned for so long is wedged: between two turns lie some hundredths of the run's
/// whole work, which takes seconds on a slow machine.
pub const WEDGED_AFTER: Duration = Duration::from_secs(120);

/// One case to run.
#[derive(Clone, Debug)]
pub struct Job {
    /// The case.
    pub setup: Setup,
    /// Where its record goes.
    pub record: Option<PathBuf>,
    /// Whether the answer is to hold the verdict alone: a thousand records in memory are gigabytes.
    pub verdict_only: bool,
}

/// One case that has run.
#[derive(Debug)]
pub struct Done {
    /// The record with its judgement.
    pub run: io::Result<Run>,
    /// What it took on the wall clock.
    pub wall: Duration,
}

/// What happens in a batch, for a screen.
#[derive(Debug)]
pub enum Progress<'a> {
    /// A case began.
    Started(usize, &'a Job),
    /// A case runs on; ten times a second, and once before its end. With what happened since the last time.
    Running(usize, Shown, Vec<News>),
    /// A case has ended.
    Ended(usize, &'a Done),
}

/// Runs `jobs` on at most `threads` threads. Each answer is in its job's place; `None` if `stop` was set before
/// the job began. A case whose loop does not turn for `wedged_after` is given up. Once `stop` is set, running cases
/// end soon, heal their faults and keep what they know.
pub fn run_all(
    jobs: &[Job],
    threads: usize,
    wedged_after: Duration,
    stop: &AtomicBool,
    mut show: impl FnMut(Progress<'_>),
) -> Vec<Option<Done>> {
    let mut answers: Vec<Option<Done>> = jobs.iter().map(|_| None).collect();
    let mut waiting: VecDeque<usize> = (0..jobs.len()).collect();
    let mut running: Vec<Running> = vec![];
    let (sender, receiver) = mpsc::channel();
    loop {
        if stop.load(Ordering::Relaxed) {
            waiting.clear();
            for case in &running {
                case.status.interrupt();
            }
        }
        while running.len() < threads.max(1)
            && let Some(index) = waiting.pop_front()
        {
            show(Progress::Started(index, &jobs[index]));
            running.push(Running::start(index, &jobs[index], &sender));
        }
        if running.is_empty() {
            return answers;
        }
        let ended = match receiver.recv_timeout(TICK) {
            Ok((index, done)) => vec![(index, done)],
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                for case in &running {
                    show(case.progress());
                }
                running.iter_mut().filter_map(|case| case.wedged(wedged_after)).collect()
            }
        };
        for (index, done) in ended {
            // a thread given up for wedged may come back later: its answer is not wanted any more
            if let Some(place) = running.iter().position(|case| case.index == index) {
                show(running.remove(place).progress());
                show(Progress::Ended(index, &done));
                answers[index] = Some(done);
            }
        }
    }
}

struct Running {
    index: usize,
    status: Arc<Status>,
    beats: u64,
    still: u32,
}

impl Running {
    fn start(index: usize, job: &Job, sender: &Sender<(usize, Done)>) -> Self {
        let status = Arc::new(Status::default());
        let (theirs, job) = (Arc::clone(&status), job.clone());
        let spawned = thread::Builder::new().name(job.setup.case.clone()).spawn({
            let sender = sender.clone();
            move || {
                let (mut run, wall) = timed(|| run_case(&job.setup, job.record.as_deref(), &theirs));
                if let Ok(run) = &mut run
                    && job.verdict_only
                {
                    (run.events, run.samples, run.dumps) = (vec![], vec![], vec![]);
                }
                let _nobody_waits = sender.send((index, Done { run, wall }));
            }
        });
        if let Err(error) = spawned {
            let _received_below = sender.send((index, Done { run: Err(error), wall: Duration::ZERO }));
        }
        Self { index, status, beats: 0, still: 0 }
    }

    fn progress(&self) -> Progress<'static> {
        Progress::Running(self.index, self.status.shown(), self.status.take_news())
    }

    /// Looks whether the loop has turned; if not for long, ends the case on paper.
    fn wedged(&mut self, limit: Duration) -> Option<(usize, Done)> {
        let beats = self.status.beats();
        if beats != self.beats {
            (self.beats, self.still) = (beats, 0);
            return None;
        }
        self.still += 1;
        if TICK * self.still < limit {
            return None;
        }
        let (Some(recorder), tasks) = self.status.handles() else {
            let run = Err(io::Error::other("without faults already, a poll of the client never returns"));
            return Some((self.index, Done { run, wall: TICK * self.still }));
        };
        let at_ms = self.status.shown().at_ms;
        if let Some(tasks) = tasks {
            recorder.push(Line::Dump(unstuck_record::TaskDump { at_ms, ..tasks.dump_outside() }));
        }
        recorder.end(End {
            at_ms,
            reason: EndReason::Wedged,
            work: Work::default(),
            evidence: vec![],
            calls: Calls::default(),
        });
        let judgement = verdict::judge(&recorder.snapshot());
        recorder.push(Line::Judgement(judgement));
        Some((self.index, Done { run: Ok(recorder.snapshot()), wall: TICK * self.still }))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "wall time is what is asked for, and it stays out of the record"
)]
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = std::time::Instant::now();
    let output = work();
    (output, start.elapsed())
}
