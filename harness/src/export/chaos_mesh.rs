//! Manifests of Chaos Mesh (`chaos-mesh.org/v1alpha1`).
//!
//! | case | manifest |
//! |---|---|
//! | once | `PodChaos`, `NetworkChaos` or `IOChaos` with a `duration`: to be created when the warm-up is over |
//! | `period` | a `Schedule` of it; the first comes one period after its creation, or when cron says. Schedules do not count: when to delete it is said |
//!
//! | fault | is |
//! |---|---|
//! | `failure` | `pod-failure`: the pod keeps its address and refuses connects |
//! | `kill` | `pod-kill`: a new pod at another address; Kubernetes says when |
//! | `network_partition` | `partition`, which drops |
//! | `network_delay`, `network_reorder` | `delay`, with `reorder` |
//! | `network_loss`, `network_corrupt`, `network_duplicate`, `network_bandwidth`, `network_netem` | the same |
//! | `io_delay`, `io_hang` | `latency` of the volume; a hang is a latency as long as the fault |
//! | `disk_full` | `fault` of the volume: ENOSPC |
//!
//! A case of several faults is as many manifests. The rest needs what Chaos Mesh does not have; each has its reason.

use std::collections::BTreeMap;
use std::time::Duration;

use fake_tikv::answer::{Calls, RegionError, Then, When};
use serde_json::{Map, Value, json};
use unstuck_proxy::toxic::Distribution;

use super::pods::Pods;
use super::timed::{self, Timed, go, span};
use super::{NoEquivalent, none};
use crate::scenario::fault_type::{Luck, Overtakes, Shape};
use crate::scenario::{Case, Component, Direction, Fault, FaultType, Netem, Selector};

/// One fault of a case as a manifest.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// The object.
    pub object: Value,
    /// What to do with it and when, line by line.
    pub how: Vec<String>,
}

/// A kind of chaos: its name, its key within a `Schedule`, its spec.
struct Chaos {
    kind: &'static str,
    key: &'static str,
    spec: Value,
}

/// The manifests of cases, each under a name of its own.
#[derive(Debug, Default)]
pub struct Names(BTreeMap<String, u32>);

impl Names {
    /// The manifests of a case, one for each of its faults, or why there is none.
    pub fn manifests(&mut self, case: &Case, pods: &Pods) -> Vec<Result<Manifest, NoEquivalent>> {
        let manifest = |(fault, timed): (&Fault, Result<Timed, NoEquivalent>)| {
            self.manifest(&case.name, fault, &timed?, pods)
        };
        case.faults.iter().zip(timed::times(case)).map(manifest).collect()
    }

    fn manifest(
        &mut self,
        case: &str,
        fault: &Fault,
        timed: &Timed,
        pods: &Pods,
    ) -> Result<Manifest, NoEquivalent> {
        let chaos = chaos(fault, timed.lasts, pods)?;
        let mut name = object_name(case);
        let count = self.0.entry(name.clone()).or_default();
        *count += 1;
        if *count > 1 {
            name = format!("{name}-{count}");
        }
        Ok(manifest(fault, timed, pods, chaos, &name))
    }
}

fn manifest(fault: &Fault, timed: &Timed, pods: &Pods, chaos: Chaos, name: &str) -> Manifest {
    let meta = json!({
        "name": name,
        "namespace": pods.namespace,
        "labels": {"app.kubernetes.io/managed-by": "unstuck"},
    });
    let begins = timed.begins;
    let (kind, spec, how) = match &timed.repeated {
        None => {
            let heals = if fault.fault == FaultType::Kill {
                "Kubernetes starts the pod anew"
            } else {
                "it heals by itself"
            };
            let how = vec![format!("create it {} after the client's start; {heals}", span(begins))];
            (chaos.kind, chaos.spec, how)
        }
        Some(repeated) => (SCHEDULE, scheduled(chaos, &repeated.schedule), repeated.how(begins)),
    };
    let object =
        json!({"apiVersion": "chaos-mesh.org/v1alpha1", "kind": kind, "metadata": meta, "spec": spec});
    Manifest { object, how }
}

const SCHEDULE: &str = "Schedule";

fn scheduled(chaos: Chaos, schedule: &str) -> Value {
    let mut spec = json!({
        "schedule": schedule,
        "historyLimit": 1,
        "concurrencyPolicy": "Forbid",
        "type": chaos.kind,
    });
    spec[chaos.key] = chaos.spec;
    spec
}

