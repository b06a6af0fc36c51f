//! Faults that wait for something: they begin when it happens, in both worlds, and a run without it shows nothing.

use std::sync::Arc;
use std::time::Duration;

use fake_tikv::proto::pdpb::GetMembersRequest;
use fake_tikv::proto::pdpb::pd_client::PdClient;
use tonic::transport::Endpoint;
use unstuck::client::{Env, Own};
use unstuck::run::WorldKind;
use unstuck_record::{Event, Line, Run, Verdict};

use super::prober::{Asked, acted, answers, made, of_client, prober, run};

const WORLDS: [WorldKind; 2] = [WorldKind::Sim, WorldKind::Tcp];

fn asks(asked: Asked) -> Own {
    prober(asked, Duration::from_millis(300), Duration::from_secs(3))
}

fn fired(run: &Run) -> u64 {
    let fired = run.events.iter().find(|event| matches!(event.what, Event::TriggerFired { trigger: 0 }));
    fired.unwrap_or_else(|| panic!("{:?}", run.judgement)).at_ms
}

/// In virtual time the fault begins while the call is under way: nobody has answered it yet.
#[test]
fn the_fifth_call_of_a_method_triggers_when_it_arrives() {
    for world in WORLDS {
        let run = run(&made(
            "faultType: failure, selector: tikv(0), faultDuration: 500ms, when: {call: RawGet, count: 5}",
            asks(Asked::Store),
            world,
        ));
        let fifth = &answers(&run)[4];
        let at = fired(&run);
        assert!((fifth.asked_ms..=fifth.told_ms).contains(&at), "{at} is not within {fifth:?}");
        if world == WorldKind::Sim {
            assert_ne!(fifth.how, "ok", "the store was gone before it could answer: {fifth:?}");
        }
        assert_eq!(run.judgement.as_ref().unwrap().verdict, Verdict::Pass);
    }
}

/// An answer counts when it has been given, so the fault meets the next call, and those that fail do not count.
#[test]
fn the_fifth_good_answer_triggers_once_it_is_given() {
    for world in WORLDS {
        let run = run(&made(
            "faultType: failure, selector: pd(0), faultDuration: 500ms, \
             when: {call: PD/GetMembers, answered: 5, node: pd(0), delay: 200ms}",
            asks(Asked::Pd),
            world,
        ));
        let answers = answers(&run);
        assert!(answers[..5].iter().all(|answer| answer.how == "ok"), "{answers:?}");
        assert!(fired(&run) >= answers[4].asked_ms);
        assert!(acted(&run, 0).from >= fired(&run) + 200, "the delay comes after it");
    }
}

/// In virtual time the fault begins at the very millisecond of the line.
#[test]
fn a_line_of_the_log_triggers_at_its_own_moment() {
    for world in WORLDS {
        let run = run(&made(
            "faultType: failure, selector: tikv(0), faultDuration: 500ms, when: {log: '^1[0-9]{3} .* ok$'}",
            asks(Asked::Store),
            world,
        ));
        let line = run.events.iter().find(|event| {
            matches!(&event.what, Event::ClientLogged { text } if text.starts_with('1') && text.len() > 10 && text.ends_with("ok"))
        });
        let line = line.unwrap().at_ms;
        assert!(acted(&run, 0).from >= line);
        if world == WorldKind::Sim {
            assert_eq!((fired(&run), acted(&run, 0).from), (line, line));
        }
    }
}

