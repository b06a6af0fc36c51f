//! Virtual time, head-room, faults that touch nothing.

use unstuck_record::Outcome;
use unstuck_reports::history::{Origin, Row};

use crate::nights::{Nights, cell, passed};
use crate::report;

/// A cell whose one seed took so long, a night each.
fn took(world: &str, times: &[u64]) -> Nights {
    let mut nights = Nights::of(times.len());
    for (number, virtual_ms) in times.iter().enumerate() {
        nights.ran(
            &cell("case", world),
            number,
            vec![Row { virtual_ms: *virtual_ms, ..passed(1, Origin::Pinned) }],
        );
    }
    nights
}

#[test]
fn a_millisecond_of_virtual_time_is_a_change_with_its_old_and_new_time() {
    let report = report(&took("sim", &[600_000, 600_000, 600_001]));
    let change = &report.changes[0];
    assert_eq!((change.old_ms, change.new_ms, change.seed), (600_000, 600_001, 1));
    assert_eq!((change.changed, change.seeds, change.before.night.as_str()), (1, 1, "night-01"));
    assert!(!change.same_commit && change.ratio > 1.0);
    assert!(report_of(&[600_000, 600_001, 600_001]).changes.is_empty());
}

fn report_of(times: &[u64]) -> unstuck_reports::regression::Report {
    report(&took("sim", times))
}

#[test]
fn another_run_of_the_same_commit_and_seed_is_told_as_what_must_not_be() {
    let mut nights = took("sim", &[600_000, 600_001]);
    nights.seen[1].night.commit = nights.seen[0].night.commit.clone();
    assert_eq!(report(&nights).not_exact().count(), 1);
    // unless the commit is not all of it
    for seen in &mut nights.seen {
        seen.night.commit = Some("0c385e0-dirty".into());
    }
    assert_eq!(report(&nights).not_exact().count(), 0);
}

#[test]
fn a_seed_is_compared_with_the_last_night_in_which_it_ran() {
    let mut nights = took("sim", &[600_000, 600_000, 700_000]);
    nights.cells.get_mut(&cell("case", "sim")).unwrap().remove(1);
    let report = report(&nights);
    assert_eq!(report.changes[0].before.night, "night-00");
}

#[test]
fn other_findings_in_the_same_time_are_a_change() {
    let mut nights = took("sim", &[600_000, 600_000]);
    nights.cells.get_mut(&cell("case", "sim")).unwrap()[1].1[0].found = "leak".into();
    let report = report(&nights);
    let (old, new) = report.changes[0].said.clone().unwrap();
    assert_eq!((old.as_str(), new.as_str()), ("completed", "completed, leak"));
}

#[test]
fn a_case_that_fails_is_not_told_as_slower_too() {
    let mut nights = took("sim", &[600_000, 900_000]);
    let row = &mut nights.cells.get_mut(&cell("case", "sim")).unwrap()[1].1[0];
    (row.outcome, row.verdict) = (Some(Outcome::Stuck), Some(unstuck_record::Verdict::Fail));
    let report = report(&nights);
    assert!(report.changes.is_empty());
    assert_eq!(report.failures.len(), 1);
}

#[test]
fn a_budget_that_becomes_tight_is_told_before_it_is_missed() {
    // of 1,200 s
    let slow: Vec<u64> = (0..12).map(|night| 600_000 + night * 30_000).collect();
    let report = report(&took("sim", &slow));
    let shrinking = &report.shrinking[0];
    assert!((shrinking.new - 0.225).abs() < 1e-9, "{shrinking:?}");
    assert!(shrinking.old > 0.45, "{shrinking:?}");
    assert!(report_of(&[600_000; 12]).shrinking.is_empty());
    // near the limit, but as ever
    assert!(report_of(&[1_150_000; 12]).shrinking.is_empty());
}

#[test]
fn faults_that_touch_nothing_are_counted_by_nights() {
    assert_eq!(report(&Nights::pinned("...|???|???")).untouched[0].nights, 2);
    assert!(report(&Nights::pinned("???|???|..?")).untouched.is_empty());
}
