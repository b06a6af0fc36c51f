//! What the loader takes the schema takes, and the other way round as far as a schema can tell.

use std::path::Path;

use jsonschema::Validator;
use serde_json::Value;
use unstuck::scenario::{load_bytes, matrix, schema};

fn json(yaml: &str) -> Value {
    serde_saphyr::from_str(yaml).expect("the test's document is YAML")
}

fn validator(schema: &Value) -> Validator {
    jsonschema::validator_for(schema).expect("the schema is one")
}

#[test]
fn the_shipped_files_are_valid() {
    let (files, matrices) = (validator(&schema::scenario()), validator(&schema::matrix()));
    let mut seen = 0;
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios")];
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let judge = if path.ends_with(matrix::FILE_NAME) { &matrices } else { &files };
            let document = json(&std::fs::read_to_string(&path).unwrap());
            let errors: Vec<String> = judge.iter_errors(&document).map(|e| e.to_string()).collect();
            assert!(errors.is_empty(), "{}: {errors:?}", path.display());
            seen += 1;
        }
    }
    assert!(seen >= 5, "{seen} files");
}

/// Cases that differ in one line; `true` if it is right.
const LINES: &[(&str, bool)] = &[
    ("when: {progress: 40%}", true),
    ("when: {progress: 12}", true),
    ("when: {progress: 0}", false),
    ("when: {progress: 101%}", false),
    ("when: {call: ImportSST/Write, count: 3, node: tikv(0), region: 4, delay: 10s}", true),
    ("when: {call: ImportSST/Ingest, answered: 0}", false),
    ("when: {log: 'restored .* files'}", true),
    ("when: {event: x}", false),
    ("faultDuration: 10s..1m", true),
    ("faultDuration: 10s .. 1m", true),
    ("faultDuration: 10s..", false),
    ("faultDuration: 10s-1m", false),
    ("{period: '@every 1m..5m', faultRunTimes: 5}", true),
    ("{period: '@hourly', faultRunTimes: 5}", true),
    ("{period: '*/10 * * * *', faultRunTimes: 5}", true),
    ("{period: '*/10 * * *', faultRunTimes: 5}", false),
    ("{period: '@reboot', faultRunTimes: 5}", false),
    ("selector: tikv(each)", true),
    ("{selector: pd(each), faultType: rolling_restart}", true),
    ("selector: pdfollower(each)", false),
    ("faults: [{faultType: reset, selector: br_to_tikv(0), at: 1m}]", true),
    ("faults: [{faultType: reset, selector: br_to_tikv(0), after: 1m}]", true),
    ("{order: sequence, faults: [{faultType: reset, selector: br_to_tikv(0)}]}", true),
    ("{order: parallel, faults: [{faultType: reset, selector: br_to_tikv(0)}]}", false),
    ("faults: [{faultType: reset}]", false),
    ("faults: [reset]", false),
    ("faults: {faultType: reset, selector: br_to_tikv(0)}", false),
    ("at: 1m", false),
    ("faultType: failure", true),
    ("faultType: failur", false),
    ("faultType: [failure]", false),
    ("selector: tikv(all)", true),
    ("selector: tikv(2)", true),
    ("selector: pdleader", true),
    ("selector: pdfollower(random)", true),
    ("selector: pd(leader)", true),
    ("selector: tikv(leader)", false),
    ("selector: tikv(fixed:2)", true),
    ("selector: pdfollower(fixed-percent:50)", true),
    ("selector: tikv(fixed-half:2)", false),
    ("{selector: tikv, mode: one}", true),
    ("{selector: tikv(all), mode: fixed, value: 2}", true),
    ("{selector: pd, mode: fixed-percent, value: '50%'}", true),
    ("{selector: tikv, mode: some}", false),
    ("{selector: tikv, mode: fixed, value: 0}", false),
    ("{faultType: network_partition, selector: br_to_all, direction: from}", true),
    ("{faultType: network_partition, selector: br_to_all, direction: up}", false),
    (
        "{faultType: {network_loss: {loss: 1%}}, selector: br_to_tikv, mode: random-max-percent, value: 60}",
        true,
    ),
    ("selector: tikv(leader)", false),
    ("selector: tidb(random)", false),
    ("{faultType: {io_delay: {volumeName: tikv, path: /a/*, percent: 54, delay: 187ms}}}", true),
    ("{faultType: {io_delay: {percent: 101, delay: 187ms}}}", false),
    ("faultType: down", true),
    ("warmUpTime: 1h30m", true),
    ("warmUpTime: 0", true),
    ("warmUpTime: .5s", true),
    ("warmUpTime: 1.5m2ms", true),
    ("warmUpTime: 1", false),
    ("warmUpTime: 1d", false),
    ("warmUpTime: [1m]", false),
    ("recoveryTime: 250ms", true),
    ("{period: '@every 3m', faultRunTimes: 5}", true),
    ("{period: '@every 3m', faultTotalRunTime: 30m}", true),
    ("{period: '3m', faultRunTimes: 5}", false),
    ("{period: '@every 3', faultRunTimes: 5}", false),
    ("{period: '@every 3m', faultRunTimes: 0}", false),
    ("{period: '@every 3m', faultRunTimes: many}", false),
    ("{faultType: reset, selector: br_to_tikv(0), faultDuration: 0s}", true),
    ("{faultType: {stall_read: {then: reset}}, selector: lightning_to_all}", true),
    ("{faultType: {stall_read: {than: reset}}, selector: lightning_to_all}", false),
    ("{faultType: 'network_delay(latency:364ms)', selector: client_to_pdfollower(all)}", true),
    ("{faultType: {network_delay: {latency: 364}}, selector: br_to_all}", false),
    ("{faultType: 'network_loss(loss:10%,correlation:25)', selector: br_to_all}", true),
    ("{faultType: {network_loss: {loss: 10%, correlation: 25}}, selector: br_to_all}", true),
    ("{faultType: {network_loss: {loss: 101}}, selector: br_to_all}", false),
    ("{faultType: {network_loss: {loss: lots}}, selector: br_to_all}", false),
    (
        "{faultType: {network_bandwidth: {rate: 1mbps, buffer: 10KB, limit: 20000}}, selector: br_to_all}",
        true,
    ),
    ("{faultType: {network_bandwidth: {rate: 1MiB/s}}, selector: br_to_all}", true),
    ("{faultType: {network_bandwidth: {rate: 1MiB/h}}, selector: br_to_all}", false),
    ("{faultType: {network_reorder: {reorder: 25%, latency: 20ms, gap: 5}}, selector: br_to_all}", true),
    ("{faultType: {network_delay: {latency: 1s, distribution: normal}}, selector: br_to_all}", true),
    ("{faultType: {network_delay: {latency: 1s, distribution: flat}}, selector: br_to_all}", false),
    ("{faultType: {corrupt: {rate: 0.1%, toxicity: 50%, connection: 2}}, selector: br_to_all}", true),
    ("{faultType: {reset_peer: {timeout: 5s, afterBytes: 64KiB, during: 1m}}, selector: br_to_all}", true),
    ("{faultType: {h2_hold: {path: /tikvpb.Tikv/*, part: data}}, selector: br_to_all}", true),
    ("{faultType: {h2_hold: {part: body}}, selector: br_to_all}", false),
    ("{faultType: {h2_status: {status: UNAVAILABLE, message: 'busy, later'}}, selector: br_to_all}", true),
    ("{faultType: {h2_max_streams: {limit: 1}}, selector: br_to_all}", true),
    ("expect: {outcome: stuck, stuckAt: livelock, within: 20m}", true),
    ("expect: {outcome: hang}", false),
    ("expect: {stuckat: livelock}", false),
    ("expect: {phases: {steady: {progress: 5%}, fault: {progress: 3}}}", true),
    ("expect: {outcome: slow, phases: {recovery: {progress: 50%, resumesWithin: 2m}}}", true),
    ("expect: {phases: {steady: {progress: 0}}}", false),
    ("expect: {phases: {steady: {progress: 5%, resumesWithin: 2m}}}", false),
    ("expect: {phases: {warmUp: {progress: 5%}}}", false),
    ("expect: {phases: {steady: 5%}}", false),
    ("recoverytime: 5m", false),
];

