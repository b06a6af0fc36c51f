//! How much memory reading takes, as the system counts it.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

#[path = "../benches/generated/mod.rs"]
mod generated;

use unstuck_dump::{Allow, fold, parse};

/// A figure of `/proc/self/status`, in bytes.
fn status(name: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

/// The text itself counts: a hundred thousand goroutines, read and folded, take less than twice their file. This is
/// the only test here, so that nothing else takes memory meanwhile.
#[test]
fn reading_and_folding_takes_less_than_twice_the_file() {
    let text = generated::goroutines(100_000).into_boxed_str();
    // the highest mark starts again from what is there now
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let before = status("VmRSS");
    let digest = fold(&parse(&text).dumps[0], "", &Allow::known());
    let more = status("VmHWM") - before.min(status("VmHWM"));
    let size = text.len() as u64;
    println!("{} MB of text, {} MB more while it is read and folded", size / 1_000_000, more / 1_000_000);
    assert_eq!(digest.tasks, 100_000);
    assert!(size + more < 2 * size, "{more} bytes for a file of {size}");
}
