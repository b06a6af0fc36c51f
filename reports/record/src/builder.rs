//! Records made by hand, for the tests of whatever reads them. A new record is a case that ran for its whole
//! time; every call adds one fact.

mod lightning;

use crate::{
    At, Calls, End, EndReason, Event, Evidence, Expect, Frame, Header, Limits, LinkInfo, LinkSample, Outcome,
    PlannedFault, Resource, Run, Sample, Task, TaskDump, VERSION, Wait, Work,
};

pub use lightning::stuck_lightning;

/// One second, in milliseconds.
pub const SEC: u64 = 1_000;
/// One minute, in milliseconds.
pub const MIN: u64 = 60 * SEC;

/// A record under construction.
#[derive(Clone, Debug)]
pub struct RunBuilder(Run);

impl RunBuilder {
    /// A case `case` of `client`: 10 minutes without faults, 5 to recover, back-off up to 30 s, and no link yet.
    pub fn new(case: &str, client: &str) -> Self {
        let limits = Limits {
            baseline_ms: Some(10 * MIN),
            baseline_unknown: None,
            baseline_gap_ms: 5 * SEC,
            recovery_ms: 5 * MIN,
            within_ms: None,
            longest_timer_ms: MIN,
            backoff_cap_ms: 30 * SEC,
        };
        let header = Header {
            version: VERSION,
            file: "scenarios/example.yaml".into(),
            line: 2,
            case: case.into(),
            client: client.into(),
            world: "sim".into(),
            scale: 1,
            seed: 42,
            unstuck: "0.1.0".into(),
            tokio_unstable: true,
            unit: "regions".into(),
            plan: vec![],
            triggers: vec![],
            links: vec![],
            limits,
            expect: Expect::default(),
            variant: None,
            command: vec![],
            idle: vec![],
            control: None,
            again: None,
            notes: vec![],
        };
        let mut run = Run::new(header);
        run.events.push(At { at_ms: 0, what: Event::ClientStarted });
        Self(run)
    }

    /// Changes the header.
    pub fn header(mut self, change: impl FnOnce(&mut Header)) -> Self {
        change(&mut self.0.header);
        self
    }

    /// A link `client->node` whose proxy listens at `node:20160`.
    pub fn link(mut self, client: &str, node: &str) -> Self {
        self.0.header.links.push(LinkInfo {
            name: format!("{client}->{node}"),
            node: node.into(),
            addr: format!("{node}:20160"),
        });
        self
    }

    /// The scenario expects this.
    pub fn expect(mut self, outcome: Outcome, stuck_at: Option<&str>) -> Self {
        self.0.header.expect = Expect { outcome, stuck_at: stuck_at.map(Into::into), ..Expect::default() };
        self
    }

    /// A fault on one link, injected, healed if `end_ms` is before the end of the run, with what it touched.
    pub fn fault(mut self, kind: &str, link: &str, start_ms: u64, end_ms: u64, evidence: Evidence) -> Self {
        let fault = self.plan(kind, link, start_ms, end_ms);
        self = self.event(start_ms, Event::FaultInjected { fault });
        self.event(end_ms, Event::FaultHealed { fault, evidence })
    }

    /// A fault that is injected and never healed.
    pub fn lasting_fault(mut self, kind: &str, link: &str, start_ms: u64, end_ms: u64) -> Self {
        let fault = self.plan(kind, link, start_ms, end_ms);
        self.event(start_ms, Event::FaultInjected { fault })
    }

    /// A fault that came too late.
    pub fn fault_not_needed(mut self, kind: &str, link: &str, start_ms: u64, end_ms: u64) -> Self {
        let fault = self.plan(kind, link, start_ms, end_ms);
        self.event(start_ms, Event::FaultNotNeeded { fault })
    }

    /// A fault that waits for `trigger`, lasts so long, and touches something; `fires_ms`: when, if ever.
    pub fn triggered_fault(
        mut self,
        (kind, link): (&str, &str),
        trigger: &str,
        length_ms: u64,
        fires_ms: Option<u64>,
    ) -> Self {
        let fault = self.plan(kind, link, 0, length_ms);
        self.0.header.plan[fault].trigger = Some(self.0.header.triggers.len());
        self.0.header.triggers.push(trigger.into());
        let Some(at_ms) = fires_ms else { return self.event(0, Event::FaultNeverTriggered { fault }) };
        let trigger = self.0.header.triggers.len() - 1;
        self.event(at_ms, Event::TriggerFired { trigger })
            .event(at_ms, Event::FaultInjected { fault })
            .event(at_ms + length_ms, Event::FaultHealed { fault, evidence: touched() })
    }

    fn plan(&mut self, kind: &str, link: &str, start_ms: u64, end_ms: u64) -> usize {
        let node = link.rsplit("->").next().unwrap_or(link);
        self.0.header.plan.push(PlannedFault {
            kind: kind.into(),
            links: vec![link.into()],
            nodes: vec![node.into()],
            start_ms,
            end_ms,
            trigger: None,
        });
        self.0.header.plan.len() - 1
    }

    /// Something happened.
    pub fn event(mut self, at_ms: u64, what: Event) -> Self {
        self.0.events.push(At { at_ms, what });
        self
    }

    /// Counters at one moment, of `total` 200.
    pub fn sample(mut self, at_ms: u64, unique: u64, attempts: u64, retries: u64) -> Self {
        self.0.samples.push(Sample {
            at_ms,
            unique,
            total: 200,
            attempts,
            retries,
            in_flight: 8,
            tasks: 20,
            links: vec![],
        });
        self
    }