/// Ten units, one each 200 ms, with a line for each.
async fn ten(env: Env) -> Result<(), tonic::transport::Error> {
    env.meter.expect(10);
    let pd =
        Endpoint::from_shared(format!("http://{}", env.pd[0]))?.connect_with_connector_lazy(env.connector());
    for unit in 1..=10 {
        while PdClient::new(pd.clone()).get_members(GetMembersRequest::default()).await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        env.log.line(format!("unit {unit}"));
        env.meter.done(unit.to_string());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Ok(())
}

/// Forty per cent of ten are four: neither sooner nor at the next sample.
#[test]
fn progress_triggers_when_the_unit_is_done() {
    for (amount, unit) in [("40%", 4), ("31%", 4), ("7", 7)] {
        for world in WORLDS {
            let run = run(&made(
                &format!(
                    "faultType: failure, selector: pd(0), faultDuration: 500ms, when: {{progress: {amount}}}"
                ),
                Own::new("ten", ten),
                world,
            ));
            let wanted = format!("unit {unit}");
            let done = run
                .events
                .iter()
                .find(|event| matches!(&event.what, Event::ClientLogged { text } if *text == wanted));
            let done = done.unwrap().at_ms;
            assert!(acted(&run, 0).from >= done);
            if world == WorldKind::Sim {
                assert_eq!(acted(&run, 0).from, done, "{amount}");
            }
        }
    }
}

/// Every unit was done in time, and yet it is no pass.
#[test]
fn a_trigger_that_never_fires_is_no_pass() {
    let run = run(&made(
        "faultType: failure, selector: pd(0), faultDuration: 500ms, when: {call: ImportSST/Write, region: 1000}",
        Own::new("ten", ten),
        WorldKind::Sim,
    ));
    let judgement = run.judgement.as_ref().unwrap();
    assert_eq!(judgement.verdict, Verdict::Unknown);
    assert!(
        judgement.reason.starts_with(
            "what a fault waits for never came: call 1 of import_sstpb.ImportSST/Write for region 1000; the client completed"
        ),
        "{}",
        judgement.reason
    );
    assert!(run.events.iter().any(|event| event.what == Event::FaultNeverTriggered { fault: 0 }));
}

/// The fault that did begin has shown a pass; the other one takes it back.
#[test]
fn one_fault_that_waits_in_vain_is_enough_for_no_pass() {
    let run = run(&made(
        "warmUpTime: 500ms, faults: [{faultType: failure, selector: pd(0), faultDuration: 500ms}, \
         {faultType: failure, selector: tikv(0), faultDuration: 500ms, when: {log: never}}]",
        Own::new("ten", ten),
        WorldKind::Sim,
    ));
    assert!(run.end.as_ref().unwrap().evidence[0].touched());
    assert_eq!(run.judgement.as_ref().unwrap().verdict, Verdict::Unknown);
}

/// A fault after one that waits begins when that one has healed, whenever that is.
#[test]
fn a_fault_after_one_that_waits_follows_it() {
    let run = run(&made(
        "faults: [{faultType: failure, selector: pd(0), faultDuration: 500ms, when: {progress: 2}}, \
         {faultType: failure, selector: pd(0), faultDuration: 300ms, after: 400ms}]",
        Own::new("ten", ten),
        WorldKind::Sim,
    ));
    assert_eq!(acted(&run, 1).from, acted(&run, 0).healed + 400);
    assert_eq!(run.judgement.as_ref().unwrap().verdict, Verdict::Pass);
}

/// Line for line the same, every trigger at work.
#[test]
fn the_same_seed_gives_the_same_record_with_triggers() {
    let record = |seed| {
        let run = run(&of_client(
            "recoveryTime: 20m, faults: [\
             {faultType: failure, selector: tikv(random), faultDuration: 10s..1m, when: {call: ImportSST/Write, count: 30}}, \
             {faultType: network_partition, selector: client_to_tikv(random), faultDuration: 30s, \
             when: {call: ImportSST/MultiIngest, answered: 1, region: 12, delay: 1s}}, \
             {faultType: failure, selector: pdleader, faultDuration: 20s, when: {progress: 40%}}]",
            "lightning@fixed",
            seed,
        ));
        assert_eq!(run.judgement.as_ref().unwrap().verdict, Verdict::Pass);
        let events = run.events.into_iter().map(Line::Event);
        let rest = run.samples.into_iter().map(Line::Sample).chain(run.dumps.into_iter().map(Line::Dump));
        let lines = events.chain(rest).map(|line| line.to_json());
        Arc::<str>::from(lines.collect::<Vec<_>>().join("\n"))
    };
    let first = record(5);
    for _ in 0..3 {
        assert!(record(5) == first, "two runs of one seed differ");
    }
    assert!(record(6) != first, "another seed is another run");
}
