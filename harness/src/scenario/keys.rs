//! Every key of a scenario file, in one table: the loader reads it, the JSON schema is made of it.

mod case;

pub(crate) use self::case::{CASE, EXPECT, FAULT, ORDERS, PHASE, PHASES, RECOVERY_PHASE, WHEN};
use super::suggest::list;

/// A key of a mapping.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    /// As written.
    pub(crate) name: &'static str,
    /// What may stand there.
    pub(crate) shape: Shape,
    /// For editors.
    pub(crate) doc: &'static str,
    /// What to write where it is missing; empty for a key that need not be there.
    pub(crate) example: &'static str,
}

/// What may stand at a key.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    /// Any text.
    Text,
    /// `1h30m`
    Duration,
    /// `1h30m`, or `10s..1m`
    Spread,
    /// `40%`, or a number
    Amount,
    /// `"@every 3m"`, or cron
    Period,
    /// `16KiB`
    Size,
    /// A whole number within bounds.
    Count(u32, u32),
    /// A whole number, or `unlimited`.
    Streams,
    /// `shuffled`, `faulted-first` or `first(ID)`.
    PeerOrder,
    /// `true` or `false`.
    Flag,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A fault type, with or without parameters.
    FaultType,
    /// A selector.
    Selector,
    /// `name@revision`, or a program.
    Client,
    /// A list of texts.
    Texts,
    /// A mapping of texts.
    TextMap,
    /// A large whole number.
    Number,
    /// `2`, `50%`
    Share,
    /// `client@revision: expectation`, any number of them.
    Clients,
    /// A mapping.
    Map(&'static [Key]),
    /// A list of mappings.
    List(&'static [Key]),
    /// Anything: QA's own runner reads it, and nothing here can carry it out.
    LeftOut(LeftOut),
    /// A scenario in a block of text (`|`), or as a mapping.
    Scenario,
}

/// Why a key of QA's is not carried out, and what to do instead.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LeftOut {
    pub(crate) why: &'static str,
    pub(crate) instead: &'static str,
}

const fn key(name: &'static str, shape: Shape, doc: &'static str) -> Key {
    Key { name, shape, doc, example: "" }
}

const fn left_out(name: &'static str, why: &'static str, instead: &'static str, doc: &'static str) -> Key {
    Key { name, shape: Shape::LeftOut(LeftOut { why, instead }), doc, example: "" }
}

const fn must(name: &'static str, shape: Shape, example: &'static str, doc: &'static str) -> Key {
    Key { name, shape, doc, example }
}

/// The outcomes that a case can expect.
pub(crate) const OUTCOMES: [&str; 4] = ["completed", "slow", "stuck", "failed"];

/// The file, in the form of a mapping.
pub(crate) const FILE: &[Key] = &[
    key(
        "client",
        Shape::Client,
        "The client under test, `name@revision` or a program; `--client` overrides it.",
    ),
    key("cluster", Shape::Map(CLUSTER), "The cluster to start."),
    key("workload", Shape::Map(WORKLOAD), "The size of the job."),
    must(
        "cases",
        Shape::List(CASE),
        "[{name: …, faultType: …, selector: …}]",
        "What to inject, where, when, and what is expected.",
    ),
    key("tag", Shape::Text, "QA's name for the run; free text."),
    left_out(
        "workloads",
        "there is no SQL to put load on",
        "the client under test is the load: its size is `workload`",
        "QA's SQL load. Named when the case runs; not carried out.",
    ),
    left_out(
        "tidbGlobalVariables",
        "there is no TiDB that has variables",
        "settings of a client are its revision, or its `args` and `env` where it is a program",
        "TiDB's variables. Named when the case runs; not carried out.",
    ),
];

/// QA's wrapper around a whole scenario; a file can have a list of them.
pub(crate) const CONFIG: &[Key] = &[
    must(
        "name",
        Shape::Text,
        "config_ha_pdleader_kill",
        "What the config is called; its cases have names of their own.",
    ),
    must("default", Shape::Scenario, "|", "The scenario: the keys of a file, `cases` among them."),
];

