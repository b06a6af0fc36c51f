//! Nights that are not whole: what did not run, and why.

use crate::nights::{Nights, cell, part, passed};
use crate::report;
use unstuck_reports::history::{Cell, Origin, Part};
use unstuck_reports::regression::{Report, Settings};

/// Twenty cells that ran in two nights; in the third only those of which this says so.
fn nights(ran: impl Fn(&Cell) -> bool) -> Nights {
    let mut nights = Nights::of(3);
    for number in 0..20 {
        let cell = cell(&format!("case_{number:02}"), "sim");
        for night in 0..3 {
            if night < 2 || ran(&cell) {
                nights.ran(&cell, night, vec![passed(1, Origin::Pinned)]);
            }
        }
    }
    nights
}

#[test]
fn a_case_that_does_not_run_though_its_part_ended_is_missing() {
    let report = report(&nights(|cell| cell.name != "case_07"));
    let missing: Vec<&str> = report.missing.iter().map(|missing| missing.cell.name.as_str()).collect();
    assert_eq!(missing, ["case_07"]);
    assert_eq!(report.missing[0].last.night, "night-01");
    assert!(report.notes.is_empty());
}

#[test]
fn nothing_is_missing_of_a_part_that_was_interrupted_or_broke_off_or_was_not_seen() {
    let second = |cell: &Cell| cell.is_of(2, 2);
    let table = [
        (vec![part(2, 2)], "part 1 of 2 was not seen"),
        (vec![Part { interrupted: true, ..part(1, 2) }, part(2, 2)], "part 1 of 2 was interrupted"),
        (vec![Part { ended_ms: None, ..part(1, 2) }, part(2, 2)], "part 1 of 2 broke off"),
    ];
    for (parts, note) in table {
        let mut nights = nights(second);
        nights.seen[2].parts = parts;
        let report = report(&nights);
        assert!(report.missing.is_empty(), "{note}: {:?}", report.missing);
        assert!(report.notes.iter().any(|told| told.starts_with(note)), "{note}: {:?}", report.notes);
    }
    // and the other part's are, if it is whole
    let mut whole = nights(second);
    whole.seen[2].parts = vec![part(1, 2), part(2, 2)];
    assert!(!report(&whole).missing.is_empty());
}

#[test]
fn a_case_that_nobody_has_any_more_is_missed_for_a_week() {
    let missed = |nights: usize| {
        let mut all = Nights::of(nights + 1);
        all.ran(&cell("gone", "sim"), 0, vec![passed(1, Origin::Pinned)]);
        all.ran(&cell("here", "sim"), nights, vec![passed(1, Origin::Pinned)]);
        report(&all).missing.len()
    };
    assert_eq!((missed(1), missed(7), missed(8)), (1, 1, 0));
}

#[test]
fn no_night_is_no_report() {
    let none = Report::of(&Nights::of(0).window(), &Settings::default());
    assert_eq!(none, None);
    assert_eq!(report(&Nights::of(1)).headline(), "nothing new");
}
