//! From a scenario's case and a client to a setup: sizes chosen, the plan made, the client built.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use fake_tikv::{Mode, Node, PeerOrder};
use unstuck_record::{Demands, Expect, Span};

use super::outer;
use super::seed::split;
use super::setup::{ClusterSize, Setup, WorldKind};
use crate::client::{self, Client, Scale, Workload};
use crate::fault::plan::{PD_LEADER, Topology, Unplannable};
use crate::fault::{Accept, NodeEffect, Plan};
use crate::scenario::matrix;
use crate::scenario::{self, Case, ClientRef, File, SizeSpec, Sizes, Spread};

/// What is chosen besides the case and the client.
#[derive(Clone, Debug)]
pub struct Choice {
    /// Where to run.
    pub world: WorldKind,
    /// A Toxiproxy in the place of our own proxies; on real sockets only.
    pub outer: Option<String>,
    /// The divisor of durations; only real sockets want one.
    pub scale: u32,
    /// The seed.
    pub seed: u64,
    /// Whether tokio's own trace is taken of a client that did not end.
    pub trace: bool,
    /// Sizes that replace the file's.
    pub sizes: SizeSpec,
    /// A duration that replaces the case's `faultDuration`.
    pub fault_duration: Option<Duration>,
    /// The run of the matrix that these are from; `None`: the case as written.
    pub variant: Option<String>,
    /// An expectation that replaces the case's.
    pub expect: Option<scenario::Expect>,
}

impl Default for Choice {
    fn default() -> Self {
        Self {
            world: WorldKind::Sim,
            outer: None,
            scale: 1,
            seed: 1,
            trace: false,
            sizes: SizeSpec::default(),
            fault_duration: None,
            variant: None,
            expect: None,
        }
    }
}

impl Choice {
    /// What a run of a matrix says, its expectation included.
    pub fn of(run: &matrix::Run) -> Self {
        Self {
            world: match run.world {
                scenario::World::Sim => WorldKind::Sim,
                scenario::World::Tcp => WorldKind::Tcp,
            },
            scale: run.scale,
            sizes: run.sizes.clone(),
            fault_duration: run.fault_duration,
            variant: (run.name != matrix::AS_WRITTEN).then(|| run.name.clone()),
            expect: Some(run.expect.clone()),
            ..Self::default()
        }
    }
}

/// Why a case cannot be made ready.
#[derive(Debug, thiserror::Error)]
pub enum NotReady {
    /// The selector does not fit the cluster or the client.
    #[error(transparent)]
    Unplannable(#[from] Unplannable),
    /// A client that scenarios know and this build does not.
    #[error("this build has no client `{0}`")]
    NoSuchClient(ClientRef),
    /// A client outside of our process, in virtual time.
    #[error(
        "the client `{client}` (line {line}) is a program: it needs real sockets and real time, which the world `sim` \
         has not; give `--world tcp`"
    )]
    NeedsSockets {
        /// The client.
        client: String,
        /// The line of `client:`.
        line: u32,
    },
    /// A fault that a Toxiproxy cannot express.
    #[error(
        "the Toxiproxy of `--proxy` cannot carry out `{fault}`: {why}; leave `--proxy` out, the built-in proxy can"
    )]
    NotWithToxiproxy {
        /// As written.
        fault: String,
        /// What of it is beyond it.
        why: String,
    },
    /// A fault of containers where there are none.
    #[error("`{fault}` is of the world `docker`; what comes nearest in the world `{world}`: {nearest}")]
    NeedsContainers {
        /// As written.
        fault: String,
        /// The world.
        world: WorldKind,
        /// Other words.
        nearest: &'static str,
    },
    /// A fault of connects, which containers make.
    #[error(
        "`{fault}` is not for the world `docker`, where connects are made by the kernels of containers: choose \
         `syn_drop`, `network_disconnect`, `failure` or `pause` of nodes, or the world `tcp`"
    )]
    NotWithContainers {
        /// As written.
        fault: String,
    },
    /// A model of a client uses keys of one kind.
    #[error(
        "`{client}` uses {keys} keys: with it `cluster.mode` is `{mode}`; a program, or a client of your own, can have another"
    )]
    OtherKeys {
        /// The client.
        client: ClientRef,
        /// The kind, in words.
        keys: &'static str,
        /// The mode, as it is written.
        mode: &'static str,
    },
}

/// Makes a case ready to run with a client that comes with the harness.
pub fn setup(file: &File, case: &Case, client: &ClientRef, choice: &Choice) -> Result<Setup, NotReady> {
    let Some(program) = file.program.as_ref().filter(|program| program.as_ref() == *client) else {
        let under_test = client::find(&client.name, &client.revision);
        let under_test = under_test.ok_or_else(|| NotReady::NoSuchClient(client.clone()))?;
        let uses = Sizes::of(&client.name, []).mode;
        if [&file.sizes, &choice.sizes].iter().any(|sizes| sizes.mode.is_some_and(|mode| mode != uses)) {
            let (keys, mode) = if uses == Mode::Txn { ("transactional", "txn") } else { ("raw", "raw") };
            return Err(NotReady::OtherKeys { client: client.clone(), keys, mode });
        }
        return setup_with(file, case, Arc::from(under_test), choice);
    };
    if choice.world == WorldKind::Sim {
        return Err(NotReady::NeedsSockets { client: program.name.clone(), line: program.line });
    }
    let dir = Path::new(&file.name).parent().unwrap_or(Path::new("."));
    let under_test = Arc::new(client::Program::new(program.clone(), dir));
    // a program's own timers are what they are
    setup_with(file, case, under_test, &Choice { scale: program.scale, ..choice.clone() })
}

