//! The one loop that owns a run: it starts the client, carries the plan out, samples, and knows when to stop.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinError;
use tokio::time::Instant;
use unstuck_net::{Clock, Net};
use unstuck_record::{End, EndReason, Event, Limits, Line, Sample};

use super::docker::Containers;
use super::recorder::Recorder;
use super::seed::split;
use super::setup::{Setup, WorldKind};
use super::status::Status;
use super::steps::Steps;
use super::trace;
use super::watch::Watch;
use super::world::World;
use crate::client::{Env, Failure, Left, Log, Outside, Timers};
use crate::probe::{Meter, Tasks};

/// So many samples span a run's budget; as many dumps as this over [`DUMP_EVERY`].
const SAMPLES: u32 = 600;
/// A dump at every so many samples.
const DUMP_EVERY: u64 = 50;
/// Samples are at least so far apart: the sim's clock has milliseconds, and a real machine has other work.
const SHORTEST_SAMPLE: Duration = Duration::from_millis(50);

/// What the fault-free run took.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Baseline {
    /// T0, if it completed.
    pub(super) took: Option<Duration>,
    /// The longest time without progress, in milliseconds.
    pub(super) gap: u64,
}

/// How a run came out, as far as its loop knows.
#[derive(Debug)]
pub(super) struct Driven {
    pub(super) reason: EndReason,
    pub(super) at: Duration,
    pub(super) error: Option<String>,
    pub(super) trace: Option<String>,
}

impl Baseline {
    /// How long a run without faults may take before we say that the client does not finish without faults.
    pub(super) fn patience(setup: &Setup) -> Duration {
        let timers = setup.client.timers();
        setup.scale.span(setup.workload.duration * 10) + setup.scale.timer(timers.longest) * 2
    }

    /// When to give up: the budget, and as long again or twice the client's longest timer after it. `faults` is the time
    /// from the first injection to the last heal.
    pub(super) fn deadline(&self, setup: &Setup, faults: Duration) -> Duration {
        let took = self.took.unwrap_or_else(|| Self::patience(setup));
        let computed = took + faults + setup.scale.span(setup.recovery);
        let budget = setup.within.map_or(computed, |within| setup.scale.span(within));
        budget + budget.max(setup.scale.timer(setup.client.timers().longest) * 2)
    }

    pub(super) fn limits(&self, setup: &Setup, timers: Timers) -> Limits {
        let scale = setup.scale;
        Limits {
            baseline_ms: self.took.map(ms),
            baseline_unknown: None,
            baseline_gap_ms: self.gap,
            recovery_ms: ms(scale.span(setup.recovery)),
            within_ms: setup.within.map(|within| ms(scale.span(within))),
            longest_timer_ms: ms(scale.timer(timers.longest)),
            backoff_cap_ms: ms(scale.timer(timers.backoff_cap)),
        }
    }
}

/// Runs the client in `net` until it ends, or the deadline passes, or it spins, or somebody interrupts. The deadline follows
/// from the time that the faults take; it is later once what they wait for has happened.
pub(super) async fn drive(
    setup: &Setup,
    net: Net,
    recorder: &Recorder,
    deadline: &dyn Fn(Duration) -> Duration,
    status: &Arc<Status>,
) -> io::Result<Driven> {
    // before the clock starts: containers take a second
    let containers = match (setup.world, net.is_sim()) {
        (WorldKind::Docker, false) => Some(containers(setup)?),
        _ => None,
    };
    // a program compares timestamps and heartbeats with a clock of its own
    let outside = setup.client.outside().is_some() && !net.is_sim();
    let clock = if outside { Clock::start_at_wall() } else { Clock::start() };
    let world = World::start(&net, clock, containers, setup, recorder, status).await?;
    let mut plan = Steps::new(setup, world.cluster.pd_leader());
    if let Some(api) = world.control() {
        status.control(api);
    }
    recorder.begin(world.infos(), plan.planned(&world), world.control());

    let tasks = Tasks::new(clock);
    status.attach_tasks(&tasks);
    let meter = Meter::default();
    let (watch, mut fired) = Watch::new(&setup.plan.triggers, &meter);
    watch.attach(world.cluster.journal());
    let mut probe =
        Probe { setup, world: &world, tasks: &tasks, meter: &meter, recorder, clock, status, samples: 0 };
    let env = env(setup, net, &world, (&tasks, &meter, &watch), recorder);
    recorder.event(clock.ms(), Event::ClientStarted);
    let outside = env.outside.clone();
    let mut client = pin!(tasks.spawn("main", setup.client.run(env)).join("main"));

    let begun = Instant::now();
    let every = (deadline(plan.span()) / SAMPLES).max(SHORTEST_SAMPLE);
    let mut next_sample = begun;
    let mut until = begun + deadline(plan.span());
    status.until(ms(until - begun));
    let demanding = !setup.expect.phases.is_empty();
    let resumes = setup.expect.phases.resumes_within_ms.map(Duration::from_millis);
    // whether there is new progress by then
    let mut next_look: Option<Instant> = None;
    let (reason, error) = loop {
        let next_step = plan.next_at();
        tokio::select! {
            biased;
            spin = tasks.spin() => {
                recorder.event(clock.ms(), Event::Spun { task: spin.task, name: spin.name, polls: spin.polls });
                break (EndReason::Spun, None);
            }
            ended = &mut client => {
                let error = ended.map_or_else(|error| Some(panicked(error)), |done| done.err().map(|Failure(text)| text));
                recorder.event(clock.ms(), Event::ClientEnded { error: error.clone() });
                break (EndReason::ClientEnded, error);
            }
            () = status.interruption() => break (EndReason::Interrupted, None),
            Some(trigger) = fired.recv() => {
                plan.fire(trigger, recorder, &clock);
                until = begun + deadline(plan.span());
                status.until(ms(until - begun));
            }
            () = watch.may_have_progressed() => {
                let (unique, total) = probe.progress();
                watch.progress(unique, total);
            }
            () = sleep_until(next_step) => {
                if demanding {
                    // what was done until here belongs to the phase that ends
                    probe.sample();
                }
                plan.take_next(&world, recorder, &clock, status);
                next_look = resumes.map(|within| Instant::now() + within);
            }
            () = sleep_until(next_look) => {
                next_look = None;
                probe.sample();
            }
            () = tokio::time::sleep_until(next_sample) => {
                probe.sample();
                if Instant::now() >= until {
                    break (EndReason::OutOfTime, None);
                }
                next_sample += every;
                next_sample = next_sample.min(until.max(Instant::now() + Duration::from_millis(1)));
            }
        }
    };
    let at = clock.elapsed();
    probe.last(reason);
    if let (Some(patience), false) = (setup.client.outside(), reason == EndReason::ClientEnded) {
        // its last dump shows it under whatever fault is still active
        outside.end();
        let _killed_with_its_future = tokio::time::timeout(patience, &mut client).await;
    }
    while let Ok(trigger) = fired.try_recv() {
        plan.fire(trigger, recorder, &clock);
    }
    plan.heal_all(&world, recorder, &clock, status);
    let seen = world.cluster.observed();
    recorder.end(End {
        at_ms: ms(at),
        reason,
        work: setup.client.audit(&seen, &meter.read()),
        evidence: plan.evidence(&world),
        calls: recorder.calls(world.cluster.journal()),
    });
    let trace = if setup.trace && reason == EndReason::OutOfTime { trace::take(&tasks).await } else { None };
    tasks.abort_all();
    world.shutdown();
    Ok(Driven { reason, at, error, trace })
}

