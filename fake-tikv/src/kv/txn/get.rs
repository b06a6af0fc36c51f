//! `KvGet`.

use crate::cluster::admit::Peers;
use crate::kv::command::{On, Step, command};
use crate::kv::txn::wire::{key_error, view};
use crate::proto::kvrpcpb::{GetRequest, GetResponse};

command! {
    GetRequest as "KvGet" -> GetResponse; |get, see| see(&get.key); run;
    const PEERS: Peers = Peers::AsAsked;
    fn read_ts(&self) -> Option<u64> {
        Some(self.version)
    }
}

fn run(get: &GetRequest, on: &mut On<'_>) -> Step<GetResponse> {
    on.storage.mvcc.read_at(get.version);
    let view = view(get.context.as_ref(), get.version);
    Step::Done(match on.storage.mvcc.get(&get.key, &view) {
        Ok(value) => {
            GetResponse { not_found: value.is_none(), value: value.unwrap_or_default(), ..Default::default() }
        }
        Err(error) => GetResponse { error: Some(key_error(&error)), ..Default::default() },
    })
}
