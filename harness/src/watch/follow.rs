//! The one loop that owns a watch: it takes up answers, notes gaps, and knows when it is over.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::sleep_until;
use unstuck_record::{Calls, End, EndReason, Event, Line, Sample, Span, Work};

use super::Watch;
use super::ask::{self, Answer, Asking, Dump};
use super::faults::{Faults, News};
use super::since::Since;
use crate::probe::Meter;
use crate::probe::meter::Reported;
use crate::run::recorder::Recorder;

/// How often to look whether somebody interrupts.
const LOOK: Duration = Duration::from_millis(50);

/// A watch that goes on.
pub(super) struct Follow<'a> {
    pub(super) watch: &'a Watch,
    pub(super) since: Since,
    pub(super) recorder: &'a Recorder,
    pub(super) faults: Faults,
    /// Tells people what happens, and when.
    pub(super) tell: &'a mut dyn FnMut(u64, &str),
    meter: Meter,
    silent: BTreeMap<Source, u64>,
    failed: BTreeMap<Source, String>,
}

/// Why a watch is over.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Over {
    /// Somebody interrupted.
    Interrupted,
    /// The time is up.
    OutOfTime,
    /// The client is done, or says its error.
    Ended(Done),
}

/// The client is done.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Done {
    /// What it says went wrong.
    error: Option<String>,
}

/// Who is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    Progress,
    Exit,
    Dump,
    Evidence,
    Schedule,
}

impl Source {
    /// What is not known while it does not answer.
    fn name(self) -> &'static str {
        match self {
            Self::Progress => "its progress",
            Self::Exit => "whether it has ended",
            Self::Dump => "where its tasks are",
            Self::Evidence => "what the faults touch",
            Self::Schedule => "what Chaos Mesh does",
        }
    }
}

impl<'a> Follow<'a> {
    pub(super) fn new(
        watch: &'a Watch,
        since: Since,
        recorder: &'a Recorder,
        faults: Faults,
        tell: &'a mut dyn FnMut(u64, &str),
    ) -> Self {
        let (silent, failed) = Default::default();
        Self { watch, since, recorder, faults, tell, meter: Meter::default(), silent, failed }
    }

    /// Watches until the client is done, the time is up, or somebody interrupts.
    pub(super) async fn run(mut self, first: Vec<News>, stop: &AtomicBool) {
        self.event(0, Event::ClientStarted);
        self.take_up(first);
        let mut asking = Asking::start(&self.watch.asked, self.since);
        let until = self.since.instant(self.watch.deadline_ms());
        let mut over = loop {
            let due = self.faults.next_ms().map(|at_ms| self.since.instant(at_ms));
            tokio::select! {
                biased;
                () = interruption(stop) => break Over::Interrupted,
                answer = asking.next() => if let Some(done) = self.heard(answer) {
                    break Over::Ended(done);
                },
                () = reached(due) => {
                    let news = self.faults.due(self.since.ms());
                    self.take_up(news);
                }
                () = sleep_until(until) => break Over::OutOfTime,
            }
        };
        let at_ms = self.since.ms();
        drop(asking);
        if let Some(done) = self.last_looks(&over).await
            && over == Over::OutOfTime
        {
            over = Over::Ended(done);
        }
        let reason = match over {
            Over::Interrupted => EndReason::Interrupted,
            Over::OutOfTime if self.out_of_sight() => EndReason::OutOfSight,
            Over::OutOfTime => EndReason::OutOfTime,
            Over::Ended(Done { error }) => {
                self.event(at_ms, Event::ClientEnded { error });
                EndReason::ClientEnded
            }
        };
        for left in self.faults.left(reason == EndReason::ClientEnded) {
            self.event(at_ms, left);
        }
        self.recorder.end(End {
            at_ms,
            reason,
            work: self.work(),
            evidence: self.faults.evidence(),
            calls: Calls::default(),
        });
    }

    /// What is worth asking once more when all is over: whoever was silent, or may know more than a moment ago.
    async fn last_looks(&mut self, over: &Over) -> Option<Done> {
        let asked = &self.watch.asked;
        if !asked.schedule.is_empty() {
            let told = ask::schedule(&asked.schedule, asked.within).await;
            self.heard(Answer::Schedule(told));
        }
        if let (Some(addr), false) = (&asked.dump, matches!(over, Over::Ended(_))) {
            let dump = ask::dump(addr, self.since, asked.within).await;
            self.heard_dump(dump, true);
        }
        if *over == Over::Interrupted {
            return None;
        }
        let mut done = None;
        if let Some(exit) = &asked.exit {
            done = self.heard(Answer::Exit(exit.code(asked.within).await));
        }
        if let Some(source) = &asked.progress {
            let answer = ask::count(source, asked.within).await;
            done = done.or(self.heard(Answer::Progress(answer)));
        }
        done
    }

