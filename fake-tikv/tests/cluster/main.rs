//! A running cluster in virtual time, seen through tonic's clients and through raw bytes.

#![expect(clippy::unwrap_used, reason = "helpers of tests, outside of the test functions that may")]

mod backup;
mod batch;
mod fixture;
mod health;
mod import;
mod moves;
mod pd;
mod process;
mod raw;
mod split_region;
mod txn;
