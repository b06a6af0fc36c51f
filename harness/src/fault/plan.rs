//! The plan: timed injections on named links and nodes.

use std::time::Duration;

use fake_tikv::Node;
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;

use crate::scenario::{Case, Fault, REPLICAS, Trigger};

use super::resolve::ClientAt;
use super::timing::{self, Draw, Window};
use super::{NodeEffect, Rule, mapping, resolve};

/// The PD member that leads at the start of every run.
pub const PD_LEADER: u32 = 0;

/// What there is to choose from when a selector is resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topology {
    /// The name of the client, which is a component too: `lightning`, `br`.
    pub client: String,
    /// PD members.
    pub pd: u32,
    /// Zones, over which members and stores are spread in turn; the client is in the first.
    pub zones: u32,
    /// The member that leads at the start.
    pub pd_leader: u32,
    /// Store ids.
    pub stores: Vec<u64>,
}

/// One injection and its heal.
#[derive(Clone, Debug, PartialEq)]
pub struct Injection {
    /// The fault type as written.
    pub kind: String,
    /// The nodes whose link from the client is acted on, in order.
    pub links: Vec<Node>,
    /// What the proxies of these links do.
    pub rule: Rule,
    /// The nodes that are acted on themselves, in order.
    pub nodes: Vec<Node>,
    /// The nodes that these are cut off from, in order.
    pub peers: Vec<Node>,
    /// What happens to them.
    pub effect: Option<NodeEffect>,
    /// The member that leads PD among these nodes, if whoever leads at the injection is meant in its place.
    pub led_by: Option<u32>,
    /// Which of the plan's triggers it waits for.
    pub trigger: Option<usize>,
    /// Since the client's start, or since the trigger fired.
    pub start: Duration,
    /// Since the same.
    pub end: Duration,
}

/// Injections by start; times are real ones, unscaled.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// What some of the injections wait for.
    pub triggers: Vec<Trigger>,
    /// By start; first those that wait for nothing.
    pub injections: Vec<Injection>,
}

/// Why a case cannot be carried out on this topology.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unplannable {
    /// The selector's source is another client.
    #[error("the source of selector `{selector}` is not the client under test, `{client}`")]
    NotTheClient {
        /// As resolved.
        selector: String,
        /// The client under test.
        client: String,
    },
    /// Nodes are spread over fewer zones.
    #[error("the cluster has no `az{zone}`: set `cluster: {{zones: {zone}}}` or more")]
    NoZone {
        /// Its number.
        zone: u32,
    },
    /// What a store that leaves has must go somewhere.
    #[error(
        "`scale_in` of {leave} of {stores} stores leaves fewer than {REPLICAS}, which the replicas of a region need: set \
         `cluster: {{tikv: {}}}` or more", leave + REPLICAS as usize
    )]
    NowhereToGo {
        /// How many leave at once.
        leave: usize,
        /// How many there are.
        stores: usize,
    },
    /// The topology has no such node.
    #[error("the cluster has no `{end}`")]
    Nobody {
        /// One end of the selector.
        end: String,
    },
}

