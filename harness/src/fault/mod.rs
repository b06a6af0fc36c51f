//! What the words of faults mean, and the plan: a case made concrete by a seed.
//!
//! * [`action`]: what a node can be told to do; with the proxy's rules, every fault is made of these
//! * [`mapping`]: which of these a fault type is
//! * [`timing`]: when the injections of a case begin and end
//! * [`plan`]: timed injections on named links and nodes

pub mod action;
pub mod mapping;
pub mod plan;
mod resolve;
pub mod timing;

pub use action::{ContainerFault, NodeEffect};
pub use plan::{Injection, Plan, Topology, Unplannable};
pub use resolve::ClientAt;
pub use unstuck_proxy::{Accept, Flow, OnHeal, OnInject, Rule};
