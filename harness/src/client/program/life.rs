//! One program of a case, from its start to its end, and again where the scenario restarts it.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::process::ExitStatus;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use regex::Regex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use unstuck_record::{Event, Span};

use super::super::{Env, Failure, Left};
use super::counted::Counted;
use super::filled::{WorkDir, command, contained, filled};
use super::group::{self, Ending, Group, Leader};
use super::output::{Output, Wanted};
use super::{dumps, fetch, ready};
use crate::probe::meter::Reported;
use crate::scenario::program::{Program as Spec, Ready, Shutdown, Source};

/// How long what it has printed may take to arrive after its end.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// How long one question about its progress may take.
const ANSWER: Duration = Duration::from_secs(5);
/// How often to look whether its progress is complete.
const LOOK: Duration = Duration::from_millis(20);
/// So much of the end of a file is searched for the last line that tells the progress.
const TAIL: u64 = 64 << 10;

/// One of the programs of a case.
#[derive(Clone, Debug)]
pub(super) struct Part<'a> {
    pub(super) spec: &'a Spec,
    pub(super) dir: &'a Path,
    pub(super) env: &'a Env,
    /// Of the copies, which.
    pub(super) index: u32,
    /// Among all programs of the case, which.
    pub(super) number: u32,
    /// Its name before what it says, where there are several; else empty.
    pub(super) tag: String,
    /// Ends it although the run is not over: another one has failed, or all that it is there for is done.
    pub(super) stop: &'a CancellationToken,
}

/// Why one life of it is over.
enum Over {
    /// The run is over.
    Told,
    /// It is not needed any more.
    Stopped,
    /// It is to begin again.
    Restart,
    /// It ended.
    Ended(io::Result<ExitStatus>),
    /// Its progress is complete.
    Done,
    /// It never got ready.
    NotReady(String),
}

/// A program that runs.
struct Life<'a> {
    part: &'a Part<'a>,
    spec: &'a Spec,
    mark: String,
    group: Group,
    output: Output,
}

impl Part<'_> {
    /// Runs it to its end. Nothing of it is left when this returns, nor when it is dropped before.
    pub(super) async fn run(self) -> Result<(), Failure> {
        let work = WorkDir::create().map_err(|error| Failure(format!("no folder to work in: {error}")))?;
        let spec = filled(self.spec, (self.index, self.number), self.dir, &work, self.env)
            .map_err(|error| Failure(error.to_string()))?;
        let begun = Instant::now();
        let mut restarts = spec.restarts.at.iter().map(|at| begun + *at);
        loop {
            let life = Life::begin(&self, &spec, &work)?;
            if let Some(ended) = life.see_through(restarts.next()).await {
                return ended;
            }
            tokio::select! {
                biased;
                () = self.env.outside.over() => return Ok(()),
                () = self.stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(spec.restarts.pause) => {}
            }
        }
    }

    fn says(&self, what: &str) -> String {
        if self.tag.is_empty() { what.to_owned() } else { format!("{} {what}", self.tag) }
    }
}

impl<'a> Life<'a> {
    fn begin(part: &'a Part<'a>, spec: &'a Spec, work: &WorkDir) -> Result<Self, Failure> {
        let mark = work.mark();
        let command = match part.env.outside.container() {
            Some(inside) => contained(spec, part.dir, work, inside, part.number),
            None => command(spec, part.dir, work),
        };
        let mut group = Group::spawn(command, &mark)
            .map_err(|error| Failure(format!("`{}` cannot be started: {error}", spec.command[0])))?;
        let wanted = Wanted {
            ready: match &spec.ready {
                Some((Ready::Said(stream, regex), _)) => Some((*stream, checked(regex))),
                _ => None,
            },
            progress: match &spec.progress.source {
                Source::Said(stream, regex) => Some((*stream, Counted::new(regex))),
                _ => None,
            },
        };
        let output = Output::read(group.output(), part.says(""), part.env, wanted);
        Ok(Self { part, spec, mark, group, output })
    }

