//! Two runs held against each other.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod fixture;

use unstuck_record::builder::{MIN, SEC};
use unstuck_record::{Outcome, Run, Verdict};
use unstuck_reports::compare::{Compared, Comparison, compare, json, plain};
use unstuck_reports::terminal::Style;

fn stuck() -> Run {
    let (mut run, judgement) = fixture::stuck();
    run.judgement = Some(judgement);
    run
}

fn changed(change: impl FnOnce(&mut Run)) -> Run {
    let mut run = stuck();
    change(&mut run);
    run
}

fn of(old: &[Run], new: &[Run]) -> Comparison {
    let all = |runs: &[Run]| runs.iter().map(Compared::of).collect();
    compare(all(old), all(new))
}

/// The fixed run: in time, nothing found, less touched.
fn fixed(run: &mut Run) {
    let judgement = run.judgement.as_mut().unwrap();
    (judgement.outcome, judgement.verdict) = (Outcome::Completed, Verdict::Pass);
    judgement.findings.clear();
    let end = run.end.as_mut().unwrap();
    end.at_ms = 61 * MIN;
    end.evidence[0].closed += 3;
}

#[test]
fn a_run_is_the_same_as_itself() {
    let comparison = of(&[stuck()], &[stuck()]);
    assert!(comparison.is_same() && comparison.same == 1, "{comparison:?}");
}

#[test]
fn all_that_differs_is_told_with_old_and_new() {
    let comparison = of(&[stuck()], &[changed(fixed)]);
    insta::assert_snapshot!(plain(&comparison, "results/run-0001", "results/run-0002", Style::default()));
}

#[test]
fn json_fits_its_schema() {
    let other = changed(|run| run.header.case = "other".into());
    let comparison = of(&[stuck(), other.clone()], &[changed(fixed)]);
    let schema = serde_json::from_str(include_str!("../schema/compare.json")).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let mut value: serde_json::Value = serde_json::from_str(&json(&comparison)).unwrap();
    schema.validate(&value).unwrap();
    assert_eq!(value["onlyOld"][0]["case"], "other");
    value["same"] = "all".into();
    assert!(!schema.is_valid(&value));
}

#[test]
fn runs_meet_by_seed_then_without_their_client_then_if_they_are_alone() {
    let seed = |number: u64| changed(|run| run.header.seed = number);
    let both = of(&[seed(1), seed(2)], &[seed(2), seed(3)]);
    assert_eq!((both.same, both.different.len()), (1, 1), "one pair, and the rest alone: {both:?}");
    let client = changed(|run| run.header.client = "lightning@fixed".into());
    let both = of(&[stuck(), seed(7)], &[seed(7), client]);
    assert_eq!((both.same, both.different.len()), (1, 1));
    assert_eq!(both.different[0].differs[0].what, "case");
    let both = of(&[seed(1), seed(2)], &[seed(3), seed(4)]);
    assert_eq!((both.only_old.len(), both.only_new.len()), (2, 2));
}

#[test]
fn real_time_and_counts_of_real_sockets_never_are_the_same_and_are_let_be() {
    let real = |add: u64, closed: u64| {
        changed(|run| {
            run.header.world = "tcp".into();
            let end = run.end.as_mut().unwrap();
            end.at_ms = 1000 * SEC + add;
            end.evidence[0].closed = closed;
        })
    };
    assert!(of(&[real(0, 3)], &[real(50 * SEC, 9)]).is_same());
    let far = of(&[real(0, 3)], &[real(150 * SEC, 3)]);
    assert_eq!(far.different[0].differs[0].what, "time");
    let mut untouched = real(0, 0);
    untouched.end.as_mut().unwrap().evidence[0] = unstuck_record::Evidence::default();
    assert!(of(&[real(0, 3)], &[untouched]).different[0].differs[0].what.starts_with("fault 1, "));
}
