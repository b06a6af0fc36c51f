//! A hang is found among a thousand tasks that idle by nature, and told once.

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod support;

use std::sync::Arc;

use support::{Around, case, judgement, run};
use unstuck::client::Env;
use unstuck::probe::{Actors, Site, wait};
use unstuck::run::Setup;
use unstuck_record::{FindingKind, Outcome};

const CROWD: usize = 1_000;

fn crowd(env: &Env) {
    let nobody = Actors::new("work that never comes");
    for number in 0..CROWD {
        let site = Site::on("idle", &nobody).idle();
        let _runs_until_the_end =
            env.tasks.spawn(format!("idler {number}"), wait(site, std::future::pending::<()>()));
    }
}

#[test]
fn thirty_two_stuck_workers_are_one_hang_beside_a_thousand_idle_tasks() {
    let setup = case("tidb-46321-tikv-failure", "lightning@as-reported", "reduced", 1);
    let client = Around { client: Arc::clone(&setup.client), start: crowd, sample: Box::new(|| {}) };
    let run = run(&Setup { client: Arc::new(client), ..setup });
    assert!(run.dumps.last().unwrap().tasks.len() > CROWD, "the crowd is in the dump");
    assert_eq!(judgement(&run).outcome, Outcome::Stuck);
    let hangs: Vec<_> =
        judgement(&run).findings.iter().filter(|finding| finding.kind == FindingKind::Hang).collect();
    let [hang] = hangs[..] else { panic!("{hangs:?}") };
    assert_eq!((hang.wait_site.as_deref(), hang.tasks), (Some("NewStream/quota"), 32));
}
