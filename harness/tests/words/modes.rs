//! How many nodes a mode chooses, and whom a role means at the time.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};

use fake_tikv::Node::{self, Pd, Store};
use unstuck::fault::plan::Topology;
use unstuck::fault::{Flow, Injection, Plan};
use unstuck::run::cases::{Choice, setup_with};
use unstuck::run::{Status, run_case};
use unstuck::scenario::{Case, load_bytes};
use unstuck_record::{Event, Run};

use super::client::{Seen, watcher};

fn case(text: &str) -> Case {
    let text =
        format!("cluster: {{pd: 5, tikv: 4, zones: 3}}\ncases: [{{name: c, faultDuration: 1m, {text}}}]");
    load_bytes("f", text.into_bytes()).unwrap_or_else(|problems| panic!("{problems}")).cases.remove(0)
}

fn topology() -> Topology {
    Topology { client: "br".into(), pd: 5, zones: 2, pd_leader: 1, stores: vec![1, 2, 3, 4] }
}

fn injection(case: &Case, seed: u64) -> Injection {
    Plan::new(case, &topology(), seed).unwrap().injections.remove(0)
}

/// All choices that some seed makes.
fn choices(text: &str) -> BTreeSet<Vec<Node>> {
    let case = case(text);
    (0..200).map(|seed| injection(&case, seed).links).collect()
}

/// With 200 seeds a choice of ten is missed about once in a billion.
#[test]
fn a_mode_draws_any_choice_of_its_size_and_no_other() {
    let sizes = |text| {
        let all = choices(text);
        (all.len(), all.iter().map(Vec::len).collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>())
    };
    assert_eq!(sizes("faultType: failure, selector: tikv(fixed:2)"), (6, vec![2]), "4 over 2");
    assert_eq!(sizes("faultType: failure, selector: tikv, mode: fixed, value: 2"), (6, vec![2]));
    assert_eq!(sizes("faultType: failure, selector: tikv(fixed-percent:80)"), (4, vec![3]), "rounded down");
    assert_eq!(sizes("faultType: failure, selector: tikv(fixed-percent:1)"), (4, vec![1]));
    assert_eq!(sizes("faultType: failure, selector: tikv(random-max-percent:60)"), (10, vec![1, 2]));
    assert_eq!(sizes("faultType: failure, selector: pdfollower(fixed:3)"), (4, vec![3]), "never the leader");
    assert_eq!(sizes("faultType: refuse, selector: client_to_tikv, mode: one"), (4, vec![1]));
    assert_eq!(sizes("faultType: refuse, selector: client_to_all, mode: fixed, value: 9"), (1, vec![9]));
}

fn changed(event: &Event) -> Option<&str> {
    match event {
        Event::ClusterChanged { what } => Some(what),
        _ => None,
    }
}

#[test]
fn others_are_all_but_those_that_were_drawn() {
    let case = case("faultType: network_partition, selector: tikv(fixed:2)_to_tikv(others)");
    for seed in 0..20 {
        let Injection { nodes, peers, .. } = injection(&case, seed);
        let both: BTreeSet<Node> = nodes.iter().chain(&peers).copied().collect();
        assert_eq!((nodes.len(), peers.len(), both.len()), (2, 2, 4), "{nodes:?} {peers:?}");
    }
}

#[test]
fn a_store_can_be_cut_off_from_pd_s_leader() {
    let case = case("faultType: network_partition, selector: tikv(random)_to_pdleader");
    let Injection { nodes, peers, .. } = injection(&case, 3);
    assert!(matches!(nodes[..], [Store(1..=4)]), "{nodes:?}");
    assert_eq!(peers, [Pd(1)]);
}

/// Members 0, 2 and 4 and stores 1 and 3 are in the first zone, with the client.
#[test]
fn a_partition_of_zones_has_the_client_on_its_side() {
    let apart = |selector: &str| {
        injection(&case(&format!("faultType: az_partition(direction:to), selector: {selector}")), 1)
    };
    let (first, second) = ([Pd(0), Pd(2), Pd(4), Store(1), Store(3)], [Pd(1), Pd(3), Store(2), Store(4)]);
    let there = apart("az1_to_az2");
    assert_eq!(
        (&there.nodes[..], &there.peers[..], &there.links[..]),
        (&first[..], &second[..], &second[..])
    );
    let back = apart("az2_to_az1");
    assert_eq!((&back.nodes[..], &back.peers[..], &back.links[..]), (&second[..], &first[..], &second[..]));
    assert_eq!((there.rule.up, there.rule.down), (Flow::Blackhole, Flow::Pass));
    assert_eq!((back.rule.up, back.rule.down), (Flow::Pass, Flow::Blackhole), "seen from the client");
    assert_eq!(injection(&case("faultType: failure, selector: az2"), 1).nodes, second);
    let said = Plan::new(&case("faultType: failure, selector: az3"), &topology(), 1).unwrap_err().to_string();
    assert!(said.contains("set `cluster: {zones: 3}`"), "{said}");
}

#[test]
fn roles_mean_who_has_them_at_the_time_and_names_do_not() {
    let led_by_4 = |selector: &str| {
        let mut injection =
            injection(&case(&format!("faultType: network_partition, selector: {selector}")), 1);
        let moved = injection.lead_is_at(4);
        assert!(!injection.lead_is_at(4), "it is there");
        (moved, injection)
    };
    let (moved, leader) = led_by_4("client_to_pdleader");
    assert!(moved && leader.links == [Pd(4)], "{leader:?}");
    let (_, followers) = led_by_4("client_to_pdfollower(all)");
    let all: BTreeSet<Node> = followers.links.into_iter().collect();
    assert_eq!(all, [Pd(0), Pd(1), Pd(2), Pd(3)].into());
    let (_, apart) = led_by_4("pdleader_to_pdfollower(all)");
    assert!(apart.nodes == [Pd(4)] && !apart.peers.contains(&Pd(4)), "{apart:?}");
    for by_name in ["client_to_pd(1)", "client_to_pd(all)", "client_to_all"] {
        assert!(!led_by_4(by_name).0, "{by_name}");
    }
}

/// The first failure of PD's leader makes another one lead, and it leads on: the second failure is the other's.
#[test]
fn the_second_fault_of_pd_s_leader_is_the_new_leader_s_and_the_record_says_so() {
    let yaml = "[{name: case, faultType: failure, selector: pd(leader), warmUpTime: 5s, faultDuration: 15s, \
                period: '@every 20s', faultRunTimes: 2}]";
    let file = load_bytes("f", yaml.into()).unwrap();
    let client = Arc::new(watcher(&Arc::new(Mutex::new(Seen::default()))));
    let setup = setup_with(&file, &file.cases[0], client, &Choice::default()).unwrap();
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("moved.jsonl");
    let run = run_case(&setup, Some(&path), &Arc::new(Status::default())).unwrap();
    let nodes = |run: &Run| run.header.plan.iter().map(|fault| fault.nodes.concat()).collect::<Vec<_>>();
    let moved = run.events.iter().any(|at| matches!(at.what, Event::FaultMoved { fault: 1, .. }));
    let [first, second] = &nodes(&run)[..] else { panic!("two faults are planned") };
    assert!(moved && first != second, "{first} {second}");
    let told: Vec<&str> = run.events.iter().filter_map(|at| changed(&at.what)).collect();
    let leads = |member: &str| told.iter().position(|what| what.contains(member) && what.contains("lead"));
    assert!(leads(second).is_some(), "{second}: {told:?}");
    let again = Run::parse_bytes(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(again.header.plan, run.header.plan);
}
