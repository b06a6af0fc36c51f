//! What is forgotten and what is kept.

use unstuck_record::Verdict;
use unstuck_reports::history::prune::Policy;
use unstuck_reports::history::{History, Row};

use crate::fixture::{Folder, cell, night, part, row};

/// Ten nights; the case fails in the third, and from the fifth on.
fn ten(name: &str) -> Folder {
    let folder = Folder::new(name);
    for number in 1..=10 {
        let mut appender = folder.begin(&night(number), &part(1, 1));
        let bad = number == 3 || number >= 5;
        let verdict = Some(if bad { Verdict::Fail } else { Verdict::Pass });
        appender.append(&cell(1), &Row { verdict, ..row(1, number) }).unwrap();
        appender.append(&cell(1), &Row { verdict: Some(Verdict::Unknown), ..row(2, number) }).unwrap();
        appender.pin(&cell(1), 77).unwrap();
        appender.end(1, false).unwrap();
    }
    folder
}

#[test]
fn old_nights_lose_their_runs_older_ones_their_sums_and_pins_stay() {
    let folder = ten("policy");
    let mut history = History::create(&folder.0).unwrap();
    let gone = history.prune(Policy { runs: 4, sums: 8 }).unwrap();
    // nights 7 to 10 keep their runs, 3 to 6 their sums
    assert_eq!(gone, (1..=6).map(|number| format!("night-{number}")).collect::<Vec<_>>());
    let window = history.window(30, None).unwrap();
    assert_eq!(window.nights.len(), 8);
    let places: Vec<usize> = window.cells[0].nights.iter().map(|(place, _)| *place).collect();
    assert_eq!(places, [4, 5, 6, 7]);
    let older: Vec<(&str, bool)> =
        window.cells[0].older.iter().map(|(night, bad)| (night.name.as_str(), *bad)).collect();
    assert_eq!(older, [("night-6", true), ("night-5", true), ("night-4", false), ("night-3", true)]);
    assert_eq!(history.pins(&cell(1)).unwrap(), [77]);
    assert_eq!(history.prune(Policy { runs: 4, sums: 8 }).unwrap(), Vec::<String>::new());
}

#[test]
fn what_has_been_summed_up_does_not_come_back_with_an_older_copy() {
    let (folder, copy) = (ten("kept"), ten("copy"));
    let mut history = History::create(&folder.0).unwrap();
    history.prune(Policy { runs: 4, sums: 10 }).unwrap();
    let before = format!("{:?}", history.window(30, None).unwrap());
    history.merge(&History::open(&copy.file()).unwrap()).unwrap();
    assert_eq!(format!("{:?}", history.window(30, None).unwrap()), before);
}