#[test]
fn the_schema_and_the_loader_agree_on_single_values() {
    let judge = validator(&schema::scenario());
    for &(line, right) in LINES {
        let mut case = json("{name: a, faultType: failure, selector: tikv(0), faultDuration: 1m}");
        let changed = json(line);
        case.as_object_mut().unwrap().extend(changed.as_object().unwrap().clone());
        for document in [serde_json::json!([case]), serde_json::json!({"cases": [case]})] {
            // JSON is YAML.
            let loaded = load_bytes("f", document.to_string().into_bytes());
            assert_eq!(loaded.is_ok(), right, "the loader on `{line}`: {loaded:?}");
            assert_eq!(judge.is_valid(&document), right, "the schema on `{line}`");
        }
    }
}

#[test]
fn the_schema_and_the_loader_agree_on_sizes() {
    let judge = validator(&schema::scenario());
    for (line, right) in [
        ("cluster: {pd: 1, tikv: 5, regions: 100, keysPerRegion: 2}", true),
        ("cluster: {maxConcurrentStreams: unlimited, peerOrder: first(2)}", true),
        ("cluster: {maxConcurrentStreams: 32, peerOrder: faulted-first}", true),
        ("cluster: {maxConcurrentStreams: 0}", false),
        ("cluster: {peerOrder: sorted}", false),
        ("cluster: {stores: 3}", false),
        ("workload: {batch: 16KiB, batches: 4, workers: 8, connections: 2, duration: 10m}", true),
        ("workload: {batch: 512}", true),
        ("workload: {batch: 16k}", false),
        ("client: br@fixed", true),
        ("client: lightning", true),
        ("client: br@fix-48355", false),
        ("client: {command: ./load}", true),
        ("client: {command: [./load, --pd, '{pd}'], args: [1, true], env: {A: 1}, workDir: /tmp}", true),
        ("client: {preset: br, args: [backup, raw]}", true),
        ("client: {preset: br, timers: {longest: 1m}, shutdown: {signal: INT, grace: 1s}}", true),
        ("client: {command: x, ready: {port: '{status_addr}', within: 1s}}", true),
        ("client: {command: x, progress: {metric: rows, url: '{status_addr}/metrics', total: 3}}", true),
        ("client: {command: x, dump: {pprof: '{status_addr}', debug: 1, signal: QUIT, every: 1s}}", true),
        ("client: {command: x, copies: 3, restarts: {at: [30s, 1m], signal: TERM, pause: 0}}", true),
        ("client: {command: x, beside: [{command: y, args: [z]}, {command: [a, b], name: c}]}", true),
        ("client: {command: x, copies: 0}", false),
        ("client: {command: x, restarts: {pause: 1s}}", false),
        ("client: {command: x, beside: [{args: [z]}]}", false),
        ("client: {command: x, beside: [{command: y, dump: {file: z}}]}", false),
        ("client: {args: [x]}", false),
        ("client: {preset: bar}", false),
        ("client: {command: x, dump: {signal: STOP}}", false),
        ("client: {command: x, progress: {total: 0}}", false),
        ("client: {command: x, env: [A]}", false),
        ("client: {command: {x: y}}", false),
        ("client: {comand: x}", false),
        ("client: [x]", false),
        ("tag: x", true),
        ("tag: [x]", false),
        ("workloads: [{type: sysbench, threads: 64}]", true),
        ("tidbGlobalVariables: {beforeCase: [a='on']}", true),
        ("tags: x", false),
    ] {
        let mut document =
            json("cases: [{name: a, faultType: failure, selector: tikv(0), faultDuration: 1m}]");
        document.as_object_mut().unwrap().extend(json(line).as_object().unwrap().clone());
        let loaded = load_bytes("f", document.to_string().into_bytes());
        assert_eq!(loaded.is_ok(), right, "the loader on `{line}`: {loaded:?}");
        assert_eq!(judge.is_valid(&document), right, "the schema on `{line}`");
    }
}
