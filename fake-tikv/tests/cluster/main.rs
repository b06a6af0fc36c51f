//! A running cluster in virtual time, seen through tonic's clients and through raw bytes.

mod backup;
mod fixture;
mod import;
mod pd;
mod process;
