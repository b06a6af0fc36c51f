//! When Chaos Mesh injected and recovered what, from the status of its objects: what
//! `kubectl get networkchaos,podchaos,iochaos -o json` prints, or the API server answers.
//!
//! ```text
//! {kind: List | PodChaosList | …, items: [{
//!   kind: PodChaos, metadata: {namespace, name}, spec: {action: pod-failure},
//!   status: {experiment: {containerRecords: [{
//!     id: namespace/pod[/container], selectorKey: "." | ".Target", phase: Injected | Not Injected,
//!     events: [{operation: Apply | Recover, type: Succeeded | Failed, message, timestamp: RFC 3339, whole seconds}]}]}}}]}
//! ```
//!
//! `chaos-mesh.org/v1alpha1`, since release 2.4 with events. One target is one record; a paused object injects more than
//! once. `pod-kill` and `container-kill` are never recovered: Kubernetes starts the pod anew.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::since::unix_ms;
use crate::scenario::shorten;

/// Objects are read up to so many; each of a few thousand is a few kilobytes.
const MOST: usize = 10_000;

/// Fault types that Chaos Mesh makes of netem, in whichever action they fit.
const NETEM: [&str; 8] = [
    "network_delay",
    "network_latency",
    "network_loss",
    "network_corrupt",
    "network_duplicate",
    "network_reorder",
    "network_bandwidth",
    "network_netem",
];

/// What the objects tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// By start.
    pub(super) injections: Vec<Injection>,
    /// What did not succeed, in words.
    pub(super) failures: Vec<String>,
}

/// One injection of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Injection {
    /// The object, and which of its injections; the same at every look.
    pub(super) of: (String, usize),
    /// The fault types of scenarios that it may stand for.
    pub(super) words: &'static [&'static str],
    /// Milliseconds since 1970, of the first target.
    pub(super) start_ms: u64,
    /// Likewise, of the last target; `None` while it is in force on any.
    pub(super) end_ms: Option<u64>,
    /// Whether nothing ever recovers it.
    pub(super) one_shot: bool,
    /// The pods, without their namespace.
    pub(super) targets: Vec<String>,
    /// How many pods were chosen.
    pub(super) chosen: usize,
}

#[derive(Deserialize)]
struct Object {
    #[serde(default)]
    kind: String,
    metadata: Metadata,
    #[serde(default)]
    spec: Spec,
    #[serde(default)]
    status: Status,
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(default)]
    namespace: String,
    name: String,
}

#[derive(Default, Deserialize)]
struct Spec {
    #[serde(default)]
    action: String,
}

#[derive(Default, Deserialize)]
struct Status {
    #[serde(default)]
    experiment: Experiment,
}

#[derive(Default, Deserialize)]
struct Experiment {
    #[serde(default, rename = "containerRecords")]
    records: Option<Vec<Record>>,
}

#[derive(Deserialize)]
struct Record {
    id: String,
    #[serde(default)]
    events: Option<Vec<Event>>,
}

#[derive(Deserialize)]
struct Event {
    operation: String,
    r#type: String,
    #[serde(default)]
    message: String,
    timestamp: String,
}

/// Reads a list of objects, or one.
pub(super) fn read(text: &[u8]) -> Result<Told, String> {
    let document: Value = serde_json::from_slice(text).map_err(|error| format!("not JSON: {error}"))?;
    let list_kind = document["kind"].as_str().unwrap_or_default().trim_end_matches("List").to_owned();
    let items = match document {
        Value::Object(mut map) if map.contains_key("items") => match map.remove("items") {
            Some(Value::Array(items)) => items,
            _ => return Err("its `items` are no list".into()),
        },
        Value::Object(map) if map.contains_key("metadata") => vec![Value::Object(map)],
        _ => return Err("neither a list of objects nor an object of Kubernetes".into()),
    };
    let mut told = Told::default();
    for item in items.into_iter().take(MOST) {
        let mut object: Object = serde_json::from_value(item)
            .map_err(|error| format!("not an object of Chaos Mesh: {}", shorten(&error.to_string())))?;
        // the API server leaves the kind of a list's items out
        if object.kind.is_empty() {
            object.kind.clone_from(&list_kind);
        }
        object.tell(&mut told)?;
    }
    told.injections.sort_by(|a, b| (a.start_ms, &a.of).cmp(&(b.start_ms, &b.of)));
    Ok(told)
}

