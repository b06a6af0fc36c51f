//! `RawBatchGet`: what is not there is left out.

use super::refusal::{Check, Cmd, cf};
use crate::cluster::admit::Peers;
use crate::kv::command::{On, Step, command};
use crate::proto::kvrpcpb::{KvPair, RawBatchGetRequest, RawBatchGetResponse};
use crate::spec::Mode;

command! {
    RawBatchGetRequest as "RawBatchGet" -> RawBatchGetResponse; |get, see| get.keys.iter().for_each(see); run;
    const PEERS: Peers = Peers::AsAsked;
    fn check(&self, mode: Mode) -> Result<(), RawBatchGetResponse> {
        Check::api(Cmd::raw_batch_get, mode, self.context.as_ref())?.keys(&self.keys)?.cf(&self.cf)?;
        Ok(())
    }
}

fn run(get: &RawBatchGetRequest, on: &mut On<'_>) -> Step<RawBatchGetResponse> {
    let (cf, now, raw) = (cf(&get.cf).unwrap_or_default(), on.now(), &on.storage.raw);
    let found = get.keys.iter().filter_map(|key| {
        Some(KvPair { key: key.clone(), value: raw.get(cf, key, now)?.clone(), error: None })
    });
    Step::Done(RawBatchGetResponse { pairs: found.collect(), region_error: None })
}
