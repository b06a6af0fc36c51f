//! Five small clients that nobody modelled, on tonic's own channel. The verdict has not a line for them, and
//! must classify each.

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fake_tikv::proto::pdpb::pd_client::PdClient;
use fake_tikv::proto::pdpb::{GetMembersRequest, GetRegionRequest};
use fake_tikv::{Node, Observed, Speed};
use hyper_util::rt::TokioIo;
use tokio::sync::Notify;
use tokio::time::sleep;
use tonic::transport::{Channel, Endpoint, Uri};
use unstuck::client::{Client, Env, Failure, Scale, Timers, Workload};
use unstuck::fault::{Accept, Flow, Injection, Plan, Rule};
use unstuck::probe::meter::Counts;
use unstuck::probe::{Actors, Lock, Site, wait};
use unstuck::run::{ClusterSize, Setup, Status, WorldKind, run_case};
use unstuck_record::{Expect, FindingKind, Outcome, Resource, Run, Verdict, Work};

type Running = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>>;

/// Units of work, each one call to PD a second: two minutes without faults.
const UNITS: u64 = 120;

struct Stranger {
    name: &'static str,
    run: fn(Env) -> Running,
}

impl std::fmt::Debug for Stranger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl Client for Stranger {
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
        Timers { longest, backoff_cap: Duration::from_secs(2), restart_period: longest }
    }
    fn speed(&self, _: &Workload, _: u32) -> Speed {
        Speed::default()
    }
    fn run(&self, env: Env) -> Running {
        env.meter.expect(UNITS);
        (self.run)(env)
    }
    fn progress(&self, _: &Observed, counts: &Counts) -> (u64, u64) {
        (counts.unique(), counts.total)
    }
    fn audit(&self, _: &Observed, counts: &Counts) -> Work {
        let missing = (UNITS - counts.unique()).min(3);
        Work {
            expected: UNITS,
            unique: counts.unique(),
            duplicated: 0,
            missing: (0..missing).map(|_| "a unit was never done".to_owned()).collect(),
        }
    }
}

/// A one minute partition between the client and every PD member, twenty seconds after the start.
fn judged(name: &'static str, run: fn(Env) -> Running) -> Run {
    let silent = Rule { up: Flow::Blackhole, down: Flow::Blackhole, accept: Accept::Hang, ..Rule::default() };
    let setup = Setup {
        file: "strangers".into(),
        line: 1,
        case: name.into(),
        client: Arc::new(Stranger { name, run }),
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
            duration: Duration::from_secs(120),
        },
        plan: Plan {
            triggers: vec![],
            injections: vec![Injection {
                kind: "network_partition".into(),
                links: vec![Node::Pd(0), Node::Pd(1), Node::Pd(2)],
                rule: silent,
                nodes: vec![],
                peers: vec![],
                effect: None,
                trigger: None,
                led_by: None,
                start: Duration::from_secs(20),
                end: Duration::from_secs(80),
            }],
        },
        recovery: Duration::from_secs(60),
        within: None,
        expect: Expect::default(),
        variant: None,
        again: None,
        notes: vec![],
    };
    let run = run_case(&setup, None, &Arc::new(Status::default())).unwrap();
    let judgement = run.judgement.as_ref().unwrap();
    println!("{name}: {:?} {:?}: {}", judgement.outcome, judgement.verdict, judgement.reason);
    run
}

fn findings(run: &Run) -> Vec<(FindingKind, Option<&str>)> {
    let findings = &run.judgement.as_ref().unwrap().findings;
    findings.iter().map(|finding| (finding.kind, finding.wait_site.as_deref())).collect()
}

fn outcome(run: &Run) -> (Outcome, Verdict) {
    let judgement = run.judgement.as_ref().unwrap();
    (judgement.outcome, judgement.verdict)
}

/// A channel to one PD member, with tonic's own reconnecting and a deadline of two seconds a call.
fn pd(env: &Env, member: usize) -> PdClient<Channel> {
    let (net, addr) = (env.net.clone(), env.pd[member]);
    let connector = tower::service_fn(move |_: Uri| {
        let net = net.clone();
        async move { net.connect(addr).await.map(TokioIo::new) }
    });
    let endpoint = Endpoint::from_static("http://pd").timeout(Duration::from_secs(2));
    PdClient::new(endpoint.connect_timeout(Duration::from_secs(2)).connect_with_connector_lazy(connector))
}

/// One unit: PD's answer to where a key lives.
async fn unit(env: &Env, client: &mut PdClient<Channel>, unit: u64) -> Result<(), tonic::Status> {
    env.meter.attempt();
    let request = GetRegionRequest { region_key: vec![unit as u8].into(), ..GetRegionRequest::default() };
    let pd = env.pd[0].to_string();
    wait(Site::new("GetRegion", Resource::Link { addr: pd, conn: 0 }), client.get_region(request)).await?;
    env.meter.done(unit.to_string());
    sleep(Duration::from_secs(1)).await;
    Ok(())
}

async fn retried(env: &Env, client: &mut PdClient<Channel>, number: u64) {
    while unit(env, client, number).await.is_err() {
        env.meter.retry();
        sleep(Duration::from_secs(1)).await;
    }
}

