//! The words of faults: the table of all (`table`), and what a client sees of those that act on its links (`links`).

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod client;
mod links;
mod table;
