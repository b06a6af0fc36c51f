//! What every part of the client needs: the environment, the revision's behaviour, seeds, the log.

use super::revision::Behaviour;
use crate::client::Env;

/// Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Tools {
    pub(super) env: Env,
    pub(super) behaviour: Behaviour,
}

impl Tools {
    /// Each connection and each request jitters on its own.
    pub(super) fn seed_of(&self, of: u64, number: u64) -> u64 {
        self.env.seed ^ (of << 32) ^ number
    }
    pub(super) fn log(&self, line: &str) {
        self.env.log.line(line);
    }
}
