//! What people read when a scenario file is wrong, or cannot be meant: every problem with line, column, caret and the fix.

use unstuck::scenario::{load_bytes, matrix};

/// A case with a part replaced; the rest is right.
fn case(lines: &[&str]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| format!("    {line}\n")).collect();
    format!("cases:\n  - name: a\n{}", lines.concat())
}

/// Each by name, with its text.
fn broken() -> Vec<(&'static str, String)> {
    let fault = "faultType: failure";
    let tikv = "selector: tikv(random)";
    let minute = "faultDuration: 1m";
    vec![
        ("key_typo", case(&[fault, tikv, "faultDuraton: 1m"])),
        ("key_of_another_level", "cluster: {tikv: 3, workers: 3}\ncases: []\n".into()),
        ("key_left_out", "tag: [ha-test]\nworkloads: []\ncases: []\n".into()),
        ("config", "- name: config_a\n  default: |\n    tag: ha-test\n    cases:\n      - name: a\n        faultType: failur\n        selector: tikv(0)\n        faultDuration: 1m\n- name: config_b\n  default:\n    cases: [{name: b, faultType: failure, selector: tikv(9), faultDuration: 1m}]\n- default: 'cases: []'\n- {name: config_d, default: [a]}\n- nmae: config_e\n".into()),
        ("config_no_yaml", "- name: config_ä\n  default: |\n    cases:\n      - name: [a\n".into()),
        ("config_sizes", "- name: a\n  default: {cluster: {tikv: 4}, cases: [{name: a, faultType: failure, selector: tikv(3), faultDuration: 1m}]}\n- name: b\n  default: {cases: [{name: b, faultType: failure, selector: tikv(0), faultDuration: 1m}]}\n".into()),
        ("key_twice", case(&[fault, fault, tikv, minute])),
        ("key_missing", "cases:\n  - name: a\n    faultDuration: 1m\n".into()),
        ("cases_missing", "client: br@fixed\n".into()),
        ("case_not_in_a_list", "name: a\nfaultType: failure\n".into()),
        ("case_is_a_word", "cases: [tikv_failure]\n".into()),
        ("empty", "# nothing\n".into()),
        ("duration_without_unit", case(&[fault, tikv, "faultDuration: 60"])),
        ("duration_is_a_list", case(&[fault, tikv, "faultDuration: [1m]"])),
        ("duration_nonsense", case(&[fault, tikv, minute, "warmUpTime: soon"])),
        ("duration_of_days", case(&[fault, tikv, "faultDuration: 1000h"])),
        ("fault_typo", case(&["faultType: network_partiton", "selector: br_to_all", minute])),
        ("fault_known_not_supported", case(&["faultType: time_offset", tikv, minute])),
        ("fault_parameter_typo", case(&["faultType: stall_read(than:reset)", "selector: br_to_tikv(0)", minute])),
        ("fault_parameter_value", case(&["faultType: {stall_read: {then: rest}}", "selector: br_to_tikv(0)", minute])),
        ("fault_direction_and_reject", case(&["faultType: network_partition(direction:to,reject:true)", "selector: br_to_all", minute])),
        ("fault_without_latency", case(&["faultType: network_delay", "selector: br_to_all", minute])),
        ("networks", "cases:\n  - {name: a, faultType: network_loss, selector: br_to_all, faultDuration: 1m}\n  - {name: b, faultType: 'network_loss(loss:0.1)', selector: br_to_all, faultDuration: 1m}\n  - {name: c, faultType: network_bandwidth(rate:1mbit), selector: br_to_all, faultDuration: 1m}\n  - {name: d, faultType: network_netem(correlation:25%), selector: br_to_all, faultDuration: 1m}\n  - {name: e, faultType: {network_netem: {reorder: 25%}}, selector: br_to_all, faultDuration: 1m}\n  - {name: f, faultType: {network_netem: {loss: 1%, buffer: 1KiB}}, selector: br_to_all, faultDuration: 1m}\n  - {name: g, faultType: network_delay(jitter:1s), selector: br_to_all, faultDuration: 1m}\n".into()),
        ("toxics", "cases:\n  - {name: a, faultType: slicer, selector: br_to_all, faultDuration: 1m}\n  - {name: b, faultType: slicer(average_size:0), selector: br_to_all, faultDuration: 1m}\n  - {name: c, faultType: h2_hold(path:Write), selector: br_to_all, faultDuration: 1m}\n  - {name: d, faultType: h2_reset(error:OOPS), selector: br_to_all, faultDuration: 1m}\n  - {name: e, faultType: h2_status(status:99), selector: br_to_all, faultDuration: 1m}\n  - {name: f, faultType: half_open, selector: tikv(0), faultDuration: 1m}\n  - {name: g, faultType: limit_data(bytes:lots), selector: br_to_all, faultDuration: 1m}\n".into()),
        ("modes", "cases:\n  - {name: a, faultType: failure, selector: tikv(random), mode: one, faultDuration: 1m}\n  - {name: b, faultType: failure, selector: tikv, mode: fixed, faultDuration: 1m}\n  - {name: c, faultType: failure, selector: tikv, mode: one, value: 2, faultDuration: 1m}\n  - {name: d, faultType: failure, selector: tikv, mode: fixed, value: 9, faultDuration: 1m}\n  - {name: e, faultType: failure, selector: tikv, value: 2, faultDuration: 1m}\n  - {name: f, faultType: failure, selector: pdfollower(fixed:3), faultDuration: 1m}\n  - {name: g, faultType: failure, selector: tikv(0), direction: to, faultDuration: 1m}\n  - {name: h, faultType: 'blackhole(direction:to)', selector: br_to_all, direction: from, faultDuration: 1m}\n  - {name: i, faultType: failure, selector: tikv, mode: fixed, value: many, faultDuration: 1m}\n".into()),
        ("refusals", "cases:\n  - {name: a, faultType: rolling_restart, selector: tikv(0), faultDuration: 1m}\n  - {name: b, faultType: time_offset, selector: pd(leader), faultDuration: 1m}\n  - {name: c, faultType: network_partition, selector: ticdc(owner)_to_kafka, faultDuration: 1m}\n  - {name: d, faultType: network_partition, selector: tikv(random)_to_tidb(random), faultDuration: 1m}\n  - {name: e, faultType: failure, selector: tiflash(0), faultDuration: 1m}\n  - {name: f, faultType: scale_in, selector: pd(0), faultDuration: 1m}\n  - {name: g, faultType: 'io_jitter(delay:1s,jitter:2s)', selector: tikv(0), faultDuration: 1m}\n  - {name: h, faultType: 'io_delay(delay:1s,percent:50,nth:3)', selector: tikv(0), faultDuration: 1m}\n".into()),
        ("answers", "cases:\n  - {name: a, faultType: io_delay(volumeName:tikv), selector: tikv(0), faultDuration: 1m}\n  - {name: b, faultType: 'grpc_status(code:UNAVAILIBLE,method:Ingets)', selector: tikv(0), faultDuration: 1m}\n  - {name: c, faultType: {busy: {method: pdpb.PD/Tso, backoff: 5}}, selector: tikv(0), faultDuration: 1m}\n  - {name: d, faultType: 'stream_cut(nth:1,next:x)', selector: br_to_tikv(0), faultDuration: 1m}\n  - {name: e, faultType: region_error(kind:stale), selector: tikv(0), faultDuration: 1m}\n  - {name: f, faultType: busy(method:GetMembers), selector: tikv(0), faultDuration: 1m}\n".into()),
        ("fault_on_the_wrong_end", case(&["faultType: failure", "selector: br_to_tikv(random)", minute])),
        ("partition_of_a_node", case(&["faultType: network_partition", tikv, minute])),
        ("refuse_between_nodes", case(&["faultType: refuse", "selector: tikv(random)_to_all", minute])),
        ("partition_back_to_front", case(&["faultType: refuse", "selector: tikv(0)_to_br", minute])),
        ("fault_without_length", case(&[fault, tikv])),
        ("fault_of_no_length", case(&[fault, tikv, "faultDuration: 0s"])),
        ("fault_longer_than_its_period", case(&[fault, tikv, "faultDuration: 5m", "period: \"@every 3m\"", "faultRunTimes: 5"])),
        ("selector_typo", case(&[fault, "selector: tikv(randm)", minute])),
        ("selector_known_not_supported", case(&["faultType: network_partition", "selector: tidb(ddl-owner)_to_all", minute])),
        ("selector_without_qualifier", case(&[fault, "selector: tikv", minute])),
        ("selector_beyond_the_cluster", format!("cluster: {{tikv: 2}}\n{}", case(&[fault, "selector: tikv(2)", minute]))),
        ("case_without_end", case(&[fault, tikv, minute, "period: \"@every 3m\""])),
        ("case_with_two_ends", case(&[fault, tikv, minute, "period: \"@every 3m\"", "faultRunTimes: 5", "faultTotalRunTime: 30m"])),
        ("run_times_without_period", case(&[fault, tikv, minute, "faultRunTimes: 5"])),
        ("period_not_quoted", case(&[fault, tikv, minute, "period: @every 3m", "faultRunTimes: 5"])),
        ("period_is_a_duration", case(&[fault, tikv, minute, "period: 3m", "faultRunTimes: 5"])),
        ("faults", "cases:\n  - name: a\n    order: parallel\n    faultDuration: 1m\n    faults:\n      - {faultType: failure, selector: tikv(0), faultDuration: 1m, after: 5s}\n      - {faultType: failure, selector: tikv(1), faultDuration: 1m, at: 1m, after: 5s}\n      - {selector: tikv(1), faultDuration: 1m, warmUpTime: 1m}\n      - failure\n  - {name: b, faults: []}\n  - {name: c, faults: [{faultType: kill, selector: pd(0), faultDuration: 5m, period: '@every 3m', faultRunTimes: 2}], order: sequence}\n  - {name: d, faultType: failure, selector: tikv(0), faultDuration: 1m, at: 1m}\n".into()),
        ("times", "cases:\n  - {name: a, faultType: failure, selector: tikv(0), faultDuration: 1m..10s}\n  - {name: b, faultType: failure, selector: tikv(0), faultDuration: 10s..90s, period: '@every 1m..5m', faultRunTimes: 2}\n  - {name: c, faultType: failure, selector: tikv(0), faultDuration: 11m, period: '*/10 * * * *', faultRunTimes: 2}\n  - {name: d, faultType: failure, selector: tikv(0), faultDuration: 1m, period: '*/10 * * *', faultRunTimes: 2}\n  - {name: e, faultType: failure, selector: tikv(0), faultDuration: 1m, period: '0 0 30 2 *', faultRunTimes: 2}\n  - {name: f, faultType: failure, selector: tikv(0), faultDuration: 0s..1m}\n  - {name: g, faultType: failure, selector: tikv(0), faultDuration: 1m, period: '@hourli', faultRunTimes: 2}\n".into()),
        ("turns", "cases:\n  - {name: a, faultType: transfer_leader, selector: tikv(each)}\n  - {name: b, faultType: rolling_restart, selector: tikv(random), faultDuration: 1m}\n  - {name: c, faultType: failure, selector: tikv(each), faultDuration: 1m, faultRunTimes: 4}\n  - {name: d, faultType: refuse, selector: br(each)_to_all, faultDuration: 1m}\n".into()),
        ("when", "cases:\n  - {name: a, faultType: reset, selector: br_to_tikv(0), when: {}}\n  - {name: b, faultType: reset, selector: br_to_tikv(0), when: {progress: 40%, log: x}}\n  - {name: c, faultType: reset, selector: br_to_tikv(0), when: {progress: 140%, count: 2}}\n  - {name: d, faultType: reset, selector: br_to_tikv(0), when: {call: ImportSST/Wriet}}\n  - {name: e, faultType: reset, selector: br_to_tikv(0), when: {call: RawGet, count: 1, answered: 2, node: tikv(3)}}\n  - {name: f, faultType: reset, selector: br_to_tikv(0), when: {log: '(', delay: 1}}\n  - {name: g, faultType: reset, selector: br_to_tikv(0), when: 40%}\n  - {name: h, faults: [{faultType: reset, selector: br_to_tikv(0), at: 1m, when: {log: x}}]}\n  - {name: i, order: sequence, faults: [{faultType: reset, selector: br_to_tikv(0)}, {faultType: reset, selector: br_to_tikv(0), when: {log: x}}]}\n  - {name: j, faultType: reset, selector: br_to_tikv(0), when: {log: x}, period: '@hourly', faultRunTimes: 2}\n".into()),
        ("faults_too_many", "cases:\n  - name: a\n    faults:\n      - &a {faultType: reset, selector: br_to_tikv(0), period: '@every 3m', faultRunTimes: 9000}\n      - *a\n".into()),
        ("faults_against_the_name", "cases:\n  - name: pdleader_kill\n    faults:\n      - {faultType: failure, selector: tikv(0), faultDuration: 1m}\n      - {faultType: freeze, selector: tikv(0), faultDuration: 1m}\n".into()),
        ("name_against_fault", "cases:\n  - name: ha_pdleader_to_pdfollower_all_network_partition\n    faultType: kill\n    selector: pdleader_to_pdfollower(all)\n    faultDuration: 1m\n".into()),
        ("name_against_selector", "cases:\n  - name: tikv_failure\n    faultType: failure\n    selector: pd(leader)\n    faultDuration: 1m\n".into()),
        ("names_twice", "- {name: a, faultType: failure, selector: tikv(0), faultDuration: 1m}\n- {name: a, faultType: failure, selector: tikv(1), faultDuration: 1m}\n".into()),
        ("client_typo", "client: lightening@fixed\ncases: []\n".into()),
        ("client_without_that_revision", "client: br@fix-48355\ncases: []\n".into()),
        ("program_keys", "client:\n  comand: ./load\n  readyy: {}\ncases: []\n".into()),
        ("program_preset", "client: {preset: bra}\ncases: []\n".into()),
        ("program_values", "client:\n  command: [./load, '{pdd}']\n  env: {A: [b]}\n  ready: {port: 1, http: 2}\n  progress: {stdout: 'rows (\\d+)', url: x}\n  dump: {every: 0s}\n  shutdown: {signal: STOP}\n  completes: progress\ncases: []\n".into()),
        ("program_sources", "client:\n  command: ./load\n  ready: {stdout: '('}\n  progress: {json: done.rows, url: https://x}\n  dump: {idle: [[a]]}\ncases: []\n".into()),
        ("program_others", "client:\n  command: ./load\n  copies: 0\n  beside: [{comand: x}]\n  restarts: {at: [soon], signal: STOP}\ncases: []\n".into()),
        ("client_is_a_list", "client: [./load]\ncases: []\n".into()),
        ("sizes", "cluster: {tikv: 0, maxConcurrentStreams: lots, peerOrder: first(9), regions: 3}\nworkload: {regions: 4, batch: 16k, workers: -1}\ncases: []\n".into()),
        ("expect", case(&[fault, tikv, minute, "expect: {outcome: hang, within: 0s, stuckAt: NewStream/quota}"])),
        ("phases", case(&[fault, tikv, minute, "expect: {outcome: stuck, phases: {stedy: {progress: 5%}, steady: {}, fault: {resumesWithin: 2m}, recovery: {progress: 140%, resumesWithin: 2}}}"])),
        ("many_at_once", "cases:\n  - nmae: x\n    faultType: failur\n    selector: tkiv(random)\n    warmUpTime: 1\n    period: \"@evry 3m\"\n    recoverytime: 5\n".into()),
        ("tab", "cases:\n\t- name: a\n".into()),
        ("wide_characters", "cases:\n  - {name: ünïcödé, fäultType: failure, selector: 分区}\n".into()),
        ("merge_key", "cases:\n  - &a {name: a, faultType: failure, selector: tikv(0), faultDuration: 1m}\n  - {<<: *a, name: b}\n".into()),
        ("two_documents", "cases: []\n---\ncases: []\n".into()),
    ]
}