    /// A whole sample.
    pub fn raw_sample(mut self, sample: Sample) -> Self {
        self.0.samples.push(sample);
        self
    }

    /// Connections and streams of one link, in the last sample.
    pub fn streams(mut self, link: usize, conns: u64, streams: u64) -> Self {
        if let Some(sample) = self.0.samples.last_mut() {
            sample.links.push(LinkSample { link, conns, streams, up: 0, down: 0 });
        }
        self
    }

    /// Every task at one moment.
    pub fn dump(mut self, at_ms: u64, tasks: impl IntoIterator<Item = TaskBuilder>) -> Self {
        let mut tasks: Vec<Task> = tasks.into_iter().map(|task| task.at(at_ms)).collect();
        tasks.sort_by_key(|task| task.id);
        self.0.dumps.push(TaskDump { at_ms, tasks, ..TaskDump::default() });
        self
    }

    /// The client ended by itself, the run with it, and this is its work.
    pub fn client_ended(self, at_ms: u64, error: Option<&str>, work: Work) -> Self {
        self.event(at_ms, Event::ClientEnded { error: error.map(Into::into) }).end(
            at_ms,
            EndReason::ClientEnded,
            work,
        )
    }

    /// The run ended. What each fault touched is taken from its heal.
    pub fn end(mut self, at_ms: u64, reason: EndReason, work: Work) -> Self {
        let mut evidence = vec![Evidence::default(); self.0.header.plan.len()];
        for event in &self.0.events {
            if let Event::FaultHealed { fault, evidence: touched } = event.what {
                evidence[fault] = evidence[fault].plus(touched);
            }
        }
        self.0.end = Some(End { at_ms, reason, work, evidence, calls: Calls::default() });
        self
    }

    /// The record, its events in order.
    pub fn build(mut self) -> Run {
        self.0.events.sort_by_key(|event| event.at_ms);
        self.0
    }
}

/// All of 200 units, once.
pub fn all_done() -> Work {
    Work { expected: 200, unique: 200, duplicated: 0, missing: vec![] }
}

/// `unique` of 200 units.
pub fn done(unique: u64) -> Work {
    Work { unique, missing: vec!["region 7".into()], ..all_done() }
}

/// Something that a fault touched.
pub fn touched() -> Evidence {
    Evidence { closed: 2, refused: 40, ..Evidence::default() }
}

/// A task of a dump.
#[derive(Clone, Debug)]
pub struct TaskBuilder(Task, bool);

/// Task `id`, spawned by task 1 at 0, which has just been polled and waits for nothing.
pub fn task(id: u64, name: &str) -> TaskBuilder {
    let created_by = frame("spawn", 10);
    TaskBuilder(
        Task {
            id,
            name: name.into(),
            created_by,
            parent: u64::from(id > 1),
            since_ms: 0,
            polled_ms: 0,
            progress_ms: None,
            wait: None,
            frames: vec![frame("work", 20), frame(name, 30)],
            foreign: None,
        },
        true,
    )
}

fn frame(function: &str, line: u32) -> Frame {
    Frame { function: function.into(), file: "src/client.rs".into(), line }
}

impl TaskBuilder {
    /// It waits at `site` for `resource` since then, and was not polled again.
    pub fn wait(mut self, site: &str, resource: Resource, since_ms: u64) -> Self {
        self.0.frames.insert(0, frame(site, 40));
        self.0.wait =
            Some(Wait { site: site.into(), resource, since_ms, idle: false, detail: String::new() });
        self.last_polled(since_ms)
    }
    /// It waits for a node's peer.
    pub fn at_link(self, site: &str, node: &str, since_ms: u64) -> Self {
        self.wait(site, Resource::Link { addr: format!("{node}:20160"), conn: 1 }, since_ms)
    }
    /// It waits for a channel that these tasks can move.
    pub fn at_channel(self, site: &str, actors: &[u64], since_ms: u64) -> Self {
        self.wait(site, Resource::Channel { name: site.into(), actors: actors.into() }, since_ms)
    }
    /// It waits for a lock.
    pub fn at_lock(self, site: &str, holder: Option<u64>, since_ms: u64) -> Self {
        self.wait(site, Resource::Lock { name: site.into(), holder }, since_ms)
    }
    /// It waits for the end of these tasks.
    pub fn at_join(self, site: &str, tasks: &[u64], since_ms: u64) -> Self {
        self.wait(site, Resource::Join { tasks: tasks.into() }, since_ms)
    }
    /// It sleeps.
    pub fn at_timer(self, site: &str, until_ms: u64, since_ms: u64) -> Self {
        self.wait(site, Resource::Timer { until_ms }, since_ms)
    }
    /// Waiting there is normal.
    pub fn idle(mut self) -> Self {
        self.0.wait.as_mut().expect("only a wait can be idle").idle = true;
        self
    }
    /// What the dump says beside the wait.
    pub fn detail(mut self, detail: &str) -> Self {
        self.0.wait.as_mut().expect("only a wait has a detail").detail = detail.into();
        self
    }
    /// When it was last polled; without this call, at the dump.
    pub fn last_polled(mut self, at_ms: u64) -> Self {
        self.0.polled_ms = at_ms;
        self.1 = false;
        self
    }
    /// When it last did useful work.
    pub fn progressed(mut self, at_ms: u64) -> Self {
        self.0.progress_ms = Some(at_ms);
        self
    }
    /// Changes anything else.
    pub fn with(mut self, change: impl FnOnce(&mut Task)) -> Self {
        change(&mut self.0);
        self
    }
    fn at(mut self, at_ms: u64) -> Task {
        if self.1 {
            self.0.polled_ms = at_ms;
        }
        self.0
    }
}
