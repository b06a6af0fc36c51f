//! Manifests of Chaos Mesh, held against its own schemas.
//!
//! `.ci/clients` brings the schemas to target/chaos-mesh-crds; where they are not, that is said.

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

use std::fs;
use std::path::{Path, PathBuf};

use jsonschema::{Draft, Validator};
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::{Value, json};
use unstuck::export::NoEquivalent;
use unstuck::export::chaos_mesh::{Manifest, Names};
use unstuck::export::pods::Pods;
use unstuck::scenario::{self, File};

const WORKSPACE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// Every fault that has an equivalent, with every selector that fits it.
const ALL: [(&str, &[&str]); 16] = [
    ("kill", &["tikv(random)"]),
    (
        "failure",
        &[
            "tikv(random)",
            "tikv(all)",
            "tikv(1)",
            "tikv(fixed:2)",
            "pdfollower(fixed-percent:50)",
            "pd(leader)",
            "pdfollower(all)",
            "pdfollower(random)",
            "pd(2)",
        ],
    ),
    (
        "network_partition",
        &[
            "br_to_all",
            "client_to_tikv(random)",
            "pdleader_to_pdfollower(all)",
            "tikv(0)_to_tikv(others)",
            "tikv(random)_to_all",
        ],
    ),
    ("network_partition(direction:to)", &["br_to_tikv(0)", "client_to_all(random-max-percent:60)"]),
    ("network_delay(latency:364ms,jitter:50ms,direction:from)", &["br_to_tikv(random)"]),
    ("network_delay(latency:364ms,correlation:25%)", &["client_to_pd(0)"]),
    ("network_loss(loss:10%,correlation:25%)", &["br_to_all"]),
    ("network_corrupt(corrupt:0.5%)", &["br_to_tikv(0)"]),
    ("network_duplicate(duplicate:10)", &["br_to_tikv(0)"]),
    ("network_reorder(reorder:25%,latency:20ms,gap:5)", &["br_to_tikv(0)"]),
    ("network_bandwidth(rate:1mbps,buffer:10KB)", &["br_to_tikv(0)"]),
    ("network_netem(latency:50ms,jitter:5ms,reorder:5%,loss:1%,rate:1MiB/s)", &["br_to_tikv(0)"]),
    ("io_delay(volumeName:tikv,delay:500ms)", &["tikv(random)", "tikv(all)"]),
    ("io_delay(delay:438ms,percent:72,path:/var/lib/tikv/raft/*)", &["tikv(0)", "pd(leader)"]),
    ("io_hang", &["tikv(0)"]),
    ("disk_full", &["tikv(all)"]),
];

/// A case runs once, for a number of times, for a while.
const SCHEDULES: [&str; 4] = [
    "faultDuration: 2m",
    "faultDuration: 1m, period: '@every 3m', faultRunTimes: 5",
    "faultDuration: 1m, period: '@every 5m', faultTotalRunTime: 30m",
    "faultDuration: 1m, period: '*/10 * * * *', faultRunTimes: 3",
];

