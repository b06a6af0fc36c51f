//! Any program as the client under test, on real sockets.
//!
//! * [`group`]: the process with everything that it starts, which ends together
//! * [`output`]: what it prints
//! * [`ready`]: the sign that it has started
//! * [`counted`], [`fetch`]: its progress
//! * [`dumps`]: its tasks

mod counted;
mod dumps;
mod fetch;
mod group;
mod output;
mod ready;

use std::convert::Infallible;
use std::fmt::Write as _;
use std::fs;
use std::future::Future;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::ExitStatus;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fake_tikv::Observed;
use regex::Regex;
use tokio::process::Command;
use tokio::time::Instant;
use unstuck_record::{Event, Span, Work};

use self::counted::Counted;
use self::group::{Ending, Group, Leader};
use self::output::{Output, Wanted};
use super::{Client, Env, Failure, Left, Timers, Workload};
use crate::probe::meter::{Counts, Reported};
use crate::scenario::program::{Dump, Program as Spec, Ready, Seen, Shutdown, Source, placeholder};

/// How long what it has printed may take to arrive after its end.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// What its end may take besides the last dump and the grace: the dead are buried, the output is read.
const SLACK: Duration = Duration::from_secs(5);
/// How long one question about its progress may take.
const ANSWER: Duration = Duration::from_secs(5);
/// Dumps are at most this part of the time that has passed apart, or as the scenario says.
const SELDOM: u32 = 30;
/// How often to look whether its progress is complete.
const LOOK: Duration = Duration::from_millis(20);
/// So much of the end of a file is searched for the last line that tells the progress.
const TAIL: u64 = 64 << 10;

/// A program as the client.
#[derive(Clone, Debug)]
pub struct Program {
    spec: Spec,
    /// The scenario's folder.
    dir: PathBuf,
}

impl Program {
    /// The program that a scenario file in `dir` asks for.
    pub fn new(spec: Spec, dir: &Path) -> Self {
        let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
        Self { spec, dir: std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned()) }
    }
}

impl Client for Program {
    fn name(&self) -> &str {
        &self.spec.name
    }
    fn revision(&self) -> &str {
        &self.spec.revision
    }
    fn unit(&self) -> &str {
        &self.spec.progress.unit
    }
    fn timers(&self) -> Timers {
        // they are given as they are, and are divided with everything else
        let Spec { longest_timer, backoff_cap, scale, .. } = self.spec;
        let (longest, backoff_cap) = (longest_timer * scale, backoff_cap * scale);
        Timers { longest, backoff_cap, restart_period: Duration::ZERO }
    }
    fn speed(&self, _: &Workload, _: u32) -> fake_tikv::Speed {
        fake_tikv::Speed::default()
    }
    fn outside(&self) -> Option<Duration> {
        Some(self.spec.dump.within * 4 + self.spec.shutdown.grace + SLACK)
    }
    fn command(&self) -> Vec<String> {
        self.spec.command.clone()
    }
    fn run(&self, env: Env) -> Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>> {
        let program = self.clone();
        Box::pin(async move { program.run(env).await })
    }
    fn progress(&self, seen: &Observed, counts: &Counts) -> (u64, u64) {
        let ranges = || (seen.ranges_backed_up.len() as u64, seen.ranges.len() as u64);
        let (unique, total) = match self.spec.progress.source {
            Source::Cluster(Seen::Keys) => (seen.keys_ingested, seen.keys_total),
            Source::Cluster(Seen::Ranges) => ranges(),
            Source::Cluster(Seen::Rows) => (seen.rows, 0),
            Source::Cluster(Seen::Work) => (seen.rows + seen.keys_ingested + ranges().0, 0),
            Source::Cluster(Seen::Bytes) => (counts.carried, 0),
            _ => (counts.reported.done, counts.reported.total.unwrap_or(0)),
        };
        (unique, self.spec.progress.total.unwrap_or(total))
    }
    fn audit(&self, seen: &Observed, counts: &Counts) -> Work {
        let (unique, total) = self.progress(seen, counts);
        // nobody has said how much there is to do, so whatever is done is all
        let expected = if total == 0 { unique } else { total };
        if unique > 0 && counts.carried == 0 {
            let claim =
                format!("the client says that {unique} are done, but not a byte has passed its links");
            return Work { expected, missing: vec![claim], ..Work::default() };
        }
        Work { expected, unique: unique.min(expected), ..Work::default() }
    }
}