/// `cluster:`
pub(crate) const CLUSTER: &[Key] = &[
    key("pd", Shape::Count(1, 9), "PD members (default 3)."),
    key("tikv", Shape::Count(1, 100), "Stores (default 3)."),
    key(
        "zones",
        Shape::Count(1, 9),
        "Zones, `az1`, `az2`, …: stores and members are spread over them in turn, the client is in `az1` (default 1).",
    ),
    key(
        "regions",
        Shape::Count(1, 100_000),
        "Regions, the units of work (default 64 for lightning, 240 for br).",
    ),
    key(
        "mode",
        Shape::Word(&["raw", "raw-ttl", "txn", "v2"]),
        "What the stores hold: raw keys (the default), raw keys with times to live, transactional keys, API V2.",
    ),
    key("keysPerRegion", Shape::Count(1, 1_000_000), "Keys in each region (default 4)."),
    key(
        "maxConcurrentStreams",
        Shape::Streams,
        "HTTP/2 streams that a store allows on one connection, or `unlimited` (default 1024, TiKV's).",
    ),
    key(
        "peerOrder",
        Shape::PeerOrder,
        "In which order regions list their peers: `shuffled` (default), `faulted-first` (the store of the first fault \
         is always first), or `first(ID)`.",
    ),
];

/// `workload:`
pub(crate) const WORKLOAD: &[Key] = &[
    key("regions", Shape::Count(1, 100_000), "The same as `cluster.regions`."),
    key(
        "batches",
        Shape::Count(1, 10_000),
        "Batches that lightning sends for one region, keys that raw_kv puts into one (default 8).",
    ),
    key("batch", Shape::Size, "Size of one batch (default 16KiB, lightning's send-kv-size)."),
    key(
        "workers",
        Shape::Count(1, 10_000),
        "Concurrent jobs (default 32, twice lightning's range-concurrency; 8 for raw_kv).",
    ),
    key(
        "connections",
        Shape::Count(1, 1_000),
        "Connections to each store (default 16, lightning's range-concurrency).",
    ),
    key(
        "duration",
        Shape::Duration,
        "About how long the job takes without faults (default: twice the warm-up, 30 % of the plan, or ten restart \
         periods of the client, whichever is longest).",
    ),
];

/// `client:`, for a program.
pub(crate) const PROGRAM: &[Key] = &[
    key(
        "preset",
        Shape::Text,
        "What is known of a program, by its name; keys given here replace the preset's.",
    ),
    key(
        "name",
        Shape::Text,
        "What it is called in selectors and reports (default: the command's file name).",
    ),
    key("revision", Shape::Text, "Which version or build it is, for reports (default `program`)."),
    key(
        "command",
        Shape::Texts,
        "The program; a list gives its first arguments too. `{pd}`, `{pd_urls}`, `{work_dir}`, `{dir}` (the scenario's \
         folder), `{status_addr}` (a free port), `{index}` (of `copies`) and `{seed}` are filled in, also in `args`, `env` and addresses.",
    ),
    key("args", Shape::Texts, "Its arguments; those of a preset follow them."),
    key("env", Shape::TextMap, "Environment variables besides the harness's own."),
    key("workDir", Shape::Text, "Where it runs (default: an empty folder that is gone afterwards)."),
    key("ready", Shape::Map(READY), "When it counts as started (default: at once)."),
    key("progress", Shape::Map(PROGRESS), "Where its progress is read (default: what the cluster sees)."),
    key("dump", Shape::Map(DUMP), "Where its task dumps come from (default: nowhere)."),
    key("shutdown", Shape::Map(SHUTDOWN), "How it is asked to end (default SIGTERM, and SIGKILL after 5s)."),
    key("timers", Shape::Map(TIMERS), "Its timers, as far as the verdict must know them."),
    key(
        "completes",
        Shape::Word(&["exit", "progress"]),
        "When its work is done: at exit code 0 (default), or when the progress reaches `progress.total`.",
    ),
    key("scale", Shape::Count(1, 10_000), "By how much the durations of the cases are divided (default 1)."),
    key(
        "copies",
        Shape::Count(1, 1_000),
        "How many of it run at once; all must end well. `{index}` counts them from 0.",
    ),
    key("restarts", Shape::Map(RESTARTS), "When it is ended and started again."),
    key(
        "beside",
        Shape::List(COMPANION),
        "Programs that run beside it from the start to its end; none may fail.",
    ),
];

/// `client.restarts:`
pub(crate) const RESTARTS: &[Key] = &[
    must("at", Shape::Texts, "[30s]", "How long after its start, each time."),
    key("signal", Shape::Word(&["KILL", "TERM", "INT", "HUP"]), "The signal that ends it (default KILL)."),
    key("pause", Shape::Duration, "How long it is away (default 1s)."),
];

