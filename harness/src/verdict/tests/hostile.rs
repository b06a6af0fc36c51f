//! A record is foreign input: whatever it says, judging it ends, without a panic, and always the same way.

use proptest::prelude::*;
use unstuck_record::builder::{RunBuilder, task};
use unstuck_record::{
    At, End, EndReason, Event, Evidence, Limits, LinkSample, PlannedFault, Resource, Run, Sample, Task,
    TaskDump, Work,
};

use super::super::{judge, rejudge};

/// Small numbers meet each other, huge ones overflow.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![4 => 0..20_u64, 2 => 0..10_000_000_u64, 1 => Just(u64::MAX), 1 => any::<u64>()]
}

fn index() -> impl Strategy<Value = usize> {
    prop_oneof![4 => 0..4_usize, 1 => any::<usize>()]
}

fn event() -> impl Strategy<Value = At<Event>> {
    let what = prop_oneof![
        proptest::option::of("[a-z]{0,3}").prop_map(|error| Event::ClientEnded { error }),
        index().prop_map(|fault| Event::FaultInjected { fault }),
        (index(), number()).prop_map(|(fault, bytes)| Event::FaultHealed {
            fault,
            evidence: Evidence { bytes, ..Evidence::default() }
        }),
        index().prop_map(|fault| Event::FaultNotNeeded { fault }),
        index().prop_map(|fault| Event::FaultNeverTriggered { fault }),
        index().prop_map(|trigger| Event::TriggerFired { trigger }),
        (number(), number()).prop_map(|(task, polls)| Event::Spun { task, name: "t".into(), polls }),
    ];
    (number(), what).prop_map(|(at_ms, what)| At { at_ms, what })
}

fn resource() -> impl Strategy<Value = Resource> {
    let ids = || proptest::collection::vec(number(), 0..4);
    prop_oneof![
        (0..5_u64).prop_map(|n| Resource::Link { addr: format!("tikv-{n}:20160"), conn: n }),
        ids().prop_map(|actors| Resource::Channel { name: "c".into(), actors }),
        proptest::option::of(number()).prop_map(|holder| Resource::Lock { name: "l".into(), holder }),
        ids().prop_map(|tasks| Resource::Join { tasks }),
        number().prop_map(|until_ms| Resource::Timer { until_ms }),
    ]
}

fn one_task() -> impl Strategy<Value = Task> {
    let wait = proptest::option::of((resource(), number(), any::<bool>(), "[ab]"));
    (number(), number(), proptest::option::of(number()), wait).prop_map(|(id, polled, progress, wait)| {
        let mut run = RunBuilder::new("", "");
        let mut built = task(id, "t").last_polled(polled);
        if let Some((resource, since, idle, site)) = wait {
            built = built.wait(&site, resource, since);
            built = if idle { built.idle() } else { built };
        }
        built = built.with(|task| task.progress_ms = progress);
        run = run.dump(0, [built]);
        run.build().dumps.remove(0).tasks.remove(0)
    })
}

fn sample() -> impl Strategy<Value = Sample> {
    let numbers = proptest::array::uniform8(number());
    (numbers, index()).prop_map(
        |([at_ms, unique, attempts, retries, in_flight, tasks, conns, streams], link)| Sample {
            at_ms,
            unique,
            total: 10,
            attempts,
            retries,
            in_flight,
            tasks,
            links: vec![LinkSample { link, conns, streams, up: 0, down: 0 }],
        },
    )
}

fn limits() -> impl Strategy<Value = Limits> {
    (proptest::option::of(number()), number(), number(), proptest::option::of(number()), number(), number())
        .prop_map(
            |(baseline_ms, baseline_gap_ms, recovery_ms, within_ms, longest_timer_ms, backoff_cap_ms)| {
                Limits {
                    baseline_ms,
                    baseline_unknown: None,
                    baseline_gap_ms,
                    recovery_ms,
                    within_ms,
                    longest_timer_ms,
                    backoff_cap_ms,
                }
            },
        )
}

fn end() -> impl Strategy<Value = Option<End>> {
    let reason = prop_oneof![
        Just(EndReason::ClientEnded),
        Just(EndReason::OutOfTime),
        Just(EndReason::OutOfTime),
        Just(EndReason::Spun),
        Just(EndReason::Wedged),
        Just(EndReason::Interrupted),
        Just(EndReason::OutOfSight),
    ];
    proptest::option::weighted(0.9, (number(), reason, number(), number(), number())).prop_map(|end| {
        end.map(|(at_ms, reason, expected, unique, duplicated)| End {
            at_ms,
            reason,
            work: Work { expected, unique, duplicated, missing: vec![] },
            evidence: vec![],
            calls: unstuck_record::Calls::default(),
        })
    })
}

fn run() -> impl Strategy<Value = Run> {
    let plan = proptest::collection::vec((number(), number(), 0..4_u64), 0..4);
    let dumps = proptest::collection::vec((number(), proptest::collection::vec(one_task(), 0..12)), 0..3);
    (
        plan,
        limits(),
        proptest::collection::vec(event(), 0..12),
        proptest::collection::vec(sample(), 0..20),
        dumps,
        end(),
    )
        .prop_map(|(plan, limits, events, samples, dumps, end)| {
            let run =
                RunBuilder::new("case", "client").link("c", "tikv-0").link("c", "tikv-1").link("c", "tikv-1");
            let mut run = run.header(|header| header.limits = limits).build();
            run.header.plan = plan
                .into_iter()
                .enumerate()
                .map(|(place, (start_ms, end_ms, node))| PlannedFault {
                    kind: "kill".into(),
                    links: vec![format!("c->tikv-{node}")],
                    nodes: vec![],
                    start_ms,
                    end_ms,
                    // every second one waits for something, of which the header may not know
                    trigger: (place % 2 == 1).then_some(place),
                })
                .collect();
            run.events = events;
            run.samples = samples;
            run.dumps = dumps
                .into_iter()
                .map(|(at_ms, tasks)| TaskDump { at_ms, tasks, ..TaskDump::default() })
                .collect();
            run.end = end;
            run
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_record_is_judged_and_always_alike(run in run()) {
        let judgement = judge(&run);
        prop_assert_eq!(&judge(&run.clone()), &judgement);
    }

    #[test]
    fn a_judgement_can_be_taken_again_from_the_file(run in run()) {
        let mut lines = vec![unstuck_record::Line::Header(run.header.clone()).to_json()];
        lines.extend(run.events.iter().cloned().map(|event| unstuck_record::Line::Event(event).to_json()));
        lines.extend(run.samples.iter().cloned().map(|sample| unstuck_record::Line::Sample(sample).to_json()));
        lines.extend(run.dumps.iter().cloned().map(|dump| unstuck_record::Line::Dump(dump).to_json()));
        lines.extend(run.end.iter().cloned().map(|end| unstuck_record::Line::End(end).to_json()));
        let (read, judgement) = rejudge(&(lines.join("\n") + "\n")).unwrap();
        prop_assert_eq!(&judgement, &judge(&run));
        prop_assert_eq!(read.judgement, Some(judgement));
    }
}

#[test]
fn a_chain_of_a_hundred_thousand_waits_does_not_overflow_the_stack() {
    let end = 10_000_000;
    let count = 100_000_u64;
    let chain = (1..=count).map(|id| task(id, "link").at_join("next", &[id % count + 1], 0));
    let run =
        RunBuilder::new("case", "client").dump(end, chain).end(end, EndReason::OutOfTime, Work::default());
    let judgement = judge(&run.build());
    assert_eq!(judgement.findings[0].tasks, count);
}
