//! Demands on progress before, during and after the faults, of a backup and of an import: met to the unit, and each missed.

use unstuck_record::{Demand, Demands, FindingKind, Judgement, Phase, Run, Verdict};

use super::prober::{acted, of_client, run};

/// Two faults that heal together: under the first a backup goes on, the second stops a store.
const BACKUP: (&str, &str) = (
    "br@fixed",
    "warmUpTime: 5m, recoveryTime: 20m, faults: [\
     {faultType: 'network_delay(latency:100ms)', selector: client_to_tikv(all), faultDuration: 6m}, \
     {faultType: failure, selector: tikv(0), faultDuration: 2m, at: 4m}]",
);
/// An import that has half of its keys in when a store fails.
const IMPORT: (&str, &str) = (
    "lightning@fixed",
    "faultType: failure, selector: tikv(0), faultDuration: 2m, recoveryTime: 20m, when: {progress: 1%, delay: 1m}",
);

fn demanding((client, faults): (&str, &str), phases: &str) -> Run {
    run(&of_client(&format!("{faults}, expect: {{phases: {{{phases}}}}}"), client, 1))
}

fn judgement(run: &Run) -> &Judgement {
    run.judgement.as_ref().unwrap()
}

/// The verdict, and the phases of the demands that were missed.
fn missed(case: (&str, &str), phases: &str) -> (Verdict, Vec<Phase>) {
    let run = demanding(case, phases);
    let findings = judgement(&run).findings.iter().filter(|finding| finding.kind == FindingKind::Progress);
    (judgement(&run).verdict, findings.filter_map(|finding| finding.phase).collect())
}

/// What a phase saw is what can be demanded of it, and one more is not.
#[test]
fn demands_are_met_to_the_unit() {
    let seen = demanding(BACKUP, "steady: {progress: 1}");
    let phases = seen.phases();
    let [steady, fault, recovery] = phases[..] else { panic!("{phases:?}") };
    assert_eq!((fault.from_ms, fault.to_ms), (acted(&seen, 0).from, acted(&seen, 1).healed));
    assert_eq!(steady.units + fault.units + recovery.units, seen.total());
    assert!(steady.units > 0 && fault.units > 0 && recovery.units > 1, "{phases:?}");
    let resumed_ms = seen.resumed_ms().unwrap();

    let of = |steady: u64, fault: u64, recovery: u64, within_ms: u64| {
        let recovery = format!("recovery: {{progress: {recovery}, resumesWithin: {within_ms}ms}}");
        missed(BACKUP, &format!("steady: {{progress: {steady}}}, fault: {{progress: {fault}}}, {recovery}"))
    };
    let (steady, fault, recovery) = (steady.units, fault.units, recovery.units);
    assert_eq!(of(steady, fault, recovery, resumed_ms), (Verdict::Pass, vec![]));
    assert_eq!(of(steady + 1, fault, recovery, resumed_ms), (Verdict::Unknown, vec![Phase::Steady]));
    assert_eq!(of(steady, fault + 1, recovery, resumed_ms), (Verdict::Fail, vec![Phase::Fault]));
    assert_eq!(of(steady, fault, recovery, 1), (Verdict::Fail, vec![Phase::Recovery]));
    // nobody can do more than is left
    assert_eq!(of(steady, fault, recovery + 1, resumed_ms), (Verdict::Pass, vec![]));
}

#[test]
fn an_import_meets_its_demands_and_misses_each() {
    use Phase::{Fault, Recovery, Steady};
    for (phases, verdict, phase) in [
        (
            "steady: {progress: 50%}, fault: {progress: 1}, recovery: {progress: 10%, resumesWithin: 2m}",
            Verdict::Pass,
            None,
        ),
        ("steady: {progress: 51%}, recovery: {progress: 10%}", Verdict::Unknown, Some(Steady)),
        ("steady: {progress: 50%}, fault: {progress: 50%}", Verdict::Fail, Some(Fault)),
        ("steady: {progress: 50%}, recovery: {resumesWithin: 1m}", Verdict::Fail, Some(Recovery)),
    ] {
        assert_eq!(missed(IMPORT, phases), (verdict, Vec::from_iter(phase)), "{phases}");
    }
}

/// What hangs after the heal does nothing in the recovery.
#[test]
fn a_client_that_never_comes_back_misses_its_recovery() {
    let run = run(&of_client(
        "faultType: failure, selector: tikv(0), faultDuration: 60m, \
         expect: {phases: {recovery: {progress: 10%, resumesWithin: 2m}}}",
        "lightning@as-reported",
        1,
    ));
    assert_eq!(judgement(&run).verdict, Verdict::Fail);
    let told: Vec<&str> = judgement(&run)
        .findings
        .iter()
        .filter(|finding| finding.phase == Some(Phase::Recovery))
        .map(|finding| finding.summary.as_str())
        .collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].starts_with("`recovery` demands 10% (26 keys), and saw 0 from 1h1m to "), "{}", told[0]);
    assert_eq!(told[1], "`recovery` demands progress within 2m of the last heal at 1h1m, and it never came");
}

/// What was done until then is not left to chance: also not what was done when the time to resume was over.
#[test]
fn samples_are_taken_where_a_phase_ends() {
    let run = demanding(BACKUP, "recovery: {resumesWithin: 7s}");
    let recovery = acted(&run, 1).healed;
    for ms in [acted(&run, 0).from, recovery, recovery + 7_000] {
        assert!(run.samples.iter().any(|sample| sample.at_ms == ms), "none at {ms}");
    }
}

/// A record tells all that its verdict rests on.
#[test]
fn the_demands_are_in_the_record() {
    let run = demanding(BACKUP, "steady: {progress: 1%}, recovery: {resumesWithin: 2m}");
    assert_eq!(
        run.header.expect.phases,
        Demands { steady: Some(Demand::Percent(1)), resumes_within_ms: Some(120_000), ..Demands::default() }
    );
    assert_eq!(unstuck::verdict::judge(&run), *judgement(&run));
}