fn main() {
    let claims: [(&str, fn()); 7] = [
        ("a_fault_after_one_of_unknown_length_has_no_time", unknown_times),
        ("each_fault_of_a_case_is_a_manifest_of_its_own", several),
        ("times_that_have_no_equivalent_say_so", times_told),
        ("bad_networks_have_chaos_mesh_s_numbers", networks),
        ("what_has_no_equivalent_says_why_and_what_comes_nearest", told),
        ("a_schedule_begins_with_the_warm_up_and_says_when_to_end_it", timed),
        ("two_cases_of_one_name_are_two_objects", names_differ),
    ];
    let mut trials: Vec<Trial> = claims
        .map(|(claim, test)| {
            Trial::test(claim, move || {
                test();
                Ok(())
            })
        })
        .into();
    let crds = Path::new(WORKSPACE).join("target/chaos-mesh-crds");
    let schemas = "manifests_are_valid_by_chaos_mesh_s_own_schemas";
    if crds.join("schedules.yaml").is_file() {
        trials.push(Trial::test(schemas, move || valid(&crds)));
    } else {
        eprintln!("not run: {schemas}: no {} (.ci/clients brings it, with Go)", crds.display());
        trials.push(Trial::test(schemas, || Ok(())).with_ignored_flag(true));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn pods() -> Pods {
    Pods {
        namespace: "tidb".to_owned(),
        instance: "basic".to_owned(),
        client: vec![("app".to_owned(), "br".to_owned())],
        pd_leader: Some("basic-pd-0".to_owned()),
    }
}

fn load(yaml: &str) -> File {
    scenario::load_bytes("case.yaml", yaml.as_bytes().to_vec())
        .unwrap_or_else(|problems| panic!("{yaml}\n{}", problems.render(false)))
}

/// The manifest of a case of one fault.
fn the_one(file: &File, pods: &Pods) -> Result<Manifest, NoEquivalent> {
    let mut made = Names::default().manifests(&file.cases[0], pods);
    assert_eq!(made.len(), 1);
    made.remove(0)
}

fn one(fault: &str, selector: &str, schedule: &str) -> Manifest {
    let yaml = format!(
        "cases: [{{name: case, faultType: '{fault}', selector: '{selector}', warmUpTime: 1m, {schedule}}}]"
    );
    the_one(&load(&yaml), &pods()).unwrap_or_else(|why| panic!("{yaml}: {why}"))
}

fn valid(crds: &Path) -> Result<(), Failed> {
    let schema = |kind: &str| strict(&crds.join(format!("{}.yaml", kind.to_lowercase())));
    let kinds = ["NetworkChaos", "PodChaos", "IOChaos"];
    let schemas: Vec<(String, Validator)> = kinds
        .iter()
        .map(|kind| ((*kind).to_owned(), schema(kind)))
        .chain([("Schedule".to_owned(), schema("schedules"))])
        .collect();
    let check = |object: &Value| {
        let kind = object["kind"].as_str().unwrap();
        let (_, schema) = schemas.iter().find(|(of, _)| of == kind).unwrap();
        schema.validate(object).map_err(|error| format!("{error} at {}: {object:#}", error.instance_path()))
    };
    let mut seen = vec![];
    for (fault, selectors) in ALL {
        for selector in selectors {
            for schedule in SCHEDULES {
                let object = one(fault, selector, schedule).object;
                check(&object)?;
                seen.push(object["kind"].as_str().unwrap().to_owned());
            }
        }
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen, ["IOChaos", "NetworkChaos", "PodChaos", "Schedule"]);

    // the schemas bite: a key that is missing, misspelt, or of another type
    let good = one("failure", "tikv(random)", SCHEDULES[0]).object;
    for (path, value) in
        [("/spec/mode", json!("some")), ("/spec/action", Value::Null), ("/spec", json!({"acton": 1}))]
    {
        let mut bad = good.clone();
        *bad.pointer_mut(path).unwrap() = value;
        assert!(check(&bad).is_err(), "{path} may be anything");
    }

    for file in scenario_files(&Path::new(WORKSPACE).join("scenarios")) {
        let Ok(file) = scenario::load(&file) else { continue };
        let mut names = Names::default();
        for case in &file.cases {
            for manifest in names.manifests(case, &pods()).into_iter().flatten() {
                check(&manifest.object).map_err(|error| format!("{}: {error}", file.name))?;
            }
        }
    }
    Ok(())
}

/// A definition's schema in which nothing is allowed that it does not name, as `kubectl --validate=strict` has it.
fn strict(path: &Path) -> Validator {
    fn close(schema: &mut Value) {
        match schema {
            Value::Object(map) => {
                if map.contains_key("properties") && !map.contains_key("additionalProperties") {
                    map.insert("additionalProperties".to_owned(), false.into());
                }
                map.values_mut().for_each(close);
            }
            Value::Array(list) => list.iter_mut().for_each(close),
            _ => {}
        }
    }
    let text = fs::read_to_string(path).unwrap();
    let definition: Value = serde_saphyr::from_str(&text).unwrap();
    let mut schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone();
    close(&mut schema);
    // the API server knows the rest of it
    schema["properties"]["metadata"] = json!({"type": "object", "required": ["name", "namespace"]});
    // OpenAPI 3.0 is draft 4 by origin: its `exclusiveMinimum` is a boolean
    jsonschema::options().with_draft(Draft::Draft4).build(&schema).unwrap()
}

fn scenario_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![];
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            found.extend(scenario_files(&entry));
        } else if entry.extension().is_some_and(|ending| ending == "yaml") {
            found.push(entry);
        }
    }
    found
}

