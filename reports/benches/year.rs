//! What the report of a night takes with a year behind it: 365 nights of 300 cases, 30 runs each (5 on real sockets),
//! pruned as the policy says.

mod generated;

use std::path::{Path, PathBuf};

use divan::Bencher;
use divan::counter::ItemsCount;
use unstuck_reports::history::{FILE_NAME, History};
use unstuck_reports::regression::{Links, Report, Settings, json, markdown, page, plain};
use unstuck_reports::terminal::Style;

const NIGHTS: u64 = 365;
const CASES: u64 = 300;

fn main() {
    let folder = folder();
    if !folder.join(FILE_NAME).exists() {
        drop(generated::year(&folder, NIGHTS, CASES));
    }
    let size = std::fs::metadata(folder.join(FILE_NAME)).expect("it was made").len();
    println!("{NIGHTS} nights of {CASES} cases: {:.1} MB on disk", size as f64 / 1e6);
    divan::main();
    if std::env::var_os("UNSTUCK_KEEP").is_none() {
        std::fs::remove_dir_all(folder).expect("it was made");
    }
}

fn folder() -> PathBuf {
    std::env::var_os("UNSTUCK_KEEP").map_or_else(
        || std::env::temp_dir().join(format!("unstuck-year-{}", std::process::id())),
        PathBuf::from,
    )
}

fn report(folder: &Path) -> Report {
    let history = History::create(folder).expect("a history");
    let window = history.window(Settings::default().nights, None).expect("its nights");
    Report::of(&window, &Settings::default()).expect("a night")
}

/// Read, judged, and written in all four forms: what somebody waits for.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn all(bencher: Bencher<'_, '_>) {
    bencher.counter(ItemsCount::new(CASES)).bench(|| {
        let report = report(&folder());
        let mut html = vec![];
        let link = |night: usize| Some(format!("../{}/index.html", report.nights[night].night));
        let below = |path: &str| Some(format!("../../{path}"));
        page(&mut html, &report, Links { night: &link, below: &below }).expect("memory");
        (html, markdown(&report, None), plain(&report, Style::default()), json::json(&report))
    });
}

/// The history alone, read.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn read() -> usize {
    let history = History::create(&folder()).expect("a history");
    history.window(Settings::default().nights, None).expect("its nights").cells.len()
}
