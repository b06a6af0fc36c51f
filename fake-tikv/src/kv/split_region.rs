//! `SplitRegion`: divides the region that the request names, at keys.
//!
//! Raw keys are taken as the mode has them, others are encoded, whatever the mode: as a real store does it.

use bytes::Bytes;
use tonic::Status;

use super::Store;
use super::command::{On, Step, command};
use crate::cluster::admit::Peers;
use crate::keys::encode;
use crate::proto::errorpb;
use crate::proto::kvrpcpb::{Context, SplitRegionRequest, SplitRegionResponse};

// its keys need not lie in the region: those that do not are passed over
command! {
    SplitRegionRequest as "SplitRegion" -> SplitRegionResponse;
    |_split, _see| {}; admitted;
}

fn admitted(_: &SplitRegionRequest, _: &mut On<'_>) -> Step<SplitRegionResponse> {
    Step::Done(SplitRegionResponse::default())
}

impl Store {
    pub(super) async fn split_region(
        &self,
        request: SplitRegionRequest,
    ) -> Result<SplitRegionResponse, Status> {
        let answer = self.carry_out(request.clone()).await?;
        Ok(if answer.region_error.is_some() { answer } else { self.divide(&request) })
    }

    fn divide(&self, request: &SplitRegionRequest) -> SplitRegionResponse {
        let refused =
            |error| SplitRegionResponse { region_error: Some(error), ..SplitRegionResponse::default() };
        let none = Context::default();
        let cluster = &mut self.shared.lock().cluster;
        let region = match cluster.admit(self.id, request.context.as_ref().unwrap_or(&none), Peers::Leader) {
            Ok(region) => region,
            Err(error) => return refused(*error),
        };
        let id = region.meta.id;
        let one = Some(&request.split_key).filter(|key| !key.is_empty());
        let known =
            |key: &Bytes| if request.is_raw_kv { self.shared.mode.region_key(key) } else { encode(key) };
        let inside = |key: &Bytes| region.contains(key) && *key != region.meta.start_key;
        let keys: Vec<Bytes> = one.into_iter().chain(&request.split_keys).map(known).filter(inside).collect();
        if keys.is_empty() {
            let message = "no valid key found for split.".into();
            return refused(errorpb::Error { message, ..errorpb::Error::default() });
        }
        let parts = cluster.split(id, &keys).expect("these keys lie inside a region that is there");
        let metas = |id: &u64| cluster.regions.by_id(*id).map(|region| region.meta.clone());
        let regions: Vec<_> = parts.iter().filter_map(metas).collect();
        let (left, right) = (regions.first().cloned(), regions.get(1).cloned());
        SplitRegionResponse { region_error: None, left, right, regions }
    }
}