impl Plan {
    /// The injections of a case. Each draws its times and its nodes from a generator of its own, split from `seed`, so that one
    /// injection's choice does not depend on how many the case has.
    pub fn new(case: &Case, topology: &Topology, seed: u64) -> Result<Self, Unplannable> {
        let mut injections = Vec::new();
        let times = timing::times(case, &Seeded { topology, seed });
        for (fault, windows) in case.faults.iter().zip(times.faults) {
            for (turn, Window { trigger, start, end, mut rng }) in windows.into_iter().enumerate() {
                let injection = injection(fault, topology, turn, &mut rng)?;
                injections.push(Injection { trigger, start, end, ..injection });
            }
        }
        injections.sort_by_key(|injection| (injection.trigger, injection.start));
        Ok(Self { triggers: times.triggers, injections })
    }
    /// Whether nothing is injected.
    pub fn is_empty(&self) -> bool {
        self.injections.is_empty()
    }
    /// When the first injection begins that waits for nothing; zero if there is none.
    pub fn first_injection(&self) -> Duration {
        self.timed().map(|i| i.start).min().unwrap_or_default()
    }
    /// When the last injection is healed that waits for nothing; zero if there is none.
    pub fn last_heal(&self) -> Duration {
        self.timed().map(|i| i.end).max().unwrap_or_default()
    }
    /// From the first injection to the last heal, which is what the budget grants for faults that wait for nothing.
    pub fn span(&self) -> Duration {
        self.last_heal().saturating_sub(self.first_injection())
    }
    fn timed(&self) -> impl Iterator<Item = &Injection> {
        self.injections.iter().filter(|injection| injection.trigger.is_none())
    }
    /// How often a node is killed, so that it comes back.
    pub fn kills(&self, node: Node) -> usize {
        let kills = |i: &&Injection| i.effect == Some(NodeEffect::Kill) && i.nodes.contains(&node);
        self.injections.iter().filter(kills).count()
    }
    /// How many stores join.
    pub fn joins(&self) -> usize {
        let joins = |i: &&Injection| i.effect == Some(NodeEffect::Join);
        self.injections.iter().filter(joins).map(|i| i.nodes.len()).sum()
    }
    /// The same plan with times divided by `by` (at least 1), those within its rules included.
    pub fn scaled(&self, by: u32) -> Self {
        let by = by.max(1);
        let mut plan = self.clone();
        for injection in &mut plan.injections {
            injection.start /= by;
            injection.end /= by;
            injection.rule = injection.rule.scaled(by);
            if let Some(NodeEffect::Answer(script)) = &mut injection.effect {
                script.then.shorten(by);
            }
        }
        plan
    }
}

/// What a plan's times are drawn from.
struct Seeded<'a> {
    topology: &'a Topology,
    seed: u64,
}

impl Draw for Seeded<'_> {
    fn generator(&self, fault: usize, injection: usize) -> ChaCha8Rng {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(((fault as u64) << 32) + injection as u64 + 1);
        rng
    }
    fn round(&self, fault: &Fault) -> usize {
        resolve::round(&fault.selector, self.topology)
    }
}

impl Injection {
    /// Exchanges the member that led when the plan was made with the one that leads now; whether that changes anything.
    pub fn lead_is_at(&mut self, leads: u32) -> bool {
        let Some(led) = self.led_by.filter(|led| *led != leads) else { return false };
        self.led_by = Some(leads);
        for node in self.links.iter_mut().chain(&mut self.nodes).chain(&mut self.peers) {
            *node = match *node {
                Node::Pd(member) if member == led => Node::Pd(leads),
                Node::Pd(member) if member == leads => Node::Pd(led),
                other => other,
            };
        }
        true
    }
}

/// One injection of a fault, at no time yet.
fn injection(
    fault: &Fault,
    topology: &Topology,
    turn: usize,
    rng: &mut ChaCha8Rng,
) -> Result<Injection, Unplannable> {
    let kind = fault.kind.clone();
    let led_by = resolve::follows_lead(&fault.selector).then_some(topology.pd_leader);
    let (trigger, start, end) = Default::default();
    if let Some(sides) = resolve::between(&fault.selector, topology, turn, rng)? {
        let (rule, effect) = mapping::between(&fault.fault, sides.client);
        let links = match sides.client {
            ClientAt::Source => sides.target.clone(),
            ClientAt::Target => sides.source.clone(),
            ClientAt::Neither => Vec::new(),
        };
        return Ok(Injection {
            kind,
            links,
            rule,
            nodes: sides.source,
            peers: sides.target,
            effect,
            led_by,
            trigger,
            start,
            end,
        });
    }
    let (rule, effect) = mapping::actions(&fault.fault);
    let links = resolve::nodes(&fault.selector, topology, turn, rng)?;
    if effect == Some(NodeEffect::Leave) && topology.stores.len() < links.len() + REPLICAS as usize {
        return Err(Unplannable::NowhereToGo { leave: links.len(), stores: topology.stores.len() });
    }
    let nodes = if effect.is_some() { links.clone() } else { Vec::new() };
    Ok(Injection { kind, links, rule, nodes, peers: Vec::new(), effect, led_by, trigger, start, end })
}

#[cfg(test)]
mod tests {
    use fake_tikv::Node::{Pd, Store};
    use unstuck_proxy::toxic::{Kind, Latency};

    use super::*;
    use crate::fault::{Accept, Flow, OnInject};
    use crate::scenario::load_bytes;

    const M: Duration = Duration::from_secs(60);

