//! What the words of faults mean, and the plan: a case made concrete by a seed.
//!
//! * [`action`]: what a proxy and a node can be told to do; every fault is made of these
//! * [`mapping`]: which of these a fault type is
//! * [`plan`]: timed injections on named links and nodes

pub mod action;
pub mod mapping;
pub mod plan;
mod resolve;

pub use action::{Accept, Flow, NodeEffect, OnHeal, OnInject, Rule};
pub use plan::{Injection, Plan, Topology, Unplannable};
