//! Regions become one.

use super::State;
use super::error::MoveError;

impl State {
    /// Merges a region into its neighbour: the target takes the keys, the source is gone. Both need a leader.
    ///
    /// Both must have their peers on the same stores: where they do not, the source's are moved first, as PD does.
    pub(crate) fn merge(&mut self, source_id: u64, target: u64) -> Result<(), MoveError> {
        let (from, to) = (self.led(source_id)?, self.led(target)?);
        let (from, to) = (&from.meta, &to.meta);
        let follows = !to.end_key.is_empty() && to.end_key == from.start_key;
        let precedes = !from.end_key.is_empty() && from.end_key == to.start_key;
        if !follows && !precedes {
            return Err(MoveError::NotNeighbours { source_id, target });
        }
        let stores = |meta: &crate::proto::metapb::Region| -> Vec<u64> {
            meta.peers.iter().map(|peer| peer.store_id).collect()
        };
        let (here, there) = (stores(from), stores(to));
        let mut leaving: Vec<u64> = here.iter().copied().filter(|store| !there.contains(store)).collect();
        for store in there.into_iter().filter(|store| !here.contains(store)) {
            match leaving.pop() {
                Some(old) => self.move_peer(source_id, old, store)?,
                None => self.add_peer(source_id, store)?,
            }
        }
        for store in leaving {
            self.remove_peer(source_id, store)?;
        }
        let (Some(gone), Some(mut grown)) = (self.regions.remove(source_id), self.regions.remove(target))
        else {
            return Err(MoveError::NoRegion(source_id));
        };
        let source_version = gone.meta.region_epoch.unwrap_or_default().version;
        if let Some(epoch) = &mut grown.meta.region_epoch {
            // preparing the merge has raised the source's version by one; the commit raises the larger of both
            epoch.version = epoch.version.max(source_version + 1) + 1;
        }
        if follows {
            grown.meta.end_key = gone.meta.end_key;
        } else {
            grown.meta.start_key = gone.meta.start_key;
        }
        self.regions.insert(grown);
        self.say(format!("region {source_id} merged into region {target}"));
        Ok(())
    }
}
