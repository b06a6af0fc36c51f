//! The pages that the browser opens.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use unstuck_dump::{Allow, programs};
use unstuck_record::builder::{MIN, RunBuilder, SEC, all_done, done, task, touched};
use unstuck_record::digest::Program;
use unstuck_record::{
    EndReason, Event, Evidence, Finding, FindingKind, Judgement, LinkSample, Outcome, Run, Sample, Verdict,
};
use unstuck_reports::batch::{Ended, Which};
use unstuck_reports::page::{self, Case};
use unstuck_reports::terminal::Aside;

/// A page in a file, gone with it.
pub(crate) struct Page(PathBuf);

impl Page {
    /// The page of these cases and, if it is asked for, of two more without a record.
    pub(crate) fn of(name: &str, runs: &[(Run, Judgement)], without: bool) -> Self {
        let path = std::env::temp_dir().join(format!("unstuck-page-{}-{name}.html", std::process::id()));
        let allow = Allow::known();
        let folded: Vec<Vec<Program>> = runs.iter().map(|(run, _)| programs(run, &allow)).collect();
        let aside = Aside { record: Some("results/run-0001/a.jsonl"), beside: &[], wall_ms: Some(1640) };
        let mut cases: Vec<Case<'_>> = runs
            .iter()
            .zip(&folded)
            .map(|((run, judgement), programs)| Case {
                ended: Ended::Judged { run, judgement, aside },
                programs,
            })
            .collect();
        let which = |case| Which { file: "a.yaml", line: 7, case, client: "br@fixed", world: "sim", seed: 3 };
        if without {
            let broken = Ended::Broken { which: which("broken"), error: "no free port" };
            cases.push(Case { ended: broken, programs: &[] });
            cases.push(Case { ended: Ended::NotRun(which("late")), programs: &[] });
        }
        page::write(&mut BufWriter::new(File::create(&path).unwrap()), &cases, Some("0c385e0")).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        let _left_for_the_next_cleaning = std::fs::remove_file(&self.0);
    }
}

pub(crate) fn judgement(outcome: Outcome, verdict: Verdict, budget_ms: u64) -> Judgement {
    Judgement {
        outcome,
        verdict,
        reason: "completed at 9m, within the budget of 23m".into(),
        budget_ms,
        findings: vec![],
    }
}

/// A case that passed, with a fault of each kind of state: one that touched something, one that touched nothing, one
/// that came too late.
pub(crate) fn passed() -> (Run, Judgement) {
    let mut run = RunBuilder::new("br_partition", "br@fixed").link("br", "tikv-1").link("br", "tikv-2");
    run = run
        .fault("network_partition", "br->tikv-1", MIN, 2 * MIN, touched())
        .fault("reset", "br->tikv-2", 4 * MIN, 5 * MIN, Evidence::default())
        .fault_not_needed("network_partition", "br->tikv-1", 9 * MIN + 20 * SEC, 11 * MIN);
    for at in 0..=18 {
        run = run.sample(at * 30 * SEC, at * 11, at * 14, at).streams(0, 1, at % 5).streams(1, 1, 3);
    }
    let mut run = run
        .event(3 * MIN, Event::ClusterChanged { what: "leader of region 7 moved to tikv-2".into() })
        .client_ended(9 * MIN, None, all_done())
        .build();
    // it acted later than planned
    run.header.plan[0].start_ms = 30 * SEC;
    (run, judgement(Outcome::Completed, Verdict::Pass, 10 * MIN))
}

