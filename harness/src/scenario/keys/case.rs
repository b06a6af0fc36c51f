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
    key("faultDuration", Shape::Duration, FAULT_DURATION),
    key(
        "recoveryTime",
        Shape::Duration,
        "What the client is granted beyond its own work and the faults (default 5m).",
    ),
    key("period", Shape::Every, PERIOD),
    key("faultRunTimes", Shape::Count(1, 10_000), RUN_TIMES),
    key("faultTotalRunTime", Shape::Duration, TOTAL_RUN_TIME),
    key("faults", Shape::List(FAULT), "More faults, or all of them; each begins when the warm-up is over."),
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
    key("faultDuration", Shape::Duration, FAULT_DURATION),
    key("period", Shape::Every, PERIOD),
    key("faultRunTimes", Shape::Count(1, 10_000), RUN_TIMES),
    key("faultTotalRunTime", Shape::Duration, TOTAL_RUN_TIME),
    key(
        "at",
        Shape::Duration,
        "From the end of the warm-up to its first injection (default 0); with `order: sequence` from the last heal of \
         the fault before it.",
    ),
    key("after", Shape::Duration, "From the last heal of the fault before it to its first injection."),
];

const FAULT_TYPE: &str = "What goes wrong.";
const SELECTOR: &str = "Where: `tikv(random)`, `br_to_all`, `lightning_to_tikv(0)`.";
const MODE: &str = "How many of the nodes that the selector names, chosen anew at each injection; `tikv` and `pd` need no \
                    qualifier then.";
const VALUE: &str = "With `mode`: a number of nodes, or a percentage of them.";
const DIRECTION: &str =
    "Which way, seen from the selector's source, where the fault type has a direction (default both).";
const FAULT_DURATION: &str = "How long one fault lasts. Only `reset` and `close` may do without.";
const PERIOD: &str = "Repeats the fault: `\"@every 3m\"`, from one injection to the next.";
const RUN_TIMES: &str = "With `period`: how many injections.";
const TOTAL_RUN_TIME: &str = "With `period`: how long, from the first injection.";

/// `expect:`
pub(crate) const EXPECT: &[Key] = &[
    key("outcome", Shape::Word(&OUTCOMES), "How the client fares (default completed)."),
    key("within", Shape::Duration, "The time limit since the client's start; replaces the computed one."),
    key("stuckAt", Shape::Text, "With `outcome: stuck`: the wait site, or the kind of finding (`livelock`)."),
];
