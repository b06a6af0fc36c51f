//! An example of every key, by mapping, in the order of the reference.

/// A mapping of the reference.
pub(crate) struct Section {
    pub(crate) title: &'static str,
    /// Where it stands, in a sentence.
    pub(crate) about: &'static str,
    pub(crate) root: Root,
    /// A whole file that is right,
    pub(crate) base: &'static str,
    /// and the place of the mapping in it, as a JSON pointer.
    pub(crate) at: &'static str,
    /// Each key with an example that has it, and what it needs beside it.
    pub(crate) examples: &'static [(&'static str, &'static str)],
}

/// What a file is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Root {
    Scenario,
    Config,
    Matrix,
}

/// A case of a node.
pub(crate) const CASE: &str =
    "cases: [{name: a, faultType: failure, selector: tikv(0), faultDuration: 1m, expect: {}}]";
/// A file with sizes.
pub(crate) const SIZES: &str = "{cluster: {}, workload: {}, cases: [{name: a, faultType: failure, selector: tikv(0), faultDuration: 1m}]}";
/// A case with demands on each phase.
const PHASED: &str = "cases: [{name: a, faultType: failure, selector: tikv(0), faultDuration: 1m, expect: {phases: {steady: {progress: 1}, \
                      recovery: {progress: 1}}}}]";
const MATRIX: &str =
    "entries: [{file: a.yaml, case: a, clients: {br@fixed: completed}, runs: [{name: small}]}]";

/// A file whose client is a program with this, too.
macro_rules! program {
    ($more:literal) => {
        concat!(
            "{client: {command: ./load",
            $more,
            "}, cases: [{name: a, faultType: failure, selector: tikv(0), faultDuration: 1m}]}"
        )
    };
}

