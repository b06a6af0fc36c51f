//! A Toxiproxy that somebody else runs, in the place of our own proxies: each link is a proxy there, a fault is toxics of its.
//!
//! What it cannot do is an error before the run ([`steps`]). What it does not tell is not known: a fault without evidence is
//! never a pass. It has to run on this machine, for nodes listen on loopback.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use unstuck_proxy::toxic::{Kind, Latency, Stream};
use unstuck_proxy::{Accept, Flow, OnHeal, OnInject, Rule, Toxic, control};
use unstuck_record::Evidence;
use ureq::http::{Method, Request};

/// How long it may take to answer; the run stands still meanwhile.
const DEADLINE: Duration = Duration::from_secs(5);

/// Is told what went wrong.
type Tell = Arc<dyn Fn(String) + Send + Sync>;

/// The server.
pub(super) struct Outer {
    base: String,
    agent: ureq::Agent,
    tell: Tell,
}

/// One link: a proxy there, which is deleted when this drops.
pub(super) struct OuterLink {
    outer: Arc<Outer>,
    /// What it is called there: unique, and safe in a path.
    name: String,
    addr: SocketAddr,
    touched: Mutex<BTreeMap<usize, Evidence>>,
}

/// A rule in force. It heals when this drops.
#[derive(Debug)]
#[must_use = "the fault heals when this guard drops"]
pub(super) struct OuterGuard {
    link: Arc<OuterLink>,
    fault: usize,
    undo: Vec<Undo>,
}

#[derive(Debug)]
enum Undo {
    /// And what had been counted before it was disabled.
    Enable { counted: Option<u64> },
    /// A toxic, by its name.
    TakeOut(String),
}

/// What a Toxiproxy is asked to do for a rule.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    /// Connections are closed and refused.
    Disable,
    /// A toxic, in its JSON.
    Add(Value),
}

/// What a Toxiproxy is to do for a rule, or what of it it cannot.
pub(super) fn steps(rule: &Rule) -> Result<Vec<Step>, String> {
    let mut steps = vec![];
    match (rule.accept, rule.inject) {
        (Accept::Pass, OnInject::Keep) => {}
        (Accept::Refuse, OnInject::Close) => steps.push(Step::Disable),
        (Accept::Hang, _) => return Err("it cannot make connects hang".to_owned()),
        (_, OnInject::Reset) => {
            return Err(
                "it has no true reset: live connections would see a FIN, idle ones nothing".to_owned()
            );
        }
        (Accept::Refuse, OnInject::Keep) => {
            return Err("it cannot refuse connects and leave live connections open".to_owned());
        }
        (Accept::Pass, OnInject::Close) => {
            return Err("it cannot close live connections and go on accepting".to_owned());
        }
    }
    let flows = [(rule.up, Stream::Upstream), (rule.down, Stream::Downstream)];
    let mut toxics = rule.toxics.clone();
    for (flow, stream) in flows {
        match flow {
            Flow::Pass => {}
            Flow::Delay { latency, jitter } => {
                let kind = Kind::Latency(Latency { latency, jitter, ..Latency::default() });
                toxics.push(Toxic { stream, ..Toxic::new(kind) });
            }
            Flow::Blackhole => {
                return Err(
                    "it cannot be silent and go on afterwards: what was sent would be lost".to_owned()
                );
            }
            Flow::StallRead => return Err("it cannot stop reading".to_owned()),
        }
    }
    if rule.heal != OnHeal::Resume {
        return Err("it cannot end connections at a heal".to_owned());
    }
    for toxic in &toxics {
        steps.push(Step::Add(control::for_toxiproxy(toxic)?));
    }
    Ok(steps)
}

// === impl Outer ===