impl Object {
    fn tell(&self, told: &mut Told) -> Result<(), String> {
        let name = format!("{} {}/{}", self.kind, self.metadata.namespace, self.metadata.name);
        let records = self.status.experiment.records.as_deref().unwrap_or_default();
        let mut injections: BTreeMap<usize, Injection> = BTreeMap::new();
        for record in records {
            let pod = record.id.split('/').nth(1).unwrap_or(&record.id);
            for (number, (start_ms, end_ms)) in record.lives(&name, told)?.into_iter().enumerate() {
                let injection = injections.entry(number).or_insert_with(|| Injection {
                    of: (name.clone(), number),
                    words: self.words(),
                    start_ms,
                    end_ms: Some(0),
                    one_shot: self.spec.action.ends_with("-kill"),
                    targets: vec![],
                    chosen: records.len(),
                });
                injection.start_ms = injection.start_ms.min(start_ms);
                injection.end_ms = injection.end_ms.zip(end_ms).map(|(one, other)| one.max(other));
                injection.targets.push(shorten(pod));
            }
        }
        told.injections.extend(injections.into_values());
        Ok(())
    }

    fn words(&self) -> &'static [&'static str] {
        match (self.kind.as_str(), self.spec.action.as_str()) {
            ("PodChaos", "pod-failure") => &["failure"],
            ("PodChaos", "pod-kill" | "container-kill") => &["kill"],
            ("NetworkChaos", "partition") => &["network_partition"],
            ("NetworkChaos", _) => &NETEM,
            ("IOChaos", "latency") => &["io_delay", "io_hang"],
            ("IOChaos", "fault") => &["disk_full"],
            _ => &[],
        }
    }
}