    /// Watches it to its end; `None` if it is to begin again.
    async fn see_through(mut self, restart: Option<Instant>) -> Option<Result<(), Failure>> {
        let is_ready = AtomicBool::new(self.spec.ready.is_none());
        let env = self.part.env;
        let watched = Watched {
            part: self.part,
            spec: self.spec,
            output: &self.output,
            leader: self.group.leader(),
            mark: &self.mark,
            is_ready: &is_ready,
        };
        let over = tokio::select! {
            biased;
            () = env.outside.over() => Over::Told,
            () = self.part.stop.cancelled() => Over::Stopped,
            status = self.group.wait() => Over::Ended(status),
            () = until(restart) => Over::Restart,
            over = watched.watch() => over,
        };
        // one that hangs, or does not start, tells where
        if matches!(over, Over::Told | Over::NotReady(_)) && self.spec.dump.any() {
            watched.dump(true).await;
        }
        let restarts = &self.spec.restarts;
        let shutdown = match over {
            Over::Restart => Shutdown { signal: restarts.signal, ..self.spec.shutdown },
            _ => self.spec.shutdown,
        };
        let ending = match over {
            Over::Ended(_) => self.group.kill().await,
            _ => self.group.end(shutdown).await,
        };
        self.output.drain(LAST_WORDS).await;
        let fell = env.meter.read().fell;
        if fell > 0 {
            env.log
                .line(self.part.says(&format!("(its progress fell {fell} times; the most it was counts)")));
        }
        if let Some(how) = how_it_ended(&over, ending, shutdown) {
            env.outside.leave(Left::Event(Event::ClientStopped { how: self.part.says(&how) }));
        }
        for event in self.output.events() {
            env.outside.leave(Left::Event(event));
        }
        env.outside.leave(Left::Output(self.output.text()));
        if matches!(over, Over::Restart) {
            return None;
        }
        Some(self.judged(over, is_ready.into_inner()))
    }

    fn judged(&self, over: Over, was_ready: bool) -> Result<(), Failure> {
        let status = match over {
            Over::Told | Over::Stopped | Over::Done | Over::Restart => return Ok(()),
            Over::NotReady(why) => return Err(Failure(why)),
            Over::Ended(Err(error)) => return Err(Failure(format!("its end is not known: {error}"))),
            Over::Ended(Ok(status)) => status,
        };
        let mut what = group::describe(status);
        if let Some((signal, _)) =
            self.spec.dump.signal.filter(|(signal, _)| group::ended_by(status, *signal))
        {
            let _infallible = write!(what, ", which asks it for a dump (`dump.signal: {}`)", signal.name());
        }
        if !was_ready {
            what.push_str(" before it was ready");
        } else if status.success() {
            if self.spec.completes_by_progress {
                return Err(Failure(format!("{what} before its progress was complete")));
            }
            return Ok(());
        }
        match self.output.last_words() {
            Some(last) => Err(Failure(format!("{what}; it said last: {last}"))),
            None => Err(Failure(format!("{what}; it said nothing"))),
        }
    }
}

/// What is asked of a program while it runs.
struct Watched<'a> {
    part: &'a Part<'a>,
    spec: &'a Spec,
    output: &'a Output,
    leader: Leader,
    mark: &'a str,
    is_ready: &'a AtomicBool,
}

