//! The plan: timed injections on named links and nodes.

use std::time::Duration;

use fake_tikv::Node;

use super::{NodeEffect, Rule};

/// What there is to choose from when a selector is resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topology {
    /// The name of the client, which is a component too: `lightning`, `br`.
    pub client: String,
    /// PD members.
    pub pd: u32,
    /// The member that leads at the start.
    pub pd_leader: u32,
    /// Store ids.
    pub stores: Vec<u64>,
}

/// One injection and its heal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Injection {
    /// The fault type as written.
    pub kind: String,
    /// The nodes whose link from the client is acted on, in order.
    pub links: Vec<Node>,
    /// What the proxies of these links do.
    pub rule: Rule,
    /// The nodes that are acted on themselves, in order.
    pub nodes: Vec<Node>,
    /// What happens to them.
    pub effect: Option<NodeEffect>,
    /// Since the client's start.
    pub start: Duration,
    /// Since the client's start.
    pub end: Duration,
}

/// Injections by start; times are real ones, unscaled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// By start.
    pub injections: Vec<Injection>,
}
