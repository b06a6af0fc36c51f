//! `RawBatchPut`: one time to live for each pair, or one for all.

use super::refusal::{Check, Cmd, Refusal, cf};
use crate::kv::command::{Command, On, Step, command};
use crate::proto::kvrpcpb::{RawBatchPutRequest, RawBatchPutResponse};
use crate::spec::Mode;

command! {
    RawBatchPutRequest as "RawBatchPut" -> RawBatchPutResponse;
    |put, see| put.pairs.iter().map(|pair| &pair.key).for_each(see); run;
    fn check(&self, mode: Mode) -> Result<(), RawBatchPutResponse> {
        let cmd = if self.for_cas { Cmd::raw_atomic_store } else { Cmd::raw_batch_put };
        let keys = self.pairs.iter().map(|pair| &pair.key);
        let check = Check::api(cmd, mode, self.context.as_ref())?.keys(keys.clone())?.cf(&self.cf)?;
        check.sizes(keys.filter(|_| !self.for_cas))?;
        self.ttls.iter().try_for_each(|ttl| check.ttl(*ttl).map(drop))?;
        if check.has_ttl() && self.ttls.len() > 1 && self.ttls.len() != self.pairs.len() {
            return Err(Refusal::TtlLenNotEqualsToPairs.into());
        }
        if self.pairs.is_empty() { Err(Refusal::EmptyRequest.into()) } else { Ok(()) }
    }
}

fn run(put: &RawBatchPutRequest, on: &mut On<'_>) -> Step<RawBatchPutResponse> {
    if let Err(refused) = on.propose(put.pairs.iter().map(|pair| pair.key.len() + pair.value.len())) {
        return Step::Done(RawBatchPutRequest::refused(*refused));
    }
    let cf = cf(&put.cf).unwrap_or_default();
    let for_all = if put.ttls.len() == 1 { put.ttls[0] } else { 0 };
    for (at, pair) in put.pairs.iter().enumerate() {
        let expires = on.expires(put.ttls.get(at).copied().unwrap_or(for_all));
        on.storage.raw.put(cf, &pair.key, &pair.value, expires);
    }
    Step::Done(RawBatchPutResponse::default())
}
