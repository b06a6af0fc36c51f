//! The words of faults: the table of all (`table`), what a client sees of those that act on its links (`links`), at how many
//! nodes and at which they act (`modes`), what becomes of nodes (`nodes`).

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod client;
mod links;
mod modes;
mod nodes;
mod table;
