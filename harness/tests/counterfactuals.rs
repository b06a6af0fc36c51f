//! What takes the cause of a reported bug away takes the bug away. Those that a scenario file can say stand in
//! `scenarios/reported/counterfactuals.yaml`; here is the rest.

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod support;

use std::time::Duration;

use fake_tikv::Node;
use support::{case, outcome, run};
use unstuck::fault::{Injection, OnInject, Rule};
use unstuck_record::Outcome;

/// A reset of every store's links ends the leaked streams with their connections. It comes when the failed store is
/// connected again, which lightning's back-off delays by up to twelve minutes (ten, and a fifth of jitter): until then
/// every attempt leaks anew.
#[test]
fn lightning_as_reported_completes_when_all_stores_are_reset_once_after_the_heal() {
    let mut setup = case("tidb-46321-tikv-failure", "lightning@as-reported", "reduced", 1);
    assert_eq!(
        outcome(&run(&setup)),
        (Outcome::Stuck, Some("NewStream/quota")),
        "without the reset it hangs"
    );
    let healed = setup.plan.last_heal();
    let at = healed + Duration::from_secs(13 * 60);
    setup.plan.injections.push(Injection {
        kind: "reset".into(),
        links: vec![Node::Store(1), Node::Store(2), Node::Store(3)],
        rule: Rule { inject: OnInject::Reset, ..Rule::default() },
        nodes: vec![],
        peers: vec![],
        effect: None,
        trigger: None,
        led_by: None,
        start: at,
        end: at,
    });
    assert_eq!(outcome(&run(&setup)), (Outcome::Completed, None));
}