/// One of `client.beside:`.
pub(crate) const COMPANION: &[Key] = &[
    key("name", Shape::Text, "What it is called in reports (default: the command's file name)."),
    must("command", Shape::Texts, "./load", "The program; a list gives its first arguments too."),
    key("args", Shape::Texts, "Its arguments."),
    key("env", Shape::TextMap, "Environment variables besides the harness's own."),
    key("workDir", Shape::Text, "Where it runs (default: an empty folder that is gone afterwards)."),
    key("ready", Shape::Map(READY), "When it counts as started (default: at once)."),
    key("shutdown", Shape::Map(SHUTDOWN), "How it is asked to end (default SIGTERM, and SIGKILL after 5s)."),
];

/// `client.ready:`, one of the first four.
pub(crate) const READY: &[Key] = &[
    key("port", Shape::Text, "An address that accepts connections."),
    key("http", Shape::Text, "An address that answers 200."),
    key("stdout", Shape::Text, "A regular expression that a line on stdout matches."),
    key("stderr", Shape::Text, "A regular expression that a line on stderr matches."),
    key("within", Shape::Duration, "How long that may take (default 30s)."),
];

/// `client.progress:`, one of the first six.
pub(crate) const PROGRESS: &[Key] = &[
    key(
        "cluster",
        Shape::Word(&["work", "rows", "keys", "ranges", "bytes"]),
        "What the cluster sees: rows put, keys ingested, ranges backed up, all of these (`work`, default), or bytes \
         through the proxies.",
    ),
    key(
        "metric",
        Shape::Text,
        "A Prometheus metric, `rows_total` or `rows_total{kind=\"a\"}`; what matches is summed.",
    ),
    key("json", Shape::Text, "A JSON pointer to a number, `/done`."),
    key(
        "stdout",
        Shape::Text,
        "A regular expression with a group `done` (and perhaps `total`) for lines on stdout.",
    ),
    key("stderr", Shape::Text, "The same for stderr."),
    key("file", Shape::Text, "The same for lines of this file; the expression is `regex`."),
    key("regex", Shape::Text, "With `file`: the expression."),
    key("url", Shape::Text, "With `metric` or `json`: where to ask."),
    key("every", Shape::Duration, "With `metric`, `json` or `file`: how often (default 1s)."),
    key("total", Shape::Number, "How much there is to do."),
    key("unit", Shape::Text, "What is counted (default: as the source says, else `units`)."),
];

/// `client.dump:`
pub(crate) const DUMP: &[Key] = &[
    key("pprof", Shape::Text, "The address of Go's net/http/pprof: `{status_addr}`."),
    key("debug", Shape::Count(1, 2), "With `pprof`: the form of the dump (default 2: every goroutine)."),
    key("command", Shape::Texts, "A command that prints a dump; `{pid}` is filled in."),
    key("file", Shape::Text, "A file that holds the latest dump."),
    key(
        "signal",
        Shape::Word(&["QUIT", "ABRT", "USR1", "USR2", "HUP"]),
        "A signal that makes it print a dump. `QUIT` and `ABRT` end a program: they are sent last, and only if \
         nothing else gave a dump.",
    ),
    key(
        "prints",
        Shape::Word(&["stderr", "stdout"]),
        "With `signal`: where the dump is printed (default stderr).",
    ),
    key("every", Shape::Duration, "How often (default 5s)."),
    key("within", Shape::Duration, "How long one dump may take (default 5s)."),
    key("idle", Shape::Texts, "Parts of the names of functions in which a task may wait for ever."),
];

/// `client.shutdown:`
pub(crate) const SHUTDOWN: &[Key] = &[
    key("signal", Shape::Word(&["TERM", "INT", "HUP", "KILL"]), "The signal (default TERM)."),
    key("grace", Shape::Duration, "How long it has to end before it is killed (default 5s)."),
];

/// `client.timers:`
pub(crate) const TIMERS: &[Key] = &[
    key("longest", Shape::Duration, "Its longest timer: deadline, keepalive, retry (default 30s)."),
    key("backoffCap", Shape::Duration, "The longest it waits between two attempts (default 10s)."),
];

/// `matrix.yaml`
pub(crate) const MATRIX: &[Key] = &[must(
    "entries",
    Shape::List(ENTRY),
    "[{file: …, case: …, clients: …}]",
    "For each case, what each client revision does with it.",
)];

