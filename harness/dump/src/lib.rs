//! Reads task dumps: Go's goroutines, tokio's tasks, Python's threads, wherever they stand in a text.
//!
//! Start at [`read`], which gives [`unstuck_record::TaskDump`]s, or at [`parse`], which only borrows from the text and
//! is what a dump of a hundred thousand goroutines is read with. All here is synchronous and pure; no input panics,
//! and what cannot be read is kept as it is, with the reason. Modules, in reading order:
//!
//! * [`lines`]: lines, without what a log puts before them
//! * [`dump`]: a dump as it was read, each distinct stack once
//! * [`labels`]: Go's labels
//! * [`found`]: where one dump ends and the next begins
//! * [`go`], [`tokio`], [`python`]: one reader a form
//! * [`detect`]: which form a line belongs to
//! * [`idle`]: who may wait for ever
//! * [`wait`]: what is waited for, by name
//! * [`record`]: to and from the dumps of a record
//! * [`fold()`]: alike stacks together, the suspicious first
//! * [`Series`]: dumps of one program over time: which tasks have not moved, and the two dumps that prove it
//! * [`programs()`]: the dumps of a record, by program

mod detect;
mod dump;
mod fold;
mod found;
mod go;
pub mod idle;
pub mod labels;
mod lines;
mod programs;
mod python;
mod record;
mod series;
mod tokio;
mod wait;

pub use detect::{Parsed, parse};
pub use dump::{Dump, Form, Frame, StackId, Task};
pub use fold::{fold, unread};
pub use found::Unread;
pub use idle::Allow;
pub use programs::programs;
pub use record::{decode, read, read_at};
pub use series::{Series, unmoved};