#[test]
fn every_broken_file_is_told_with_its_line_and_its_fix() {
    for (name, text) in broken() {
        let said = load_bytes("case.yaml", text.into_bytes()).map(|_| ()).expect_err(name).to_string();
        assert!(said.contains("--> case.yaml:"), "{name} names no line:\n{said}");
        assert!(said.contains("= help: "), "{name} gives no fix:\n{said}");
        assert!(!said.contains("--> case.yaml:\n"), "{name}:\n{said}");
        insta::assert_snapshot!(name, said);
    }
}

#[test]
fn a_broken_matrix_is_told_as_well() {
    let text = "entries:\n  - file: ../x.yaml\n    case: a\n    clients:\n      lightning@fixd: completed\n      \
                br@fixed: hang\n      br: {outcome: completed, stuckAt: x}\n    runs:\n      - name: tcp\n        world: \
                udp\n      - {name: s, scale: 60}\n  - file: y.yaml\n    clients: {}\n";
    insta::assert_snapshot!(
        "matrix",
        matrix::load_bytes("matrix.yaml", text.into()).unwrap_err().to_string()
    );
    let twice = "entries:\n  - {file: a, case: b, clients: {br@fixed: slow}}\n  - {file: a, case: b, clients: {br@fixed: slow}}\n";
    insta::assert_snapshot!(
        "matrix_twice",
        matrix::load_bytes("matrix.yaml", twice.into()).unwrap_err().to_string()
    );
}