/// One entry of `matrix.yaml`.
pub(crate) const ENTRY: &[Key] = &[
    must("file", Shape::Text, "tidb-46321-tikv-failure.yaml", "The scenario file, beside this one."),
    must("case", Shape::Text, "tikv_failure", "The name of a case in it."),
    must(
        "clients",
        Shape::Clients,
        "{lightning@fixed: completed}",
        "`client@revision: outcome`, or `{outcome, stuckAt, within, phases}`. The first one is the \
          client that the case is run with when nothing else says so.",
    ),
    key("class", Shape::Word(&CLASSES), "What kind of trouble it stands for, in the catalogue."),
    key("issue", Shape::Text, "Where it was reported: `tidb 46321`; several, with commas."),
    key("control", Shape::Flag, "Whether it shows that the class is not found where it is not."),
    key("runs", Shape::List(RUN), "More runs of the same case, in another world or with other sizes."),
];

/// The kinds of trouble that the catalogue has cases of, each with a control.
pub(crate) const CLASSES: [&str; 18] = [
    "quota-leak",
    "header-wait",
    "full-partition",
    "false-new-store",
    "no-response",
    "one-silent-store",
    "refused-store",
    "pd-leader-change",
    "pd-follower",
    "tso-stream",
    "bandwidth",
    "delay",
    "periodic-loss",
    "address-change",
    "eof-on-send",
    "slow-handler",
    "one-way",
    "cluster-moves",
];

/// One of an entry's `runs`.
pub(crate) const RUN: &[Key] = &[
    must("name", Shape::Text, "tikv_failure", "What the run is called."),
    key("world", Shape::Word(&["sim", "tcp"]), "Where it is run (default sim)."),
    key("scale", Shape::Count(1, 10_000), "By how much durations are divided (default 1)."),
    key(
        "faultDuration",
        Shape::Duration,
        "Replaces the case's, where a floor of the scale would outlast it.",
    ),
    key("cluster", Shape::Map(CLUSTER), "Overrides the file's."),
    key("workload", Shape::Map(WORKLOAD), "Overrides the file's."),
    key("clients", Shape::Clients, "What these clients do in this run (default: as the entry says)."),
];

impl Key {
    /// Whether it must be there.
    pub(crate) fn required(&self) -> bool {
        !self.example.is_empty()
    }
}

impl Shape {
    /// What to write, for a value of another type.
    pub(crate) fn hint(self) -> String {
        match self {
            Self::Text => "write a text".into(),
            Self::Duration => "write a duration such as `90s`, `1h30m` or `250ms`".into(),
            Self::Spread => "write a duration such as `90s`, or bounds such as `10s..1m`".into(),
            Self::Amount => "write a share such as `40%`, or a whole number from 1".into(),
            Self::Period => "write a period such as `\"@every 3m\"`".into(),
            Self::Size => "write a size such as `16KiB` or `1MiB`".into(),
            Self::Count(low, high) => format!("write a whole number from {low} to {high}"),
            Self::Streams => "write a whole number from 1 to 1000000, or `unlimited`".into(),
            Self::PeerOrder => "write `shuffled`, `faulted-first` or `first(ID)`".into(),
            Self::Flag => "write `true` or `false`".into(),
            Self::Word(words) => format!("choose from {}", list(words)),
            Self::FaultType => "as in `failure`, or `stall_read(then:reset)`".into(),
            Self::Selector => "as in `tikv(random)` or `br_to_all`".into(),
            Self::Client => "as in `lightning@as-reported`, or `{command: …}`".into(),
            Self::Texts => "write a list of texts".into(),
            Self::TextMap => "write `{NAME: value}`".into(),
            Self::Number => "write a whole number from 1".into(),
            Self::Share => "write a whole number from 1 to 100".into(),
            Self::Clients => "as in `{lightning@fixed: completed}`".into(),
            Self::Map(keys) => format!("its keys are {}", names(keys)),
            Self::List(_) => "each item begins with `- `".into(),
            Self::LeftOut(LeftOut { instead, .. }) => instead.into(),
            Self::Scenario => "write `default: |`, and the scenario indented below it".into(),
        }
    }
}

/// Every key of a table, in words.
pub(crate) fn names(keys: &[Key]) -> String {
    list(&keys.iter().map(|k| k.name).collect::<Vec<_>>())
}

/// The mapping that a key belongs to, if it stands in the wrong one.
pub(crate) fn home(name: &str) -> Option<&'static str> {
    let homes = [
        ("`cluster`", CLUSTER),
        ("`workload`", WORKLOAD),
        ("a case", CASE),
        ("one of `faults`", FAULT),
        ("`expect`", EXPECT),
        ("the file", FILE),
        ("`client`", PROGRAM),
        ("a config", CONFIG),
    ];
    homes.into_iter().find(|(_, keys)| keys.iter().any(|k| k.name == name)).map(|(home, _)| home)
}
