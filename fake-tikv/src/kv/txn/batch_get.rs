//! `KvBatchGet`.

use crate::cluster::admit::Peers;
use crate::kv::command::{On, Step, command};
use crate::kv::txn::wire::{pair, view};
use crate::proto::kvrpcpb::{BatchGetRequest, BatchGetResponse};

command! {
    BatchGetRequest as "KvBatchGet" -> BatchGetResponse; |get, see| get.keys.iter().for_each(see); run;
    const PEERS: Peers = Peers::AsAsked;
    fn read_ts(&self) -> Option<u64> {
        Some(self.version)
    }
}

/// Keys without a value are left out.
fn run(get: &BatchGetRequest, on: &mut On<'_>) -> Step<BatchGetResponse> {
    on.storage.mvcc.read_at(get.version);
    let view = view(get.context.as_ref(), get.version);
    let met = get.keys.iter().filter_map(|key| {
        let value = on.storage.mvcc.get(key, &view).transpose()?;
        Some(pair(value.map(|value| (key.clone(), value))))
    });
    Step::Done(BatchGetResponse { pairs: met.collect(), ..Default::default() })
}
