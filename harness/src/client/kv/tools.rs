//! What every part of the client needs: the environment, the revision's behaviour, seeds, the log.

use super::revision::Behaviour;
use crate::client::Env;
use crate::client::pd::{DEFAULT_TIMEOUT, PdClient, PdOptions};

/// Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Tools {
    pub(super) env: Env,
    pub(super) behaviour: Behaviour,
}

impl Tools {
    /// A client of PD, as the revision has it.
    pub(super) fn pd(&self) -> PdClient {
        let options = PdOptions { timeout: DEFAULT_TIMEOUT, scale: self.env.scale, seed: self.env.seed };
        let pd = PdClient::new(&self.env.net, self.env.pd.clone(), options);
        if self.behaviour.follows_pd_leader { pd } else { pd.keeping_its_leader() }
    }
    /// Each connection and each request jitters on its own.
    pub(super) fn seed_of(&self, of: u64, number: u64) -> u64 {
        self.env.seed ^ (of << 32) ^ number
    }
    pub(super) fn log(&self, line: &str) {
        self.env.log.line(line);
    }
}
