//! The keys of a case.

use super::super::mode::MODES;
use super::{Key, OUTCOMES, Shape, key, left_out, must};

/// How the faults of a case follow each other.
pub(crate) const ORDERS: [&str; 2] = ["together", "sequence"];

/// One case. `faultType` and `selector` must be there unless `faults` is.
pub(crate) const CASE: &[Key] = &[
    must(
        "name",
        Shape::Text,
        "tikv_failure",
        "What the case is called; must not contradict its fault type or selector.",
    ),
    key("faultType", Shape::FaultType, FAULT_TYPE),
    key("selector", Shape::Selector, SELECTOR),
    key("mode", Shape::Word(&MODES), MODE),
    key("value", Shape::Share, VALUE),
    key("direction", Shape::Word(&["to", "from", "both"]), DIRECTION),
    key("warmUpTime", Shape::Duration, "From the client's start to the first fault (default 1m)."),
    key("faultDuration", Shape::Spread, FAULT_DURATION),
    key(
        "recoveryTime",
        Shape::Duration,
        "What the client is granted beyond its own work and the faults (default 5m).",
    ),
    key("period", Shape::Period, PERIOD),
    key("faultRunTimes", Shape::Count(1, 10_000), RUN_TIMES),
    key("faultTotalRunTime", Shape::Duration, TOTAL_RUN_TIME),
    key("faults", Shape::List(FAULT), "More faults, or all of them; each begins when the warm-up is over."),
    key("when", Shape::Map(WHEN), WHEN_DOC),
    key(
        "order",
        Shape::Word(&ORDERS),
        "How the faults follow each other: `together` (default; each begins at its `at`) or `sequence` (each begins \
         when the one before has healed for the last time).",
    ),
    key("expect", Shape::Map(EXPECT), "What is expected (default: the work is done, right, and in time)."),
    left_out(
        "ddl",
        "no TiDB adds an index here",
        "the ingest path of `ADD INDEX` is lightning's: `client: lightning@fixed` takes it",
        "DDL to run during the case. Named when the case runs; not carried out.",
    ),
];

/// One of `faults:`
pub(crate) const FAULT: &[Key] = &[
    must("faultType", Shape::FaultType, "failure", FAULT_TYPE),
    must("selector", Shape::Selector, "tikv(random)", SELECTOR),
    key("mode", Shape::Word(&MODES), MODE),
    key("value", Shape::Share, VALUE),
    key("direction", Shape::Word(&["to", "from", "both"]), DIRECTION),
    key("faultDuration", Shape::Spread, FAULT_DURATION),
    key("period", Shape::Period, PERIOD),
    key("faultRunTimes", Shape::Count(1, 10_000), RUN_TIMES),
    key("faultTotalRunTime", Shape::Duration, TOTAL_RUN_TIME),
    key(
        "at",
        Shape::Duration,
        "From the end of the warm-up to its first injection (default 0); with `order: sequence` from the last heal of \
         the fault before it.",
    ),
    key("after", Shape::Duration, "From the last heal of the fault before it to its first injection."),
    key("when", Shape::Map(WHEN), WHEN_DOC),
];

/// `when:`, one of the first three.
pub(crate) const WHEN: &[Key] = &[
    key("progress", Shape::Amount, "So much of the work is done: `40%`, or a number of units."),
    key("call", Shape::Text, "A call of this method: `ImportSST/Write`, `RawGet`, `PD/*`."),
    key("log", Shape::Text, "A regular expression that a line of the client's log or output matches."),
    key("count", Shape::Count(1, 1_000_000), "With `call`: when so many have arrived (default 1)."),
    key("answered", Shape::Count(1, 1_000_000), "With `call`: when so many were answered well."),
    key("node", Shape::Text, "With `call`: of calls to this node, `tikv(0)` or `pd(0)`."),
    key("region", Shape::Number, "With `call`: of calls that name this region."),
    key("delay", Shape::Duration, "How long after that (default 0)."),
];

const WHEN_DOC: &str = "Begins when this has happened, not when the warm-up is over.";

const FAULT_TYPE: &str = "What goes wrong.";
const SELECTOR: &str = "Where: `tikv(random)`, `br_to_all`, `lightning_to_tikv(0)`.";
const FAULT_DURATION: &str = "How long one fault lasts; `10s..1m` is drawn anew each time. Only `reset` and `close` may do \
                              without.";
const PERIOD: &str = "Repeats the fault, from one injection to the next: `\"@every 3m\"`, `\"@every 1m..5m\"` (drawn \
                      anew each time), `\"@hourly\"`, or cron with five fields, where the client starts at 00:00 on a Monday.";
const RUN_TIMES: &str = "With `period`: how many injections (default for `tikv(each)`: one for each node).";
const MODE: &str = "How many of the nodes that the selector names, chosen anew at each injection; `tikv` and `pd` need no \
                    qualifier then.";
const VALUE: &str = "With `mode`: a number of nodes, or a percentage of them.";
const DIRECTION: &str =
    "Which way, seen from the selector's source, where the fault type has a direction (default both).";
const TOTAL_RUN_TIME: &str = "With `period`: how long, from the first injection.";

/// `expect:`
pub(crate) const EXPECT: &[Key] = &[
    key("outcome", Shape::Word(&OUTCOMES), "How the client fares (default completed)."),
    key("within", Shape::Duration, "The time limit since the client's start; replaces the computed one."),
    key("phases", Shape::Map(PHASES), "What is demanded before, during and after the faults."),
    key("stuckAt", Shape::Text, "With `outcome: stuck`: the wait site, or the kind of finding (`livelock`)."),
];

/// `expect.phases:`
pub(crate) const PHASES: &[Key] = &[
    key(
        "steady",
        Shape::Map(PHASE),
        "From the client's start to the first fault; missed, the run shows nothing (`unknown`).",
    ),
    key("fault", Shape::Map(PHASE), "From the first fault to the last heal, the pauses between included."),
    key("recovery", Shape::Map(RECOVERY_PHASE), "From the last heal to the end."),
];

/// `steady:` and `fault:`
pub(crate) const PHASE: &[Key] = &[key("progress", Shape::Amount, PROGRESS)];

/// `recovery:`
pub(crate) const RECOVERY_PHASE: &[Key] = &[
    key("progress", Shape::Amount, PROGRESS),
    key("resumesWithin", Shape::Duration, "From the last heal to the first new progress, at most."),
];

const PROGRESS: &str =
    "At least so much work: `5%` of all, or a number of units; no more than is left to do.";
