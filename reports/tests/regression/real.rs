//! Real time: what is told, and what all cases have in common.

use unstuck_reports::history::{Origin, Row};

use crate::nights::{Nights, cell, passed};
use crate::report;

/// Ten cells over so many nights, whose times vary by a few percent from night to night, times what `factor` says.
fn nights(count: usize, factor: impl Fn(usize, usize) -> f64) -> Nights {
    let mut nights = Nights::of(count);
    for number in 0..10 {
        let cell = cell(&format!("case_{number}"), "tcp");
        for night in 0..count {
            let noise = 1.0 + ((night * 7 + number * 3) % 11) as f64 * 0.008;
            let virtual_ms = (600_000.0 * noise * factor(number, night)) as u64;
            let rows =
                (1..=5).map(|seed| Row { virtual_ms: virtual_ms + seed, ..passed(seed, Origin::Sockets) });
            nights.ran(&cell, night, rows.collect());
        }
    }
    nights
}

#[test]
fn a_case_that_takes_a_quarter_longer_for_three_nights_is_slower_and_two_nights_are_too_few() {
    let slower = |since: usize| move |cell, night| if cell == 4 && night >= since { 1.25 } else { 1.0 };
    let told = report(&nights(30, slower(27))).measured;
    assert_eq!(told.shifted.len(), 1, "{told:?}");
    let shift = &told.shifted[0];
    assert_eq!(shift.cell.as_ref().unwrap().name, "case_4");
    assert!((1.2..1.3).contains(&shift.ratio), "{shift:?}");
    assert_eq!(shift.since.night, "night-27");
    assert!(report(&nights(30, slower(28))).measured.shifted.is_empty());
}

#[test]
fn a_slow_machine_is_told_once_and_taken_out_of_each() {
    let told = report(&nights(30, |_, night| if night == 29 { 1.4 } else { 1.0 })).measured;
    assert!(told.shifted.is_empty(), "{told:?}");
    assert!((told.common.unwrap() - 0.4).abs() < 0.06, "{told:?}");
    // if it stays so, that is news of all of them together
    let told = report(&nights(30, |_, night| if night >= 27 { 1.4 } else { 1.0 })).measured;
    let cells: Vec<_> = told.shifted.iter().map(|shift| shift.cell.clone()).collect();
    assert_eq!(cells, [None]);
}

#[test]
fn times_of_another_machine_are_not_compared() {
    let mut nights = nights(30, |_, night| if night >= 20 { 2.0 } else { 1.0 });
    for seen in &mut nights.seen[20..] {
        seen.parts[0].machine = "linux aarch64, 2 cores".into();
    }
    let told = report(&nights).measured;
    assert_eq!((told.shifted.len(), told.unripe), (0, 10));
}

#[test]
fn a_case_that_varies_wildly_is_called_unstable_and_raises_no_alarm() {
    let wild = |cell: usize, night: usize| if cell == 2 { 1.0 + (night * 7 % 5) as f64 } else { 1.0 };
    let told = report(&nights(30, wild)).measured;
    assert!(told.shifted.is_empty(), "{told:?}");
    assert_eq!(told.unstable.iter().map(|one| one.cell.name.as_str()).collect::<Vec<_>>(), ["case_2"]);
    assert!(told.unstable[0].least > 0.5);
}
