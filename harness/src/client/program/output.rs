//! What a program prints: read without end, so that it never blocks on a full pipe; kept from the beginning and from
//! the end, line by line, with times; searched for what says that it is ready and how far it has come.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use regex::Regex;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use unstuck_net::Clock;
use unstuck_record::{Event, Span};

use super::super::{Env, Log};
use super::counted::Counted;
use crate::probe::Meter;
use crate::scenario::program::Stream;

/// A line is kept up to so many bytes.
const LONGEST_LINE: usize = 4 << 10;
/// Of each stream, so many bytes are kept from the beginning and as many from the end.
const KEPT: usize = 1 << 20;
/// So many lines of each stream go into the record's end.
const LAST: usize = 20;
/// A dump that is printed is taken up to so many bytes.
const LARGEST_DUMP: usize = 64 << 20;
/// A dump that is printed is complete when nothing has followed for so long.
const QUIET: Duration = Duration::from_millis(300);

/// The output of one program.
#[derive(Debug)]
pub(super) struct Output {
    shared: Arc<Shared>,
    readers: JoinSet<()>,
}

/// What to look for in the lines.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    pub(super) ready: Option<(Stream, Regex)>,
    pub(super) progress: Option<(Stream, Counted)>,
}

#[derive(Debug)]
struct Shared {
    /// Goes before the name of a stream; may be empty.
    tag: String,
    clock: Clock,
    log: Log,
    meter: Meter,
    wanted: Wanted,
    state: Mutex<State>,
    ready: Notify,
    /// Rings when a dump that is being taken has grown.
    grown: Notify,
}

#[derive(Debug, Default)]
struct State {
    is_ready: bool,
    streams: [Kept; 2],
    capture: Option<(Stream, Vec<u8>)>,
}

#[derive(Debug, Default)]
struct Kept {
    lines: u64,
    bytes: u64,
    head: Vec<Line>,
    head_bytes: usize,
    tail: VecDeque<Line>,
    tail_bytes: usize,
}

#[derive(Clone, Debug)]
struct Line {
    at_ms: u64,
    text: String,
}

impl Output {
    pub(super) fn read(
        (stdout, stderr): (
            Option<impl AsyncRead + Send + Unpin + 'static>,
            Option<impl AsyncRead + Send + Unpin + 'static>,
        ),
        tag: String,
        env: &Env,
        wanted: Wanted,
    ) -> Self {
        let shared = Arc::new(Shared {
            tag,
            clock: env.tasks.clock(),
            log: env.log.clone(),
            meter: env.meter.clone(),
            wanted,
            state: Mutex::default(),
            ready: Notify::new(),
            grown: Notify::new(),
        });
        let mut readers = JoinSet::new();
        if let Some(pipe) = stdout {
            readers.spawn(read(pipe, Stream::Stdout, Arc::clone(&shared)));
        }
        if let Some(pipe) = stderr {
            readers.spawn(read(pipe, Stream::Stderr, Arc::clone(&shared)));
        }
        Self { shared, readers }
    }

    /// Waits for the line that says that it is ready.
    pub(super) async fn ready(&self) {
        loop {
            let rings = self.shared.ready.notified();
            if self.shared.state().is_ready {
                return;
            }
            rings.await;
        }
    }

    /// Takes what is printed on a stream from now on, while `ask` makes the program print it, until it falls silent
    /// or the stream ends. Cancelled, it gives back what it has taken to nobody.
    pub(super) async fn capture(&self, stream: Stream, ask: impl FnOnce()) -> Vec<u8> {
        let _ends = Capturing(&self.shared);
        self.shared.state().capture = Some((stream, vec![]));
        ask();
        let length = || self.shared.state().capture.as_ref().map_or(0, |(_, taken)| taken.len());
        loop {
            let before = length();
            let grown = tokio::time::timeout(QUIET, self.shared.grown.notified()).await;
            if grown.is_err() && before > 0 && length() == before {
                return self.shared.state().capture.take().map(|(_, taken)| taken).unwrap_or_default();
            }
        }
    }

    /// Waits for the end of both streams, but not for ever: whoever escaped may hold them open.
    pub(super) async fn drain(&mut self, patience: Duration) {
        let all = async { while self.readers.join_next().await.is_some() {} };
        let _whoever_is_late_is_cut_off = tokio::time::timeout(patience, all).await;
    }

    /// The last few lines, for people: stderr's if there are any.
    pub(super) fn last_words(&self) -> Option<String> {
        let state = self.shared.state();
        let last =
            |stream: Stream| state.streams[stream as usize].last(1).next().map(|line| line.text.clone());
        last(Stream::Stderr).or_else(|| last(Stream::Stdout))
    }