/// A case in which whatever somebody else may name is `evil`.
pub(crate) fn hostile(evil: &str) -> (Run, Judgement) {
    let mut run = RunBuilder::new(evil, evil)
        .link(evil, evil)
        .fault(evil, evil, MIN, 2 * MIN, touched())
        .sample(MIN, 1, 2, 1)
        .streams(0, 1, 1)
        .event(MIN, Event::ClientLogged { text: evil.into() })
        .event(MIN, Event::ConnClosed { link: evil.into(), conn: 1, how: evil.into() })
        .event(MIN, Event::ClusterChanged { what: evil.into() })
        .event(MIN, Event::ClientPrinted { stream: evil.into(), lines: 1, bytes: 2, last: vec![evil.into()] })
        .event(MIN, Event::ClientStopped { how: evil.into() })
        .event(MIN, Event::Spun { task: 1, name: evil.into(), polls: 7 })
        .event(MIN, Event::Elided { kind: evil.into(), count: 7 })
        .event(MIN, Event::DumpTaken { source: evil.into(), bytes: 7, took_ms: 7, error: Some(evil.into()) })
        .dump(MIN, [task(1, evil).at_channel(evil, &[], 7).detail(evil)])
        .dump(3 * MIN, [task(1, evil).at_link(evil, evil, 7).detail(evil)])
        .end(4 * MIN, EndReason::OutOfTime, done(7))
        .build();
    let header = &mut run.header;
    (header.file, header.world, header.unit) = (evil.into(), evil.into(), evil.into());
    (header.notes, header.command, header.variant) =
        (vec![evil.into()], vec![evil.into()], Some(evil.into()));
    for frame in run.dumps.iter_mut().flat_map(|dump| &mut dump.tasks).flat_map(|task| &mut task.frames) {
        (frame.function, frame.file) = (evil.into(), evil.into());
    }
    let finding = Finding {
        kind: FindingKind::Hang,
        summary: evil.into(),
        wait_site: Some(evil.into()),
        task: Some(1),
        task_name: Some(evil.into()),
        tasks: 1,
        age_ms: Some(7),
        since_ms: Some(7),
        link: Some(evil.into()),
        fault: Some(0),
        phase: None,
        evidence: vec![evil.into()],
    };
    let judgement = Judgement {
        reason: evil.into(),
        findings: vec![finding],
        ..judgement(Outcome::Stuck, Verdict::Fail, 3 * MIN)
    };
    (run, judgement)
}

/// A case whose times and counters are as large as they can be.
pub(crate) fn largest() -> (Run, Judgement) {
    const MOST: u64 = u64::MAX;
    let links = vec![LinkSample { link: 0, conns: MOST, streams: MOST, up: MOST, down: MOST }];
    let last = Sample {
        at_ms: MOST,
        unique: MOST,
        total: MOST,
        attempts: MOST,
        retries: MOST,
        in_flight: MOST,
        tasks: MOST,
        links,
    };
    let run = RunBuilder::new("largest", "br@fixed")
        .link("br", "tikv-1")
        .fault("reset", "br->tikv-1", MOST - 1, MOST, touched())
        .raw_sample(Sample::default())
        .raw_sample(last)
        .dump(MOST, [task(1, "main").at_link("NewStream/quota", "tikv-1", MOST)])
        .end(MOST, EndReason::OutOfTime, done(MOST))
        .build();
    (run, judgement(Outcome::Stuck, Verdict::Fail, MOST))
}

/// A case of which nothing is there but its header.
pub(crate) fn header_alone() -> (Run, Judgement) {
    let mut run = RunBuilder::new("killed", "br@fixed").build();
    run.events.clear();
    (run, judgement(Outcome::Interrupted, Verdict::Unknown, 0))
}

/// A case of so many samples, in which everything moves all the time.
pub(crate) fn large(number: u64, samples: u64) -> (Run, Judgement) {
    let mut run = RunBuilder::new(&format!("case_{number}"), "lightning@as-reported");
    for node in ["pd-0", "tikv-1", "tikv-2", "tikv-3"] {
        run = run.link("lightning", node);
    }
    run = run.fault("failure", "lightning->tikv-2", 10 * MIN, 20 * MIN, touched());
    let end = 60 * MIN;
    // a generator of Knuth's: any numbers will do, as long as they are no straight line
    let mut random = number + 1;
    let mut any = |below: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % below
    };
    for at in 0..samples {
        let links = (0..4)
            .map(|link| LinkSample { link, conns: any(16), streams: any(900), up: at, down: at })
            .collect();
        run = run.raw_sample(Sample {
            at_ms: at * end / samples,
            unique: at / 3,
            total: samples,
            attempts: at * 2,
            retries: at,
            in_flight: any(64),
            tasks: 40 + any(9),
            links,
        });
    }
    for line in 0..2_000 {
        let text =
            format!("[WARN] [\"put job back to jobCh to retry later\"] [startKey={line}] [retryCount=1]");
        run = run.event(line * end / 2_000, Event::ClientLogged { text });
    }
    let tasks = |at| {
        (1..=200).map(move |id| {
            task(id, &format!("worker {}", id % 7)).at_link("NewStream/quota", "tikv-2", at / 2)
        })
    };
    let run = run
        .dump(end / 2, tasks(end / 2))
        .dump(end, tasks(end))
        .end(end, EndReason::OutOfTime, done(7))
        .build();
    (run, judgement(Outcome::Stuck, if number == 0 { Verdict::Fail } else { Verdict::Pass }, 40 * MIN))
}
