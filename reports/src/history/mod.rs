//! What the nights have left: one `SQLite` file a folder, a row a run.
//!
//! * [`cell`]: which case with which client in which world
//! * [`night`]: a night, and the part of it that one machine has run
//! * [`row`]: one run in a line
//! * `code`: words as numbers
//! * [`mod@file`]: the file itself: opened, made, refused
//! * `write`: nights that begin and end, runs that are appended, seeds that are pinned
//! * [`read`]: the nights back, newest first or those up to one
//! * `merge`: what other machines have seen
//! * [`prune`]: what is forgotten, and when

pub mod cell;
mod code;
pub mod file;
mod merge;
pub mod night;
pub mod prune;
pub mod read;
pub mod row;
mod write;

pub use cell::Cell;
pub use file::{FILE_NAME, History, HistoryError};
pub use night::{Night, Part};
pub use read::{Seen, Window};
pub use row::{Origin, Row};
pub use write::Appender;
