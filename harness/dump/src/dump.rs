//! A dump as it was read: tasks, and each distinct stack once. Everything borrows from the text.

use std::hash::{Hash, Hasher};

use indexmap::{Equivalent, IndexSet};
use unstuck_record::{Runtime, Wait};

/// The forms that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Form {
    /// Go's `debug=2`, `runtime.Stack` and SIGQUIT: every goroutine.
    GoStacks,
    /// Go's `debug=1` profile: every distinct stack, and how many goroutines have it.
    GoProfile,
    /// Tokio's trace of tasks.
    TokioTrace,
    /// Python's `faulthandler`.
    Faulthandler,
    /// What `py-spy dump` prints.
    PySpy,
    /// A task dump in a record of ours.
    Record,
}

impl Form {
    /// Whose tasks they are; `None`: a client's of ours.
    pub fn runtime(self) -> Option<Runtime> {
        match self {
            Self::GoStacks | Self::GoProfile => Some(Runtime::Go),
            Self::TokioTrace => Some(Runtime::Tokio),
            Self::Faulthandler | Self::PySpy => Some(Runtime::Python),
            Self::Record => None,
        }
    }
}

/// One dump: every task at one moment.
#[derive(Clone, Debug)]
pub struct Dump<'a> {
    /// How it was written.
    pub form: Form,
    /// The tasks, in the order of the text.
    pub tasks: Vec<Task<'a>>,
    frames: IndexSet<Frame<'a>>,
    stacks: IndexSet<Stack>,
}

/// One task, or as many as share a stack where the dump only counts them.
#[derive(Clone, Copy, Debug)]
pub struct Task<'a> {
    /// The runtime's id; 0 where it tells none.
    pub id: u64,
    /// Its name; empty where it has none.
    pub name: &'a str,
    /// What it does, in the runtime's words; empty where the dump does not say.
    pub state: &'a str,
    /// For how many whole minutes it has waited, where the dump says so.
    pub minutes: Option<u64>,
    /// How many tasks this one stands for.
    pub count: u64,
    /// Whether it is locked to its thread.
    pub locked: bool,
    /// The task that started it; 0 where the dump does not say.
    pub parent: u64,
    /// Its labels as written, `"key": "value", …`; see [`crate::labels`].
    pub labels: &'a str,
    /// Its stack.
    pub stack: StackId,
    /// All that the dump says of it, as it stands there.
    pub text: &'a str,
    /// What a client of ours says that it waits for.
    pub wait: Option<&'a Wait>,
}

/// A distinct stack of one dump.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StackId(u32);

impl StackId {
    /// From 0, in the order of the text.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A function in a source file; or, without a file, a remark that stands among them (`…frames elided…`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Frame<'a> {
    /// The function, as the runtime writes it.
    pub function: &'a str,
    /// The file; empty where it is not known.
    pub file: &'a str,
    /// The line, from 1; 0 where it is not known.
    pub line: u32,
}

// the line tells nearly all frames apart, so the file's name need not be gone through for the hash
impl Hash for Frame<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.function.hash(state);
        state.write_u32(self.line);
    }
}

/// Frames by number, and who started the task.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Stack {
    frames: Box<[u32]>,
    created_by: Option<u32>,
}

/// A [`Stack`] to look for.
#[derive(Hash)]
struct Sought<'s> {
    frames: &'s [u32],
    created_by: Option<u32>,
}

impl Equivalent<Stack> for Sought<'_> {
    fn equivalent(&self, key: &Stack) -> bool {
        self.frames == &*key.frames && self.created_by == key.created_by
    }
}

// === impl Dump ===

impl<'a> Dump<'a> {
    /// A dump without tasks.
    pub fn new(form: Form) -> Self {
        Self { form, tasks: vec![], frames: IndexSet::new(), stacks: IndexSet::new() }
    }

    /// The functions of a stack, innermost first.
    pub fn frames(&self, stack: StackId) -> impl DoubleEndedIterator<Item = Frame<'a>> + ExactSizeIterator {
        self.stacks[stack.index()].frames.iter().map(|&frame| self.frames[frame as usize])
    }

    /// Where the tasks with this stack were started, if the dump tells.
    pub fn created_by(&self, stack: StackId) -> Option<Frame<'a>> {
        self.stacks[stack.index()].created_by.map(|frame| self.frames[frame as usize])
    }

    /// How many distinct stacks there are.
    pub fn distinct(&self) -> usize {
        self.stacks.len()
    }

    /// How many tasks there are, those that are only counted included.
    pub fn total(&self) -> u64 {
        self.tasks.iter().fold(0, |sum, task| sum.saturating_add(task.count))
    }

    /// The number of a frame, the same for equal ones.
    pub(crate) fn frame(&mut self, frame: Frame<'a>) -> u32 {
        self.frames.insert_full(frame).0 as u32
    }

    /// The stack of these frames, the same for equal ones.
    pub(crate) fn stack(&mut self, frames: &[u32], created_by: Option<u32>) -> StackId {
        let index = match self.stacks.get_index_of(&Sought { frames, created_by }) {
            Some(index) => index,
            None => self.stacks.insert_full(Stack { frames: frames.into(), created_by }).0,
        };
        StackId(index as u32)
    }
}

// === impl Task ===

impl<'a> Task<'a> {
    /// A single task with this stack, of which nothing else is known.
    pub(crate) fn new(id: u64, stack: StackId, text: &'a str) -> Self {
        Self {
            id,
            name: "",
            state: "",
            minutes: None,
            count: 1,
            locked: false,
            parent: 0,
            labels: "",
            stack,
            text,
            wait: None,
        }
    }
}
