//! New, still, flaky, fixed.

use unstuck_reports::history::Origin;
use unstuck_reports::regression::standing::{Failure, Standing};

use crate::nights::{Nights, cell, failed, night, passed};
use crate::report;

fn failure(nights: &Nights) -> Option<Failure> {
    report(nights).failures.into_iter().next()
}

/// Each word is a night, each letter a seed.
#[test]
fn a_failure_stands_as_its_nights_say() {
    use Standing::{Fixed, Flaky, New, Still};
    let table = [
        ("...|...|...", None),
        ("...|...|..x", Some(New)),
        ("xxx", Some(New)),
        ("...|.xx|.xx", Some(Still)),
        ("xxx|xxx|xxx", Some(Still)),
        ("..x|..x|x.x", Some(New)),
        ("...|..x|...", Some(Fixed)),
        ("...|..x|...|...", None),
        ("...|..x|...|..x|...|..x", Some(Flaky)),
        ("...|..x|...|..x", Some(New)),
        ("???|???|..x", Some(New)),
        ("...|??x|??x", Some(Still)),
        ("..x|   |..x", Some(Still)),
        ("...|..x|   ", None),
        ("...|..x|???", None),
    ];
    for (words, wanted) in table {
        let found = failure(&Nights::pinned(words));
        assert_eq!(found.map(|failure| failure.standing), wanted, "{words}");
    }
}

#[test]
fn the_first_bad_night_and_the_last_good_one_are_named_with_their_commits() {
    let failure = failure(&Nights::pinned("...|...|..x|..x|.xx|..x")).unwrap();
    assert_eq!(failure.standing, Standing::Still);
    assert_eq!((failure.since.night.as_str(), failure.since.commit.as_str()), ("night-02", "commit-02"));
    let good = failure.last_good.unwrap();
    assert_eq!((good.night.as_str(), good.commit.as_str()), ("night-01", "commit-01"));
    assert_eq!((failure.seeds, failure.bad, failure.runs), (vec![3], 1, 3));
}

#[test]
fn a_failure_older_than_the_window_is_followed_to_its_beginning() {
    let mut nights = Nights::pinned("xxx|xxx");
    nights.older = vec![(night(90), true), (night(80), true), (night(70), false), (night(60), true)];
    let failure = failure(&nights).unwrap();
    assert_eq!(failure.since.night, "night-80");
    assert_eq!(failure.last_good.unwrap().night, "night-70");
}

/// On real sockets one pass says little: at one failure in two runs, five passes are luck in one night of 32.
#[test]
fn what_passes_by_luck_is_not_called_fixed() {
    let table = [
        (".x|.x|.x|..", Standing::Flaky),
        (".x|.x|.x|..|..", Standing::Flaky),
        (".x|.x|.x|..|..|.", Standing::Fixed),
        ("xx|xx|xx|..", Standing::Fixed),
    ];
    for (words, wanted) in table {
        assert_eq!(failure(&Nights::sockets(words)).unwrap().standing, wanted, "{words}");
    }
    assert_eq!(failure(&Nights::sockets(".x|.x|.x|..|..|.|.")), None);
}

#[test]
fn a_rate_is_that_of_seeds_that_nobody_chose() {
    let mut nights = Nights::of(3);
    for number in 0..3 {
        let fresh = (0..20).map(|seed| {
            let seed = 1000 + seed + 20 * number as u64;
            if seed.is_multiple_of(20) { failed(seed, Origin::Fresh) } else { passed(seed, Origin::Fresh) }
        });
        // a seed that was found and pinned fails every night, and says nothing of the rate
        let rows = fresh.chain([failed(1, Origin::Pinned)]).collect();
        nights.ran(&cell("case", "sim"), number, rows);
    }
    let failure = failure(&nights).unwrap();
    assert_eq!((failure.rate.bad, failure.rate.runs), (3, 60));
    assert_eq!((failure.bad, failure.runs), (2, 21));
    assert_eq!((failure.seeds, failure.fresh), (vec![1], vec![1040]));
}

#[test]
fn a_seed_that_was_found_fresh_and_passes_when_it_runs_again_is_fixed() {
    let mut nights = Nights::of(2);
    nights.ran(&cell("case", "sim"), 0, vec![passed(1, Origin::Pinned), failed(77, Origin::Fresh)]);
    nights.ran(&cell("case", "sim"), 1, vec![passed(1, Origin::Pinned), passed(77, Origin::Pinned)]);
    assert_eq!(failure(&nights).unwrap().standing, Standing::Fixed);
}

/// Seed 77 failed, one of a hundred fresh ones; ten others that pass the night after show nothing.
#[test]
fn a_rare_failure_that_nobody_runs_again_is_not_fixed_by_a_good_night() {
    let fresh = |seeds: std::ops::Range<u64>| seeds.map(|seed| passed(seed, Origin::Fresh));
    let mut nights = Nights::of(2);
    nights.ran(&cell("case", "sim"), 0, fresh(100..199).chain([failed(77, Origin::Fresh)]).collect());
    nights.ran(&cell("case", "sim"), 1, fresh(200..210).collect());
    assert_eq!(failure(&nights).unwrap().standing, Standing::Flaky);
}

#[test]
fn what_the_harness_could_not_run_is_bad_too() {
    let mut nights = Nights::pinned("...|...");
    let broken = unstuck_reports::history::Row::broken(1, "no free port", 3, Origin::Pinned);
    nights.cells.get_mut(&cell("case", "sim")).unwrap()[1].1[0] = broken;
    let report = report(&nights);
    assert_eq!(report.failures[0].what, "could not be run, no free port");
    assert_eq!((report.counts.broken, report.counts.passed), (1, 2));
}