fn chaos(of: &Fault, lasts: Duration, pods: &Pods) -> Result<Chaos, NoEquivalent> {
    match &of.fault {
        FaultType::Failure => {
            let mut spec = on_nodes(of, pods)?;
            spec["action"] = "pod-failure".into();
            spec["duration"] = go(lasts).into();
            Ok(Chaos { kind: "PodChaos", key: "podChaos", spec })
        }
        FaultType::Kill => {
            let mut spec = on_nodes(of, pods)?;
            spec["action"] = "pod-kill".into();
            Ok(Chaos { kind: "PodChaos", key: "podChaos", spec })
        }
        FaultType::NetworkPartition { direction, reject: false } => {
            network((of, lasts), pods, *direction, "partition", Map::new())
        }
        FaultType::NetworkPartition { reject: true, .. } => {
            none("Chaos Mesh drops packets and never rejects them", "`network_partition` without `reject`")
        }
        FaultType::Network { word, direction, netem } => {
            let (action, with) = netem_spec(word, netem)?;
            network((of, lasts), pods, *direction, action, with)
        }
        FaultType::Toxic { word, .. } => none(
            format!("no packet filter can do what `{word}` does to connections"),
            "`network_netem` for a bad network, `failure` for connections that end",
        ),
        FaultType::Answer { word, script, path } => {
            let (action, key, value) = match script.then {
                Then::Delay { jitter_ms: 1.., .. } => {
                    return none("Chaos Mesh's delays of a volume are all the same", "`io_delay`");
                }
                Then::Delay { ms, .. } => ("latency", "delay", go(Duration::from_millis(ms)).into()),
                Then::Silence => ("latency", "delay", go(lasts).into()),
                Then::RegionError(RegionError::DiskFull) => ("fault", "errno", ENOSPC.into()),
                _ => {
                    let why = format!("nothing outside of a store can make it answer `{word}`");
                    return none(why, "`io_delay`, under which a store becomes busy by itself");
                }
            };
            let percent = if let Calls::Percent(percent) = script.when.calls { percent } else { 100 };
            if (When { calls: Calls::default(), ..script.when.clone() }) != When::default()
                || !matches!(script.when.calls, Calls::Every | Calls::Percent(_))
            {
                return none(
                    "Chaos Mesh acts on a whole volume, and knows no calls",
                    format!("`{word}` without `method`, `nth`, `next` and `each`"),
                );
            }
            let mut spec = on_nodes(of, pods)?;
            spec["action"] = action.into();
            spec[key] = value;
            // where `TiDB` Operator mounts the data
            spec["percent"] = percent.into();
            let of_pd = of.selector.endpoints().any(|end| end.component == Component::Pd);
            let volume = if of_pd { "/var/lib/pd" } else { "/var/lib/tikv" };
            spec["volumePath"] = volume.into();
            if let Some(path) = path {
                spec["path"] = path.as_str().into();
            }
            spec["duration"] = go(lasts).into();
            Ok(Chaos { kind: "IOChaos", key: "ioChaos", spec })
        }
        FaultType::Blackhole { .. } | FaultType::ConnectHang => none(
            format!("Chaos Mesh cannot tell new connections from live ones, as `{}` does", of.fault),
            "`network_partition`, which silences both",
        ),
        FaultType::Refuse => none("Chaos Mesh cannot refuse new connections alone", "`failure`"),
        FaultType::StallRead { .. } => {
            none("no packet filter can make a peer stop reading", "`network_partition(direction:to)`")
        }
        FaultType::Reset | FaultType::Close => none(
            format!("Chaos Mesh cannot `{}` live connections", of.fault),
            "`failure` for a moment, which ends the pod's connections",
        ),
        FaultType::Freeze => none(
            "Chaos Mesh cannot stop a process and let it go on",
            "`io_hang`, or `kill -STOP` within the pod",
        ),
        FaultType::Pause | FaultType::NetworkDisconnect | FaultType::SynDrop => {
            none(format!("`{}` is for containers on this machine", of.fault), "`network_partition`")
        }
        FaultType::ScaleOut => none(
            "Chaos Mesh adds no pods",
            "`kubectl patch tidbcluster` with one more of `spec.tikv.replicas`",
        ),
        FaultType::ScaleIn => none(
            "Chaos Mesh takes no pods away",
            "`kubectl patch tidbcluster` with one less of `spec.tikv.replicas`",
        ),
        FaultType::TransferLeader | FaultType::RegionSplit | FaultType::RegionMerge => none(
            format!("`{}` is PD's to do, not Chaos Mesh's", of.fault),
            "`pd-ctl operator add …`, `pd-ctl member leader transfer …`",
        ),
    }
}

