//! The docker world: what befalls containers, with a real client in one. Needs an engine and what `.ci/image` makes, for which
//! `.ci/docker` cares; else the output says by name what is not run.

#![expect(clippy::unwrap_used, reason = "all of this is a test")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use libtest_mimic::{Arguments, Trial};
use unstuck::run::cases::{Choice, NotReady, setup};
use unstuck::run::{Setup, Status, WorldKind, run_case};
use unstuck::scenario::{File, load, load_bytes};
use unstuck_record::{Event, Evidence, Run, Verdict};

fn main() {
    let args = Arguments::from_args();
    let missing = missing();
    let of_engine = |name: &str, run: fn()| match &missing {
        None => trial(name, run),
        Some(missing) => trial(name, run).with_kind(format!("not run: {missing}")).with_ignored_flag(true),
    };
    let trials = vec![
        of_engine("a_paused_store_takes_bytes_and_reads_none", || {
            let touched = touched("tikv_pause");
            assert!(touched.bytes > 0 && touched.closed == 0, "{touched:?}");
        }),
        of_engine("what_is_sent_to_a_disconnected_store_is_not_acknowledged", || {
            let touched = touched("tikv_network_disconnect");
            assert!(touched.bytes > 0 && touched.closed == 0, "{touched:?}");
        }),
        of_engine("a_connect_whose_syn_is_lost_hangs_until_it_is_not", || {
            let run = passed("tikv_syn_drop");
            let touched = run.end.as_ref().unwrap().evidence[0];
            assert!(touched.refused > 0 && touched.bytes == 0 && touched.closed == 0, "{touched:?}");
            let at = |what: &dyn Fn(&Event) -> bool| run.events.iter().position(|event| what(&event.what));
            let healed = at(&|event| matches!(event, Event::FaultHealed { .. })).unwrap();
            let opened = |name: &str| {
                at(&|event| matches!(event, Event::ConnOpened { link, .. } if link.ends_with(name)))
            };
            // one that is dialled in the moment before SYNs are lost is not the only one
            let late = ["tikv-1", "tikv-2", "tikv-3"].iter().filter(|store| opened(store) > Some(healed));
            assert!(late.count() > 0, "a store's first connection waits for the heal");
        }),
        of_engine("a_killed_store_takes_its_connections_along", || {
            let touched = touched("tikv_kill");
            assert!(touched.closed > 0, "{touched:?}");
        }),
        trial("words_of_containers_are_errors_elsewhere_which_say_what_comes_nearest", elsewhere),
        trial("words_of_proxies_that_containers_overrule_are_errors", overruled),
    ];
    libtest_mimic::run(&args, trials).exit();
}

fn trial(name: &str, run: fn()) -> Trial {
    Trial::test(name, move || {
        run();
        Ok(())
    })
}

/// What a case of `scenarios/docker` cannot be run without.
fn missing() -> Option<String> {
    let docker = |args: &[&str]| {
        Command::new("docker").args(args).output().is_ok_and(|output| output.status.success())
    };
    let image = concat!("unstuck:", env!("CARGO_PKG_VERSION"));
    if !docker(&["version"]) {
        return Some("no Docker engine, see .ci/docker".to_owned());
    }
    if !docker(&["image", "inspect", image]) || !root().join("target/docker/load").is_file() {
        return Some(format!("no image {image}, see .ci/image"));
    }
    None
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// What the fault of a case touched.
fn touched(case: &str) -> Evidence {
    passed(case).end.unwrap().evidence[0]
}

/// A case that has come out as it says.
fn passed(case: &str) -> Run {
    let file =
        load(&root().join("scenarios/docker/stores.yaml")).unwrap_or_else(|problems| panic!("{problems}"));
    let run = run(&ready(&file, case, WorldKind::Docker).unwrap());
    let judgement = run.judgement.as_ref().unwrap();
    println!("{case}: {:?}: {}", judgement.outcome, judgement.reason);
    assert_eq!(judgement.verdict, Verdict::Pass, "{}", judgement.reason);
    run
}

fn run(setup: &Setup) -> Run {
    run_case(setup, None, &Arc::new(Status::default())).unwrap()
}

fn ready(file: &File, case: &str, world: WorldKind) -> Result<Setup, NotReady> {
    let case = file.cases.iter().find(|one| one.name == case).unwrap();
    setup(file, case, file.client.as_ref().unwrap(), &Choice { world, ..Choice::default() })
}

/// What is said of a fault in a world.
fn refusal(fault: &str, world: WorldKind) -> String {
    let text = format!("client: br@fixed\ncases: [{{name: a, {fault}, faultDuration: 1m}}]");
    let file = load_bytes("a.yaml", text.into_bytes()).unwrap_or_else(|problems| panic!("{problems}"));
    ready(&file, "a", world).unwrap_err().to_string()
}

fn elsewhere() {
    for (word, nearest) in
        [("pause", "`freeze`"), ("network_disconnect", "`network_partition`"), ("syn_drop", "`connect_hang`")]
    {
        for world in [WorldKind::Sim, WorldKind::Tcp] {
            let said = refusal(&format!("faultType: {word}, selector: tikv(0)"), world);
            assert!(said.contains(&format!("`{word}` is of the world `docker`")), "{said}");
            assert!(said.contains(&format!("`{world}`: {nearest}")), "{said}");
        }
    }
}

fn overruled() {
    for word in ["connect_hang", "refuse", "network_partition"] {
        let said = refusal(&format!("faultType: {word}, selector: br_to_tikv(0)"), WorldKind::Docker);
        assert!(said.contains(&format!("`{word}` is not for the world `docker`")), "{said}");
    }
}