    fn case(text: &str) -> Case {
        let text = format!("- {{name: c, {text}}}");
        load_bytes("c.yaml", text.into_bytes()).unwrap_or_else(|e| panic!("{e}")).cases.remove(0)
    }

    fn topology(client: &str) -> Topology {
        Topology { client: client.into(), pd: 3, zones: 1, pd_leader: 1, stores: vec![1, 2, 3] }
    }

    fn times(plan: &Plan) -> Vec<(u64, u64)> {
        plan.injections.iter().map(|i| (i.start.as_secs(), i.end.as_secs())).collect()
    }

    #[test]
    fn the_reported_tikv_failure_is_one_store_from_minute_1_to_61() {
        let case = case("faultType: failure, selector: tikv(random), warmUpTime: 1m, faultDuration: 60m");
        let plan = Plan::new(&case, &topology("lightning"), 7).unwrap();
        assert_eq!(times(&plan), [(60, 3660)]);
        let fault = &plan.injections[0];
        assert_eq!(fault.nodes, fault.links);
        assert!(matches!(fault.nodes[..], [Store(1..=3)]), "{fault:?}");
        assert_eq!((fault.rule.accept, fault.rule.inject), (Accept::Refuse, OnInject::Close));
        assert_eq!(fault.effect, Some(NodeEffect::Stop));
        assert_eq!((plan.first_injection(), plan.last_heal(), plan.span()), (M, 61 * M, 60 * M));
    }

    #[test]
    fn the_reported_partition_is_five_of_a_minute_every_three_on_every_link() {
        let case = case(
            "faultType: network_partition, selector: br_to_all, warmUpTime: 1m, period: \"@every 3m\", \
             faultDuration: 1m, faultRunTimes: 5",
        );
        let plan = Plan::new(&case, &topology("br"), 7).unwrap();
        assert_eq!(times(&plan), [(60, 120), (240, 300), (420, 480), (600, 660), (780, 840)]);
        assert_eq!(plan.span(), 13 * M);
        for fault in &plan.injections {
            assert_eq!(fault.links, [Pd(0), Pd(1), Pd(2), Store(1), Store(2), Store(3)]);
            assert_eq!((fault.nodes.len(), fault.effect.clone()), (0, None));
            assert_eq!((fault.rule.up, fault.rule.down), (Flow::Blackhole, Flow::Blackhole));
        }
    }

    #[test]
    fn faults_together_begin_each_at_its_own_time() {
        let case = case(
            "warmUpTime: 1m, faults: [{faultType: failure, selector: tikv(0), faultDuration: 4m}, \
             {faultType: reset, selector: br_to_tikv(1), at: 30s, period: '@every 1m', faultRunTimes: 2}, \
             {faultType: refuse, selector: br_to_pd(0), faultDuration: 10s, after: 5s}]",
        );
        let plan = Plan::new(&case, &topology("br"), 1).unwrap();
        assert_eq!(times(&plan), [(60, 300), (90, 90), (150, 150), (155, 165)], "by start, across faults");
        assert_eq!(plan.span(), 4 * M);
    }

    #[test]
    fn faults_in_sequence_begin_when_the_one_before_has_healed_for_the_last_time() {
        let case = case(
            "warmUpTime: 1m, order: sequence, faultType: failure, selector: tikv(0), faultDuration: 1m, \
             period: '@every 2m', faultRunTimes: 2, faults: [\
             {faultType: refuse, selector: br_to_pd(0), faultDuration: 10s}, \
             {faultType: refuse, selector: br_to_pd(1), faultDuration: 10s, at: 20s}]",
        );
        let plan = Plan::new(&case, &topology("br"), 1).unwrap();
        assert_eq!(times(&plan), [(60, 120), (180, 240), (240, 250), (270, 280)]);
    }

    #[test]
    fn lengths_are_drawn_for_each_injection_and_the_same_with_the_same_seed() {
        let case = case(
            "faultType: failure, selector: tikv(random), warmUpTime: 1m, faultDuration: 10s..1m, \
             period: '@every 2m..5m', faultRunTimes: 40",
        );
        let plan = |seed| Plan::new(&case, &topology("br"), seed).unwrap();
        assert_eq!(plan(1), plan(1));
        assert_ne!(times(&plan(1)), times(&plan(2)));
        let times = times(&plan(1));
        let lengths: std::collections::BTreeSet<_> = times.iter().map(|(from, to)| to - from).collect();
        let pauses: std::collections::BTreeSet<_> = times.windows(2).map(|w| w[1].0 - w[0].0).collect();
        assert!(lengths.len() > 10 && lengths.iter().all(|s| (10..=60).contains(s)), "{lengths:?}");
        assert!(pauses.len() > 10 && pauses.iter().all(|s| (120..=300).contains(s)), "{pauses:?}");
    }

