//! What several faults come to that act at the same time, in both worlds.

use std::time::Duration;

use unstuck::run::WorldKind;
use unstuck_record::{Event, Run, Verdict};

use super::prober::{Answer, Asked, acted, answers, made, prober, run};

const WORLDS: [WorldKind; 2] = [WorldKind::Sim, WorldKind::Tcp];

/// The answers that lie wholly between two moments: some, or the bound would hold of nothing.
fn between(run: &Run, from_ms: u64, to_ms: u64) -> Vec<Answer> {
    let found: Vec<_> = answers(run).into_iter().filter(|answer| answer.within(from_ms, to_ms)).collect();
    assert!(!found.is_empty(), "nothing was asked between {from_ms} and {to_ms}");
    found
}

fn all(run: &Run, from_ms: u64, to_ms: u64, how: &str) {
    let found = between(run, from_ms, to_ms);
    assert!(found.iter().all(|answer| answer.how == how), "{how} from {from_ms} to {to_ms}: {found:?}");
}

/// The store's process started once, and not before this: the proxy refuses as long as any fault has it so, and would hide it.
fn started_once(run: &Run, from_ms: u64) {
    let started = run.events.iter().filter(
        |event| matches!(&event.what, Event::ClusterChanged { what } if what == "tikv-1 is up again"),
    );
    let at: Vec<u64> = started.map(|event| event.at_ms).collect();
    assert!(matches!(at[..], [at] if at >= from_ms), "started at {at:?}, due at {from_ms}");
}

/// A delayed answer cannot come sooner than the latency of both ways, on whatever machine. Patience is longer than that, so
/// that silence is the partition's.
#[test]
fn a_delay_holds_on_when_a_partition_of_the_same_link_heals() {
    for world in WORLDS {
        let run = run(&made(
            "warmUpTime: 1s, faults: [\
             {faultType: 'network_delay(latency:150ms)', selector: client_to_pd(0), faultDuration: 6s}, \
             {faultType: network_partition, selector: client_to_pd(0), faultDuration: 2s, at: 2s}]",
            prober(Asked::Pd, Duration::from_millis(700), Duration::from_secs(9)),
            world,
        ));
        let (delay, partition) = (acted(&run, 0), acted(&run, 1));
        assert!(delay.from < partition.from && partition.healed < delay.to, "{delay:?} {partition:?}");
        all(&run, 0, delay.from, "ok");
        all(&run, partition.from, partition.to, "silent");
        for (from, to) in [(delay.from, partition.from), (partition.healed, delay.to)] {
            let answered: Vec<_> = between(&run, from, to).into_iter().filter(|a| a.how == "ok").collect();
            assert!(!answered.is_empty(), "nothing was answered between {from} and {to}");
            assert!(answered.iter().all(|a| a.told_ms - a.asked_ms >= 300), "{answered:?}");
        }
        let after = between(&run, delay.healed, u64::MAX);
        assert_eq!(after.last().unwrap().how, "ok", "{after:?}");
        assert_eq!(run.judgement.as_ref().unwrap().verdict, Verdict::Pass);
    }
}

/// Down beats frozen, and each lasts as long as it says: the failure's heal leaves the store frozen.
#[test]
fn a_store_that_fails_while_it_is_frozen_is_down_and_then_frozen_again() {
    for world in WORLDS {
        let run = run(&made(
            "warmUpTime: 1s, faults: [{faultType: freeze, selector: tikv(0), faultDuration: 6s}, \
             {faultType: failure, selector: tikv(0), faultDuration: 2s, at: 2s}]",
            prober(Asked::Store, Duration::from_millis(300), Duration::from_secs(9)),
            world,
        ));
        let (freeze, failure) = (acted(&run, 0), acted(&run, 1));
        assert!(freeze.from < failure.from && failure.healed < freeze.to, "{freeze:?} {failure:?}");
        all(&run, freeze.from, failure.from, "silent");
        all(&run, failure.from, failure.to, "refused");
        all(&run, failure.healed, freeze.to, "silent");
        let after = between(&run, freeze.healed, u64::MAX);
        assert_eq!(after.last().unwrap().how, "ok", "{after:?}");
    }
}

/// The freeze begins and heals while there is nothing to freeze; neither may start the store.
#[test]
fn a_store_that_is_frozen_while_it_is_down_stays_down() {
    for world in WORLDS {
        let run = run(&made(
            "warmUpTime: 1s, faults: [{faultType: failure, selector: tikv(0), faultDuration: 4s}, \
             {faultType: freeze, selector: tikv(0), faultDuration: 1s, at: 1s}]",
            prober(Asked::Store, Duration::from_millis(300), Duration::from_secs(7)),
            world,
        ));
        let failure = acted(&run, 0);
        all(&run, failure.from, failure.to, "refused");
        started_once(&run, failure.to);
        assert_eq!(between(&run, failure.healed, u64::MAX).last().unwrap().how, "ok");
    }
}

/// Two failures of one store: it is down until the second heals.
#[test]
fn of_two_faults_that_stop_a_store_the_last_heal_starts_it() {
    let run = run(&made(
        "warmUpTime: 1s, faults: [{faultType: failure, selector: tikv(0), faultDuration: 3s}, \
         {faultType: failure, selector: tikv(all), faultDuration: 3s, at: 2s}]",
        prober(Asked::Store, Duration::from_millis(300), Duration::from_secs(8)),
        WorldKind::Sim,
    ));
    let (first, second) = (acted(&run, 0), acted(&run, 1));
    all(&run, first.from, second.to, "refused");
    started_once(&run, second.to);
    assert_eq!(between(&run, second.healed, u64::MAX).last().unwrap().how, "ok");
}
