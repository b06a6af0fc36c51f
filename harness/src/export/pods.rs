//! Which pods a selector means, on a cluster that `TiDB` Operator has set up.
//!
//! Its labels and names: `app.kubernetes.io/instance: NAME`, `app.kubernetes.io/component: tikv`, and pods `NAME-tikv-0`,
//! `NAME-pd-0`, … (docs.pingcap.com, "`TiDB` Operator", labels). Who leads PD is written nowhere: the pod has to be given.

use serde_json::{Value, json};

use super::timed::in_turn;
use super::{NoEquivalent, none};
use crate::scenario::{Component, Endpoint, Many, Qualifier};

/// The cluster and the client, as Kubernetes knows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pods {
    /// Where they are, and where the manifests go.
    pub namespace: String,
    /// The cluster's name.
    pub instance: String,
    /// Labels of the client's pods, key and value.
    pub client: Vec<(String, String)>,
    /// The pod that leads PD.
    pub pd_leader: Option<String>,
}

/// Pods, and how many of them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Chosen {
    /// Chaos Mesh's `selector`.
    pub(super) selector: Value,
    /// Chaos Mesh's `mode`.
    pub(super) mode: &'static str,
    /// Its `value`, where it takes one.
    pub(super) value: Option<String>,
}

/// The label that a `StatefulSet` gives each of its pods.
const POD_NAME: &str = "statefulset.kubernetes.io/pod-name";

impl Pods {
    /// The pods of one end of a selector; `other` is the other end, which `others` differs from.
    pub(super) fn choose(&self, end: Endpoint, other: Option<Endpoint>) -> Result<Chosen, NoEquivalent> {
        let component = match end.component {
            Component::Tikv => "tikv",
            Component::Pd => "pd",
            Component::Br
            | Component::Lightning
            | Component::RawKv
            | Component::TxnKv
            | Component::Client => {
                if self.client.is_empty() {
                    return none(
                        "nothing tells the client's pods",
                        "give their labels: `--client-labels app=br`",
                    );
                }
                let labels: Value =
                    self.client.iter().map(|(k, v)| (k.clone(), Value::from(v.clone()))).collect();
                return Ok(self.labelled(&labels, "all"));
            }
            Component::Zone(_) => {
                return none(
                    "nothing tells which pods are in a zone",
                    "label them, and write the selector into the manifest of `tikv(all)` by hand",
                );
            }
            Component::All => {
                let mode = if end.qualifier == Qualifier::Random { "one" } else { "all" };
                let everything = self.labelled(&json!({"app.kubernetes.io/instance": self.instance}), mode);
                return Ok(match end.qualifier {
                    Qualifier::Some(many) => so_many(everything, many),
                    _ => everything,
                });
            }
        };
        let of_component = |mode| {
            let labels = json!({
                "app.kubernetes.io/instance": self.instance,
                "app.kubernetes.io/component": component,
            });
            self.labelled(&labels, mode)
        };
        match end.qualifier {
            Qualifier::All => Ok(of_component("all")),
            Qualifier::Random => Ok(of_component("one")),
            Qualifier::Each => in_turn(),
            Qualifier::Some(many) => Ok(so_many(of_component("all"), many)),
            Qualifier::SomeFollowers(many) => Ok(so_many(all_but(of_component("all"), self.leader()?), many)),
            Qualifier::Index(index) => Ok(self.named(&format!("{}-{component}-{index}", self.instance))),
            Qualifier::Leader => Ok(self.named(self.leader()?)),
            Qualifier::Follower { all } => {
                let mode = if all { "all" } else { "one" };
                Ok(all_but(of_component(mode), self.leader()?))
            }
            Qualifier::Others => match other.map(|other| other.qualifier) {
                Some(Qualifier::Index(index)) => {
                    Ok(all_but(of_component("all"), &format!("{}-{component}-{index}", self.instance)))
                }
                Some(Qualifier::Leader) => Ok(all_but(of_component("all"), self.leader()?)),
                _ => none(
                    "Chaos Mesh draws each end by itself, so that `others` may hit the source too",
                    "name the source: `tikv(0)_to_tikv(others)`",
                ),
            },
        }
    }

    fn leader(&self) -> Result<&str, NoEquivalent> {
        match &self.pd_leader {
            Some(pod) => Ok(pod),
            None => none(
                "Chaos Mesh does not know who leads PD",
                format!(
                    "give its pod: `--pd-leader {}-pd-0`; `pd-ctl member leader show` tells it",
                    self.instance
                ),
            ),
        }
    }

    fn labelled(&self, labels: &Value, mode: &'static str) -> Chosen {
        Chosen {
            selector: json!({"namespaces": [self.namespace], "labelSelectors": labels}),
            mode,
            value: None,
        }
    }

    fn named(&self, pod: &str) -> Chosen {
        let mut pods = serde_json::Map::new();
        pods.insert(self.namespace.clone(), json!([pod]));
        Chosen { selector: json!({"pods": pods}), mode: "all", value: None }
    }
}

fn so_many(chosen: Chosen, many: Many) -> Chosen {
    let (mode, value) = match many {
        Many::Fixed(n) => ("fixed", n),
        Many::FixedPercent(percent) => ("fixed-percent", percent),
        Many::RandomMaxPercent(percent) => ("random-max-percent", percent),
    };
    Chosen { mode, value: Some(value.to_string()), ..chosen }
}

impl Chosen {
    /// As it stands in a spec, or in its `target`.
    pub(super) fn spec(self) -> Value {
        let mut spec = json!({"mode": self.mode, "selector": self.selector});
        if let Some(value) = self.value {
            spec["value"] = value.into();
        }
        spec
    }
}

fn all_but(mut chosen: Chosen, pod: &str) -> Chosen {
    chosen.selector["expressionSelectors"] = json!([{"key": POD_NAME, "operator": "NotIn", "values": [pod]}]);
    chosen
}