    #[test]
    fn cron_counts_from_the_clients_start_and_not_before_the_warm_up_is_over() {
        let case = case(
            "faultType: failure, selector: tikv(0), warmUpTime: 11m, faultDuration: 1m, \
             period: '*/10 * * * *', faultTotalRunTime: 30m",
        );
        let plan = Plan::new(&case, &topology("br"), 1).unwrap();
        assert_eq!(times(&plan), [(1200, 1260), (1800, 1860), (2400, 2460)]);
    }

    #[test]
    fn nodes_take_their_turns() {
        let nodes = |text: &str| {
            let plan = Plan::new(&case(text), &topology("br"), 1).unwrap();
            let nodes: Vec<_> = plan.injections.iter().map(|one| one.links.clone()).collect();
            (times(&plan), nodes.concat())
        };
        let (at, who) = nodes("faultType: rolling_restart, selector: tikv(all), faultDuration: 30s");
        assert_eq!((at, who), (vec![(60, 90), (90, 120), (120, 150)], vec![Store(1), Store(2), Store(3)]));
        let (at, who) =
            nodes("faultType: failure, selector: pd(each), faultDuration: 30s, period: '@every 1m'");
        assert_eq!((at, who), (vec![(60, 90), (120, 150), (180, 210)], vec![Pd(0), Pd(1), Pd(2)]));
        let (_, who) = nodes(
            "faultType: refuse, selector: br_to_tikv(each), faultDuration: 30s, period: '@every 1m', faultRunTimes: 4",
        );
        assert_eq!(who, [Store(1), Store(2), Store(3), Store(1)], "after the last comes the first");
    }

    #[test]
    fn a_fault_picks_the_same_store_whatever_follows_it() {
        let own = "faultType: failure, selector: tikv(random), faultDuration: 1m";
        let more = case(&format!("{own}, faults: [{{{own}, at: 2m}}]"));
        let picks = |case: &Case, seed| {
            let plan = Plan::new(case, &topology("br"), seed).unwrap();
            plan.injections.into_iter().map(|one| one.nodes).collect::<Vec<_>>()
        };
        for seed in 0..20 {
            assert_eq!(picks(&case(own), seed)[0], picks(&more, seed)[0]);
        }
        assert!(
            (0..20).any(|seed| picks(&more, seed)[0] != picks(&more, seed)[1]),
            "each fault draws for itself"
        );
    }

    #[test]
    fn a_total_run_time_ends_the_last_fault_too() {
        let text =
            "faultType: failure, selector: tikv(0), warmUpTime: 2m, faultDuration: 2m, period: \"@every 5m\"";
        let plan = |total| {
            Plan::new(&case(&format!("{text}, faultTotalRunTime: {total}")), &topology("br"), 1).unwrap()
        };
        assert_eq!(times(&plan("11m")), [(120, 240), (420, 540), (720, 780)]);
        assert_eq!(times(&plan("10m")), [(120, 240), (420, 540)]);
        assert_eq!(plan("30m").injections.len(), 6);
    }

    #[test]
    fn a_reset_of_no_length_begins_and_ends_at_once() {
        let plan = Plan::new(
            &case("faultType: reset, selector: br_to_tikv(1), warmUpTime: 90s"),
            &topology("br"),
            1,
        );
        let plan = plan.unwrap();
        assert_eq!(times(&plan), [(90, 90)]);
        assert_eq!(plan.injections[0].links, [Store(2)]);
        assert_eq!(plan.span(), Duration::ZERO);
        assert!(!plan.is_empty());
        assert!(Plan::default().is_empty());
    }

