//! Every word for a fault: its parameters, what it does, an example. docs/faults.md is made of this table.

use std::ops::Range;

use super::super::diagnostic::Problem;
use super::super::fields::shorten;
use super::super::refused::{self, Refused};
use super::super::suggest::did_you_mean;
use super::answers;

/// A fault type's word.
#[derive(Clone, Copy, Debug)]
pub struct Word {
    /// As it is written; `-` may stand for `_`.
    pub name: &'static str,
    /// What can be said in its brackets.
    pub parameters: &'static [&'static str],
    /// What it is.
    pub doc: &'static str,
    /// What becomes of live connections, of new ones, of the node.
    pub does: [&'static str; 3],
    /// With all that it needs.
    pub example: &'static str,
    /// A selector that fits it.
    pub at: &'static str,
}

const SAME: &str = "as before";

/// What a toxic takes, and the limits that all of them take.
macro_rules! limited {
    ($($own:literal),*) => { &[$($own,)* "toxicity", "connection", "afterBytes", "during"] };
}

/// A word of a node, or of stores.
pub(super) const fn word(name: &'static str, parameters: &'static [&'static str], doc: &'static str) -> Word {
    Word { name, parameters, doc, does: [SAME, SAME, "alive"], example: name, at: "tikv(random)" }
}

/// A word of the client's links.
const fn link(name: &'static str, parameters: &'static [&'static str], doc: &'static str) -> Word {
    Word { at: "client_to_all", ..word(name, parameters, doc) }
}

impl Word {
    const fn does(self, live: &'static str, new: &'static str, node: &'static str) -> Self {
        Self { does: [live, new, node], ..self }
    }
    /// The same to live connections and to new ones.
    const fn both(self, what: &'static str) -> Self {
        Self { does: [what, what, "alive"], ..self }
    }
    pub(super) const fn node(self, what: &'static str) -> Self {
        Self { does: [SAME, SAME, what], ..self }
    }
    pub(super) const fn like(self, example: &'static str) -> Self {
        Self { example, ..self }
    }
    const fn at(self, at: &'static str) -> Self {
        Self { at, ..self }
    }
}

/// Every word that is understood.
pub fn words() -> impl Iterator<Item = &'static Word> {
    NODES
        .iter()
        .chain(&CONTAINERS)
        .chain(&answers::WORDS)
        .chain(&LINKS)
        .chain(&NETWORK)
        .chain(&TOXICS)
        .chain(&HTTP2)
}

/// The words for what becomes of a process, or of the cluster.
const NODES: [Word; 12] = [
    word("failure", &[], "the process is gone; connections close, new ones are refused")
        .does("closed", "refused", "stopped"),
    word("down", &[], "the same as failure").does("closed", "refused", "stopped"),
    word(ROLLING_RESTART, &[], "failure of one node after the other: `tikv(each)`")
        .does("closed", "refused", "stopped, one after the other")
        .at("tikv(each)"),
    word("kill", &[], "the process is gone, connects hang; a store comes back at another address").does(
        "closed",
        "hang, at a store's old address for ever",
        "stopped; a store comes back elsewhere",
    ),
    word("freeze", &[], "the process stands still; connections are made, nothing is answered").does(
        "open, never answered",
        "made, never answered",
        "stands still",
    ),
    word("transfer_leader", &[], "the node's leads move to others, once").node("its leads move"),
    word("leader_change", &[], "the same as transfer_leader").node("its leads move"),
    word("pd_leader_change", &[], "the same as transfer_leader, of `pd(leader)`")
        .node("its lead moves")
        .at("pd(leader)"),
    word("scale_out", &[], "a store joins and takes its share of the regions, once")
        .node("a store joins and takes regions"),
    word(
        "scale_in",
        &[],
        "a store is to leave: PD moves its regions to others; at the heal it is gone, if it is empty by then",
    )
    .node("hands its regions on, and ends as a tombstone"),
    word("region_split", &[], "each region that the store leads becomes two, once")
        .node("the regions that it leads become two"),
    word("region_merge", &[], "each region that the store leads becomes one with the next, once")
        .node("the regions that it leads become one with the next"),
];

/// The words for what befalls a node's container; the world `docker` alone has them.
const CONTAINERS: [Word; 3] = [
    word("pause", &[], "the node's container stands still, its kernel does not (world `docker`)").does(
        "open; bytes are taken, none is read",
        "made, then not read",
        "stands still",
    ),
    word("network_disconnect", &[], "the node's container has no network (world `docker`)").does(
        "silent",
        "hang, then no route",
        "alive; does not hear its peers",
    ),
    word("syn_drop", &[], "SYNs to the node's container are lost (world `docker`)")
        .does(SAME, "hang", "alive"),
];

/// The words for what becomes of links.
const LINKS: [Word; 10] = [
    link("network_partition", &["direction", "reject"], "silence; new connections hang").does(
        "silent, per direction; reset, if rejecting",
        "hang; refused, if rejecting",
        "alive; between nodes it does not hear its peers",
    ),
    link("az_partition", &["direction"], "network_partition between zones: `cluster: {zones: 2}`")
        .does("silent, per direction", "hang", "does not hear the other zone")
        .at("az1_to_az2"),
    link("zone_partition", &["direction"], "the same as az_partition")
        .does("silent, per direction", "hang", "does not hear the other zone")
        .at("az1_to_az2"),
    link("blackhole", &["direction"], "silence; new connections are made and stay silent").does(
        "silent, per direction",
        "made, then silent",
        "alive",
    ),
    link("stall_read", &["then"], "the node stops reading, then resumes, closes or resets")
        .does("not read; at the heal read on, closed, or reset", "made, then not read", "alive")
        .like("stall_read(then:reset)"),
    link("reset", &[], "RST to live connections, once").does("reset, once", SAME, "alive"),
    link("close", &[], "live connections end, once").does("closed, once", SAME, "alive"),
    link("refuse", &[], "new connections are refused").does(SAME, "refused", "alive"),
    link("connect_hang", &[], "new connections hang").does(SAME, "hang", "alive"),
    link(
        "half_open",
        limited!(),
        "the node's end of connections is closed, the client's stays open and silent",
    )
    .does("open and silent; RST at the heal", "the same", "sees them end"),
];

const DELAY: &[&str] = &["latency", "jitter", "correlation", "distribution", "direction"];

/// The words for bad networks, in netem's parameters.
const NETWORK: [Word; 8] = [
    link("network_delay", DELAY, "everything is late")
        .both("late")
        .like("network_delay(latency:364ms,jitter:50ms,correlation:25%)"),
    link("network_latency", DELAY, "the same as network_delay")
        .both("late")
        .like("network_latency(latency:1s)"),
    link("network_loss", &["loss", "correlation", "direction"], "segments are lost and come again later")
        .both("late, in jerks")
        .like("network_loss(loss:10%,correlation:25%)"),
    link(
        "network_corrupt",
        &["corrupt", "correlation", "direction"],
        "segments arrive corrupted; TCP's checksum finds out, and they come again later",
    )
    .both("late, in jerks")
    .like("network_corrupt(corrupt:5%)"),
    link(
        "network_duplicate",
        &["duplicate", "correlation", "direction"],
        "segments arrive twice, of which TCP lets nobody see anything: for `unstuck export`",
    )
    .like("network_duplicate(duplicate:10%)"),
    link(
        "network_reorder",
        &["reorder", "latency", "gap", "correlation", "direction"],
        "this share of segments overtakes the rest, which are late",
    )
    .both("late")
    .like("network_reorder(reorder:25%,latency:20ms)"),
    link("network_bandwidth", &["rate", "buffer", "limit", "direction"], "no faster than a rate")
        .both("slow")
        .like("network_bandwidth(rate:256KiB/s,buffer:16KiB)"),
    link(
        "network_netem",
        &[
            "latency",
            "jitter",
            "distribution",
            "loss",
            "corrupt",
            "duplicate",
            "reorder",
            "gap",
            "correlation",
            "rate",
            "buffer",
            "limit",
            "direction",
        ],
        "all that a network does, at once",
    )
    .both("late, in jerks, slow")
    .like("network_netem(latency:50ms,jitter:10ms,loss:5%,rate:1MiB/s)"),
];

/// The words of toxics.
const TOXICS: [Word; 6] = [
    link("slow_close", limited!("delay", "direction"), "the end of a connection comes late")
        .both("their end comes late")
        .like("slow_close(delay:5s)"),
    link(
        "timeout",
        limited!("timeout", "direction"),
        "what is sent is thrown away; connections end after a time (never, if 0)",
    )
    .both("lose what is sent, then end")
    .like("timeout(timeout:10s)"),
    link(
        "reset_peer",
        limited!("timeout", "direction"),
        "RST to both sides after a time, or after so many bytes",
    )
    .both("reset, in time")
    .like("reset_peer(timeout:5s)"),
    link(
        "slicer",
        limited!("average_size", "size_variation", "delay", "direction"),
        "small pieces with pauses",
    )
    .both("in pieces")
    .like("slicer(average_size:64B,delay:1ms)"),
    link("limit_data", limited!("bytes", "direction"), "so many bytes arrive, then connections end")
        .both("end after so many bytes")
        .like("limit_data(bytes:4KiB)"),
    link(
        "corrupt",
        limited!("rate", "direction"),
        "this share of bytes arrives altered, past TCP's checksum",
    )
    .both("altered")
    .like("corrupt(rate:0.1%)"),
];

/// The words of HTTP/2.
const HTTP2: [Word; 8] = [
    link("h2_hold", limited!("path", "part", "direction"), "a part of calls does not come before the heal")
        .both("calls stand still")
        .like("h2_hold(path:/tikvpb.Tikv/*,part:trailers)"),
    link("h2_delay", limited!("path", "part", "delay", "direction"), "a part of calls comes late")
        .both("calls are late")
        .like("h2_delay(delay:2s)"),
    link(
        "h2_refuse",
        limited!("path", "nth", "error"),
        "calls are refused at their opening; the node sees nothing",
    )
    .both("calls are refused")
    .like("h2_refuse(path:/tikvpb.Tikv/*)"),
    link(
        "h2_reset",
        limited!("path", "nth", "part", "error", "direction"),
        "both sides of calls get RST_STREAM in the place of a part",
    )
    .both("calls are reset")
    .like("h2_reset(nth:2,part:data)"),
    link(
        "h2_status",
        limited!("path", "nth", "status", "message"),
        "calls are answered with a gRPC status; the node sees nothing",
    )
    .both("calls fail")
    .like("h2_status(status:UNAVAILABLE)"),
    link(
        "h2_goaway",
        limited!("error", "last_stream", "after_streams", "after", "direction"),
        "the client is told to open no more streams, once a connection",
    )
    .both("take no more calls")
    .like("h2_goaway(after_streams:2)"),
    link("h2_max_streams", limited!("limit"), "the client may have fewer streams open at a time")
        .both("have fewer streams")
        .like("h2_max_streams(limit:1)"),
    link("h2_drop_ping_acks", limited!("direction"), "PINGs are not answered")
        .both("their PINGs are not answered"),
];

/// A failure of one node after the other.
pub(crate) const ROLLING_RESTART: &str = "rolling_restart";

/// The word of this name.
pub(super) fn known(name: &str, span: Range<usize>, problems: &mut Vec<Problem>) -> Option<&'static Word> {
    let plain = name.trim().replace('-', "_");
    if let Some(word) = words().find(|w| w.name == plain) {
        return Some(word);
    }
    let problem =
        if let Some(Refused { word, why, instead }) = refused::FAULTS.iter().find(|r| r.word == plain) {
            Problem::error(span, format!("there is no fault type `{word}`: {why}")).hint(*instead)
        } else {
            let known: Vec<_> = words().map(|w| w.name).collect();
            Problem::error(span, format!("unknown fault type `{}`", shorten(name)))
                .hint(did_you_mean(name, &known))
        };
    problems.push(problem);
    None
}