/// Why its run is over.
enum Over {
    /// The harness says so.
    Told,
    /// It ended.
    Ended(io::Result<ExitStatus>),
    /// Its progress is complete.
    Done,
    /// It never got ready.
    NotReady(String),
}

/// A program that runs.
struct Running {
    spec: Spec,
    env: Env,
    work: WorkDir,
    group: Group,
    output: Output,
}

impl Program {
    async fn run(self, env: Env) -> Result<(), Failure> {
        let work = WorkDir::create().map_err(|error| Failure(format!("no folder to work in: {error}")))?;
        let spec =
            filled(&self.spec, &self.dir, &work.0, &env).map_err(|error| Failure(error.to_string()))?;
        let mut group = Group::spawn(command(&spec, &self.dir, &work.0), &work.mark())
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
        let clock = env.tasks.clock();
        let output = Output::read(group.output(), clock, env.log.clone(), env.meter.clone(), wanted);
        Running { spec, env, work, group, output }.see_through().await
    }
}

impl Running {
    async fn see_through(mut self) -> Result<(), Failure> {
        let (leader, mark) = (self.group.leader(), self.work.mark());
        let is_ready = AtomicBool::new(self.spec.ready.is_none());
        let watched = Watched {
            spec: &self.spec,
            env: &self.env,
            output: &self.output,
            leader,
            mark: &mark,
            is_ready: &is_ready,
        };
        let over = tokio::select! {
            biased;
            () = self.env.outside.over() => Over::Told,
            status = self.group.wait() => Over::Ended(status),
            over = watched.watch() => over,
        };
        // one that hangs, or does not start, tells where
        if matches!(over, Over::Told | Over::NotReady(_)) && self.spec.dump.any() {
            watched.dump(true).await;
        }
        let ending = match over {
            Over::Ended(_) => self.group.kill().await,
            _ => self.group.end(self.spec.shutdown).await,
        };
        self.output.drain(LAST_WORDS).await;
        let fell = self.env.meter.read().fell;
        if fell > 0 {
            self.env.log.line(format!("(its progress fell {fell} times; the most it was counts)"));
        }
        if let Some(how) = how_it_ended(&over, ending, self.spec.shutdown) {
            self.env.outside.leave(Left::Event(Event::ClientStopped { how }));
        }
        for event in self.output.events() {
            self.env.outside.leave(Left::Event(event));
        }
        self.env.outside.leave(Left::Output(self.output.text()));
        self.judged(over, is_ready.into_inner())
    }

    fn judged(&self, over: Over, was_ready: bool) -> Result<(), Failure> {
        let status = match over {
            Over::Told | Over::Done => return Ok(()),
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
    spec: &'a Spec,
    env: &'a Env,
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
            self.env.log.line("(ready)");
        }
        tokio::select! {
            biased;
            () = self.done(), if self.spec.completes_by_progress => Over::Done,
            never = self.ask() => match never {},
            never = self.dump_on_a_period() => match never {},
        }
    }

