//! Whether a store is worth asking, by what PD knows of it.

use std::time::Duration;

use fake_tikv::proto::metapb;

/// A store whose last heartbeat is older than this is taken for dead (br/pkg/utils: `storeDisconnectionDuration`).
const DEAD_AFTER: Duration = Duration::from_secs(100);

/// `Err` says why not. A store without any heartbeat is asked: old PDs do not tell.
pub(super) fn check(store: &metapb::Store, unix_ms: u64) -> Result<(), String> {
    if store.state != metapb::StoreState::Up as i32 {
        return Err(format!("store {}'s state is not up, but {}", store.id, store.state));
    }
    let age = unix_ms.saturating_sub(u64::try_from(store.last_heartbeat / 1_000_000).unwrap_or(0));
    if store.last_heartbeat != 0 && u128::from(age) >= DEAD_AFTER.as_millis() {
        return Err(format!("store {} lost its heartbeat {} s ago", store.id, age / 1000));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(state: metapb::StoreState, heartbeat_ms: i64) -> metapb::Store {
        metapb::Store {
            id: 4,
            state: state as i32,
            last_heartbeat: heartbeat_ms * 1_000_000,
            ..metapb::Store::default()
        }
    }

    #[test]
    fn a_store_is_dead_100_s_after_its_last_heartbeat() {
        let alive = store(metapb::StoreState::Up, 1_000);
        assert!(check(&alive, 100_999).is_ok());
        assert_eq!(check(&alive, 101_000), Err("store 4 lost its heartbeat 100 s ago".to_owned()));
    }

    #[test]
    fn a_store_that_never_sent_a_heartbeat_is_asked() {
        assert!(check(&store(metapb::StoreState::Up, 0), 1_000_000_000).is_ok());
    }

    #[test]
    fn a_store_that_leaves_is_not_asked() {
        assert!(check(&store(metapb::StoreState::Offline, 0), 0).is_err());
    }
}
