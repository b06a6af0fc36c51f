//! Until when old versions may be collected, and who holds that up.

use std::collections::BTreeMap;

/// The service that collects. It has a safe point as long as the cluster lives, at the smallest when nobody set it.
pub(crate) const GC_WORKER: &str = "gc_worker";

/// What a service needs to keep, and until when. Times are seconds since 1970, as PD stores them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServiceSafePoint {
    pub(crate) service: String,
    pub(crate) safe_point: u64,
    pub(crate) expires: i64,
}

/// Why a safe point is not as asked. The words are PD's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SafePointError {
    #[error("cannot remove service safe point of gc_worker")]
    RemoveGcWorker,
    #[error("TTL of gc_worker's service safe point must be infinity")]
    GcWorkerExpires,
    #[error("service id of service safepoint cannot be empty")]
    NoService,
    #[error("the external timestamp should not be larger than global ts")]
    AheadOfTime,
    #[error("the external timestamp should be larger than current external timestamp")]
    Backwards,
}

/// All safe points of a cluster.
#[derive(Debug, Default)]
pub(crate) struct SafePoints {
    gc: u64,
    services: BTreeMap<String, ServiceSafePoint>,
    external: u64,
}

impl SafePoints {
    pub(crate) fn gc(&self) -> u64 {
        self.gc
    }
    /// Moves the safe point, never back; returns where it is then.
    pub(crate) fn update_gc(&mut self, to: u64) -> u64 {
        self.gc = self.gc.max(to);
        self.gc
    }
    /// Sets what a service keeps for `ttl` seconds, or forgets it with none; returns the smallest of all services.
    ///
    /// One that is behind the smallest is not taken: what it needs may be gone.
    pub(crate) fn update_service(
        &mut self,
        service: &str,
        safe_point: u64,
        ttl: i64,
        now: i64,
    ) -> Result<ServiceSafePoint, SafePointError> {
        if ttl <= 0 {
            if service == GC_WORKER {
                return Err(SafePointError::RemoveGcWorker);
            }
            self.services.remove(service);
        }
        let min = self.min(now);
        if ttl <= 0 || safe_point < min.safe_point {
            return Ok(min);
        }
        let expires = now.saturating_add(ttl);
        if service.is_empty() {
            return Err(SafePointError::NoService);
        }
        if service == GC_WORKER && expires != i64::MAX {
            return Err(SafePointError::GcWorkerExpires);
        }
        let taken = ServiceSafePoint { service: service.into(), safe_point, expires };
        self.services.insert(service.into(), taken);
        Ok(if service == min.service { self.min(now) } else { min })
    }
    pub(crate) fn external(&self) -> u64 {
        self.external
    }
    /// Moves the external timestamp: forward, and never ahead of the last timestamp given.
    pub(crate) fn set_external(&mut self, to: u64, global: u64) -> Result<(), SafePointError> {
        if to > global {
            return Err(SafePointError::AheadOfTime);
        }
        if to <= self.external {
            return Err(SafePointError::Backwards);
        }
        self.external = to;
        Ok(())
    }

    fn min(&mut self, now: i64) -> ServiceSafePoint {
        self.services.retain(|_, service| service.expires >= now);
        let least = self.services.values().map(|service| service.safe_point).min().unwrap_or(0);
        self.services.entry(GC_WORKER.into()).or_insert_with(|| ServiceSafePoint {
            service: GC_WORKER.into(),
            safe_point: least,
            expires: i64::MAX,
        });
        let least = self.services.values().min_by_key(|service| service.safe_point);
        least.cloned().expect("the collector has one")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn min(points: &mut SafePoints, service: &str, at: u64, ttl: i64, now: i64) -> (String, u64) {
        let min = points.update_service(service, at, ttl, now).unwrap();
        (min.service, min.safe_point)
    }

    #[test]
    fn the_smallest_service_holds_the_others_up_until_it_expires() {
        let mut points = SafePoints::default();
        assert_eq!(min(&mut points, GC_WORKER, 100, i64::MAX, 0), (GC_WORKER.into(), 100));
        assert_eq!(min(&mut points, "br", 150, 10, 0), (GC_WORKER.into(), 100));
        assert_eq!(min(&mut points, GC_WORKER, 200, i64::MAX, 5), ("br".into(), 150));
        // expires after its last second
        assert_eq!(min(&mut points, "x", 0, 1, 10), ("br".into(), 150));
        assert_eq!(min(&mut points, "x", 0, 1, 11), (GC_WORKER.into(), 200));
        assert_eq!(points.services.len(), 1, "what is behind the smallest is not taken");
    }

    #[test]
    fn the_collector_stays() {
        let mut points = SafePoints::default();
        let update = |points: &mut SafePoints, service, ttl| points.update_service(service, 1, ttl, 0);
        assert_eq!(update(&mut points, GC_WORKER, 0), Err(SafePointError::RemoveGcWorker));
        assert_eq!(update(&mut points, GC_WORKER, 5), Err(SafePointError::GcWorkerExpires));
        assert_eq!(update(&mut points, "", 5), Err(SafePointError::NoService));
        assert_eq!(min(&mut points, "br", 7, -1, 0), (GC_WORKER.into(), 0));
    }

    #[test]
    fn safe_points_never_move_back() {
        let mut points = SafePoints::default();
        assert_eq!((points.update_gc(7), points.update_gc(3), points.gc()), (7, 7, 7));
        assert_eq!(points.set_external(5, 4), Err(SafePointError::AheadOfTime));
        assert_eq!(points.set_external(5, 9), Ok(()));
        assert_eq!(points.set_external(4, 9), Err(SafePointError::Backwards));
        assert_eq!(points.external(), 5);
    }
}
