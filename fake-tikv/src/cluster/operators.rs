//! What PD has in hand for regions, and what became of it.

use std::collections::BTreeMap;

use crate::proto::pdpb::OperatorStatus;

/// What PD does, or did last, with a region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Operator {
    pub(crate) desc: &'static str,
    pub(crate) kind: &'static str,
    /// When it is done, on the cluster's clock.
    pub(crate) done_at: u64,
}

impl Operator {
    pub(crate) fn status(&self, now: u64) -> OperatorStatus {
        if now < self.done_at { OperatorStatus::Running } else { OperatorStatus::Success }
    }
}

/// The last operator of each region.
#[derive(Debug, Default)]
pub(crate) struct Operators(BTreeMap<u64, Operator>);

impl Operators {
    pub(crate) fn set(&mut self, region: u64, operator: Operator) {
        self.0.insert(region, operator);
    }
    pub(crate) fn of(&self, region: u64) -> Option<&Operator> {
        self.0.get(&region)
    }
}
