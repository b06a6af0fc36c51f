//! What PD has in hand for regions, and what became of it.

use std::collections::BTreeMap;

use super::State;
use crate::proto::pdpb::OperatorStatus;

/// What PD does, or did last, with a region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Operator {
    pub(crate) desc: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) status: OperatorStatus,
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

impl State {
    /// Spreads a region; false where there is none or nobody leads it. Replicas are balanced from the start, so it is done
    /// as soon as it is asked for.
    pub(crate) fn scatter(&mut self, region: u64) -> bool {
        let led = self.regions.by_id(region).is_some_and(|region| region.leader().is_some());
        if led {
            let status = OperatorStatus::Success;
            self.operators
                .set(region, Operator { desc: "scatter-region", kind: "admin,leader,region", status });
        }
        led
    }
}