impl Record {
    /// From each injection to its recovery, if that came. Old events are dropped by Chaos Mesh: a recovery without its
    /// injection tells nothing.
    fn lives(&self, name: &str, told: &mut Told) -> Result<Vec<(u64, Option<u64>)>, String> {
        let mut lives: Vec<(u64, Option<u64>)> = vec![];
        for event in self.events.as_deref().unwrap_or_default() {
            let at_ms = unix_ms(&event.timestamp)
                .map_err(|error| format!("{}: {}", shorten(name), shorten(&error)))?;
            match (event.r#type.as_str(), event.operation.as_str(), lives.last_mut()) {
                ("Succeeded", "Apply", None | Some((_, Some(_)))) => lives.push((at_ms, None)),
                ("Succeeded", "Recover", Some((_, end @ None))) => *end = Some(at_ms),
                ("Failed", operation, _) => told.failures.push(format!(
                    "{} of {} failed on {}: {}",
                    shorten(operation),
                    shorten(name),
                    shorten(&self.id),
                    shorten(&event.message)
                )),
                _ => {}
            }
        }
        Ok(lives)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(operation: &str, kind: &str, timestamp: &str) -> Value {
        json!({"operation": operation, "type": kind, "timestamp": timestamp, "message": "no such container"})
    }

    fn object(kind: &str, action: &str, records: &Value) -> Value {
        json!({
            "kind": kind, "metadata": {"namespace": "tidb", "name": "case"}, "spec": {"action": action},
            "status": {"experiment": {"desiredPhase": "Run", "containerRecords": records}},
        })
    }

    fn record(pod: &str, events: &[Value]) -> Value {
        json!({"id": format!("tidb/{pod}"), "selectorKey": ".", "phase": "Injected", "events": events})
    }

    fn read(value: &Value) -> Result<Told, String> {
        super::read(value.to_string().as_bytes())
    }

    const AT: [&str; 4] =
        ["2026-11-21T10:00:00Z", "2026-11-21T10:00:02Z", "2026-11-21T10:01:00Z", "2026-11-21T12:01:01+02:00"];
    const AT_0_MS: u64 = 1_795_255_200_000;

    #[test]
    fn an_injection_lasts_from_its_first_target_to_the_recovery_of_its_last() {
        let records = json!([
            record("a", &[event("Apply", "Succeeded", AT[1]), event("Recover", "Succeeded", AT[2])]),
            record("b", &[event("Apply", "Succeeded", AT[0]), event("Recover", "Succeeded", AT[3])]),
        ]);
        let told = read(&json!({"kind": "List", "items": [object("PodChaos", "pod-failure", &records)]}));
        let injections = told.unwrap().injections;
        let [one] = &injections[..] else { panic!("{injections:?}") };
        assert_eq!((one.start_ms, one.end_ms), (AT_0_MS, Some(AT_0_MS + 61_000)));
        assert_eq!((one.targets.join(" "), one.chosen, one.words), ("a b".into(), 2, &["failure"][..]));
    }

    #[test]
    fn an_injection_goes_on_while_it_is_in_force_on_any_target() {
        let open = record("b", &[event("Apply", "Succeeded", AT[0])]);
        let closed = record("a", &[event("Apply", "Succeeded", AT[0]), event("Recover", "Succeeded", AT[2])]);
        for records in [json!([open, closed]), json!([closed, open])] {
            let told = read(&object("NetworkChaos", "partition", &records)).unwrap();
            assert_eq!(told.injections[0].end_ms, None, "{records}");
        }
    }

    #[test]
    fn a_failed_injection_is_none_and_is_told() {
        let records = json!([
            record("a", &[event("Apply", "Failed", AT[0])]),
            record("b", &[event("Apply", "Failed", AT[0]), event("Apply", "Succeeded", AT[1])]),
            {"id": "tidb/c", "selectorKey": ".", "phase": "Not Injected"},
        ]);
        let told = read(&object("IOChaos", "latency", &records)).unwrap();
        assert_eq!(told.failures.len(), 2);
        assert!(told.failures[0].ends_with("failed on tidb/a: no such container"), "{:?}", told.failures);
        assert_eq!((told.injections[0].targets.join(" "), told.injections[0].chosen), ("b".into(), 3));
    }

    #[test]
    fn an_object_that_was_paused_injects_twice() {
        let events = [("Apply", 0), ("Recover", 1), ("Apply", 2), ("Recover", 3)];
        let events = events.map(|(operation, at)| event(operation, "Succeeded", AT[at]));
        let told = read(&object("NetworkChaos", "delay", &json!([record("a", &events)]))).unwrap();
        let times: Vec<_> = told.injections.iter().map(|one| (one.of.1, one.start_ms - AT_0_MS)).collect();
        assert_eq!(times, [(0, 0), (1, 60_000)]);
    }

    #[test]
    fn a_list_of_the_api_server_names_the_kind_once() {
        let mut item = object("", "pod-kill", &json!([record("a", &[event("Apply", "Succeeded", AT[0])])]));
        item.as_object_mut().unwrap().remove("kind");
        let told = read(&json!({"kind": "PodChaosList", "items": [item]})).unwrap();
        assert_eq!((told.injections[0].words, told.injections[0].one_shot), (&["kill"][..], true));
        assert_eq!(told.injections[0].of.0, "PodChaos tidb/case");
    }

    #[test]
    fn what_is_no_status_is_refused_in_words() {
        for (text, why) in [
            ("<html>", "not JSON"),
            ("[]", "neither a list"),
            (r#"{"items": 3}"#, "no list"),
            (r#"{"items": [{"kind": "Pod"}]}"#, "not an object of Chaos Mesh: missing field `metadata`"),
        ] {
            let error = super::read(text.as_bytes()).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
        let late = json!([record("a", &[event("Apply", "Succeeded", "yesterday")])]);
        assert!(read(&object("PodChaos", "pod-kill", &late)).unwrap_err().contains("`yesterday`"));
        assert_eq!(read(&json!({"kind": "List", "items": []})), Ok(Told::default()));
    }

    proptest::proptest! {
        #[test]
        fn any_document_is_read(text in "[\\[{\"a-z:,}\\]0-9 ]{0,60}", id in ".{0,8}", at in ".{0,12}") {
            let _told = super::read(text.as_bytes());
            let records = json!([{"id": id, "events": [event("Apply", "Succeeded", &at)]}]);
            let _told = read(&object("PodChaos", "pod-kill", &records));
        }
    }
}