impl Outer {
    /// The one at `http://host:port`, if it is there.
    pub(super) fn at(base: &str, tell: Tell) -> io::Result<Arc<Self>> {
        let agent = ureq::Agent::config_builder().timeout_global(Some(DEADLINE)).http_status_as_error(false);
        let outer = Self { base: base.trim_end_matches('/').to_owned(), agent: agent.build().into(), tell };
        outer.ask(&Method::GET, "/version", None).map_err(io::Error::other)?;
        Ok(Arc::new(outer))
    }

    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// Makes a proxy to a node.
    pub(super) fn link(self: &Arc<Self>, link: &str, node: SocketAddr) -> io::Result<Arc<OuterLink>> {
        static MADE: AtomicU64 = AtomicU64::new(0);
        let safe: String = link.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let name = format!("{safe}.{}.{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        let spec = json!({"name": name, "listen": "127.0.0.1:0", "upstream": node.to_string()});
        let made = self.ask(&Method::POST, "/proxies", Some(&spec)).map_err(io::Error::other)?;
        let addr = made["listen"].as_str().and_then(|listen| listen.parse().ok());
        let addr =
            addr.ok_or_else(|| io::Error::other(format!("{} made a proxy without an address", self.base)))?;
        Ok(Arc::new(OuterLink { outer: Arc::clone(self), name, addr, touched: Mutex::default() }))
    }

    /// The answer, or who did not give it to what, and why.
    fn ask(&self, method: &Method, path: &str, body: Option<&Value>) -> Result<Value, String> {
        let wrong =
            |why: &dyn std::fmt::Display| format!("the Toxiproxy at {}: {method} {path}: {why}", self.base);
        let request = Request::builder().method(method.clone()).uri(format!("{}{path}", self.base));
        let answer = match body {
            Some(body) => request.body(body.to_string()).map(|request| self.agent.run(request)),
            None => request.body(()).map(|request| self.agent.run(request)),
        };
        let mut answer = answer.map_err(|error| wrong(&error))?.map_err(|error| wrong(&error))?;
        let text = answer.body_mut().read_to_string().map_err(|error| wrong(&error))?;
        if !answer.status().is_success() {
            return Err(wrong(&format_args!("{}: {}", answer.status(), text.trim())));
        }
        // metrics are no JSON
        Ok(serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// Asks, and tells if it came to nothing.
    fn order(&self, method: &Method, path: &str, body: Option<&Value>) -> Option<Value> {
        self.ask(method, path, body).map_err(|wrong| (self.tell)(wrong)).ok()
    }
}

// === impl OuterLink ===

impl OuterLink {
    pub(super) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Puts a rule in force that has [`steps`].
    pub(super) fn apply(self: &Arc<Self>, fault: usize, rule: &Rule) -> OuterGuard {
        let mut undo = vec![];
        for (step, number) in steps(rule).expect("it was looked at before the run").into_iter().zip(0..) {
            match step {
                Step::Disable => {
                    let counted = self.counted();
                    let connections = self.ask_connections();
                    self.credit(fault, Evidence { closed: connections, ..Evidence::default() });
                    undo.push(Undo::Enable { counted });
                    self.outer.order(&Method::POST, &self.path(""), Some(&json!({"enabled": false})));
                }
                Step::Add(mut toxic) => {
                    let name = format!("fault-{fault}-{number}");
                    toxic["name"] = json!(name);
                    undo.push(Undo::TakeOut(name));
                    self.outer.order(&Method::POST, &self.path("/toxics"), Some(&toxic));
                }
            }
        }
        OuterGuard { link: Arc::clone(self), fault, undo }
    }

    pub(super) fn evidence(&self, fault: usize) -> Evidence {
        self.touched().get(&fault).copied().unwrap_or_default()
    }

    fn path(&self, rest: &str) -> String {
        format!("/proxies/{}{rest}", self.name)
    }

    fn credit(&self, fault: usize, evidence: Evidence) {
        let mut touched = self.touched();
        let sum = touched.entry(fault).or_default();
        *sum = sum.plus(evidence);
    }

    fn touched(&self) -> MutexGuard<'_, BTreeMap<usize, Evidence>> {
        self.touched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Connections that are open. A server that is not `unstuck proxy` does not say.
    fn ask_connections(&self) -> u64 {
        let live = self.outer.ask(&Method::GET, &self.path("/connections"), None);
        live.ok().and_then(|live| Some(live.as_array()?.len() as u64)).unwrap_or(0)
    }

    /// The bytes that its metrics have counted, if they are on. Toxiproxy counts them when a connection ends.
    fn counted(&self) -> Option<u64> {
        let metrics = self.outer.ask(&Method::GET, "/metrics", None).ok()?;
        let mine = format!("proxy=\"{}\"", self.name);
        let lines =
            metrics.as_str()?.lines().filter(|line| line.starts_with("toxiproxy_") && line.contains(&mine));
        Some(lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum::<f64>() as u64)
    }
}

impl Drop for OuterLink {
    fn drop(&mut self) {
        self.outer.order(&Method::DELETE, &self.path(""), None);
    }
}

// === impl OuterGuard ===

impl Drop for OuterGuard {
    fn drop(&mut self) {
        let link = &self.link;
        for undo in self.undo.drain(..) {
            match undo {
                Undo::Enable { counted } => {
                    // where connections cannot be counted: what ended when it was disabled was counted then
                    let ended = counted.zip(link.counted()).is_some_and(|(before, now)| now > before);
                    if ended && link.evidence(self.fault).closed == 0 {
                        link.credit(self.fault, Evidence { closed: 1, ..Evidence::default() });
                    }
                    link.outer.order(&Method::POST, &link.path(""), Some(&json!({"enabled": true})));
                }
                Undo::TakeOut(name) => {
                    let path = link.path(&format!("/toxics/{name}"));
                    if let Some(toxic) = link.outer.order(&Method::GET, &path, None) {
                        link.credit(self.fault, told(&toxic["evidence"]));
                    }
                    link.outer.order(&Method::DELETE, &path, None);
                }
            }
        }
    }
}

/// What a toxic says that it has touched. Toxiproxy says nothing.
fn told(evidence: &Value) -> Evidence {
    let count = |name: &str| evidence[name].as_u64().unwrap_or(0);
    Evidence {
        bytes: count("bytes"),
        delayed: count("delayed"),
        closed: count("closed"),
        refused: count("refused"),
        ..Evidence::default()
    }
}

impl std::fmt::Debug for Outer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outer").field("base", &self.base).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for OuterLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OuterLink")
            .field("at", &self.outer.base)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn what_a_toxiproxy_can_do_is_said_in_its_words() {
        let failure = Rule { accept: Accept::Refuse, inject: OnInject::Close, ..Rule::default() };
        assert_eq!(steps(&failure), Ok(vec![Step::Disable]));
        let late = Flow::Delay { latency: 100 * MS, jitter: 5 * MS };
        let toxic = |stream: &str| {
            Step::Add(json!({
                "type": "latency", "stream": stream, "toxicity": 1.0, "attributes": {"latency": 100, "jitter": 5},
            }))
        };
        let delay = Rule { up: late, down: late, ..Rule::default() };
        assert_eq!(steps(&delay), Ok(vec![toxic("upstream"), toxic("downstream")]));
        assert_eq!(steps(&Rule::default()), Ok(vec![]));
    }

    #[test]
    fn what_it_cannot_do_is_never_done_by_halves() {
        let rule = Rule::default;
        let (silent, stalled) = (Flow::Blackhole, Flow::StallRead);
        let toxic = |kind| Rule { toxics: vec![Toxic::new(kind)], ..rule() };
        let fraction = Flow::Delay { latency: 100 * MS / 3, jitter: Duration::ZERO };
        for (rule, why) in [
            (Rule { accept: Accept::Hang, ..rule() }, "hang"),
            (Rule { accept: Accept::Refuse, ..rule() }, "leave live connections open"),
            (Rule { inject: OnInject::Close, ..rule() }, "go on accepting"),
            (Rule { inject: OnInject::Reset, ..rule() }, "no true reset"),
            (Rule { accept: Accept::Refuse, inject: OnInject::Reset, ..rule() }, "no true reset"),
            (Rule { up: silent, ..rule() }, "silent"),
            (Rule { down: stalled, ..rule() }, "stop reading"),
            (Rule { down: fraction, ..rule() }, "whole milliseconds"),
            (toxic(Kind::HalfOpen), "no `half_open`"),
            (toxic(Kind::Freeze), "no `freeze`"),
        ] {
            let said = steps(&rule).expect_err(why);
            assert!(said.contains(why), "{said}");
        }
    }
}
