//! What has been found while a text is gone through.

use crate::dump::{Dump, Form};

/// A part of a text that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread<'a> {
    /// How many of the dumps had begun before it.
    pub dumps: usize,
    /// Its line, from 1.
    pub line: u64,
    /// The text, as it is.
    pub text: &'a str,
    /// Why it could not be read.
    pub error: &'static str,
}

/// The dumps found so far.
#[derive(Default)]
pub(crate) struct Found<'a> {
    text: &'a str,
    dumps: Vec<Begun<'a>>,
    unread: Vec<Unread<'a>>,
    /// Whether the last dump is over, so that what comes is another.
    ended: bool,
    /// An offset, and how many lines end before it.
    counted: (usize, u64),
}

/// A dump whose tasks are being read.
pub(crate) struct Begun<'a> {
    pub(crate) dump: Dump<'a>,
    /// Frames of the task that is being read; kept to save its allocation.
    pub(crate) scratch: Vec<u32>,
    ids: indexmap::IndexSet<u64>,
}

impl<'a> Found<'a> {
    /// Nothing yet, in this text.
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, ..Self::default() }
    }

    /// The last dump is over: what comes is another.
    pub(crate) fn end(&mut self) {
        self.ended = true;
    }

    /// Whether nothing was found that even looked like a dump.
    pub(crate) fn nothing(&self) -> bool {
        self.dumps.is_empty() && self.unread.is_empty()
    }

    pub(crate) fn done(self) -> (Vec<Dump<'a>>, Vec<Unread<'a>>) {
        (self.dumps.into_iter().map(|begun| begun.dump).collect(), self.unread)
    }

    /// The dump in which a task of this form and id (0: no id) belongs: the last one, or a new one if the last has
    /// another form, has that task already or is over, or if this task is told to be the first of a dump.
    pub(crate) fn dump(&mut self, form: Form, id: u64, first: bool) -> &mut Begun<'a> {
        let fits = self.dumps.last().is_some_and(|begun| {
            begun.dump.form == form && (!first || begun.dump.tasks.is_empty()) && !begun.ids.contains(&id)
        });
        if self.ended || !fits {
            if let Some(last) = self.dumps.last_mut() {
                (last.scratch, last.ids) = (vec![], indexmap::IndexSet::new());
            }
            self.dumps.push(Begun { dump: Dump::new(form), scratch: vec![], ids: indexmap::IndexSet::new() });
            self.ended = false;
        }
        let begun = self.dumps.last_mut().expect("one was pushed if there was none");
        if id != 0 {
            begun.ids.insert(id);
        }
        begun
    }

    /// Keeps what could not be read, `text` from `start` on. Such parts are told in the order of the text.
    pub(crate) fn unread(&mut self, start: usize, text: &'a str, error: &'static str) {
        let (offset, lines) = self.counted;
        let between = &self.text.as_bytes()[offset..start];
        let line = lines + memchr::memchr_iter(b'\n', between).count() as u64;
        self.counted = (start, line);
        self.unread.push(Unread { dumps: self.dumps.len(), line: line + 1, text, error });
    }
}
