//! Regions divide.

use bytes::Bytes;

use super::error::MoveError;
use super::region::Region;
use super::{Due, State};

impl State {
    /// Divides a region at keys in any order, as regions know keys; returns the ids of all parts in key order.
    ///
    /// The last part keeps the id, as a store does it by default (raftstore.right-derive-when-split), and every part has the
    /// region's version plus the number of new parts.
    pub(crate) fn split(&mut self, id: u64, keys: &[Bytes]) -> Result<Vec<u64>, MoveError> {
        let region = self.regions.by_id(id).ok_or(MoveError::NoRegion(id))?;
        let mut keys = keys.to_vec();
        keys.sort_unstable();
        keys.dedup();
        let outside = |key: &&Bytes| !region.contains(key) || **key == region.meta.start_key;
        if let Some(key) = keys.iter().find(outside) {
            return Err(MoveError::NotInside { region: id, key: key.clone() });
        }
        let Some(mut last) = self.regions.remove(id) else { return Err(MoveError::NoRegion(id)) };
        if let Some(epoch) = &mut last.meta.region_epoch {
            epoch.version += keys.len() as u64;
        }
        let mut parts = Vec::with_capacity(keys.len() + 1);
        for key in keys {
            let mut part = Region { meta: last.meta.clone(), group: last.group.split_off() };
            part.meta.id = self.ids.next();
            for peer in &mut part.meta.peers {
                peer.id = self.ids.next();
            }
            part.meta.end_key = key.clone();
            last.meta.start_key = key;
            parts.push(part.meta.id);
            self.due.extend(part.group.elect_at().map(|at| (at, Due::Election(part.meta.id))));
            self.regions.insert(part);
        }
        parts.push(id);
        self.regions.insert(last);
        self.say(format!("region {id} split into {} regions", parts.len()));
        Ok(parts)
    }
}
