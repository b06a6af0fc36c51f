//! The record of a run, in memory and on disk, line by line as things happen.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fake_tikv::journal::{Filter, Journal, Totals};
use unstuck_record::{
    At, CallTotals, Calls, End, EndReason, Event, Header, Line, LinkInfo, PlannedFault, Run, Span, TaskDump,
};

/// So many events of one frequent kind are kept; the rest are counted. A client that redials in a storm must not
/// fill a disk.
const KEPT: u64 = 4_000;
/// Dumps of programs are kept up to so many bytes together.
const DUMPS: u64 = 64 << 20;

/// The record of one run. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Recorder(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    run: Run,
    file: Option<File>,
    path: Option<PathBuf>,
    error: Option<io::Error>,
    conn_events: u64,
    log_events: u64,
    dumps: Option<File>,
    dump_bytes: u64,
}

impl Recorder {
    /// Opens the file. The header is written once the world is known: [`Recorder::begin`].
    pub fn create(header: Header, path: Option<&Path>) -> io::Result<Self> {
        let file = path.map(File::create).transpose()?;
        Ok(Self(Arc::new(Mutex::new(Inner {
            run: Run::new(header),
            file,
            path: path.map(Path::to_owned),
            error: None,
            conn_events: 0,
            log_events: 0,
            dumps: None,
            dump_bytes: 0,
        }))))
    }

    /// Writes the header, now that the links and the plan are known, and where the links' control API is.
    pub fn begin(&self, links: Vec<LinkInfo>, plan: Vec<PlannedFault>, control: Option<String>) {
        let mut inner = self.inner();
        inner.run.header.links = links;
        inner.run.header.control = control;
        inner.run.header.plan = plan;
        let header = Line::Header(inner.run.header.clone());
        inner.write(&header);
    }

    /// Takes up a line.
    pub fn push(&self, line: Line) {
        self.inner().push(line);
    }

    /// Takes up an event; of frequent kinds only so many, and none after the end: what the world does while it is
    /// taken down is not the run's.
    pub fn event(&self, at_ms: u64, what: Event) {
        let mut inner = self.inner();
        if inner.run.end.is_some() {
            return;
        }
        let seen = match &what {
            Event::ConnOpened { .. } | Event::ConnClosed { .. } => &mut inner.conn_events,
            Event::ClientLogged { .. } => &mut inner.log_events,
            _ => return inner.push(Line::Event(At { at_ms, what })),
        };
        *seen += 1;
        if *seen <= KEPT {
            inner.push(Line::Event(At { at_ms, what }));
        }
    }

    /// Takes up the end, after what was elided. A second end (a watchdog's, after the run's own) is ignored.
    pub fn end(&self, end: End) {
        let mut inner = self.inner();
        if inner.run.end.is_some() {
            return;
        }
        let elided = [("connections", inner.conn_events), ("clientLogged", inner.log_events)];
        for (kind, seen) in elided {
            if seen > KEPT {
                let what = Event::Elided { kind: kind.to_owned(), count: seen - KEPT };
                inner.push(Line::Event(At { at_ms: end.at_ms, what }));
            }
        }
        inner.push(Line::End(end));
    }

    /// The record so far.
    pub fn snapshot(&self) -> Run {
        self.inner().run.clone()
    }

    /// Whether the run has ended for this reason.
    pub fn ended(&self) -> Option<EndReason> {
        self.inner().run.end.as_ref().map(|end| end.reason)
    }

    /// Any error of writing so far.
    pub fn flushed(&self) -> io::Result<()> {
        self.inner().error.take().map_or(Ok(()), Err)
    }

    /// Writes a file beside the record: `case.jsonl` gets `case.<suffix>`. Nothing if there is no record on disk.
    pub fn write_beside(&self, suffix: &str, text: &str) -> io::Result<()> {
        let path = self.inner().path.clone();
        path.map_or(Ok(()), |path| std::fs::write(path.with_extension(suffix), text))
    }

    /// Takes up a program's dump: its tasks as far as they can be read, and the text as it is, in one file beside the
    /// record. Of all but the `last` one only as long as they are not too large together.
    pub fn dump(&self, process: u32, at_ms: u64, source: &str, text: &[u8], last: bool) {
        let mut inner = self.inner();
        inner.dump_bytes = inner.dump_bytes.saturating_add(text.len() as u64);
        if inner.dump_bytes > DUMPS && !last {
            return;
        }
        let head = format!("=== dump at {}, from {source}\n", Span(at_ms));
        let written = inner.append_dump(&[head.as_bytes(), text, b"\n"].concat());
        inner.error = inner.error.take().or(written.err());
        for dump in unstuck_dump::read_at(text, at_ms) {
            inner.push(Line::Dump(TaskDump { process, ..dump }));
        }
    }

    /// Writes what a program printed beside the record, after what others have.
    pub fn output(&self, text: &str) {
        let mut inner = self.inner();
        let Some(path) = inner.path.as_ref().map(|path| path.with_extension("output.txt")) else { return };
        let file = File::options().create(true).append(true).open(path);
        let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
        inner.error = inner.error.take().or(written.err());
    }

    /// Writes the calls that the cluster has seen beside the record, and sums them up.
    pub fn calls(&self, journal: &Journal) -> Calls {
        let mut inner = self.inner();
        let path = inner.path.as_ref().map(|path| path.with_extension("calls.ndjson"));
        if let Some(path) = &path {
            let mut lines = vec![];
            for call in journal.calls(&Filter::default()) {
                serde_json::to_writer(&mut lines, &call).expect("a call is plain data");
                lines.push(b'\n');
            }
            let written = std::fs::write(path, lines);
            inner.error = inner.error.take().or(written.err());
        }
        let file = path.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
        Calls { totals: journal.totals().into_iter().map(totals).collect(), file, dropped: journal.dropped() }
    }

    /// The longest time between two samples' progress, ends included, in milliseconds.
    pub fn longest_gap(&self) -> u64 {
        let inner = self.inner();
        let mut last = (0, 0);
        let mut longest = 0;
        for sample in &inner.run.samples {
            if sample.unique > last.1 {
                longest = longest.max(sample.at_ms - last.0);
                last = (sample.at_ms, sample.unique);
            }
        }
        let end = inner.run.samples.last().map_or(0, |sample| sample.at_ms);
        longest.max(end - last.0)
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn totals(of: Totals) -> CallTotals {
    CallTotals {
        node: of.node.to_string(),
        method: of.method,
        calls: of.calls,
        outcomes: of.outcomes,
        bytes_in: of.bytes_in,
        bytes_out: of.bytes_out,
        slowest_ms: of.slowest_ms,
        slowest_at_ms: of.slowest_at_ms,
    }
}

impl Inner {
    fn append_dump(&mut self, text: &[u8]) -> io::Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        if self.dumps.is_none() {
            self.dumps = Some(File::create(path.with_extension("dumps.txt"))?);
        }
        self.dumps.as_mut().map_or(Ok(()), |file| file.write_all(text))
    }
    fn push(&mut self, line: Line) {
        self.write(&line);
        self.run.push(line);
    }
    fn write(&mut self, line: &Line) {
        let Some(file) = &mut self.file else { return };
        let mut text = line.to_json();
        text.push('\n');
        // One write a line: a kill -9 leaves whole lines and at most one cut one.
        if let Err(error) = file.write_all(text.as_bytes()) {
            self.error.get_or_insert(error);
        }
    }
}