/// Makes a case ready to run with any client.
pub fn setup_with(
    file: &File,
    case: &Case,
    under_test: Arc<dyn Client>,
    choice: &Choice,
) -> Result<Setup, NotReady> {
    let sizes = Sizes::of(under_test.name(), [&file.sizes, &choice.sizes]);
    let topology = topology(under_test.name(), &sizes);
    let mut case = case.clone();
    let mut notes = departures(under_test.name(), &sizes);
    if !case.left_out.is_empty() {
        notes.push(format!("not carried out here: `{}`", case.left_out.join("`, `")));
    }
    if let Some(instead) = choice.fault_duration {
        for fault in &mut case.faults {
            notes.push(format!(
                "faults of {} (as written: {})",
                Span(instead.as_millis() as u64),
                fault.duration
            ));
            fault.duration = Spread::fixed(instead);
        }
    }
    let plan = Plan::new(&case, &topology, split(choice.seed, "plan"))?;
    carried_out_in(choice.world, &plan)?;
    if let Some(outer) = &choice.outer {
        notes.push(format!("links through the Toxiproxy at {outer}"));
        for injection in plan.scaled(choice.scale).injections {
            outer::steps(&injection.rule)
                .map_err(|why| NotReady::NotWithToxiproxy { fault: injection.kind.clone(), why })?;
        }
    }
    let restart = under_test.timers().restart_period;
    let length = scenario::sizes::target_duration(case.warm_up, plan.last_heal(), restart);
    let expect = choice.expect.as_ref().unwrap_or(&case.expect);
    Ok(Setup {
        file: file.name.clone(),
        line: case.line,
        case: case.name.clone(),
        client: under_test,
        world: choice.world,
        outer: choice.outer.clone(),
        scale: Scale::new(choice.scale),
        seed: choice.seed,
        cluster: ClusterSize {
            pd: sizes.pd,
            stores: sizes.tikv,
            keys_per_region: sizes.keys_per_region,
            max_concurrent_streams: sizes.max_concurrent_streams,
            mode: sizes.mode,
            peer_order: peer_order(sizes.peer_order, &plan),
        },
        workload: workload(&sizes, length),
        plan,
        recovery: case.recovery,
        within: expect.within,
        expect: Expect {
            outcome: expect.outcome,
            stuck_at: expect.stuck_at.clone(),
            phases: demands(expect, &case.expect, choice.scale),
        },
        variant: choice.variant.clone(),
        again: None,
        notes,
        trace: choice.trace,
    })
}

/// What is demanded of the phases: by the expectation, else by the case, where the client is to finish at all.
fn demands(expect: &scenario::Expect, of_case: &scenario::Expect, scale: u32) -> Demands {
    if !scenario::case::finishes(expect.outcome) {
        return Demands::default();
    }
    let demands = if expect.phases.is_empty() { of_case.phases } else { expect.phases };
    let scaled = |ms| Scale::new(scale).span(Duration::from_millis(ms)).as_millis() as u64;
    Demands { resumes_within_ms: demands.resumes_within_ms.map(scaled), ..demands }
}

/// Whether a world can do what the plan says.
fn carried_out_in(world: WorldKind, plan: &Plan) -> Result<(), NotReady> {
    for one in &plan.injections {
        let fault = one.kind.clone();
        match (world, &one.effect) {
            (WorldKind::Docker, Some(effect)) if effect.on_container().is_some() => {}
            (WorldKind::Docker, _) if one.rule.accept != Accept::Pass => {
                return Err(NotReady::NotWithContainers { fault });
            }
            (WorldKind::Sim | WorldKind::Tcp, Some(NodeEffect::Container(what))) => {
                return Err(NotReady::NeedsContainers { fault, world, nearest: what.elsewhere() });
            }
            _ => {}
        }
    }
    Ok(())
}

pub(crate) fn topology(client: &str, sizes: &Sizes) -> Topology {
    Topology {
        client: client.to_owned(),
        pd: sizes.pd,
        zones: sizes.zones,
        pd_leader: PD_LEADER,
        stores: (1..=u64::from(sizes.tikv)).collect(),
    }
}

fn workload(sizes: &Sizes, length: Duration) -> Workload {
    Workload {
        regions: sizes.regions,
        batches: sizes.batches,
        batch_bytes: sizes.batch_bytes,
        workers: sizes.workers,
        connections: sizes.connections,
        duration: sizes.duration.unwrap_or(length),
    }
}

fn peer_order(order: scenario::sizes::PeerOrder, plan: &Plan) -> PeerOrder {
    use scenario::sizes::PeerOrder as Written;
    match order {
        Written::Shuffled => PeerOrder::Shuffled,
        Written::First(store) => PeerOrder::First(store),
        Written::FaultedFirst => {
            let first = plan.injections.first();
            let nodes = first.into_iter().flat_map(|one| one.nodes.iter().chain(&one.links));
            let store = nodes.copied().find_map(|node| match node {
                Node::Store(id) => Some(id),
                Node::Pd(_) => None,
            });
            store.map_or(PeerOrder::Shuffled, PeerOrder::First)
        }
    }
}

/// The sizes that differ from the client's own, which a reader of a verdict must know.
fn departures(client: &str, sizes: &Sizes) -> Vec<String> {
    let usual = Sizes::of(client, []);
    let mut notes = vec![];
    if sizes.max_concurrent_streams != usual.max_concurrent_streams {
        notes.push(match sizes.max_concurrent_streams {
            u32::MAX => "no limit of streams a connection".to_owned(),
            most => format!("{most} streams a connection (TiKV: {})", usual.max_concurrent_streams),
        });
    }
    if sizes.connections != usual.connections {
        notes.push(format!("{} connections a store (usual: {})", sizes.connections, usual.connections));
    }
    notes
}
