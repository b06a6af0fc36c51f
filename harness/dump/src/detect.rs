//! Which form a text has, line by line: dumps stand within logs, bug reports and each other.

use crate::dump::Dump;
use crate::found::{Found, Unread};
use crate::lines::Lines;
use crate::{go, python, tokio};

/// What a text held.
#[derive(Clone, Debug, Default)]
pub struct Parsed<'a> {
    /// The dumps, in order. One ends where a task comes again, or another form begins.
    pub dumps: Vec<Dump<'a>>,
    /// What looked like part of a dump and could not be read; all of the text if nothing in it looked like one.
    pub unread: Vec<Unread<'a>>,
}

const NOTHING: &str = "no task dump was found: neither Go's (debug=2, debug=1, SIGQUIT) nor tokio's trace nor \
                       Python's (faulthandler, py-spy)";

/// Reads every dump in `text`. Whatever stands around them is left out.
pub fn parse(text: &str) -> Parsed<'_> {
    let mut lines = Lines::new(text);
    let mut found = Found::new(text);
    while let Some(line) = lines.peek() {
        if go::stacks::begins(line) {
            go::stacks::read(&mut lines, &mut found);
        } else if go::profile::begins(line) {
            go::profile::read(&mut lines, &mut found);
        } else if python::begins(line) {
            python::read(&mut lines, &mut found);
        } else if tokio::begins(line) {
            tokio::read(&mut lines, &mut found);
        } else {
            if go::profile::begins_profile(line)
                || line.starts_with("SIGQUIT: quit")
                || python::begins_dump(line)
            {
                found.end();
            }
            lines.next();
        }
    }
    if found.nothing() && !text.trim().is_empty() {
        found.unread(0, text, NOTHING);
    }
    let (dumps, unread) = found.done();
    Parsed { dumps, unread }
}