/// Linux's "no space left on device".
const ENOSPC: i32 = 28;

/// The action, and the keys that the spec has for it.
fn netem_spec(word: &str, netem: &Netem) -> Result<(&'static str, Map<String, Value>), NoEquivalent> {
    let lucky =
        |luck: Luck, key: &str| json!({key: percent(luck.share), "correlation": percent(luck.correlation)});
    let (mut with, mut action) = (Map::new(), None);
    let mut put = |key: &'static str, value: Value| {
        // one thing has an action of its own, if it is no rate; several are netem's
        action = Some(if action.is_none() && key != "rate" { key } else { "netem" });
        with.insert(key.to_owned(), value);
    };
    if let Some(late) = netem.delay {
        if late.distribution != Distribution::Uniform {
            return none(
                "Chaos Mesh knows no distribution of delays",
                format!("`{word}` without `distribution`"),
            );
        }
        let correlation = percent(late.correlation);
        let mut delay =
            json!({"latency": go(late.latency), "jitter": go(late.jitter), "correlation": correlation});
        if let Some(Overtakes { luck, gap }) = netem.overtakes {
            delay["reorder"] = lucky(luck, "reorder");
            delay["reorder"]["gap"] = gap.into();
        }
        put("delay", delay);
    }
    for (luck, key) in [(netem.loss, "loss"), (netem.corrupt, "corrupt"), (netem.duplicate, "duplicate")] {
        if let Some(luck) = luck {
            put(key, lucky(luck, key));
        }
    }
    if let Some(Shape { rate, buffer, limit }) = netem.bandwidth {
        let rate = format!("{rate}bps");
        if word == "network_bandwidth" {
            let (limit, buffer) = (limit.unwrap_or(LIMIT), buffer.unwrap_or(BUFFER));
            put("bandwidth", json!({"rate": rate, "limit": limit, "buffer": buffer}));
        } else if buffer.or(limit).is_some() {
            return none(
                "Chaos Mesh's netem has a rate without `buffer` and `limit`",
                "`network_bandwidth` in a case of its own",
            );
        } else {
            put("rate", json!({"rate": rate}));
        }
    }
    Ok((action.unwrap_or("netem"), with))
}

/// What Chaos Mesh's own example of a `bandwidth` has; both must be given there.
const LIMIT: u64 = 20_971_520;
const BUFFER: u64 = 10_000;

/// A share as Chaos Mesh has it: `25` of a hundred.
fn percent(share: f64) -> String {
    format!("{}", (share * 1e8).round() / 1e6)
}

/// The spec of a fault on nodes, but for the fault.
fn on_nodes(of: &Fault, pods: &Pods) -> Result<Value, NoEquivalent> {
    match of.selector {
        Selector::Nodes(end) => Ok(pods.choose(end, None)?.spec()),
        Selector::Links { .. } => none(
            format!("`{}` acts on pods, and `{}` names links", of.fault, of.selector),
            "name the nodes: `tikv(random)`",
        ),
    }
}

fn network(
    (of, lasts): (&Fault, Duration),
    pods: &Pods,
    direction: Direction,
    action: &str,
    with: Map<String, Value>,
) -> Result<Chaos, NoEquivalent> {
    let Selector::Links { source, target } = of.selector else {
        return none(
            format!("`{}` needs both ends of its links", of.selector),
            format!("write `client_to_{}`", of.selector),
        );
    };
    let (from, to) = (pods.choose(source, Some(target))?, pods.choose(target, Some(source))?);
    let direction = match direction {
        Direction::To => "to",
        Direction::From => "from",
        Direction::Both => "both",
    };
    let mut spec = from.spec();
    spec["action"] = action.into();
    spec["target"] = to.spec();
    spec["direction"] = direction.into();
    spec["duration"] = go(lasts).into();
    for (key, value) in with {
        spec[&key] = value;
    }
    Ok(Chaos { kind: "NetworkChaos", key: "networkChaos", spec })
}

/// A name as Kubernetes has it (RFC 1123): lower case, digits and `-`; short enough for what a `Schedule` appends.
fn object_name(case: &str) -> String {
    let words = case.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let mut name = words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-");
    name.truncate(52);
    let name = name.trim_end_matches('-');
    if name.is_empty() { "case".to_owned() } else { name.to_owned() }
}
