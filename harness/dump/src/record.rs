//! To and from the task dumps of a record.

use std::borrow::Cow;
use std::sync::LazyLock;

use indexmap::IndexMap;
use unstuck_record as record;
use unstuck_record::digest::WaitKind;
use unstuck_record::{Foreign, Resource, Runtime, TaskDump, Wait};

use crate::detect::parse;
use crate::dump::{Dump, Form, Frame, StackId, Task};
use crate::idle::Allow;
use crate::{labels, wait};

/// So many bytes of what could not be read are kept; enough for a goroutine, not for a file of something else.
const RAW: usize = 4 << 10;

/// Who may wait for ever in every program.
static KNOWN: LazyLock<Allow> = LazyLock::new(Allow::known);

/// The tasks that each task started, by id.
type Children = IndexMap<u64, Vec<u64>>;

/// Every dump in `bytes`, in order; what could not be read is in the dump that it belongs to, or in one without
/// tasks. No dump comes of an empty text alone.
pub fn read(bytes: &[u8]) -> Vec<TaskDump> {
    read_at(bytes, 0)
}

/// The same, each dump taken at `at_ms` of the run: where it tells how long a task has waited, the task's times
/// are that much earlier.
pub fn read_at(bytes: &[u8], at_ms: u64) -> Vec<TaskDump> {
    let text = decode(bytes);
    let parsed = parse(&text);
    let mut dumps: Vec<TaskDump> = parsed.dumps.iter().map(|dump| dump.to_record(at_ms)).collect();
    for unread in parsed.unread {
        if dumps.is_empty() {
            dumps.push(TaskDump { at_ms, ..TaskDump::default() });
        }
        let dump = unread.dumps.saturating_sub(1);
        dumps[dump].unread.push(record::Unread {
            line: unread.line,
            error: unread.error.to_owned(),
            text: beginning(unread.text).to_owned(),
        });
    }
    dumps
}

/// Bytes as text: UTF-8, or UTF-16 with its mark, as Windows shells write it; what is neither is replaced.
pub fn decode(bytes: &[u8]) -> Cow<'_, str> {
    let wide = |unit: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes[2..].as_chunks::<2>().0.iter().map(|&pair| unit(pair)).collect();
        Cow::Owned(String::from_utf16_lossy(&units))
    };
    match bytes {
        [0xff, 0xfe, ..] => wide(u16::from_le_bytes),
        [0xfe, 0xff, ..] => wide(u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest),
        _ => String::from_utf8_lossy(bytes),
    }
}

pub(crate) fn beginning(text: &str) -> &str {
    let cut = text.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|&end| end <= RAW).last();
    &text[..cut.unwrap_or(0)]
}

impl<'a> Dump<'a> {
    /// As it stands in a record, taken at `at_ms` of the run.
    pub fn to_record(&self, at_ms: u64) -> TaskDump {
        let mut children = Children::new();
        for task in self.tasks.iter().filter(|task| task.parent != 0) {
            children.entry(task.parent).or_default().push(task.id);
        }
        let tasks =
            self.tasks.iter().enumerate().map(|(index, task)| self.task(index, task, &children, at_ms));
        TaskDump { at_ms, tasks: tasks.collect(), runtime: self.form.runtime(), ..TaskDump::default() }
    }

    fn task(&self, index: usize, task: &Task<'a>, children: &Children, at_ms: u64) -> record::Task {
        let waited_ms = task.minutes.unwrap_or(0).saturating_mul(60_000);
        let polled_ms = at_ms.saturating_sub(waited_ms);
        let frames: Vec<record::Frame> = self.frames(task.stack).map(owned).collect();
        record::Task {
            // goroutine 0 is one of the runtime's own
            id: if task.id == 0 && self.form != Form::GoStacks { index as u64 + 1 } else { task.id },
            name: if task.name.is_empty() { self.entry(task.stack) } else { task.name.to_owned() },
            created_by: self.created_by(task.stack).map(owned).unwrap_or_default(),
            parent: task.parent,
            since_ms: 0,
            polled_ms,
            progress_ms: None,
            wait: self.wait(task, children, at_ms, polled_ms),
            frames,
            foreign: Some(Foreign {
                state: task.state.to_owned(),
                wait_minutes: task.minutes,
                locked: task.locked,
                labels: labels::pairs(task.labels).collect(),
                count: task.count,
            }),
        }
    }