impl Watched<'_> {
    /// Returns when it is done by its progress, or if it does not get ready.
    async fn watch(&self) -> Over {
        if let Some((ready, within)) = &self.spec.ready {
            if let Err(why) = ready::wait(ready, *within, self.output).await {
                let within = Span(within.as_millis() as u64);
                return Over::NotReady(format!("it was not ready within {within}: {why}"));
            }
            self.is_ready.store(true, Ordering::Relaxed);
            self.part.env.log.line(self.part.says("(ready)"));
        }
        tokio::select! {
            biased;
            () = self.done(), if self.spec.completes_by_progress => Over::Done,
            never = self.ask() => match never {},
            never = self.dump_on_a_period() => match never {},
        }
    }

    async fn done(&self) {
        while !self.part.env.meter.is_complete() {
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Asks for its progress, if it must be asked.
    async fn ask(&self) -> Infallible {
        let mut last_error = String::new();
        loop {
            let answer = match &self.spec.progress.source {
                Source::File { path, regex } => last_line(path, &Counted::new(regex)),
                asked => match fetch::count(asked, ANSWER).await {
                    Some(answer) => answer.map(|done| Some(Reported { done, total: None })),
                    None => std::future::pending().await,
                },
            };
            let error = match answer {
                Ok(Some(reported)) => {
                    self.part.env.meter.report(reported);
                    String::new()
                }
                Ok(None) => String::new(),
                Err(error) => error,
            };
            // an error that lasts is told once
            if error != last_error && !error.is_empty() {
                self.part.env.log.line(self.part.says(&format!("(its progress is not known: {error})")));
            }
            last_error = error;
            tokio::time::sleep(self.spec.progress.every).await;
        }
    }

    async fn dump_on_a_period(&self) -> Infallible {
        if !dumps::on_a_period(&self.spec.dump) {
            std::future::pending::<()>().await;
        }
        let begun = Instant::now();
        loop {
            tokio::time::sleep(dumps::pause(self.spec.dump.every, begun.elapsed())).await;
            self.dump(false).await;
        }
    }

    async fn dump(&self, last: bool) {
        let clock = self.part.env.tasks.clock();
        let (at_ms, begun) = (clock.ms(), Instant::now());
        let taken = dumps::take(&self.spec.dump, self.leader, self.output, self.mark, last).await;
        let took_ms = begun.elapsed().as_millis() as u64;
        let (bytes, error) = match &taken.text {
            Ok(text) => (text.len() as u64, None),
            Err(error) => (0, Some(error.clone())),
        };
        let source = self.part.says(&taken.source);
        let event = Event::DumpTaken { source, bytes, took_ms, error };
        self.part.env.outside.leave(Left::Event(event));
        if let Ok(text) = taken.text {
            self.part.env.outside.leave(Left::Dump {
                process: self.part.number,
                at_ms,
                source: taken.source,
                text,
                last,
            });
        }
    }
}

/// What a reader must know of the end of the processes, if anything.
fn how_it_ended(over: &Over, ending: Ending, shutdown: Shutdown) -> Option<String> {
    let signal = shutdown.signal.name();
    let processes = |count: usize| if count == 1 { "1 process".into() } else { format!("{count} processes") };
    let mut how = match (over, ending) {
        (Over::Ended(_), Ending { killed: 0, .. }) => return None,
        (Over::Ended(_), Ending { killed, .. }) => format!("it left {} behind: killed", processes(killed)),
        (Over::Restart, Ending { obeyed: Some(_), .. }) => {
            format!("ended by SIG{signal} as the scenario says, to begin again")
        }
        (_, Ending { obeyed: Some(after), .. }) => {
            format!("ended by SIG{signal} after {}", Span(after.as_millis() as u64))
        }
        (_, Ending { killed, .. }) => {
            let grace = Span(shutdown.grace.as_millis() as u64);
            format!("ignored SIG{signal} for {grace}: {} killed", processes(killed))
        }
    };
    if ending.left > 0 {
        let _infallible = write!(how, "; {} could not be killed", processes(ending.left));
    }
    Some(how)
}

/// The progress in the last line of a file that tells it; nothing as long as there is no such line.
fn last_line(path: &str, counted: &Counted) -> Result<Option<Reported>, String> {
    let said = |error: io::Error| format!("file `{path}`: {error}");
    // a pipe of that name would be waited for
    if !fs::metadata(path).map_err(said)?.is_file() {
        return Err(format!("`{path}` is not a plain file"));
    }
    let mut file = fs::File::open(path).map_err(said)?;
    let length = file.metadata().map_err(said)?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL))).map_err(said)?;
    let mut tail = vec![];
    file.take(TAIL).read_to_end(&mut tail).map_err(said)?;
    Ok(String::from_utf8_lossy(&tail).lines().rev().find_map(|line| counted.find(line)))
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

fn checked(regex: &str) -> Regex {
    Regex::new(regex).expect("a scenario's expressions are checked")
}