pub(crate) const SECTIONS: &[Section] = &[
    Section {
        title: "A file",
        about: "The top of a scenario file. A bare list of cases is a file, too.",
        root: Root::Scenario,
        base: SIZES,
        at: "",
        examples: &[
            ("cases", "cases: [{name: a, faultType: failure, selector: tikv(0), faultDuration: 1m}]"),
            ("client", "client: lightning@fixed"),
            ("cluster", "cluster: {tikv: 5}"),
            ("workload", "workload: {duration: 10m}"),
            ("tag", "tag: ha-test"),
            ("workloads", "workloads: [{type: sysbench, threads: 64}]"),
            ("tidbGlobalVariables", "tidbGlobalVariables: {tidb_enable_ddl: 'ON'}"),
        ],
    },
    Section {
        title: "`cases:`",
        about: "One item of the list. It has `faultType` and `selector`, or `faults`.",
        root: Root::Scenario,
        base: CASE,
        at: "/cases/0",
        examples: &[
            ("name", "name: tikv_failure"),
            ("faultType", "faultType: failure"),
            ("selector", "selector: tikv(random)"),
            ("mode", "selector: tikv, mode: fixed, value: 2"),
            ("value", "selector: tikv, mode: fixed-percent, value: 50%"),
            ("direction", "faultType: network_partition, selector: br_to_all, direction: to"),
            ("warmUpTime", "warmUpTime: 1m"),
            ("faultDuration", "faultDuration: 10s..1m"),
            ("recoveryTime", "recoveryTime: 10m"),
            ("period", "period: '@every 3m', faultRunTimes: 5"),
            ("faultRunTimes", "period: '@every 3m', faultRunTimes: 5"),
            ("faultTotalRunTime", "period: '@every 3m', faultTotalRunTime: 30m"),
            ("faults", "faults: [{faultType: reset, selector: br_to_tikv(0), at: 2m}]"),
            ("order", "order: sequence, faults: [{faultType: reset, selector: br_to_tikv(0)}]"),
            ("when", "when: {progress: 40%}"),
            ("expect", "expect: {within: 20m}"),
            ("ddl", "ddl: 'ALTER TABLE t ADD INDEX (a)'"),
        ],
    },
    Section {
        title: "`faults:`",
        about: "One item of a case's list; see [schedules.md](schedules.md).",
        root: Root::Scenario,
        base: "cases: [{name: a, faults: [{faultType: failure, selector: tikv(1), faultDuration: 1m}, {faultType: failure, selector: \
               tikv(0), faultDuration: 1m}]}]",
        at: "/cases/0/faults/1",
        examples: &[
            ("faultType", "faultType: freeze"),
            ("selector", "selector: pd(leader)"),
            ("mode", "selector: tikv, mode: one"),
            ("value", "selector: tikv, mode: fixed, value: 2"),
            ("direction", "faultType: blackhole, selector: client_to_tikv(all), direction: from"),
            ("faultDuration", "faultDuration: 90s"),
            ("period", "period: '*/10 * * * *', faultRunTimes: 3"),
            ("faultRunTimes", "period: '@every 1m..5m', faultDuration: 10s, faultRunTimes: 5"),
            ("faultTotalRunTime", "period: '@every 3m', faultTotalRunTime: 1h"),
            ("at", "at: 30s"),
            ("after", "after: 30s"),
            ("when", "when: {call: ImportSST/Write}"),
        ],
    },
    Section {
        title: "`when:`",
        about: "Of a case, or of one of its faults: see [triggers](schedules.md#triggers).",
        root: Root::Scenario,
        base: "cases: [{name: a, faultType: failure, selector: tikv(0), faultDuration: 1m, when: {}}]",
        at: "/cases/0/when",
        examples: &[
            ("progress", "progress: 40%"),
            ("call", "call: ImportSST/Write"),
            ("log", "log: 'restored .* files'"),
            ("count", "call: RawGet, count: 30"),
            ("answered", "call: ImportSST/MultiIngest, answered: 1"),
            ("node", "call: RawGet, node: tikv(0)"),
            ("region", "call: ImportSST/Write, region: 12"),
            ("delay", "progress: 40%, delay: 10s"),
        ],
    },
    Section {
        title: "`expect:`",
        about: "Of a case, and in a matrix of a client.",
        root: Root::Scenario,
        base: CASE,
        at: "/cases/0/expect",
        examples: &[
            ("outcome", "outcome: completed"),
            ("within", "within: 20m"),
            ("stuckAt", "outcome: stuck, stuckAt: NewStream/quota"),
            ("phases", "phases: {recovery: {resumesWithin: 2m}}"),
        ],
    },
    Section {
        title: "`expect.phases:`",
        about: "What is demanded of each phase; see [schedules.md](schedules.md).",
        root: Root::Scenario,
        base: PHASED,
        at: "/cases/0/expect/phases",
        examples: &[
            ("steady", "steady: {progress: 5%}"),
            ("fault", "fault: {progress: 1}"),
            ("recovery", "recovery: {progress: 10%, resumesWithin: 2m}"),
        ],
    },
    Section {
        title: "`expect.phases.steady:` and `fault:`",
        about: "What has to be done before the first fault, or while faults come and go.",
        root: Root::Scenario,
        base: PHASED,
        at: "/cases/0/expect/phases/steady",
        examples: &[("progress", "progress: 5%")],
    },
    Section {
        title: "`expect.phases.recovery:`",
        about: "What has to be done after the last heal, and how soon it goes on.",
        root: Root::Scenario,
        base: PHASED,
        at: "/cases/0/expect/phases/recovery",
        examples: &[("progress", "progress: 10%"), ("resumesWithin", "resumesWithin: 2m")],
    },
    Section {
        title: "`cluster:`",
        about: "Of a file, and of a run in a matrix.",
        root: Root::Scenario,
        base: SIZES,
        at: "/cluster",
        examples: &[
            ("pd", "pd: 3"),
            ("tikv", "tikv: 5"),
            ("zones", "zones: 2"),
            ("regions", "regions: 640"),
            ("mode", "mode: txn"),
            ("keysPerRegion", "keysPerRegion: 16"),
            ("maxConcurrentStreams", "maxConcurrentStreams: 32"),
            ("peerOrder", "peerOrder: faulted-first"),
        ],
    },
    Section {
        title: "`workload:`",
        about: "Of a file, and of a run in a matrix.",
        root: Root::Scenario,
        base: SIZES,
        at: "/workload",
        examples: &[
            ("regions", "regions: 640"),
            ("batches", "batches: 4"),
            ("batch", "batch: 16KiB"),
            ("workers", "workers: 8"),
            ("connections", "connections: 2"),
            ("duration", "duration: 10m"),
        ],
    },
    Section {
        title: "`client:`",
        about: "A program as the client. It has `command`, or a `preset` that has one.",
        root: Root::Scenario,
        base: program!(""),
        at: "/client",
        examples: &[
            ("command", "command: [./load, --pd, '{pd}']"),
            ("preset", "preset: br, args: [backup, raw]"),
            ("name", "name: loader"),
            ("revision", "revision: v8.1.0"),
            ("args", "args: [--status, '{status_addr}']"),
            ("env", "env: {GRPC_GO_LOG_SEVERITY_LEVEL: info}"),
            ("workDir", "workDir: /tmp/load"),
            ("ready", "ready: {port: '{status_addr}'}"),
            ("progress", "progress: {cluster: rows}"),
            ("dump", "dump: {pprof: '{status_addr}'}"),
            ("shutdown", "shutdown: {signal: INT, grace: 10s}"),
            ("timers", "timers: {longest: 1m}"),
            ("completes", "completes: progress, progress: {cluster: rows, total: 1000}"),
            ("scale", "scale: 10"),
            ("copies", "copies: 3"),
            ("restarts", "restarts: {at: [30s, 1m]}"),
            ("beside", "beside: [{command: ./other}]"),
        ],
    },
    Section {
        title: "`client.ready:`",
        about: "When a program counts as started: one of the first four.",
        root: Root::Scenario,
        base: program!(", ready: {}"),
        at: "/client/ready",
        examples: &[
            ("port", "port: '{status_addr}'"),
            ("http", "http: 'http://{status_addr}/status'"),
            ("stdout", "stdout: '^ready'"),
            ("stderr", "stderr: 'listening on'"),
            ("within", "port: '{status_addr}', within: 1m"),
        ],
    },
    Section {
        title: "`client.progress:`",
        about: "Where a program's progress is read: one of the first six.",
        root: Root::Scenario,
        base: program!(", progress: {}"),
        at: "/client/progress",
        examples: &[
            ("cluster", "cluster: rows"),
            ("metric", "metric: rows_total, url: 'http://{status_addr}/metrics'"),
            ("json", "json: /done, url: 'http://{status_addr}/status'"),
            ("stdout", "stdout: 'rows (?<done>\\d+)'"),
            ("stderr", "stderr: '(?<done>\\d+) of (?<total>\\d+)'"),
            ("file", "file: load.log, regex: 'rows (?<done>\\d+)'"),
            ("regex", "file: load.log, regex: '(?<done>\\d+) of (?<total>\\d+)'"),
            ("url", "json: /rows, url: 'http://{status_addr}/status'"),
            ("every", "metric: rows_total, url: 'http://{status_addr}/metrics', every: 5s"),
            ("total", "cluster: rows, total: 1000"),
            ("unit", "stdout: 'rows (?<done>\\d+)', unit: rows"),
        ],
    },
    Section {
        title: "`client.dump:`",
        about: "Where a program's task dumps come from. Several may be given.",
        root: Root::Scenario,
        base: program!(", dump: {}"),
        at: "/client/dump",
        examples: &[
            ("pprof", "pprof: '{status_addr}'"),
            ("debug", "pprof: '{status_addr}', debug: 1"),
            ("command", "command: [py-spy, dump, --pid, '{pid}']"),
            ("file", "file: '{work_dir}/dump.txt'"),
            ("signal", "signal: QUIT"),
            ("prints", "signal: USR1, prints: stdout"),
            ("every", "pprof: '{status_addr}', every: 10s"),
            ("within", "pprof: '{status_addr}', within: 2s"),
            ("idle", "pprof: '{status_addr}', idle: [main.serve]"),
        ],
    },
    Section {
        title: "`client.shutdown:`",
        about: "How a program is asked to end.",
        root: Root::Scenario,
        base: program!(", shutdown: {}"),
        at: "/client/shutdown",
        examples: &[("signal", "signal: INT"), ("grace", "grace: 10s")],
    },
    Section {
        title: "`client.timers:`",
        about: "What the verdict must know of a program.",
        root: Root::Scenario,
        base: program!(", timers: {}"),
        at: "/client/timers",
        examples: &[("longest", "longest: 1m"), ("backoffCap", "backoffCap: 5s")],
    },
    Section {
        title: "`client.restarts:`",
        about: "When a program is ended and started again.",
        root: Root::Scenario,
        base: program!(", restarts: {at: [30s]}"),
        at: "/client/restarts",
        examples: &[("at", "at: [30s, 1m]"), ("signal", "signal: TERM"), ("pause", "pause: 5s")],
    },
    Section {
        title: "`client.beside:`",
        about: "One of the programs that run beside it.",
        root: Root::Scenario,
        base: program!(", beside: [{command: ./other}]"),
        at: "/client/beside/0",
        examples: &[
            ("command", "command: [./gc, --pd, '{pd}']"),
            ("name", "name: gc"),
            ("args", "args: [--every, 10s]"),
            ("env", "env: {LEVEL: debug}"),
            ("workDir", "workDir: /tmp/gc"),
            ("ready", "ready: {stdout: started}"),
            ("shutdown", "shutdown: {signal: TERM, grace: 1s}"),
        ],
    },
    Section {
        title: "QA's configs",
        about: "A wrapper around a whole scenario. A file is one, or a list of them.",
        root: Root::Config,
        base: "{name: a, default: {cases: [{name: a, faultType: failure, selector: tikv(0), faultDuration: 1m}]}}",
        at: "",
        examples: &[
            ("name", "name: config_ha_pdleader_kill"),
            (
                "default",
                "default: {cases: [{name: a, faultType: kill, selector: pd(leader), faultDuration: 1m}]}",
            ),
        ],
    },
    Section {
        title: "`matrix.yaml`",
        about: "The top of a folder's matrix.",
        root: Root::Matrix,
        base: MATRIX,
        at: "",
        examples: &[("entries", "entries: [{file: a.yaml, case: a, clients: {br@fixed: completed}}]")],
    },
    Section {
        title: "`entries:`",
        about: "One item of a matrix.",
        root: Root::Matrix,
        base: MATRIX,
        at: "/entries/0",
        examples: &[
            ("file", "file: tidb-46321-tikv-failure.yaml"),
            ("case", "case: tikv_failure"),
            (
                "clients",
                "clients: {br@as-reported: {outcome: stuck, stuckAt: livelock}, br@fixed: completed}",
            ),
            ("class", "class: quota-leak"),
            ("issue", "issue: tidb 46321"),
            ("control", "control: true, class: quota-leak"),
            ("runs", "runs: [{name: tcp, world: tcp, scale: 60}]"),
        ],
    },
    Section {
        title: "`runs:`",
        about: "One more run of an entry's case.",
        root: Root::Matrix,
        base: MATRIX,
        at: "/entries/0/runs/0",
        examples: &[
            ("name", "name: reduced"),
            ("world", "world: tcp"),
            ("scale", "world: tcp, scale: 60"),
            ("faultDuration", "faultDuration: 2m"),
            ("cluster", "cluster: {maxConcurrentStreams: 32}"),
            ("workload", "workload: {connections: 2}"),
            ("clients", "clients: {br@fixed: {outcome: completed, within: 100m}}"),
        ],
    },
];
