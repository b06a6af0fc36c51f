//! A running cluster in virtual time, seen through tonic's clients and through raw bytes.

#![expect(clippy::unwrap_used, reason = "helpers of tests, outside of the test functions that may")]

mod answers;
mod backup;
mod batch;
mod broken;
mod bytes_codec;
mod etcd;
mod fixture;
mod fuzz;
mod health;
mod hostile;
mod http;
mod import;
mod journal;
mod methods;
mod model;
mod moves;
mod pd;
mod pd_calls;
mod plain;
mod process;
mod raw;
mod split_region;
mod stores;
mod tso;
mod txn;
mod view;
