//! A running cluster in virtual time, seen through tonic's clients and through raw bytes.

#![expect(clippy::unwrap_used, reason = "helpers of tests, outside of the test functions that may")]

mod answers;
mod backup;
mod fixture;
mod import;
mod journal;
mod pd;
mod process;
