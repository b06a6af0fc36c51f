//! A year of nights: what a report of it takes.

fn main() {}
