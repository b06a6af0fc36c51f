//! Timestamps.

use tonic::Status;
use tonic::metadata::MetadataMap;

use super::{At, Member};
use crate::proto::pdpb::{
    ErrorType, GetExternalTimestampRequest, GetExternalTimestampResponse, GetMinTsRequest, GetMinTsResponse,
    SetExternalTimestampRequest, SetExternalTimestampResponse, Timestamp, TsoRequest, TsoResponse,
};

/// Bits of the logical part where a timestamp is one number.
const LOGICAL_BITS: u32 = 18;

/// The next timestamps of a stream.
pub(super) fn next(
    member: &Member,
    metadata: &MetadataMap,
    request: &TsoRequest,
) -> Result<TsoResponse, Status> {
    let at = member.at();
    let acting = member.acting(&at, metadata)?;
    let mut at = at.same_cluster(request.header.as_ref())?;
    if !at.leads(acting) {
        return Err(failed("requested pd is not leader of cluster"));
    }
    let timestamp = Some(stamp(&mut at, request.count)?);
    Ok(TsoResponse { header: at.header(), count: request.count, timestamp })
}

/// The last of the next `count` timestamps.
fn stamp(at: &mut At<'_>, count: u32) -> Result<Timestamp, Status> {
    let now = at.clock.unix_ms();
    let (physical, logical) = at.all.cluster.tso.next(now, count).ok_or_else(|| {
        failed(match count {
            0 => "tso count should be positive",
            _ => "global tso allocator maximum number of retries exceeded",
        })
    })?;
    Ok(Timestamp { physical: physical.cast_signed(), logical: logical.cast_signed(), suffix_bits: 0 })
}

fn failed(why: &str) -> Status {
    Status::unknown(format!("[PD:tso:ErrGenerateTimestamp]generate timestamp failed, {why}"))
}

/// The smallest timestamp that any keyspace group may yet be given: there is one group.
pub(super) fn min(at: &mut At<'_>, _: &GetMinTsRequest) -> Result<GetMinTsResponse, Status> {
    let timestamp = Some(stamp(at, 1)?);
    Ok(GetMinTsResponse { header: at.header(), timestamp })
}

pub(super) fn external(at: &mut At<'_>, _: &GetExternalTimestampRequest) -> GetExternalTimestampResponse {
    GetExternalTimestampResponse { header: at.header(), timestamp: at.cluster().safe_points.external() }
}

pub(super) fn set_external(
    at: &mut At<'_>,
    request: &SetExternalTimestampRequest,
) -> Result<SetExternalTimestampResponse, Status> {
    let now = stamp(at, 1)?;
    let global = (now.physical.cast_unsigned() << LOGICAL_BITS) + now.logical.cast_unsigned();
    let header = match at.all.cluster.safe_points.set_external(request.timestamp, global) {
        Ok(()) => at.header(),
        Err(error) => at.refusal(ErrorType::InvalidValue, error.to_string()),
    };
    Ok(SetExternalTimestampResponse { header })
}
