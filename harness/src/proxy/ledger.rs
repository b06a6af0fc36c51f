//! What each fault touched on one link. It only grows, and is readable while a fault is active and after it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use unstuck_record::Evidence;

/// Evidence by fault. The lock is held for one addition and is never taken while no fault is active.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    of: Mutex<BTreeMap<usize, Evidence>>,
}

impl Ledger {
    pub(super) fn get(&self, fault: usize) -> Evidence {
        self.lock().get(&fault).copied().unwrap_or_default()
    }

    /// Bytes held back or dropped. A FIN or an RST counts as one byte, as it does in TCP's sequence numbers.
    pub(super) fn bytes(&self, faults: &[usize], count: usize) {
        self.add(faults, count, |evidence| &mut evidence.bytes);
    }

    /// Chunks delayed.
    pub(super) fn delayed(&self, faults: &[usize], count: usize) {
        self.add(faults, count, |evidence| &mut evidence.delayed);
    }

    /// Connections closed or reset.
    pub(super) fn closed(&self, faults: &[usize], count: usize) {
        self.add(faults, count, |evidence| &mut evidence.closed);
    }

    /// Connects refused or left hanging.
    pub(super) fn refused(&self, faults: &[usize], count: usize) {
        self.add(faults, count, |evidence| &mut evidence.refused);
    }

    fn add(&self, faults: &[usize], count: usize, field: fn(&mut Evidence) -> &mut u64) {
        if faults.is_empty() || count == 0 {
            return;
        }
        let mut of = self.lock();
        for fault in faults {
            *field(of.entry(*fault).or_default()) += count as u64;
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<usize, Evidence>> {
        self.of.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