/// Each lint: its name, a file that it finds, and the nearest file that it does not.
fn lints() -> Vec<(&'static str, String, String)> {
    let one =
        |head: &str, case: &str| format!("{head}cases:\n  - name: a\n    {}\n", case.replace("; ", "\n    "));
    let pair = |name, (bad_head, bad): (&str, &str), (good_head, good): (&str, &str)| {
        (name, one(bad_head, bad), one(good_head, good))
    };
    let apart = |name, cluster, bad: &str, (good_cluster, good): (&str, &str)| {
        let case =
            |selector: &str| format!("faultType: network_partition; selector: {selector}; faultDuration: 1m");
        pair(name, (cluster, &case(bad)), (good_cluster, &case(good)))
    };
    let failure = |rest: &str| format!("faultType: failure; selector: tikv(0); faultDuration: 1m{rest}");
    let of_failure = |name, bad: &str, good: &str| pair(name, ("", &failure(bad)), ("", &failure(good)));
    let fault = |name, bad: &str, good: &str| {
        let case = |fault: &str| format!("faultType: {fault}; selector: br_to_all; faultDuration: 1m");
        pair(name, ("", &case(bad)), ("", &case(good)))
    };
    let when = |name, bad: &str, good: &str| {
        let case = |when: &str| format!("faultType: reset; selector: br_to_all; when: {when}");
        pair(name, ("", &case(bad)), ("", &case(good)))
    };
    let cut = |name, fault: &str, bad: &str, good: &str| {
        let case = |within: &str| format!("{fault}; faultDuration: 5m; expect: {{within: {within}}}");
        pair(name, ("", &case(bad)), ("", &case(good)))
    };
    vec![
        apart("all_to_others", "", "tikv(all)_to_tikv(others)", ("", "tikv(random)_to_tikv(others)")),
        apart("to_itself", "", "tikv(0)_to_tikv(0)", ("", "tikv(0)_to_tikv(1)")),
        apart(
            "to_nobody_else",
            "cluster: {tikv: 1}\n",
            "tikv(random)_to_tikv(others)",
            ("cluster: {tikv: 2}\n", "tikv(random)_to_tikv(others)"),
        ),
        apart(
            "leader_of_one",
            "cluster: {pd: 1}\n",
            "pdleader_to_pd(all)",
            ("cluster: {pd: 2}\n", "pdleader_to_pd(all)"),
        ),
        apart("both_in_turn", "", "tikv(each)_to_tikv(each)", ("", "tikv(each)_to_tikv(others)")),
        apart("maybe_itself", "", "tikv(random)_to_tikv(random)", ("", "tikv(random)_to_pd(random)")),
        apart("within_its_zone", "", "az1_to_tikv(all)", ("cluster: {zones: 2}\n", "az1_to_tikv(all)")),
        apart("zone_beyond", "", "az1_to_az2", ("cluster: {zones: 2}\n", "az1_to_az2")),
        apart(
            "zone_without_nodes",
            "cluster: {zones: 4}\n",
            "az1_to_az4",
            ("cluster: {zones: 4, tikv: 4}\n", "az1_to_az4"),
        ),
        pair(
            "another_client",
            ("client: lightning@fixed\n", "faultType: reset; selector: br_to_all"),
            ("client: br@fixed\n", "faultType: reset; selector: br_to_all"),
        ),
        pair(
            "two_clients",
            (
                "",
                "faultType: reset; selector: br_to_all; faults: [{faultType: reset, selector: lightning_to_all}]",
            ),
            (
                "",
                "faultType: reset; selector: br_to_all; faults: [{faultType: reset, selector: client_to_all}]",
            ),
        ),
        pair(
            "scale_in",
            ("", "faultType: scale_in; selector: tikv(0); faultDuration: 1m"),
            ("cluster: {tikv: 4}\n", "faultType: scale_in; selector: tikv(0); faultDuration: 1m"),
        ),
        when("call_of_another_node", "{call: RawGet, node: pd(0)}", "{call: RawGet, node: tikv(0)}"),
        when("call_of_another_store", "{call: PD/*, node: tikv(0)}", "{call: PD/*, node: pd(0)}"),
        when("never_answered", "{call: Tikv/Raft, answered: 1}", "{call: Tikv/RawGet, answered: 1}"),
        when("id_of_a_store", "{call: RawGet, region: 3}", "{call: RawGet, region: 4}"),
        when("id_of_a_peer", "{call: RawGet, region: 9}", "{call: RawGet, region: 8}"),
        pair(
            "region_beyond",
            (
                "cluster: {regions: 2}\n",
                "faultType: reset; selector: br_to_all; when: {call: RawGet, region: 12}",
            ),
            (
                "cluster: {regions: 3}\n",
                "faultType: reset; selector: br_to_all; when: {call: RawGet, region: 12}",
            ),
        ),
        when("any_line", "{log: 'x*'}", "{log: '^$'}"),
        of_failure(
            "within_before_the_fault",
            "; warmUpTime: 2m; expect: {within: 2m}",
            "; warmUpTime: 2m; expect: {within: 2m1s}",
        ),
        pair(
            "within_before_the_list",
            (
                "",
                "expect: {within: 90s}; faults: [{faultType: failure, selector: tikv(0), faultDuration: 1m, at: 30s}]",
            ),
            (
                "",
                "expect: {within: 90s}; faults: [{faultType: failure, selector: tikv(0), faultDuration: 1m, at: 29s}]",
            ),
        ),
        pair(
            "within_before_the_wait_is_over",
            ("", "faultType: reset; selector: br_to_all; when: {log: x, delay: 3m}; expect: {within: 3m}"),
            ("", "faultType: reset; selector: br_to_all; when: {log: x, delay: 2m}; expect: {within: 3m}"),
        ),
        pair(
            "within_before_the_work",
            ("workload: {duration: 5m}\n", &failure("; expect: {within: 4m}")),
            ("workload: {duration: 5m}\n", &failure("; expect: {within: 4m, outcome: slow}")),
        ),
        cut("cut_off", "faultType: blackhole; selector: client_to_all", "6m", "7m"),
        cut("cut_off_from_stores", "faultType: freeze; selector: tikv(all)", "6m", "7m"),
        cut("cut_off_in_part", "faultType: kill; selector: tikv(all)", "6m", "6m, outcome: failed"),
        of_failure("no_recovery", "; recoveryTime: 0s", "; recoveryTime: 0s; expect: {within: 9m}"),
        pair(
            "after_the_work",
            ("workload: {duration: 5m}\n", &failure("; warmUpTime: 5m")),
            ("workload: {duration: 5m}\n", &failure("; warmUpTime: 4m")),
        ),
        fault("no_loss", "network_loss(loss:0%)", "network_loss(loss:1%)"),
        fault("no_corruption", "corrupt(rate:0%)", "corrupt(rate:1%)"),
        fault(
            "everything_overtakes",
            "network_reorder(reorder:100%,latency:1s)",
            "network_reorder(reorder:25%,latency:1s)",
        ),
        fault("no_latency", "h2_delay(delay:0s)", "h2_delay(delay:1s)"),
        fault("nobody_touched", "half_open(toxicity:0%)", "half_open(toxicity:50%)"),
        pair(
            "no_io_delay",
            ("", "faultType: io_delay(delay:0s); selector: tikv(0); faultDuration: 1m"),
            ("", "faultType: io_delay(delay:1s); selector: tikv(0); faultDuration: 1m"),
        ),
        of_failure(
            "once_with_a_period",
            "; period: \"@every 3m\"; faultRunTimes: 1",
            "; period: \"@every 3m\"; faultRunTimes: 2",
        ),
        of_failure(
            "room_for_one",
            "; period: \"@every 3m\"; faultTotalRunTime: 3m",
            "; period: \"@every 3m\"; faultTotalRunTime: 4m",
        ),
        of_failure(
            "one_long_fault",
            "; period: \"@every 1m\"; faultRunTimes: 3",
            "; period: \"@every 61s\"; faultRunTimes: 3",
        ),
        pair(
            "first_of_no_store",
            (
                "cluster: {peerOrder: faulted-first}\n",
                "faultType: failure; selector: pd(0); faultDuration: 1m",
            ),
            ("cluster: {peerOrder: faulted-first}\n", "faultType: reset; selector: br_to_all"),
        ),
    ]
}

#[test]
fn what_cannot_be_meant_is_told_once_with_its_line_and_its_fix() {
    let mut wrong = vec![];
    for (name, text, _) in lints() {
        let found =
            load_bytes("case.yaml", text.into_bytes()).map_or_else(|found| found, |file| file.warnings);
        let said = found.to_string();
        if found.problems.len() == 1 && said.contains("--> case.yaml:") && said.contains("= help: ") {
            insta::assert_snapshot!(format!("lint_{name}"), said);
        } else {
            wrong.push(format!("{name}:\n{said}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A lint that always speaks would pass the test above.
#[test]
fn the_good_twin_of_each_loads_without_a_warning() {
    let mut wrong = vec![];
    for (name, _, text) in lints() {
        let found =
            load_bytes("case.yaml", text.into_bytes()).map_or_else(|found| found, |file| file.warnings);
        if !found.problems.is_empty() {
            wrong.push(format!("{name}:\n{found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