/// Takes samples and dumps.
struct Probe<'a> {
    setup: &'a Setup,
    world: &'a World,
    tasks: &'a Tasks,
    meter: &'a Meter,
    recorder: &'a Recorder,
    clock: Clock,
    status: &'a Status,
    samples: u64,
}

impl Probe<'_> {
    /// Units done, and units to do.
    fn progress(&self) -> (u64, u64) {
        self.setup.client.progress(&self.world.cluster.observed(), &self.meter.read())
    }

    fn sample(&mut self) {
        self.status.beat();
        for (at_ms, what) in self.world.cluster.take_changes() {
            self.recorder.event(at_ms, Event::ClusterChanged { what });
        }
        let seen = self.world.cluster.observed();
        let links = self.world.sample(&seen.open_streams);
        self.meter.carried(links.iter().map(|link| link.up.saturating_add(link.down)).sum());
        let counts = self.meter.read();
        let (unique, total) = self.setup.client.progress(&seen, &counts);
        let sample = Sample {
            at_ms: self.clock.ms(),
            unique,
            total,
            attempts: counts.attempts,
            // a program does not count for us; what it dials again and again is seen
            retries: if self.has_tasks() { counts.retries } else { self.world.accepted() },
            in_flight: counts.in_flight,
            tasks: if self.has_tasks() { self.tasks.alive() } else { 0 },
            links,
        };
        if total > 0 && unique >= total {
            self.meter.complete();
        }
        self.status.sampled(&sample);
        self.recorder.push(Line::Sample(sample));
        if self.samples.is_multiple_of(DUMP_EVERY) && self.has_tasks() {
            self.recorder.push(Line::Dump(self.tasks.dump()));
        }
        self.samples += 1;
    }

    /// The last sample, and the last dump unless the client is gone.
    fn last(&mut self, reason: EndReason) {
        // the next sample of the regular order would dump as well: dump once
        self.samples = 1;
        self.sample();
        if reason != EndReason::ClientEnded && self.has_tasks() {
            self.recorder.push(Line::Dump(self.tasks.dump()));
        }
    }

    /// Whether the client's tasks are ours to dump.
    fn has_tasks(&self) -> bool {
        self.setup.client.outside().is_none()
    }
}

fn env(
    setup: &Setup,
    net: Net,
    world: &World,
    (tasks, meter, watch): (&Tasks, &Meter, &Watch),
    recorder: &Recorder,
) -> Env {
    let (clock, to_log, recorder, watch) = (tasks.clock(), recorder.clone(), recorder.clone(), watch.clone());
    Env {
        net,
        pd: world.pd(),
        tasks: tasks.clone(),
        meter: meter.clone(),
        log: Log::new(move |text| {
            watch.line(&text);
            to_log.event(clock.ms(), Event::ClientLogged { text });
        }),
        seed: split(setup.seed, "client"),
        scale: setup.scale,
        workload: setup.workload.clone(),
        outside: Outside::new(move |left| match left {
            Left::Event(event) => recorder.event(clock.ms(), event),
            Left::Dump { process, at_ms, source, text, last } => {
                recorder.dump(process, at_ms, &source, &text, last);
            }
            Left::Output(text) => recorder.output(&text),
        })
        .inside(world.inside().cloned()),
    }
}

fn containers(setup: &Setup) -> io::Result<Containers> {
    Containers::start(setup.cluster.pd as usize, setup.cluster.stores as usize + setup.plan.joins())
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

fn panicked(error: JoinError) -> String {
    if error.is_cancelled() {
        return "its main task was cancelled".to_owned();
    }
    let payload = error.into_panic();
    let text = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied());
    format!("panicked: {}", text.unwrap_or("(no message)"))
}

fn ms(duration: Duration) -> u64 {
    duration.as_millis() as u64
}
