//! Clients that break the rules of a well-behaved program: they panic, spin, or never give the thread back. None
//! may take the harness down or keep the others of its batch from running.

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use fake_tikv::{Node, Observed, Speed};
use tokio::time::{Instant, sleep};
use unstuck::client::{Client, Env, Failure, Scale, Timers, Workload};
use unstuck::fault::{Accept, Injection, Plan, Rule};
use unstuck::probe::meter::Counts;
use unstuck::run::batch::{Done, Job, run_all};
use unstuck::run::{ClusterSize, Setup, WorldKind};
use unstuck_record::{EndReason, Expect, FindingKind, Outcome, Run, Verdict, Work};

type Running = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>>;

/// Seconds of work.
const UNITS: u64 = 60;

/// A client that connects to PD once a second, and does something of its own when that fails.
struct Broken {
    name: &'static str,
    then: fn() -> Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl std::fmt::Debug for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl Client for Broken {
    fn name(&self) -> &str {
        self.name
    }
    fn revision(&self) -> &'static str {
        "1"
    }
    fn unit(&self) -> &'static str {
        "units"
    }
    fn timers(&self) -> Timers {
        let longest = Duration::from_secs(5);
        Timers { longest, backoff_cap: longest, restart_period: longest }
    }
    fn speed(&self, _: &Workload, _: u32) -> Speed {
        Speed::default()
    }
    fn run(&self, env: Env) -> Running {
        env.meter.expect(UNITS);
        let then = self.then;
        Box::pin(async move {
            for unit in 0..UNITS {
                if env.net.connect(env.pd[0]).await.is_err() {
                    then().await;
                }
                env.meter.done(unit.to_string());
                sleep(Duration::from_secs(1)).await;
            }
            Ok(())
        })
    }
    fn progress(&self, _: &Observed, counts: &Counts) -> (u64, u64) {
        (counts.unique(), counts.total)
    }
    fn audit(&self, _: &Observed, counts: &Counts) -> Work {
        Work { expected: UNITS, unique: counts.unique(), duplicated: 0, missing: vec![] }
    }
}

/// Twenty seconds after the start, one link refuses for ten.
fn job(name: &'static str, link: Node, then: fn() -> Pin<Box<dyn Future<Output = ()> + Send>>) -> Job {
    let setup = Setup {
        file: "bad-clients".into(),
        line: 1,
        case: name.into(),
        client: Arc::new(Broken { name, then }),
        world: WorldKind::Sim,
        outer: None,
        trace: false,
        scale: Scale::REAL,
        seed: 7,
        cluster: ClusterSize::default(),
        workload: Workload {
            regions: 12,
            batches: 1,
            batch_bytes: 1,
            workers: 1,
            connections: 1,
            duration: Duration::from_secs(UNITS),
        },
        plan: Plan {
            triggers: vec![],
            injections: vec![Injection {
                kind: "refuse".into(),
                links: vec![link],
                rule: Rule { accept: Accept::Refuse, ..Rule::default() },
                nodes: vec![],
                peers: vec![],
                effect: None,
                trigger: None,
                led_by: None,
                start: Duration::from_secs(20),
                end: Duration::from_secs(30),
            }],
        },
        recovery: Duration::from_secs(60),
        within: None,
        expect: Expect::default(),
        variant: None,
        again: None,
        notes: vec![],
    };
    Job { setup, record: None, verdict_only: false }
}

fn fine() -> Job {
    job("fine", Node::Pd(0), || Box::pin(std::future::ready(())))
}

/// One thread, so that every job but the first waits for the one before it.
fn batch(jobs: &[Job]) -> Vec<Run> {
    let done = run_all(jobs, 1, Duration::from_secs(3), &AtomicBool::new(false), |_| {});
    done.into_iter().map(|done: Option<Done>| done.unwrap().run.unwrap()).collect()
}

fn judged(run: &Run) -> (Outcome, Verdict) {
    let judgement = run.judgement.as_ref().unwrap();
    println!("{}: {}", run.header.case, judgement.reason);
    (judgement.outcome, judgement.verdict)
}

#[test]
fn a_panic_is_a_failure_with_its_message_and_the_next_case_runs() {
    let runs = batch(&[job("panics", Node::Pd(0), || panic!("region 7 has no leader")), fine()]);
    assert_eq!(judged(&runs[0]), (Outcome::Failed, Verdict::Fail));
    let reason = &runs[0].judgement.as_ref().unwrap().reason;
    assert!(reason.contains("panicked: region 7 has no leader"), "{reason}");
    assert_eq!(judged(&runs[1]), (Outcome::Completed, Verdict::Pass));
}

#[test]
fn a_poll_that_never_returns_is_given_up_and_the_next_case_runs() {
    let runs = batch(&[
        job("never-yields", Node::Pd(0), || {
            Box::pin(async {
                loop {
                    // a program that blocks its thread; nobody unparks it
                    std::thread::park();
                }
            })
        }),
        fine(),
    ]);
    let end = runs[0].end.as_ref().unwrap();
    assert_eq!(end.reason, EndReason::Wedged);
    assert!(end.at_ms >= 19_000, "{}", end.at_ms);
    let dump = runs[0].dumps.last().unwrap();
    assert!(dump.tasks.iter().any(|task| task.name == "main"), "{dump:?}");
    assert_eq!(judged(&runs[0]).1, Verdict::Fail);
    assert_eq!(judged(&runs[1]), (Outcome::Completed, Verdict::Pass));
}

#[test]
fn a_loop_that_is_always_ready_is_a_spin() {
    let runs = batch(&[
        job("spins", Node::Pd(0), || {
            Box::pin(async {
                let until = Instant::now() + Duration::from_secs(3600);
                while Instant::now() < until {
                    tokio::task::yield_now().await;
                }
            })
        }),
        fine(),
    ]);
    assert_eq!(runs[0].end.as_ref().unwrap().reason, EndReason::Spun);
    assert_eq!(judged(&runs[0]), (Outcome::Stuck, Verdict::Fail));
    assert_eq!(runs[0].judgement.as_ref().unwrap().findings[0].kind, FindingKind::Spin);
    assert_eq!(judged(&runs[1]), (Outcome::Completed, Verdict::Pass));
}

#[test]
fn a_fault_that_touches_nothing_is_no_pass() {
    let runs = batch(&[job("elsewhere", Node::Store(3), || panic!("not reached"))]);
    assert_eq!(judged(&runs[0]), (Outcome::Completed, Verdict::Unknown));
}
