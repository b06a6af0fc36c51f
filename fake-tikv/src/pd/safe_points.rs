//! Safe points of garbage collection.

use tonic::Status;

use super::At;
use crate::proto::pdpb::{
    GetGcSafePointRequest, GetGcSafePointResponse, UpdateGcSafePointRequest, UpdateGcSafePointResponse,
    UpdateServiceGcSafePointRequest, UpdateServiceGcSafePointResponse,
};

pub(super) fn gc(at: &mut At<'_>, _: &GetGcSafePointRequest) -> GetGcSafePointResponse {
    GetGcSafePointResponse { header: at.header(), safe_point: at.cluster().safe_points.gc() }
}

pub(super) fn update_gc(at: &mut At<'_>, request: &UpdateGcSafePointRequest) -> UpdateGcSafePointResponse {
    let new_safe_point = at.all.cluster.safe_points.update_gc(request.safe_point);
    UpdateGcSafePointResponse { header: at.header(), new_safe_point }
}

pub(super) fn update_service(
    at: &mut At<'_>,
    request: &UpdateServiceGcSafePointRequest,
) -> Result<UpdateServiceGcSafePointResponse, Status> {
    let now = at.unix_s();
    let service = String::from_utf8_lossy(&request.service_id);
    let points = &mut at.all.cluster.safe_points;
    let min = points.update_service(&service, request.safe_point, request.ttl, now);
    let min = min.map_err(|error| Status::unknown(error.to_string()))?;
    Ok(UpdateServiceGcSafePointResponse {
        header: at.header(),
        service_id: min.service.into(),
        ttl: min.expires - now,
        min_safe_point: min.safe_point,
    })
}