fn told() {
    for (fault, selector, why, instead) in [
        ("freeze", "tikv(0)", "let it go on", "kill -STOP"),
        ("limit_data(bytes:1KiB)", "br_to_all", "no packet filter", "network_netem"),
        (
            "network_delay(latency:1s,distribution:pareto)",
            "br_to_all",
            "no distribution",
            "without `distribution`",
        ),
        ("network_netem(loss:1%,rate:1MiB/s,buffer:1KiB)", "br_to_all", "without `buffer`", "of its own"),
        ("reset", "br_to_tikv(0)", "cannot `reset` live connections", "failure"),
        ("network_partition(reject:true)", "br_to_all", "never rejects", "without `reject`"),
        ("io_jitter(delay:1s,jitter:1s)", "tikv(0)", "all the same", "io_delay"),
        ("scale_in", "tikv(0)", "takes no pods away", "kubectl"),
        ("busy", "tikv(0)", "answer `busy`", "io_delay"),
        ("io_delay(delay:1s,method:Write)", "tikv(0)", "knows no calls", "without `method`"),
        (
            "network_partition",
            "tikv(random)_to_tikv(others)",
            "may hit the source",
            "tikv(0)_to_tikv(others)",
        ),
    ] {
        let yaml = format!(
            "cluster: {{tikv: 4}}\ncases: [{{name: case, faultType: '{fault}', selector: '{selector}', faultDuration: 1m}}]"
        );
        let reason = the_one(&load(&yaml), &pods()).unwrap_err();
        assert!(reason.why.contains(why) && reason.instead.contains(instead), "{fault}: {reason:?}");
    }
    let unknown = Pods { client: vec![], pd_leader: None, ..pods() };
    for (selector, give) in [
        ("br_to_all", "--client-labels"),
        ("client_to_pdleader", "--client-labels"),
        ("pdleader_to_pdfollower(all)", "--pd-leader basic-pd-0"),
    ] {
        let yaml = format!(
            "cases: [{{name: case, faultType: network_partition, selector: '{selector}', faultDuration: 1m}}]"
        );
        let reason = the_one(&load(&yaml), &unknown).unwrap_err();
        assert!(reason.instead.contains(give), "{selector}: {reason:?}");
    }
}

fn networks() {
    let some = one("failure", "tikv(fixed-percent:60)", SCHEDULES[0]).object["spec"].clone();
    assert_eq!((&some["mode"], &some["value"]), (&json!("fixed-percent"), &json!("60")));

    let spec = |fault: &str| one(fault, "br_to_tikv(0)", SCHEDULES[0]).object["spec"].clone();
    let loss = spec("network_loss(loss:10%,correlation:25%)");
    assert_eq!(
        (&loss["action"], &loss["loss"]),
        (&json!("loss"), &json!({"loss": "10", "correlation": "25"}))
    );
    let late = spec("network_reorder(reorder:25%,latency:20ms,gap:5)");
    assert_eq!(late["action"], "delay");
    assert_eq!(late["delay"]["reorder"], json!({"reorder": "25", "correlation": "0", "gap": 5}));
    let slow = spec("network_bandwidth(rate:1mbps,limit:1MiB,buffer:10KB)");
    assert_eq!(slow["bandwidth"], json!({"rate": "1048576bps", "limit": 1_048_576, "buffer": 10_000}));
    let all = spec("network_netem(latency:50ms,loss:1%,duplicate:2%,rate:1MiB/s)");
    assert_eq!(all["action"], "netem");
    assert_eq!(all["rate"], json!({"rate": "1048576bps"}));
    assert_eq!((&all["loss"]["loss"], &all["duplicate"]["duplicate"]), (&json!("1"), &json!("2")));
    assert_eq!(all["delay"]["latency"], "50ms");
}

