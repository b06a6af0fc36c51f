//! One case, from plan to record and verdict.
//!
//! * [`cases`]: from a scenario's case and a client to a setup
//! * [`setup`]: everything that is fixed before the client starts
//! * `outer`: a Toxiproxy that somebody else runs, in the place of our proxies
//! * `docker`: a container for each node
//! * `between`, `link`: what stands between the client and a node, wherever that listens
//! * `holds`: what several faults on one node come to
//! * `nodes`: faults on nodes, what they touched, how they heal
//! * [`world`]: the network, the cluster, a proxy on every link
//! * `watch`: what faults wait for
//! * `steps`: the plan as steps in time
//! * [`drive`]: the one loop that owns a run: client, plan, samples, deadline
//! * [`recorder`]: the record, in memory and on disk as it happens
//! * [`status`]: what a screen may show meanwhile, and the flag that stops a run
//! * [`trace`]: tokio's own view of the tasks that are left
//! * [`batch`]: many cases on a few threads, under a watchdog

pub mod batch;
mod between;
pub mod cases;
mod docker;
pub mod drive;
mod holds;
mod link;
mod nodes;
mod outer;
pub mod recorder;
pub mod setup;
pub mod status;
mod steps;
pub mod trace;
mod watch;
pub mod world;

use std::io;
use std::path::Path;
use std::sync::Arc;

use unstuck_net::sim::{SimConfig, SimNet};
use unstuck_net::tcp::{TcpConfig, TcpNet};
use unstuck_net::{Net, sim};
use unstuck_record::{EndReason, Header, Line, Run};

use crate::verdict;
use drive::{Baseline, Driven};
use recorder::Recorder;
pub use setup::{ClusterSize, Setup, WorldKind};
pub use status::Status;
pub use unstuck_proxy::seed;

/// Runs one case: the fault-free run that gives T0, the run itself, the verdict. The record is written to
/// `file`, if given, as it happens.
pub fn run_case(setup: &Setup, file: Option<&Path>, status: &Arc<Status>) -> io::Result<Run> {
    status.phase("without faults");
    let baseline = measure_baseline(setup, status)?;
    status.phase(status::RUNNING);
    let recorder = Recorder::create(header(setup, &baseline), file)?;
    status.attach(&recorder);
    let driven = in_world(setup, setup.world, async |net| {
        drive::drive(setup, net, &recorder, &|faults| baseline.deadline(setup, faults), status).await
    })??;
    finish(&recorder, driven.trace.as_deref())
}

/// Judges what was recorded and writes the judgement, with tokio's trace beside the record.
pub(crate) fn finish(recorder: &Recorder, trace: Option<&str>) -> io::Result<Run> {
    if let Some(trace) = trace {
        recorder.write_beside("trace.txt", trace)?;
    }
    let judgement = verdict::judge(&recorder.snapshot());
    recorder.push(Line::Judgement(judgement));
    recorder.flushed()?;
    Ok(recorder.snapshot())
}

/// T0 and the longest gap between progress: the same client, seed and workload without faults, in virtual time if the
/// client can. Real sockets take real time for it, so where `within` gives the budget a client that needs them is spared.
fn measure_baseline(setup: &Setup, status: &Arc<Status>) -> io::Result<Baseline> {
    let in_sim = setup.client.runs_in_sim();
    if !in_sim && setup.within.is_some() {
        return Ok(Baseline::default());
    }
    let world = if in_sim { WorldKind::Sim } else { setup.world };
    let quiet = Setup { plan: crate::fault::Plan::default(), ..setup.clone() };
    let patience = Baseline::patience(&quiet);
    let recorder = Recorder::create(header(&quiet, &Baseline::default()), None)?;
    let driven: Driven = in_world(setup, world, async |net| {
        drive::drive(&quiet, net, &recorder, &|_| patience, status).await
    })??;
    Ok(match driven.reason {
        EndReason::ClientEnded if driven.error.is_none() => {
            Baseline { took: Some(driven.at), gap: recorder.longest_gap() }
        }
        _ => Baseline::default(),
    })
}

/// Makes the runtime and the network of a world and runs `work` there.
fn in_world<T>(setup: &Setup, world: WorldKind, work: impl AsyncFnOnce(Net) -> T) -> io::Result<T> {
    let runtime = match world {
        WorldKind::Sim => sim::runtime(setup.seed),
        WorldKind::Tcp => tokio::runtime::Builder::new_current_thread().enable_all().build()?,
        // the loop that owns the run waits for the engine, and the nodes go on meanwhile
        WorldKind::Docker => {
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?
        }
    };
    let output = runtime.block_on(async {
        let net = match world {
            WorldKind::Sim => Net::Sim(SimNet::new(SimConfig::default())),
            WorldKind::Tcp | WorldKind::Docker => Net::Tcp(TcpNet::new(TcpConfig::default())),
        };
        work(net).await
    });
    // What is left are tasks that wait for ever; nothing of theirs may outlive the run.
    runtime.shutdown_background();
    Ok(output)
}

fn header(setup: &Setup, baseline: &Baseline) -> Header {
    let client = &setup.client;
    let timers = client.timers();
    Header {
        version: unstuck_record::VERSION,
        file: setup.file.clone(),
        line: setup.line,
        case: setup.case.clone(),
        client: format!("{}@{}", client.name(), client.revision()),
        world: setup.world.to_string(),
        scale: setup.scale.by(),
        seed: setup.seed,
        unstuck: env!("CARGO_PKG_VERSION").to_owned(),
        tokio_unstable: cfg!(tokio_unstable),
        unit: client.unit().to_owned(),
        plan: vec![],
        triggers: setup.plan.triggers.iter().map(ToString::to_string).collect(),
        links: vec![],
        control: None,
        limits: baseline.limits(setup, timers),
        expect: setup.expect.clone(),
        variant: setup.variant.clone(),
        command: client.program().map_or(vec![], |program| program.command.clone()),
        idle: client.program().map_or(vec![], |program| program.dump.idle.clone()),
        again: setup.again.clone(),
        notes: setup.notes.clone(),
    }
}
