//! What becomes of nodes, in real cases in virtual time.

use std::time::Duration;

use unstuck_record::{Event, Run};

use super::links::{Case, run_at};

fn says(run: &Run, what: &str) -> bool {
    let told = |event: &Event| matches!(event, Event::ClusterChanged { what: told } if told.contains(what));
    run.events.iter().any(|at| told(&at.what))
}

/// A call without a fault takes some milliseconds.
#[test]
fn a_slow_disk_delays_a_share_of_calls_and_each_by_another_time() {
    let case = |fault: &str| run_at(fault, "pd(0)", "");
    let all = case("io_delay(volumeName:tikv,delay:400ms)");
    let some = case("io_delay(volumeName:tikv,path:/data/*,percent:30,delay:400ms)");
    // a call takes half a second in the first case, on average a fifth of one in the second: for ten seconds, on two
    // connections, that is 80 calls more
    let slowed = |case: &Case| case.evidence.answers;
    let done = |case: &Case| case.seen.kept.done + case.seen.fresh.done;
    assert!(
        some.seen.kept.slowest >= Duration::from_millis(400) && slowed(&some) > 10,
        "{:?}",
        some.evidence
    );
    assert!(done(&some) > done(&all) + 20, "{:?} {:?}", some.seen, all.seen);

    let jitter = case("io_jitter(delay:400ms,jitter:300ms)");
    let slowest = jitter.seen.kept.slowest;
    assert!((500..=720).contains(&slowest.as_millis()), "up to 700 ms and the call itself: {slowest:?}");
    assert!(slowest > all.seen.kept.slowest, "{:?}", all.seen);
    assert!(case("io_jitter(delay:400ms,jitter:300ms)").seen == jitter.seen, "the same seed draws the same");
}

/// Four regions have three peers each on four stores: some are on the one that leaves, and PD moves them within seconds.
#[test]
fn a_store_that_scales_in_hands_its_regions_on_and_is_gone() {
    let case = run_at("scale_in", "tikv(0)", "cluster: {tikv: 4, regions: 4}");
    assert!(case.evidence.answers > 0, "{:?}", case.evidence);
    assert!(
        says(&case.run, "tikv-1 is to leave") && says(&case.run, "moved off tikv-1"),
        "{:?}",
        case.run.events
    );
    assert!(says(&case.run, "tikv-1 is a tombstone"), "{:?}", case.run.events);
}

/// Three members and stores over two zones: the client's zone keeps two of each, so that it works on.
#[test]
fn a_zone_that_is_cut_off_is_silent_to_the_client_and_to_the_other_nodes() {
    let case = run_at("az_partition", "az1_to_az2", "cluster: {zones: 2}");
    let fault = &case.run.header.plan[0];
    assert_eq!(fault.links.len(), 2, "a member and a store: {fault:?}");
    assert!(case.evidence.answers > 0, "heartbeats are suppressed: {:?}", case.evidence);
    let seen = run_at("zone_partition", "az2_to_az1", "cluster: {zones: 2}").evidence.answers;
    assert_eq!(seen, case.evidence.answers, "the same pairs");
}

#[test]
fn down_is_a_failure() {
    let (down, failure) = (run_at("down", "pd(0)", ""), run_at("failure", "pd(0)", ""));
    assert!(down.evidence.closed > 0 && down.evidence == failure.evidence, "{:?}", down.evidence);
    assert_eq!(down.seen, failure.seen);
}
