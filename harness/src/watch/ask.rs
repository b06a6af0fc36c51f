//! Asks whoever knows of the client and of the faults, again and again. Each has a task of its own, so that one that does
//! not answer keeps no other waiting; every question has a deadline, every answer a limit of size.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::chaos_mesh::{self, Told};
use super::since::Since;
use crate::client::program::{counted, dumps, fetch};
use crate::scenario::program::Source;

/// The objects of a namespace are read up to so many bytes.
const LARGEST: u64 = 16 << 20;
/// So many answers wait to be taken up.
const WAITING: usize = 16;

/// Who is asked, and how often.
#[derive(Clone, Debug)]
pub struct Asked {
    /// How far the client is: a metric or a number in JSON.
    pub progress: Option<Source>,
    /// Where the client serves Go's pprof.
    pub dump: Option<String>,
    /// Where the client's exit code is once it has ended.
    pub exit: Option<Exit>,
    /// A metric that counts only what faults do.
    pub evidence: Option<Source>,
    /// Where the objects of Chaos Mesh are.
    pub schedule: Vec<Place>,
    /// How often; dumps and objects more seldom.
    pub every: Duration,
    /// How often for dumps; in a long run ever more seldom.
    pub dump_every: Duration,
    /// How long one answer may take.
    pub within: Duration,
}

/// A document that holds an exit code once there is one.
#[derive(Clone, Debug)]
pub struct Exit {
    /// Where it is served.
    pub url: String,
    /// The JSON pointer to the code.
    pub pointer: String,
}

/// Where something can be read.
#[derive(Clone, Debug)]
pub enum Place {
    /// Served over HTTP.
    Url(String),
    /// In a file.
    File(PathBuf),
}

/// An answer, or why there is none.
#[derive(Debug)]
pub(super) enum Answer {
    Progress(Result<u64, String>),
    /// `None`: it has not ended.
    Exit(Result<Option<u64>, String>),
    Dump(Dump),
    Evidence(Result<u64, String>),
    Schedule(Result<Told, String>),
}

/// A dump, asked for at a moment.
#[derive(Debug)]
pub(super) struct Dump {
    pub(super) at_ms: u64,
    pub(super) took_ms: u64,
    pub(super) text: Result<Vec<u8>, String>,
}

/// Those who ask; they stop with this.
#[derive(Debug)]
pub(super) struct Asking {
    _tasks: JoinSet<()>,
    answers: Receiver<Answer>,
}

impl Asking {
    pub(super) fn start(asked: &Asked, since: Since) -> Self {
        let (sender, answers) = mpsc::channel(WAITING);
        let mut tasks = JoinSet::new();
        let within = asked.within;
        if let Some(source) = asked.progress.clone() {
            let ask = async move || Answer::Progress(count(&source, within).await);
            tasks.spawn(again(sender.clone(), ask, asked.every));
        }
        if let Some(source) = asked.evidence.clone() {
            let ask = async move || Answer::Evidence(count(&source, within).await);
            tasks.spawn(again(sender.clone(), ask, asked.every));
        }
        if let Some(exit) = asked.exit.clone() {
            let ask = async move || Answer::Exit(exit.code(within).await);
            tasks.spawn(again(sender.clone(), ask, asked.every));
        }
        if !asked.schedule.is_empty() {
            let places = asked.schedule.clone();
            let ask = async move || Answer::Schedule(schedule(&places, within).await);
            tasks.spawn(again(sender.clone(), ask, asked.every * 2));
        }
        if let Some(addr) = asked.dump.clone() {
            tasks.spawn(dump_again(sender, addr, since, asked.dump_every, within));
        }
        Self { _tasks: tasks, answers }
    }

    /// The next answer; waits for ever if nobody is asked.
    pub(super) async fn next(&mut self) -> Answer {
        match self.answers.recv().await {
            Some(answer) => answer,
            None => std::future::pending().await,
        }
    }
}

async fn again(sender: Sender<Answer>, ask: impl AsyncFn() -> Answer, every: Duration) {
    while sender.send(ask().await).await.is_ok() {
        sleep(every).await;
    }
}

async fn dump_again(sender: Sender<Answer>, addr: String, since: Since, every: Duration, within: Duration) {
    let begun = Instant::now();
    while sender.send(Answer::Dump(dump(&addr, since, within).await)).await.is_ok() {
        sleep(dumps::pause(every, begun.elapsed())).await;
    }
}

pub(super) async fn dump(addr: &str, since: Since, within: Duration) -> Dump {
    let (at_ms, begun) = (since.ms(), Instant::now());
    let answer = timeout(within, fetch::pprof(addr, 2)).await;
    let text = answer.unwrap_or_else(|_| Err(format!("pprof: {addr} does not answer")));
    Dump { at_ms, took_ms: begun.elapsed().as_millis() as u64, text }
}

pub(super) async fn count(source: &Source, within: Duration) -> Result<u64, String> {
    fetch::count(source, within).await.expect("the command line makes sources at a URL only")
}

/// What all places together tell: an object that is not in one of them may be in another.
pub(super) async fn schedule(places: &[Place], within: Duration) -> Result<Told, String> {
    let mut all = Told::default();
    for place in places {
        let (name, text) = match place {
            Place::Url(url) => (url.clone(), fetch::page(url, within).await),
            Place::File(path) => (path.display().to_string(), read(path)),
        };
        // what `kubectl … > FILE` has only begun to write is there at the next look
        let told =
            text.and_then(|text| chaos_mesh::read(&text).map_err(|error| format!("{name}: {error}")))?;
        all.injections.extend(told.injections);
        all.failures.extend(told.failures);
    }
    all.injections.sort_by_key(|injection| injection.start_ms);
    Ok(all)
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let said = |error: std::io::Error| format!("{}: {error}", path.display());
    // a pipe of that name would be waited for
    if !std::fs::metadata(path).map_err(said)?.is_file() {
        return Err(format!("{}: not a plain file", path.display()));
    }
    let mut text = vec![];
    File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut text)).map_err(said)?;
    if text.len() as u64 > LARGEST {
        return Err(format!("{}: larger than {} MiB", path.display(), LARGEST >> 20));
    }
    Ok(text)
}

impl Exit {
    pub(super) async fn code(&self, within: Duration) -> Result<Option<u64>, String> {
        counted::json_if_any(&fetch::page(&self.url, within).await?, &self.pointer)
    }
}