fn timed() {
    let often = one("failure", "tikv(random)", SCHEDULES[1]);
    assert_eq!(often.object["spec"]["schedule"], "@every 3m");
    assert_eq!(often.object["spec"]["concurrencyPolicy"], "Forbid");
    assert_eq!(often.object["spec"]["podChaos"]["duration"], "1m");
    assert_eq!(
        often.how,
        [
            "create it 2m before the client's start: the first fault comes 3m after that, at 1m",
            "delete it 14m after the client's start, when 5 faults are over",
        ]
    );
    let total = one("failure", "tikv(random)", SCHEDULES[2]);
    assert_eq!(total.how[1], "delete it 31m after the client's start, when 6 faults are over");
    let cron = one("failure", "tikv(random)", SCHEDULES[3]);
    assert_eq!(cron.object["spec"]["schedule"], "*/10 * * * *");
    assert!(cron.how[0].contains("by the clock of Kubernetes"), "{:?}", cron.how);
    assert_eq!(cron.how[1], "delete it 31m after the client's start, when 3 faults are over");
    let once = one("failure", "tikv(random)", SCHEDULES[0]);
    assert_eq!(once.how, ["create it 1m after the client's start; it heals by itself"]);
}

/// Each fault of a case is a manifest of its own, at its own time; one that has no equivalent takes none of the others along.
fn several() {
    let file = load(
        "cases:\n  - name: both\n    warmUpTime: 1m\n    order: sequence\n    faults:\n      - {faultType: failure, selector: tikv(0), faultDuration: 2m}\n      - {faultType: freeze, selector: tikv(0), faultDuration: 1m}\n      - {faultType: kill, selector: tikv(1), faultDuration: 1m, at: 30s}\n",
    );
    let mut made = Names::default().manifests(&file.cases[0], &pods()).into_iter();
    let first = made.next().unwrap().unwrap();
    assert_eq!(first.how, ["create it 1m after the client's start; it heals by itself"]);
    assert!(made.next().unwrap().unwrap_err().why.contains("let it go on"));
    let last = made.next().unwrap().unwrap();
    assert_eq!(last.how, ["create it 4m30s after the client's start; Kubernetes starts the pod anew"]);
    assert_eq!(last.object["metadata"]["name"], "both-2");
    assert!(made.next().is_none());
}

/// A fault that waits for one whose length is drawn anew comes nobody knows when.
fn unknown_times() {
    let file = load(
        "cases:\n  - name: both\n    order: sequence\n    faults:\n      - {faultType: failure, selector: tikv(each), faultDuration: 2m}\n      - {faultType: failure, selector: tikv(0), faultDuration: 1m}\n      - {faultType: failure, selector: tikv(1), faultDuration: 1m}\n",
    );
    let made = Names::default().manifests(&file.cases[0], &pods());
    let why: Vec<_> = made.into_iter().map(|made| made.unwrap_err().why).collect();
    assert!(why[0].contains("in turn"), "{why:?}");
    assert!(why[1].contains("the fault before it") && why[1] == why[2], "{why:?}");
}

/// What Chaos Mesh cannot do with times is said, with what comes nearest.
fn times_told() {
    for (schedule, selector, why, instead) in [
        ("faultDuration: 10s..1m", "tikv(0)", "`faultDuration` is 10s..1m", "10s"),
        (
            "faultDuration: 1s, period: '@every 1m..5m', faultRunTimes: 2",
            "tikv(0)",
            "`period` is 1m..5m",
            "1m",
        ),
        ("faultDuration: 1m", "tikv(each)", "in turn", "order: sequence"),
        ("faultDuration: 1m, when: {progress: 40%}", "tikv(0)", "waits for progress 40%", "warmUpTime"),
    ] {
        let yaml = format!("cases: [{{name: case, faultType: failure, selector: '{selector}', {schedule}}}]");
        let reason = the_one(&load(&yaml), &pods()).unwrap_err();
        assert!(reason.why.contains(why) && reason.instead.contains(instead), "{schedule}: {reason:?}");
    }
}

fn names_differ() {
    let file = load(
        "cases:\n  - &a {name: 'tikv down!', faultType: failure, selector: tikv(0), faultDuration: 1m}\n  - {name: Tikv_down, faultType: failure, selector: tikv(1), faultDuration: 1m}\n",
    );
    let mut names = Names::default();
    let mut name = |at: usize| {
        names.manifests(&file.cases[at], &pods()).remove(0).unwrap().object["metadata"]["name"].clone()
    };
    assert_eq!([name(0), name(1)], ["tikv-down", "tikv-down-2"]);
}