    /// The outermost function that is the program's own: what the task is for.
    fn entry(&self, stack: StackId) -> String {
        let runtime = self.form.runtime();
        let own = |frame: &Frame<'_>| {
            !wait::of_the_runtime(runtime, frame) && !frame.function.contains("errgroup.")
        };
        let entry = self.frames(stack).rev().find(|frame| !frame.file.is_empty() && own(frame));
        entry.map_or(String::new(), |frame| owned(frame).function)
    }

    /// The wait as the verdict has it, as near as another runtime's dump allows: no address of a peer, nobody who can
    /// act on a channel, and the goroutines that one started for those whose end it waits for.
    fn wait(&self, task: &Task<'a>, children: &Children, at_ms: u64, since_ms: u64) -> Option<Wait> {
        let named = wait::name(self, task);
        let thing = named.by.and_then(|by| wait::argument(task.text, by)).unwrap_or_default().to_owned();
        let resource = match named.kind {
            WaitKind::None => return None,
            WaitKind::Unknown if named.site.is_empty() => return None,
            WaitKind::Link => Resource::Link { addr: String::new(), conn: 0 },
            WaitKind::Lock => Resource::Lock { name: thing.clone(), holder: None },
            WaitKind::Join => Resource::Join { tasks: children.get(&task.id).cloned().unwrap_or_default() },
            // when it fires is not told; that it has not yet is all that is known
            WaitKind::Timer => Resource::Timer { until_ms: at_ms },
            WaitKind::Channel | WaitKind::Unknown => {
                Resource::Channel { name: named.site.to_owned(), actors: vec![] }
            }
        };
        let idle = KNOWN.why(self, task).is_some();
        let what = if thing.is_empty() { String::new() } else { format!(", {thing}") };
        let detail = format!("{}{what}", named.what);
        Some(Wait { site: named.site.to_owned(), resource, since_ms, idle, detail })
    }

    /// A dump of a record, to be folded and compared like any other.
    pub fn of_record(dump: &'a TaskDump) -> Self {
        let mut read = Self::new(match dump.runtime {
            Some(Runtime::Go) => Form::GoStacks,
            Some(Runtime::Tokio) => Form::TokioTrace,
            Some(Runtime::Python) => Form::Faulthandler,
            None => Form::Record,
        });
        for task in &dump.tasks {
            let frames: Vec<u32> = task.frames.iter().map(|frame| read.frame(borrowed(frame))).collect();
            let created = !task.created_by.function.is_empty();
            // a client of ours tells the task's name there, which would make every stack another
            let named = task.foreign.is_none() && task.created_by.function == task.name;
            let site = borrowed(&task.created_by);
            let site = if named { Frame { function: "spawn", ..site } } else { site };
            let created_by = created.then(|| read.frame(site));
            let stack = read.stack(&frames, created_by);
            let foreign = task.foreign.as_ref();
            let site = task.wait.as_ref().map(|wait| (wait.site.as_str(), wait.since_ms));
            let (state, since_ms) = site.unwrap_or(("", task.polled_ms));
            let minutes = dump.at_ms.saturating_sub(since_ms) / 60_000;
            read.tasks.push(Task {
                // the names of foreign tasks are made up of their stacks
                name: if dump.runtime == Some(Runtime::Go) { "" } else { &task.name },
                state: foreign.map_or(state, |foreign| &foreign.state),
                minutes: foreign.map_or((minutes > 0).then_some(minutes), |foreign| foreign.wait_minutes),
                count: foreign.map_or(1, |foreign| foreign.count),
                locked: foreign.is_some_and(|foreign| foreign.locked),
                parent: task.parent,
                wait: task.wait.as_ref().filter(|_| foreign.is_none()),
                ..Task::new(task.id, stack, "")
            });
        }
        read
    }
}

pub(crate) fn owned(frame: Frame<'_>) -> record::Frame {
    // Go escapes dots in the last part of a package's path
    let function = frame.function.replace("%2e", ".");
    record::Frame { function, file: frame.file.to_owned(), line: frame.line }
}

fn borrowed(frame: &record::Frame) -> Frame<'_> {
    Frame { function: &frame.function, file: &frame.file, line: frame.line }
}
