//! The record that reports are shown with: a client that leaked its streams while a store was away for an hour,
//! until 32 workers wait for a stream for ever, beside a thousand tasks that idle.

use super::{MIN, RunBuilder, SEC, TaskBuilder, done, task};
use crate::{EndReason, Event, Evidence, Frame, Run, Sample, Task};

const END: u64 = 162 * MIN;
const WORKERS: std::ops::Range<u64> = 20..52;
const IDLE: std::ops::Range<u64> = 100..1_100;

/// The record of a hang at `NewStream/quota`, without its judgement.
pub fn stuck_lightning() -> Run {
    let mut run = RunBuilder::new("tikv_failure", "lightning@as-reported").header(|header| {
        header.file = "scenarios/reported/tidb-46321.yaml".into();
        header.limits.baseline_ms = Some(16 * MIN);
        header.limits.longest_timer_ms = 10 * MIN;
        header.notes.push("32 streams a connection".into());
    });
    for node in ["pd-0", "pd-1", "pd-2", "tikv-1", "tikv-2", "tikv-3"] {
        run = run.link("lightning", node);
    }
    let evidence = Evidence { closed: 2, refused: 1_748, bytes: 0, ..Evidence::default() };
    run = run.fault("failure", "lightning->tikv-2", MIN, 61 * MIN, evidence);
    for at_ms in (0..=END).step_by(10 * SEC as usize) {
        run = sampled(run, at_ms);
    }
    run.event(
        MIN + 400,
        Event::ConnClosed { link: "lightning->tikv-2".into(), conn: 1, how: "fault reset".into() },
    )
    .dump(MIN, tasks(|id| moving(id, MIN)))
    .dump(27 * MIN, tasks(|id| if id < 40 { hung(id) } else { moving(id, 27 * MIN) }))
    .dump(END, tasks(hung))
    .end(END, EndReason::OutOfTime, done(60))
    .build()
}

fn sampled(run: RunBuilder, at_ms: u64) -> RunBuilder {
    let unique = (at_ms.min(28 * MIN) / (28 * SEC)).min(60);
    let tries = at_ms.min(28 * MIN) / SEC;
    let leaked = (at_ms.min(28 * MIN).saturating_sub(MIN) / (20 * SEC)).min(44);
    let sample = Sample {
        at_ms,
        unique,
        total: 200,
        attempts: 100 + tries,
        retries: tries / 2,
        in_flight: 32,
        tasks: 1_052,
        links: vec![],
    };
    run.raw_sample(sample).streams(3, 2, 20 + leaked).streams(5, 2, 18 + leaked)
}

fn tasks(worker: impl Fn(u64) -> TaskBuilder) -> Vec<TaskBuilder> {
    let main = task(1, "main").at_join("import/wait", &WORKERS.collect::<Vec<_>>(), 200).with(|task| {
        task.frames = vec![at("import/wait", 61), at("import", 40)];
    });
    let idle = IDLE.map(|id| {
        task(id, "watcher").at_channel("watch/next", &[1], 300).idle().with(|task| {
            task.frames = vec![at("watch/next", 210), at("watch", 200)];
            task.created_by = at("watcher", 50);
        })
    });
    [main].into_iter().chain(WORKERS.map(worker)).chain(idle).collect()
}

fn moving(id: u64, now_ms: u64) -> TaskBuilder {
    let waits = task(id, &format!("worker-{}", id - 20)).at_link("SendMsg/flow", store(id), now_ms - 20);
    waits.detail("3 messages queued").progressed(now_ms - 900).with(|task| stacked(task, "SendMsg/flow", 402))
}

fn hung(id: u64) -> TaskBuilder {
    let since_ms = 26 * MIN + (id - 20) * 4 * SEC;
    let waits = task(id, &format!("worker-{}", id - 20)).at_link("NewStream/quota", store(id), since_ms);
    waits
        .detail("32 of 32 streams open")
        .progressed(25 * MIN)
        .with(|task| stacked(task, "NewStream/quota", 311))
}

fn store(id: u64) -> &'static str {
    if id.is_multiple_of(3) { "tikv-3" } else { "tikv-1" }
}

fn stacked(task: &mut Task, site: &str, line: u32) {
    task.frames =
        vec![at(site, line), at("write_to_tikv", 231), at("execute_job", 135), at("start_worker", 127)];
    task.created_by = at(&task.name.clone(), 154);
}

fn at(function: &str, line: u32) -> Frame {
    Frame { function: function.into(), file: "harness/src/client/lightning/write.rs".into(), line }
}