    /// For the record: how much there was, and the last lines.
    pub(super) fn events(&self) -> Vec<Event> {
        let state = self.shared.state();
        let event = |stream: Stream| {
            let kept = &state.streams[stream as usize];
            (kept.lines > 0).then(|| Event::ClientPrinted {
                stream: self.shared.named(stream),
                lines: kept.lines,
                bytes: kept.bytes,
                last: kept.last(LAST).map(|line| line.text.clone()).collect(),
            })
        };
        [Stream::Stdout, Stream::Stderr].into_iter().filter_map(event).collect()
    }

    /// All that was kept, by time.
    pub(super) fn text(&self) -> String {
        let state = self.shared.state();
        let mut lines: Vec<(u64, Stream, String)> = vec![];
        for stream in [Stream::Stdout, Stream::Stderr] {
            let kept = &state.streams[stream as usize];
            let of = |line: &Line| (line.at_ms, stream, line.text.clone());
            lines.extend(kept.head.iter().map(of));
            let shown = (kept.head.len() + kept.tail.len()) as u64;
            if let (Some(first), true) = (kept.tail.front(), shown < kept.lines) {
                let gap = format!("... {} lines left out ...", kept.lines - shown);
                lines.push((first.at_ms, stream, gap));
            }
            lines.extend(kept.tail.iter().map(of));
        }
        lines.sort_by_key(|(at_ms, ..)| *at_ms);
        lines.iter().fold(String::new(), |mut text, (at_ms, stream, line)| {
            let _infallible =
                writeln!(text, "{:>9} {} {line}", Span(*at_ms).to_string(), self.shared.named(*stream));
            text
        })
    }
}

/// Whoever takes a dump has stopped.
struct Capturing<'a>(&'a Shared);

impl Drop for Capturing<'_> {
    fn drop(&mut self) {
        self.0.state().capture = None;
    }
}

impl Kept {
    fn push(&mut self, line: Line) {
        self.lines += 1;
        let size = line.text.len() + 1;
        if self.tail.is_empty() && self.head_bytes + size <= KEPT {
            self.head_bytes += size;
            self.head.push(line);
            return;
        }
        self.tail_bytes += size;
        self.tail.push_back(line);
        while self.tail_bytes > KEPT {
            let Some(out) = self.tail.pop_front() else { break };
            self.tail_bytes -= out.text.len() + 1;
        }
    }
    /// The last `count` lines, in order.
    fn last(&self, count: usize) -> impl Iterator<Item = &Line> {
        let skipped = (self.head.len() + self.tail.len()).saturating_sub(count);
        self.head.iter().chain(&self.tail).skip(skipped)
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn named(&self, stream: Stream) -> String {
        format!("{}{}", self.tag, stream.name())
    }

    fn line(&self, stream: Stream, bytes: &[u8], left_out: usize) {
        let mut text = String::from_utf8_lossy(bytes).into_owned();
        if left_out > 0 {
            let _infallible = write!(text, " ... {left_out} bytes left out");
        }
        if let Some((of, counted)) = &self.wanted.progress
            && *of == stream
            && let Some(progress) = counted.find(&text)
        {
            self.meter.report(progress);
        }
        self.log.line(format!("{}: {text}", self.named(stream)));
        let mut state = self.state();
        if let Some((of, regex)) = &self.wanted.ready
            && *of == stream
            && !state.is_ready
            && regex.is_match(&text)
        {
            state.is_ready = true;
            self.ready.notify_waiters();
        }
        state.streams[stream as usize].push(Line { at_ms: self.clock.ms(), text });
    }

    /// Whether somebody takes these bytes for a dump.
    fn captured(&self, stream: Stream, chunk: &[u8]) -> bool {
        let mut state = self.state();
        state.streams[stream as usize].bytes += chunk.len() as u64;
        let Some((_, taken)) = state.capture.as_mut().filter(|(of, _)| *of == stream) else { return false };
        let room = LARGEST_DUMP.saturating_sub(taken.len());
        taken.extend_from_slice(&chunk[..chunk.len().min(room)]);
        self.grown.notify_one();
        true
    }
}

async fn read(mut pipe: impl AsyncRead + Unpin, stream: Stream, shared: Arc<Shared>) {
    let mut chunk = vec![0; 16 << 10];
    let (mut line, mut left_out) = (vec![], 0);
    while let Ok(count @ 1..) = pipe.read(&mut chunk).await {
        if shared.captured(stream, &chunk[..count]) {
            continue;
        }
        let mut rest = &chunk[..count];
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            grow(&mut line, &mut left_out, &rest[..end]);
            shared.line(stream, line.strip_suffix(b"\r").unwrap_or(&line), left_out);
            line.clear();
            left_out = 0;
            rest = &rest[end + 1..];
        }
        grow(&mut line, &mut left_out, rest);
    }
    if !line.is_empty() {
        shared.line(stream, &line, left_out);
    }
}

fn grow(line: &mut Vec<u8>, left_out: &mut usize, more: &[u8]) {
    let room = LONGEST_LINE.saturating_sub(line.len()).min(more.len());
    line.extend_from_slice(&more[..room]);
    *left_out += more.len() - room;
}