/// Two workers move between two accounts; the path after an error takes the locks in the other order.
fn deadlock(env: Env) -> Running {
    Box::pin(async move {
        let (left, right) = (Lock::new("account/left", 0_u64), Lock::new("account/right", 0_u64));
        let worker = |first: Lock<u64>, second: Lock<u64>, from: u64| {
            let env = env.clone();
            async move {
                let mut client = pd(&env, 0);
                for number in (from..UNITS).step_by(2) {
                    if unit(&env, &mut client, number).await.is_err() {
                        env.meter.retry();
                        let mut one = first.lock().await;
                        sleep(Duration::from_millis(10)).await;
                        *second.lock().await += 1;
                        *one += 1;
                        drop(one);
                        retried(&env, &mut client, number).await;
                    }
                }
            }
        };
        let one = env.tasks.spawn("worker left", worker(left.clone(), right.clone(), 0));
        let other = env.tasks.spawn("worker right", worker(right, left, 1));
        let ended = (one.join("workers").await, other.join("workers").await);
        ended.0.and(ended.1).map_err(|error| Failure(error.to_string()))
    })
}

/// The producer tells the consumer of the last unit; after an error it forgets to.
fn lost_wakeup(env: Env) -> Running {
    Box::pin(async move {
        let (done, producers) = (Arc::new(Notify::new()), Actors::new("done"));
        let told = Arc::clone(&done);
        let (theirs, inner) = (producers.clone(), env.clone());
        let begun = Arc::new(Notify::new());
        let beginning = Arc::clone(&begun);
        let _producer = env.tasks.spawn("producer", async move {
            let _acts = theirs.join();
            beginning.notify_one();
            let (mut client, mut clean) = (pd(&inner, 0), true);
            for number in 0..UNITS {
                if unit(&inner, &mut client, number).await.is_err() {
                    clean = false;
                    retried(&inner, &mut client, number).await;
                }
            }
            if clean {
                told.notify_one();
            }
        });
        begun.notified().await;
        wait(Site::on("done", &producers), done.notified()).await;
        Ok(())
    })
}

/// After an error it turns to another member and never back, and asks it without a pause. The member follows:
/// it always answers "not leader".
fn retry_storm(env: Env) -> Running {
    Box::pin(async move {
        let (mut leader, mut follower, broken) = (pd(&env, 0), pd(&env, 1), AtomicBool::new(false));
        for number in 0..UNITS {
            loop {
                let client = if broken.load(Ordering::Relaxed) { &mut follower } else { &mut leader };
                if unit(&env, client, number).await.is_ok() {
                    break;
                }
                env.meter.retry();
                broken.store(true, Ordering::Relaxed);
            }
        }
        Ok(())
    })
}

/// It gets there, but after an error it goes on at a quarter of its speed.
fn slow_but_fine(env: Env) -> Running {
    Box::pin(async move {
        let (mut client, mut careful) = (pd(&env, 0), false);
        for number in 0..UNITS {
            if unit(&env, &mut client, number).await.is_err() {
                careful = true;
                retried(&env, &mut client, number).await;
            }
            if careful {
                sleep(Duration::from_secs(3)).await;
            }
        }
        Ok(())
    })
}

/// It reports success, but a unit that failed was never done.
fn missing_range(env: Env) -> Running {
    Box::pin(async move {
        let mut client = pd(&env, 0);
        for number in 0..UNITS {
            if unit(&env, &mut client, number).await.is_err() {
                while client.get_members(GetMembersRequest::default()).await.is_err() {
                    env.meter.retry();
                    sleep(Duration::from_secs(1)).await;
                }
            }
        }
        Ok(())
    })
}

#[test]
fn a_deadlock_is_a_hang_at_the_locks() {
    let run = judged("deadlock", deadlock);
    assert_eq!(outcome(&run), (Outcome::Stuck, Verdict::Fail));
    let found = findings(&run);
    assert!(found.iter().all(|(kind, _)| *kind == FindingKind::Hang), "{found:?}");
    assert!(found.iter().any(|(_, site)| site.is_some_and(|site| site.starts_with("account/"))), "{found:?}");
}

#[test]
fn a_lost_wakeup_is_a_hang_where_nobody_can_act() {
    let run = judged("lost-wakeup", lost_wakeup);
    assert_eq!(outcome(&run), (Outcome::Stuck, Verdict::Fail));
    assert_eq!(findings(&run)[0], (FindingKind::Hang, Some("done")));
}

#[test]
fn a_retry_storm_is_a_livelock() {
    let run = judged("retry-storm", retry_storm);
    assert_eq!(outcome(&run), (Outcome::Stuck, Verdict::Fail));
    assert_eq!(findings(&run)[0].0, FindingKind::Livelock);
}

#[test]
fn a_client_that_limps_home_is_slow() {
    let run = judged("slow-but-fine", slow_but_fine);
    assert_eq!(outcome(&run), (Outcome::Slow, Verdict::Fail));
}

#[test]
fn a_success_with_a_range_missing_is_a_failure() {
    let run = judged("missing-range", missing_range);
    assert_eq!(outcome(&run), (Outcome::Failed, Verdict::Fail));
    assert_eq!(findings(&run)[0].0, FindingKind::Data);
}