    /// Takes up an answer. Returns something if the client is done.
    fn heard(&mut self, answer: Answer) -> Option<Done> {
        let at_ms = self.since.ms();
        match answer {
            Answer::Progress(answer) => {
                let done = self.known(Source::Progress, at_ms, answer)?;
                return self.progress(at_ms, done).then_some(Done { error: None });
            }
            Answer::Exit(answer) => {
                let code = self.known(Source::Exit, at_ms, answer)??;
                return Some(Done { error: (code != 0).then(|| format!("exit code {code}")) });
            }
            Answer::Evidence(answer) => {
                let value = self.known(Source::Evidence, at_ms, answer)?;
                self.faults.count(at_ms, value);
            }
            Answer::Schedule(answer) => {
                let told = self.known(Source::Schedule, at_ms, answer)?;
                let news = self.faults.learn(&told, self.since);
                self.take_up(news);
            }
            Answer::Dump(dump) => self.heard_dump(dump, false),
        }
        None
    }

    /// Whether all is done.
    fn progress(&mut self, at_ms: u64, done: u64) -> bool {
        let before = self.meter.read();
        self.meter.report(Reported { done, total: self.watch.total });
        let now = self.meter.read();
        if now.fell > before.fell {
            let most = before.reported.done;
            self.remark(
                at_ms,
                &format!("its progress fell from {most} to {done}: it began again; the most counts"),
            );
        }
        let total = self.watch.total.unwrap_or(0);
        let unique = now.reported.done;
        // a client that begins again and again is seen by it
        let sample = Sample { at_ms, unique, total, retries: now.fell, ..Sample::default() };
        self.recorder.push(Line::Sample(sample));
        total > 0 && unique >= total
    }

    fn heard_dump(&mut self, dump: Dump, last: bool) {
        let Dump { at_ms, took_ms, text } = dump;
        let bytes = text.as_ref().map_or(0, |text| text.len() as u64);
        let (source, error) = ("pprof, debug=2".to_owned(), text.as_ref().err().cloned());
        self.event(at_ms, Event::DumpTaken { source: source.clone(), bytes, took_ms, error });
        if let Some(text) = self.known(Source::Dump, at_ms, text) {
            self.recorder.dump(0, at_ms, &source, &text, last);
        }
    }

    /// The answer, if there is one. A gap is told when it begins and when it ends, and each error once in a row.
    fn known<T>(&mut self, source: Source, at_ms: u64, answer: Result<T, String>) -> Option<T> {
        match answer {
            Ok(answer) => {
                self.failed.remove(&source);
                if let Some(from_ms) = self.silent.remove(&source) {
                    let gap = Span(at_ms.saturating_sub(from_ms));
                    self.remark(at_ms, &format!("{} is known again, after {gap}", source.name()));
                }
                Some(answer)
            }
            Err(error) => {
                self.silent.entry(source).or_insert(at_ms);
                if self.failed.get(&source) != Some(&error) {
                    self.remark(at_ms, &format!("{} is not known: {error}", source.name()));
                    self.failed.insert(source, error);
                }
                None
            }
        }
    }

    /// Whether nobody who could say that the client is done answers any more.
    fn out_of_sight(&self) -> bool {
        let by_progress = self.watch.asked.progress.is_some() && self.watch.total.is_some();
        let asked = [(Source::Progress, by_progress), (Source::Exit, self.watch.asked.exit.is_some())];
        asked.iter().filter(|(_, asked)| *asked).all(|(source, _)| self.silent.contains_key(source))
    }

    /// The work as the client says it. Its exit may come before its last progress could be read: what is not known to be
    /// missing is not called missing.
    fn work(&self) -> Work {
        let unique = self.meter.read().reported.done;
        let expected = self.watch.total.filter(|_| !self.silent.contains_key(&Source::Progress));
        let expected = expected.unwrap_or(unique);
        Work { expected, unique: unique.min(expected), ..Work::default() }
    }

    fn take_up(&mut self, news: Vec<News>) {
        for News { at_ms, what } in news {
            let name = |fault: usize| self.watch.planned[fault].kind.clone();
            let said = match &what {
                Event::FaultInjected { fault } => Some(format!("{} begins", name(*fault))),
                Event::FaultHealed { fault, .. } => Some(format!("{} heals", name(*fault))),
                Event::ClusterChanged { what } => Some(what.clone()),
                _ => None,
            };
            if let Some(said) = said {
                (self.tell)(at_ms, &said);
            }
            self.event(at_ms, what);
        }
    }

    /// A remark of ours among what the client says.
    fn remark(&mut self, at_ms: u64, text: &str) {
        (self.tell)(at_ms, text);
        self.event(at_ms, Event::ClientLogged { text: format!("({text})") });
    }

    fn event(&self, at_ms: u64, what: Event) {
        self.recorder.event(at_ms, what);
    }
}

async fn interruption(stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        tokio::time::sleep(LOOK).await;
    }
}

async fn reached(at: Option<tokio::time::Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}