    async fn done(&self) {
        while !self.env.meter.is_complete() {
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Asks for its progress, if it must be asked.
    async fn ask(&self) -> Infallible {
        let mut last_error = String::new();
        loop {
            let answer = match &self.spec.progress.source {
                Source::Metric { url, metric } => fetched(url).await.and_then(|page| {
                    let done = counted::metric(&String::from_utf8_lossy(&page), metric)?;
                    Ok(Some(Reported { done, total: None }))
                }),
                Source::Json { url, pointer } => fetched(url).await.and_then(|document| {
                    Ok(Some(Reported { done: counted::json(&document, pointer)?, total: None }))
                }),
                Source::File { path, regex } => last_line(path, &Counted::new(regex)),
                Source::Cluster(_) | Source::Said(..) => std::future::pending().await,
            };
            let error = match answer {
                Ok(Some(reported)) => {
                    self.env.meter.report(reported);
                    String::new()
                }
                Ok(None) => String::new(),
                Err(error) => error,
            };
            // an error that lasts is told once
            if error != last_error && !error.is_empty() {
                self.env.log.line(format!("(its progress is not known: {error})"));
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
            // in a long run they come ever more seldom: what counts is how precise an age is, in parts of it
            tokio::time::sleep(self.spec.dump.every.max(begun.elapsed() / SELDOM)).await;
            self.dump(false).await;
        }
    }

    async fn dump(&self, last: bool) {
        let clock = self.env.tasks.clock();
        let (at_ms, begun) = (clock.ms(), Instant::now());
        let taken = dumps::take(&self.spec.dump, self.leader, self.output, self.mark, last).await;
        let took_ms = begun.elapsed().as_millis() as u64;
        let (bytes, error) = match &taken.text {
            Ok(text) => (text.len() as u64, None),
            Err(error) => (0, Some(error.clone())),
        };
        let event = Event::DumpTaken { source: taken.source.clone(), bytes, took_ms, error };
        self.env.outside.leave(Left::Event(event));
        if let Ok(text) = taken.text {
            self.env.outside.leave(Left::Dump { at_ms, source: taken.source, text, last });
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

async fn fetched(url: &str) -> Result<Vec<u8>, String> {
    match tokio::time::timeout(ANSWER, fetch::get(url)).await {
        Ok(Ok((200, body))) => Ok(body),
        Ok(Ok((status, _))) => Err(format!("{url} answers {status}")),
        Ok(Err(error)) => Err(error),
        Err(_) => Err(format!("{url} does not answer")),
    }
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

fn checked(regex: &str) -> Regex {
    Regex::new(regex).expect("a scenario's expressions are checked")
}

/// The program as this run starts it: every placeholder filled, but for those of a process that is not there yet.
fn filled(spec: &Spec, dir: &Path, work: &Path, env: &Env) -> io::Result<Spec> {
    let status_addr = free_addr()?.to_string();
    let pd = |before: &str| env.pd.iter().map(|addr| format!("{before}{addr}")).collect::<Vec<_>>().join(",");
    let value = |name: &str| {
        Some(match name {
            "pd" => pd(""),
            "pd_urls" => pd("http://"),
            "work_dir" => work.display().to_string(),
            "dir" => dir.display().to_string(),
            "status_addr" => status_addr.clone(),
            "seed" => env.seed.to_string(),
            _ => return None,
        })
    };
    let fill = |text: &String| placeholder::fill(text, value);
    let mut spec = spec.clone();
    spec.command = spec.command.iter().map(fill).collect();
    spec.env = spec.env.iter().map(|(name, value)| (name.clone(), fill(value))).collect();
    spec.work_dir = spec.work_dir.as_ref().map(fill);
    match &mut spec.ready {
        Some((Ready::Port(addr) | Ready::Http(addr), _)) => *addr = fill(addr),
        Some((Ready::Said(..), _)) | None => {}
    }
    match &mut spec.progress.source {
        Source::Metric { url, .. } | Source::Json { url, .. } => *url = fill(url),
        Source::File { path, .. } => *path = fill(path),
        Source::Cluster(_) | Source::Said(..) => {}
    }
    let Dump { pprof, command, file, .. } = &mut spec.dump;
    *pprof = pprof.take().map(|(addr, form)| (fill(&addr), form));
    *command = command.take().map(|texts| texts.iter().map(fill).collect());
    *file = file.take().map(|path| fill(&path));
    Ok(spec)
}

/// A port that is free now. Nothing holds it until the program listens there.
fn free_addr() -> io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}

/// The process to start. A path is relative to the scenario's folder, a bare name is looked for where commands are.
fn command(spec: &Spec, dir: &Path, work: &Path) -> Command {
    let program = Path::new(&spec.command[0]);
    let program = if program.components().count() > 1 { dir.join(program) } else { program.to_owned() };
    let work_dir = spec.work_dir.as_ref().map_or_else(|| work.to_owned(), |path| dir.join(path));
    let mut command = Command::new(program);
    command
        .args(&spec.command[1..])
        .current_dir(work_dir)
        .envs(spec.env.iter().map(|(name, value)| (name, value)));
    command
}

/// A folder of one run, gone with it. Its name is unique, and so marks what the run has started.
struct WorkDir(PathBuf);

impl WorkDir {
    fn create() -> io::Result<Self> {
        let base = std::env::temp_dir();
        for number in 0_u64.. {
            let path = base.join(format!("unstuck-{}-{number}", std::process::id()));
            match fs::create_dir(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        unreachable!("some number is free")
    }
    fn mark(&self) -> String {
        self.0.display().to_string()
    }
}

impl Drop for WorkDir {
    fn drop(&mut self) {
        let _left_to_the_system = fs::remove_dir_all(&self.0);
    }
}