    #[test]
    fn selectors_pick_what_they_say() {
        let nodes = |selector: &str| {
            let fault = if selector.contains("_to_") { "refuse" } else { "failure" };
            let case = case(&format!("faultType: {fault}, selector: {selector}, faultDuration: 1m"));
            Plan::new(&case, &topology("br"), 3).unwrap().injections.remove(0).links
        };
        assert_eq!(nodes("tikv(all)"), [Store(1), Store(2), Store(3)]);
        assert_eq!(nodes("tikv(2)"), [Store(3)]);
        assert_eq!(nodes("pdleader"), [Pd(1)]);
        assert_eq!(nodes("pd(0)"), [Pd(0)]);
        assert_eq!(nodes("pdfollower(all)"), [Pd(0), Pd(2)]);
        assert!(matches!(nodes("pdfollower(random)")[..], [Pd(0 | 2)]));
        assert_eq!(nodes("client_to_pd(all)"), [Pd(0), Pd(1), Pd(2)]);
        assert_eq!(nodes("br_to_pdleader"), [Pd(1)]);
    }

    #[test]
    fn the_same_seed_picks_the_same_stores_and_another_seed_others() {
        let case = case(
            "faultType: failure, selector: tikv(random), faultDuration: 1m, period: \"@every 2m\", faultRunTimes: 20",
        );
        let picks = |seed| {
            let plan = Plan::new(&case, &topology("br"), seed).unwrap();
            plan.injections.into_iter().flat_map(|i| i.nodes).collect::<Vec<_>>()
        };
        assert_eq!(picks(1), picks(1));
        assert_ne!(picks(1), picks(2));
        for store in 1..=3 {
            assert!(picks(1).contains(&Store(store)), "each injection picks anew: {:?}", picks(1));
        }
        let firsts: std::collections::BTreeSet<_> = (0..50).map(|seed| picks(seed)[0]).collect();
        assert_eq!(firsts.len(), 3, "any store can be the first: {firsts:?}");
    }

    #[test]
    fn an_injection_picks_the_same_store_however_many_follow() {
        let text = "faultType: failure, selector: tikv(random), faultDuration: 1m";
        let (one, many) = (case(text), case(&format!("{text}, period: \"@every 2m\", faultRunTimes: 9")));
        for seed in 0..20 {
            let first = |case| Plan::new(case, &topology("br"), seed).unwrap().injections.remove(0).nodes;
            assert_eq!(first(&one), first(&many));
        }
    }

    #[test]
    fn what_is_not_there_cannot_be_planned() {
        let refuse = |selector: &str, topology: &Topology| {
            let case = case(&format!("faultType: refuse, selector: {selector}, faultDuration: 1m"));
            Plan::new(&case, topology, 1).unwrap_err().to_string()
        };
        let said = refuse("br_to_all", &topology("lightning"));
        assert_eq!(said, "the source of selector `br_to_all` is not the client under test, `lightning`");
        let small = Topology { stores: vec![1], ..topology("br") };
        assert_eq!(refuse("br_to_tikv(2)", &small), "the cluster has no `tikv(2)`");
        let text = "cluster: {tikv: 4}\ncases: [{name: c, faultType: scale_in, selector: tikv(0), faultDuration: 1m}]";
        let leaves = load_bytes("c.yaml", text.into()).unwrap().cases.remove(0);
        let said = Plan::new(&leaves, &topology("br"), 1).unwrap_err().to_string();
        assert!(said.contains("set `cluster: {tikv: 4}` or more"), "{said}");
        let small = Topology { pd: 1, pd_leader: 0, ..topology("br") };
        assert_eq!(refuse("br_to_pdfollower", &small), "the cluster has no `pdfollower(random)`");
    }

    #[test]
    fn a_scaled_plan_is_shorter_in_every_time() {
        let case = case(
            "faultType: 'network_delay(latency:600ms,jitter:60ms)', selector: br_to_all, warmUpTime: 1m, \
             faultDuration: 2m",
        );
        let plan = Plan::new(&case, &topology("br"), 1).unwrap().scaled(60);
        assert_eq!(times(&plan), [(1, 3)]);
        let (latency, jitter) = (Duration::from_millis(10), Duration::from_millis(1));
        let late = Kind::Latency(Latency { latency, jitter, ..Latency::default() });
        let toxics = &plan.injections[0].rule.toxics;
        assert!(toxics.len() == 2 && toxics.iter().all(|toxic| toxic.kind == late), "{toxics:?}");
        assert_eq!(plan.scaled(0), plan, "no divisor is no scaling");
    }
}
