//! How fast a dump of a hundred thousand goroutines is read and folded: `cargo bench -p unstuck-dump`. Where Go is
//! there, panicparse and gostackparse read the same file in the same run.

#![allow(missing_docs, reason = "a benchmark")]

mod generated;

use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use divan::Bencher;
use divan::counter::BytesCount;
use unstuck_dump::{Allow, fold, parse};

static TEXT: LazyLock<String> = LazyLock::new(|| generated::goroutines(100_000));

fn main() {
    divan::main();
    beside();
}

#[divan::bench(sample_count = 10)]
fn read(bencher: Bencher<'_, '_>) {
    let text = TEXT.as_str();
    bencher.counter(BytesCount::of_str(text)).bench(|| parse(text));
}

#[divan::bench(sample_count = 10)]
fn read_and_fold(bencher: Bencher<'_, '_>) {
    let text = TEXT.as_str();
    let allow = Allow::known();
    bencher.counter(BytesCount::of_str(text)).bench(|| fold(&parse(text).dumps[0], "", &allow));
}

/// What Go's own readers take.
fn beside() {
    let go = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/go");
    let file = std::env::temp_dir().join(format!("unstuck-dump-bench-{}.txt", std::process::id()));
    let ran = std::fs::write(&file, TEXT.as_str())
        .and_then(|()| Command::new("go").args(["run", "."]).arg(&file).current_dir(go).status());
    match ran {
        Ok(status) if status.success() => {}
        Ok(status) => println!("beside: go ended with {status}"),
        Err(error) => println!("beside: not run, no go: {error}"),
    }
    let _left_for_the_system = std::fs::remove_file(file);
}
