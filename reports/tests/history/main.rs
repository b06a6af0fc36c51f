//! The history on disk: killed, crowded, damaged, merged, pruned.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod broken;
mod children;
mod fixture;
mod merged;
mod pruned;

use fixture::{Folder, cell, night, part, row};
use unstuck_record::{Outcome, Verdict};
use unstuck_reports::history::{Appender, History, Origin, Row};

#[test]
fn what_is_appended_is_read_back_as_it_was() {
    let folder = Folder::new("back");
    let rows = [
        row(1, 700),
        Row {
            verdict: Some(Verdict::Fail),
            outcome: Some(Outcome::Stuck),
            path: Some("nights/a/1.jsonl".into()),
            ..row(2, 9)
        },
        Row { seed: u64::MAX, virtual_ms: u64::MAX, baseline_ms: None, touched: false, ..row(3, 1) },
        Row::broken(9, "no free\nport", 12, Origin::Fresh),
    ];
    let mut appender = folder.begin(&night(1), &part(1, 1));
    for row in &rows {
        appender.append(&cell(7), row).unwrap();
    }
    appender.end(99, false).unwrap();
    let window = History::create(&folder.0).unwrap().window(30, None).unwrap();
    assert_eq!(window.nights.len(), 1);
    assert_eq!(window.nights[0].night, night(1));
    assert_eq!(window.nights[0].parts[0].ended_ms, Some(99));
    assert_eq!(window.cells[0].cell, cell(7));
    let (place, mut read) = window.cells[0].nights[0].clone();
    read.sort_by_key(|row| row.seed);
    let mut wanted = rows.to_vec();
    wanted.sort_by_key(|row| row.seed);
    assert_eq!((place, read), (0, wanted));
    assert_eq!(&*rows[3].found, "no free\\nport");
}

#[test]
fn a_window_ends_where_it_is_asked_to_and_has_the_newest_nights() {
    let folder = Folder::new("window");
    for number in 1..=9 {
        let mut appender = folder.begin(&night(number), &part(1, 1));
        appender.append(&cell(1), &row(1, number)).unwrap();
        appender.end(1, false).unwrap();
    }
    let history = History::create(&folder.0).unwrap();
    let names = |until: Option<&str>| -> Vec<String> {
        history.window(3, until).unwrap().nights.iter().map(|seen| seen.night.name.clone()).collect()
    };
    assert_eq!(names(None), ["night-7", "night-8", "night-9"]);
    assert_eq!(names(Some("night-4")), ["night-2", "night-3", "night-4"]);
    let error = history.window(3, Some("night-10")).unwrap_err().to_string();
    assert!(error.contains("has no night `night-10`; the last one is `night-9`"), "{error}");
}

#[test]
fn a_seed_is_pinned_once_and_a_cell_has_ten_of_them_at_most() {
    let folder = Folder::new("pins");
    let mut appender = folder.begin(&night(1), &part(1, 1));
    assert!(appender.pin(&cell(1), 500).unwrap());
    for seed in 500..509 {
        assert!(appender.pin(&cell(1), seed).unwrap());
    }
    assert!(appender.pin(&cell(1), 509).unwrap());
    assert!(!appender.pin(&cell(1), 510).unwrap(), "an eleventh");
    assert!(appender.pin(&cell(2), u64::MAX).unwrap());
    let history = appender.end(1, false).unwrap();
    assert_eq!(history.pins(&cell(1)).unwrap(), (500..510).collect::<Vec<_>>());
    assert_eq!(history.pins(&cell(2)).unwrap(), [u64::MAX]);
    assert_eq!(history.pins(&cell(3)).unwrap(), Vec::<u64>::new());
}

#[test]
fn a_night_begun_again_goes_on_and_does_not_count_twice() {
    let folder = Folder::new("again");
    for _ in 0..2 {
        let mut appender = folder.begin(&night(1), &part(1, 1));
        appender.append(&cell(1), &row(1, 5)).unwrap();
        drop::<Appender>(appender);
    }
    let window = History::create(&folder.0).unwrap().window(30, None).unwrap();
    assert_eq!(window.cells[0].nights, [(0, vec![row(1, 5)])]);
}
