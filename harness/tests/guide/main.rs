//! The guides say what the loader does: every block of YAML in them is read (`blocks`), and docs/scenarios.md has every key,
//! each with an example that is read (`keys`, `examples`).

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod blocks;
mod examples;
mod keys;
